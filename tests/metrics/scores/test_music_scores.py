"""Scores of piano rolls, against values found by hand."""

from types import SimpleNamespace

import pytest
import torch
from tunes import write_chorales

from ganzoo.common.chords import chord_named, chord_vectors
from ganzoo.data import Chorales
from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.rolls import bar_codes, bar_steps, note_counts, note_lengths, pitch_classes
from ganzoo.metrics.score import Items, ScoreContext, Setting
from ganzoo.metrics.scores.chord_notes import in_chord
from ganzoo.metrics.scores.copied_bars import copies, excess
from ganzoo.metrics.selection import DEFAULTS, SCORES

DATA = SimpleNamespace(bar=4)


def roll(*notes, steps=8, pitches=24):
    """A roll (1, 1, steps, pitches) of notes (pitch, first step, steps)."""
    x = -torch.ones(1, 1, steps, pitches)
    for pitch, first, length in notes:
        x[0, 0, first : first + length, pitch] = 1
    return x


def value(name, fake, real, data=DATA):
    score = SCORES[name]
    sides = (Items(score.keep(x, 0, data), NOTHING, NOTHING, None, NOTHING) for x in (fake, real))
    return score.measure(*sides, Setting(data)).value.item()


FULL = roll((0, 0, 2), (4, 2, 2), (7, 4, 4))  # C, E in the first bar, G in the second
HALF = roll((0, 0, 1), (12, 1, 1), (4, 2, 1))  # C, the C above and E, a step each; the second bar is empty
SILENT = roll()


def test_bars_are_empty_where_nothing_sounds():
    assert value("empty_bars", HALF, FULL) == 0.5
    assert value("empty_bars", SILENT, FULL) == 1
    assert value("empty_bars", torch.cat([HALF, SILENT]), HALF) == pytest.approx(0.25)
    two_tracks = torch.cat([FULL, SILENT], 1)  # each has bars of its own
    assert value("empty_bars", two_tracks, FULL.repeat(1, 2, 1, 1)) == 0.5


def test_pitch_classes_of_a_bar_are_counted_without_their_octave():
    # two and one against two and none
    assert value("bar_pitches", FULL, HALF) == pytest.approx(1.5 - 1)
    assert value("bar_pitches", roll((0, 0, 1), (12, 0, 1)), roll((0, 0, 1))) == 0


def test_notes_of_a_step_are_fragments():
    assert value("qualified_notes", FULL, HALF) == 1
    # one note of two steps, and one of one
    assert value("qualified_notes", roll((3, 0, 2), (5, 0, 1)), FULL) == 0.5
    # of 96 steps a bar, as in the paper, a 32nd note has three
    fine = SimpleNamespace(bar=96)
    notes = roll((3, 0, 3), (5, 0, 2), steps=96)
    assert value("qualified_notes", notes, roll((3, 0, 96), steps=96), fine) == 0.5
    assert value("qualified_notes", SILENT, SILENT) == 0


def test_notes_last_over_bars_and_begin_anew_after_a_rest():
    counts = note_counts(torch.cat([roll((3, 3, 2), (3, 6, 2)), roll((3, 7, 1))]), 2)
    assert [x.tolist() for x in counts] == [[2, 1], [2, 0]]


def test_histograms_are_of_the_time_that_sounds():
    # C E G for 2, 2, 4 of 8 steps against C, E for 2, 1 of 3
    assert value("pitch_histogram", FULL, HALF) == pytest.approx((5 / 12 + 1 / 12 + 1 / 2) / 2)
    octave_up = roll((12, 0, 2), (16, 2, 2), (19, 4, 4))
    assert value("pitch_histogram", octave_up, FULL) == 0
    assert value("pitch_histogram", roll((1, 0, 4)), FULL) == 1
    assert [value("pitch_histogram", *pair) for pair in ((SILENT, FULL), (SILENT, SILENT))] == [1, 0]


def test_lengths_of_notes_are_counted_up_to_a_bar():
    # 2, 2 and 4 steps against 1, 1 and 1
    assert value("note_lengths", FULL, HALF) == pytest.approx(1)
    assert value("note_lengths", roll((0, 0, 8), (5, 0, 2)), FULL) == pytest.approx(1 / 2 - 1 / 3)
    assert note_lengths(torch.cat([FULL, roll((0, 0, 8), (5, 7, 1))]), 4).tolist() == [[0, 2, 0, 1], [1, 0, 0, 1]]


