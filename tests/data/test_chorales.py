"""Tunes in bars under chords: upbeats, rests, octaves, keys, the bars before; and the chorales' file."""

import json

import numpy as np
import pytest
import torch
from tunes import write_chorales

from ganzoo.common.chords import CHORDS, chord_numbers
from ganzoo.common.errors import GanzooError
from ganzoo.data import Chorales
from ganzoo.data.chorales import chorale
from ganzoo.data.tunes import sung_through, within_two_octaves


def data(folder, **options):
    write_chorales(folder)
    return Chorales(str(folder), **options)


def test_an_upbeat_is_left_out_and_rests_are_sung_through():
    upbeat = [[67, 60, 55, 48]] * 4
    tune = chorale([*upbeat, [], *[[72, 64, 55, 48]] * 3, [], *[[71, 62, 55, 43]] * 11])
    assert tune.melody.tolist() == [72] * 5 + [71] * 11
    assert CHORDS[int(tune.chords)] == "G"
    assert sung_through(np.array([-1, 60, -1, -1, 62, -1])).tolist() == [60, 60, 60, 60, 62, 62]
    assert len(chorale([[]] * 32).melody) == len(chorale(upbeat).melody) == 0


def test_melodies_are_moved_by_octaves_into_two():
    assert within_two_octaves(torch.tensor([60, 72, 83])).tolist() == [60, 72, 83]
    assert within_two_octaves(torch.tensor([48, 50, 52])).tolist() == [60, 62, 64]
    assert within_two_octaves(torch.tensor([70, 72, 74, 86])).tolist() == [70, 72, 74, 74]
    assert within_two_octaves(torch.tensor([0, 127])).min() >= 60


def test_a_bar_comes_with_its_chord_and_the_bar_before_it(tmp_path):
    chorales = data(tmp_path)
    x, (chords, before) = chorales.split("test")
    assert x.shape == before.shape == (24, 1, 16, 128)
    assert set(x.unique().tolist()) == {0, 255}
    assert (x == 255).sum(-1).eq(1).all()
    for tune in range(3):
        assert not before[8 * tune].any()
        assert torch.equal(before[8 * tune + 1 : 8 * tune + 8], x[8 * tune : 8 * tune + 7])
    # the triads of the first, fourth and fifth, of the first test tune's key, B
    assert [CHORDS[i] for i in chord_numbers(chords)[:4]] == ["B", "E", "F#", "B"]
    batch, (chords, before) = next(iter(chorales.loader("test")))
    assert batch.min() == before.min() == -1
    assert chorales.condition.admits((chords, before))


def test_training_tunes_are_heard_in_twelve_keys_which_move_melody_and_chord_alike(tmp_path):
    own, (own_chords, _) = data(tmp_path, keys=1).split("train")
    all_keys, (chords, before) = data(tmp_path).split("train")
    assert (len(own), len(all_keys)) == (48, 576)
    keys, moved = all_keys.unflatten(0, (12, 48)), chord_numbers(chords).unflatten(0, (12, 48))
    assert torch.equal(keys[6], own)
    for shift in range(-6, 6):
        pitches = (keys[shift + 6] > 0).int().argmax(-1) - (own > 0).int().argmax(-1)
        assert ((pitches - shift) % 12 == 0).all()
        assert ((moved[shift + 6] - chord_numbers(own_chords) - shift) % 12 == 0).all()
    assert not before[::8].any()
    with pytest.raises(GanzooError, match=r"^data\.keys: 13 given, but there are 12"):
        Chorales(keys=13)


def test_passages_are_whole_bars_of_one_tune(tmp_path):
    chorales = data(tmp_path)
    rolls, chords = chorales.passages("test", 3)
    assert (rolls.shape, chords.shape) == ((6, 1, 48, 128), (6, 3, 13))
    bars, (stored, _) = chorales.split("test")
    torch.testing.assert_close(rolls[1].unflatten(1, (3, 16)), bars[3:6].transpose(0, 1).float() / 127.5 - 1)
    assert torch.equal(chords[1], stored[3:6])
    with pytest.raises(GanzooError, match=r"^--bars: no tune of JSB chorales has 9 bars"):
        chorales.passages("test", 9)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1, 2]",
        '{"test": 3}',
        json.dumps({"test": [[["a"]] * 16]}),
        json.dumps({"test": [[[1e9]] * 16]}),
        json.dumps({"test": [[[None]] * 16]}),
        json.dumps({"test": [[[200]] * 16]}),
        json.dumps({"test": [[[-5]] * 16]}),
        json.dumps({"test": [[3] * 16]}),
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, content):
    (tmp_path / "jsb-chorales-16th.json").write_text(content)
    with pytest.raises(GanzooError, match=r"^data\.root: .* (is damaged|no tune of a whole bar)"):
        Chorales(str(tmp_path)).tunes("test")


def test_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(GanzooError, match=r"^data\.root: jsb-chorales-16th\.json is not in .*JSB-Chorales-dataset"):
        Chorales(str(tmp_path)).setup()
