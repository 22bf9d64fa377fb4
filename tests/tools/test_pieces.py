"""`ganzoo sample --bars`: pieces of music as MIDI, sound and pictures, under chords and after a primer."""

import wave

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image
from tunes import write_chorales

from ganzoo.drawing.music import save_midi

SMALL = "--model.generator.hidden 16 --model.generator.width 8 --model.discriminator.hidden 16 --quality.samples 20"
STEPS = "--trainer.max_steps 1 --trainer.val_check_interval 1 --trainer.accelerator cpu --data.batch_size 20"


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """The checkpoint of a MidiNet that was trained for a step, its weights large enough to decide."""
    root = tmp_path_factory.mktemp("midinet")
    write_chorales(root)
    words = f"{SMALL} {STEPS} --grid.samples 4 --data.root {root}".split()
    said = ganzoo("fit", "--recipe", "midinet_chorales", *words, "--runs", root)
    assert said.status == 0, said.err
    return root / "midinet_chorales" / "version_0" / "export"


def sample(export, *words):
    said = ganzoo("sample", export, *words)
    assert (said.status, said.err) == (0, "")


def test_pieces_are_as_many_bars_as_are_asked_for(export, tmp_path):
    sample(export, "--bars", 3, "-n", 2, "-o", tmp_path / "x.mid", "--npz", tmp_path / "x.npz")
    rolls = np.load(tmp_path / "x.npz")["samples"]
    assert rolls.shape == (2, 1, 48, 128)
    assert ((rolls > 0).sum(-1) == 1).all()
    assert (tmp_path / "x.mid").read_bytes()[:4] == b"MThd"
    sample(export, "--bars", 8, "-n", 1, "-o", tmp_path / "x.wav")
    with wave.open(str(tmp_path / "x.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(8 * 2 + 0.5)  # bars of two seconds
    sample(export, "--bars", 8, "-o", tmp_path / "x.png")
    assert Image.open(tmp_path / "x.png").width > 500


def test_chords_and_a_primer_are_taken(export, tmp_path):
    pytest.importorskip("pretty_midi")
    save_midi(2.0 * torch.nn.functional.one_hot(torch.full((16,), 72), 128)[None, None] - 1, tmp_path / "primer.mid")

    def drawn(name, *words):
        sample(export, "-n", 2, "--npz", tmp_path / name, *words)
        return np.load(tmp_path / name)["samples"]

    plain = drawn("a.npz", "--chords", "C", "Am", "F", "G")
    assert plain.shape == (2, 1, 64, 128)
    assert drawn("b.npz", "--chords", "C", "Am", "--bars", 3, "--primer", tmp_path / "primer.mid").shape[2] == 48
    assert np.array_equal(drawn("c.npz", "--chords", "C", "Am", "F", "G"), plain)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bars", "0"], "--bars: the number of bars must be at least 1"),
        (["--chords", "H"], "--chords: 'H' is no major or minor chord"),
        (["--bars", "2", "--labels", "1"], "--bars: not allowed with --labels"),
        (["--bars", "2", "--truncation", "0.5"], "--bars: not allowed with --seeds, --truncation"),
        (["--primer", "nowhere.mid"], "--primer: nowhere.mid cannot be read"),
        (["--primer", "/dev/null"], "--primer: /dev/null: "),
    ],
)
def test_what_does_not_fit_is_one_line(export, tmp_path, words, message):
    pytest.importorskip("pretty_midi")
    said = ganzoo("sample", export, *words, "-o", tmp_path / "x.mid")
    assert said.status == 2
    assert message in said.err
    assert said.err.count("\n") == 1


def test_models_of_images_compose_nothing(digits_run):
    said = ganzoo("sample", digits_run.folder / "export", "--bars", 2)
    assert said.status == 2
    assert "draws no pieces of music: it is a WGANGP" in said.err