def test_chords_are_heard_where_their_notes_sound():
    chords = torch.tensor([[chord_named("C"), chord_named("F")]])
    x = SCORES["chord_notes"].keep(FULL, 0, DATA)
    # C and E of C major; G, which is not of F major
    assert in_chord(x, chord_vectors(chords)).tolist() == [[4, 8]]
    assert in_chord(x, chord_vectors(torch.tensor([[0, chord_named("Em")]]))).tolist() == [[8, 8]]


def test_chords_and_copies_are_compared_with_those_of_the_reference(tmp_path):
    write_chorales(tmp_path)
    data = Chorales(str(tmp_path))
    bars, (chords, before) = data.split("test")
    real = bars.float() / 127.5 - 1

    def measured(name, x, chords):
        score = SCORES[name]
        empty = Items(NOTHING, NOTHING, NOTHING, None, NOTHING)
        kept = score.keep(real, 0, data) if score.keeps_reference else NOTHING
        reference = Items(kept, NOTHING, NOTHING, None, NOTHING, score.prepare(empty, Setting(data)))
        samples = Items(score.keep(x, 0, data), NOTHING, NOTHING, (chords, before), NOTHING)
        return score.measure(samples, reference, Setting(data))

    assert measured("chord_notes", real, chords).value == 0
    shares = [in_chord(SCORES["chord_notes"].keep(real, 0, data), y).sum(0) for y in (chords, chords.roll(1, 1))]
    gap = abs(float(shares[0][0] / shares[0][1] - shares[1][0] / shares[1][1]))
    assert measured("chord_notes", real, chords.roll(1, 1)).value == pytest.approx(gap)
    assert gap > 0.1
    # the figures of all chorales are the same, in some key: real bars are copies, others are not
    assert measured("copied_bars", real, chords).value == 0
    score = SCORES["copied_bars"]
    known = score.prepare(None, Setting(data))
    counts = [copies(score.keep(x, 0, data), known).sum(0).tolist() for x in (real, real.roll(1, 2))]
    assert counts == [[24, 24], [0, 24]]
    assert SCORES["copied_bars"].refuses(ScoreContext(SimpleNamespace(reference="train")))
    assert SCORES["chord_notes"].refuses(ScoreContext(SimpleNamespace(n_classes=3)))
    usual = DEFAULTS["music"].thorough(ScoreContext(data))
    assert usual[-2:] == ["chord_notes", "copied_bars"]


def test_bars_have_the_same_number_only_if_they_are_the_same():
    x = torch.randn(40, 2, 8, 24, generator=torch.Generator().manual_seed(0))
    codes = bar_codes(torch.cat([x, x[:5].flip(1), -torch.ones(1, 2, 8, 24)]), 4)
    assert codes.shape == (46, 2)
    assert codes.unique().numel() == 45 * 2 + 1
    assert (codes[45] == 0).all()
    assert torch.equal(bar_codes(x[3:4], 4), codes[3:4])
    assert excess(torch.tensor([[1.0, 4.0]]), torch.tensor([[1.0, 2.0], [0.0, 2.0]])).tolist() == [0.25, 0]


def test_pitches_are_named_by_the_lowest_note_of_a_roll():
    piano = torch.zeros(88)
    piano[[0, 3]] = 1  # A0 and C1
    assert pitch_classes(piano).nonzero().flatten().tolist() == [0, 9]


def test_a_bar_is_what_the_data_say_or_sixteen_steps_or_the_whole_roll():
    assert [bar_steps(steps, None) for steps in (16, 64, 20)] == [16, 16, 20]
    assert bar_steps(96, SimpleNamespace(bar=48)) == 48


@pytest.mark.parametrize("name", ["empty_bars", "bar_pitches", "qualified_notes", "pitch_histogram", "note_lengths"])
def test_music_is_at_no_distance_from_itself_in_any_order(name):
    rolls = torch.randn(12, 2, 8, 24, generator=torch.Generator().manual_seed(0)) - 1
    assert value(name, rolls.flip(0), rolls) == pytest.approx(0, abs=1e-9)
