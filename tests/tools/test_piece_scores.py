"""`python -m ganzoo.tools.evaluate.pieces`: pieces of a model beside real tunes, shuffled bars and a Markov chain."""

import json
from itertools import pairwise

import pytest
import torch
from cells import table as cells
from commands import ganzoo
from tunes import write_chorales

from ganzoo.data import Chorales
from ganzoo.drawing.music import save_midi
from ganzoo.tools.evaluate import pieces


class Copier:
    """Draws the very passages that it is compared with."""

    def __init__(self, data):
        self.data = data

    def compose(self, chords, primer=None, seed=None):
        held = self.data.passages("test", chords.shape[1])[0]
        return held[torch.arange(len(chords)) % len(held)]


def data(folder):
    write_chorales(folder)
    return Chorales(str(folder))


def test_baselines_are_of_training_bars_and_steps(tmp_path):
    real, _ = data(tmp_path).passages("train", 4)
    bars = {tuple(bar.flatten().tolist()) for piece in real for bar in piece.split(16, 1)}
    shuffled = pieces.shuffled_bars(real, 5)
    assert shuffled.shape == (5, 1, 64, 128)
    assert {tuple(bar.flatten().tolist()) for piece in shuffled for bar in piece.split(16, 1)} <= bars
    assert torch.equal(pieces.shuffled_bars(real, 5), shuffled)
    assert not torch.equal(pieces.shuffled_bars(real, 5, seed=1), shuffled)
    chain = pieces.markov_chain(real, 50)
    assert chain.shape == (50, 1, 64, 128)
    steps, real_steps = (x[:, 0].argmax(-1) for x in (chain, real))
    known = {(a, b) for line in real_steps.tolist() for a, b in pairwise(line)}
    assert {(a, b) for line in steps.tolist() for a, b in pairwise(line)} <= known
    assert {*steps[:, 0].tolist()} <= {*real_steps[:, 0].tolist()}


def test_a_model_that_draws_the_held_out_tunes_is_at_no_distance(tmp_path):
    tunes = data(tmp_path)
    results = pieces.compare_pieces(Copier(tunes), tunes, n=6, bars=4)
    assert [*results] == ["held-out tunes", "training tunes", "model", "shuffled bars", "Markov chain"]
    for name in pieces.DISTANCES:
        assert results["model"][name] == results["held-out tunes"][name] == pytest.approx(0, abs=1e-9)
    assert results["model"]["in chord"] == results["held-out tunes"]["in chord"] > results["shuffled bars"]["in chord"]
    assert results["training tunes"]["copied"] == results["shuffled bars"]["copied"] == 1
    assert cells(pieces.table(results))["model"]["copied"] == f"{results['model']['copied']:.3f}"


class Repeater:
    """Repeats the primer, and in a draw of an odd seed rests in the second half of each bar."""

    def compose(self, chords, primer=None, seed=None):
        piece = primer.expand(len(chords), -1, -1, -1).repeat(1, 1, chords.shape[1], 1).clone()
        if seed % 2:
            piece.unflatten(2, (-1, 16))[:, :, :, 8:] = pieces.rolled(torch.zeros(1, 8, dtype=torch.long), 128)[:, None]
        return piece


def test_a_primer_changes_what_it_changes(tmp_path):
    tunes = data(tmp_path)
    held, _ = tunes.passages("test", 3)
    changes = pieces.primer_changes(Repeater(), tunes, n=len(held), bars=3)
    last = held[:, 0, -16:].argmax(-1)
    differing = (last != last.roll(1, 0)).float().mean().item()
    assert changes["another primer"] == pytest.approx([differing] * 3)
    assert differing > 0
    assert changes["another draw"] == pytest.approx([0.5] * 3)


def test_a_checkpoint_is_scored_from_the_command_line(tmp_path, capsys, digits_run):
    write_chorales(tmp_path)
    words = "--model.generator.hidden 16 --model.generator.width 8 --quality.samples 20 --trainer.max_steps 1"
    words += f" --trainer.val_check_interval 1 --trainer.accelerator cpu --data.batch_size 20 --data.root {tmp_path}"
    said = ganzoo("fit", "--recipe", "midinet_chorales", *words.split(), "--runs", tmp_path)
    assert said.status == 0, said.err
    export = str(tmp_path / "midinet_chorales" / "version_0" / "export")
    out = tmp_path / "pieces.json"
    pieces.main([export, "-n", "3", "--bars", "2", "--root", str(tmp_path), "-o", str(out)])
    printed, kept = capsys.readouterr().out, json.loads(out.read_text())
    assert printed == out.with_suffix(".md").read_text()
    assert [*cells(printed.split("\n\n")[1])][2] == "model"
    assert {*kept["scores"]["model"]} == {*pieces.DISTANCES, "in chord", "copied"}
    assert [len(shares) for shares in kept["changes"].values()] == [2, 2]
    said = ganzoo("evaluate", export, "--root", tmp_path, "--samples", 20, "-o", tmp_path / "scores.json")
    assert said.status == 0, said.err
    for name in ("note_lengths", "chord_notes", "copied_bars"):
        assert f"{name}[20/24 test]" in said.out or f"{name}[20/test]" in said.out
    with pytest.raises(SystemExit, match="draws no pieces of music"):
        pieces.main([str(digits_run.folder / "export")])
    with pytest.raises(SystemExit, match="--bars: must be at least 1"):
        pieces.main([export, "--bars", "0"])
    with pytest.raises(SystemExit, match=r"-o: .* must end in .json"):
        pieces.main([export, "-o", "pieces.txt"])


def test_midi_files_are_scored_as_a_model_is(tmp_path, capsys):
    pytest.importorskip("pretty_midi")
    tunes = data(tmp_path)
    held = tunes.passages("test", 4)[0]
    for i, piece in enumerate(held):
        save_midi(piece[None], tmp_path / "files" / f"{i}.mid")
    (tmp_path / "files" / "evil.mid").write_bytes(b"no music")
    words = [str(tmp_path / "files"), "-n", "6", "--bars", "4"]
    pieces.main([*words, "--data", "chorales", "--root", str(tmp_path)])
    scores = cells(capsys.readouterr().out)["files"]
    assert {scores[name] for name in pieces.DISTANCES} == {"0.000"}
    for given, message in ((["--data", "nowhere"], "neither of chorales, nottingham"), ([], "--data: not given")):
        with pytest.raises(SystemExit, match=message):
            pieces.main([*words, *given])
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "evil.mid").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"no MIDI file in .* can be read"):
        pieces.main([str(tmp_path / "bad"), "--data", "chorales", "--root", str(tmp_path)])
