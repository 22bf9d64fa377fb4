"""MIDI files as tunes: melody, chords, upbeats, and files that are none; folders, zips and Nottingham's tunes."""

import json
import struct
import zipfile

import pytest
import torch

from ganzoo.common.chords import chord_named, chord_text
from ganzoo.common.errors import GanzooError
from ganzoo.data import MidiFolder, Nottingham
from ganzoo.data.midi import LARGEST, read_midi, read_midi_file
from ganzoo.drawing.music import save_midi

pytest.importorskip("pretty_midi")

TRIADS = {"C": (48, 52, 55), "F": (53, 57, 60), "Am": (45, 48, 52)}
MELODY = [72, 72, 74, 74, 76, 76, 76, 76, 77, 77, 77, 77, 79, 79, 81, 81]


def write_tune(path, chords=("C", "F", "Am"), upbeat=0):
    """Writes a melody of `MELODY` over chords, after an upbeat of so many steps in a bar of its own."""
    lead = 16 * bool(upbeat)
    rolls = -torch.ones(1, 2, lead + 16 * len(chords), 128)
    rolls[0, 0, lead - upbeat : lead, 71] = 1
    for bar, chord in enumerate(chords):
        for step, pitch in enumerate(MELODY):
            rolls[0, 0, lead + 16 * bar + step, pitch] = 1
        for pitch in TRIADS[chord]:
            rolls[0, 1, lead + 16 * bar : lead + 16 * (bar + 1), pitch] = 1
    save_midi(rolls, path)
    return path


@pytest.mark.parametrize("upbeat", [0, 4])
def test_a_file_is_read_as_it_was_written(tmp_path, upbeat):
    tune = read_midi_file(write_tune(tmp_path / "a.mid", upbeat=upbeat), "--primer")
    assert chord_text(tune.chords.tolist()) == "C F Am"
    assert tune.melody.tolist() == MELODY * 3


def test_samples_are_read_back_from_their_file(tmp_path):
    pitches = torch.randint(60, 84, (48,), generator=torch.Generator().manual_seed(0))
    rolls = 2.0 * torch.nn.functional.one_hot(pitches, 128)[None, None] - 1
    save_midi(rolls, tmp_path / "a.mid")
    assert torch.equal(read_midi_file(tmp_path / "a.mid", "-o").melody, pitches)


def track(events):
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(events)) + events


NOTE = b"\x00\x90\x3c\x40"
END = b"\x00\xff\x2f\x00"
HOSTILE = {
    "nothing": (b"", "no MIDI file"),
    "text": (b"no music", "no MIDI file"),
    "a cut header": (b"MThd\x00\x00", "no MIDI file"),
    "a track that is cut off": (track(NOTE + END)[:-6], "no MIDI file"),
    "a track of 4 GB": (track(NOTE)[:18] + struct.pack(">I", 2**32 - 1) + NOTE, "no MIDI file"),
    "no notes": (track(END), "holds no notes"),
    "a note of years": (track(NOTE + b"\xff\xff\xff\x7f\x80\x3c\x00" + END), "no MIDI file"),
    "a note of hours": (track(NOTE + b"\x84\xa5\xa8\x40\x80\x3c\x00" + END), "bars, but a tune has"),
    "a waltz": (track(b"\x00\xff\x58\x04\x03\x02\x18\x08" + NOTE + b"\x60\x80\x3c\x00" + END), "it is in 3/4"),
    "too large": (b"\x00" * (LARGEST + 1), "bytes"),
    "a division of zero": (track(NOTE + END)[:12] + b"\0\0" + track(NOTE + END)[14:], "no MIDI file|no notes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(tmp_path, name):
    content, reason = HOSTILE[name]
    (tmp_path / "evil.mid").write_bytes(content)
    with pytest.raises(GanzooError, match=rf"^--primer: .*evil\.mid.*({reason})") as error:
        read_midi_file(tmp_path / "evil.mid", "--primer")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    with pytest.raises(GanzooError, match=reason):
        read_midi(content, "x")


def folder_of(tmp_path, n=10):
    root = tmp_path / "tunes"
    root.mkdir()
    for i in range(n):
        write_tune(root / f"{i}.mid", [("C", "F", "Am")[i % 3], "F"])
    return root


def test_a_folder_or_zip_is_parted_by_names_and_leaves_out_what_is_no_tune(tmp_path, caplog):
    root = folder_of(tmp_path)
    (root / "evil.mid").write_bytes(b"no music")
    data = MidiFolder(str(root), held_out=0.2)
    assert [len(data.tunes(split)) for split in ("train", "test")] == [8, 2]
    assert "left out 1 MIDI file(s): evil.mid: it is no MIDI file" in caplog.text
    assert len(data.split("train")[0]) == 8 * 2 * 12
    with zipfile.ZipFile(tmp_path / "tunes.zip", "w") as archive:
        for path in sorted(root.iterdir()):
            archive.write(path, path.name)
    zipped = MidiFolder(str(tmp_path / "tunes.zip"), held_out=0.2)
    assert zipped.fingerprint("test") == data.fingerprint("test")
    assert zipped.title == "tunes"
    whole = MidiFolder(str(root), held_out=0.0)
    assert (whole.reference, len(whole.tunes("train"))) == ("train", 10)
    (tmp_path / "one").mkdir()
    write_tune(tmp_path / "one" / "x.mid", ["C"])
    with pytest.raises(GanzooError, match=r"^data\.held_out: 0\.1 given, but of 1 MIDI file\(s\) none is left"):
        MidiFolder(str(tmp_path / "one")).setup()
    assert len(MidiFolder(str(tmp_path / "one"), held_out=0.0).tunes("train")) == 1


def test_a_folder_without_tunes_is_refused(tmp_path):
    with pytest.raises(GanzooError, match=r"^data\.root: no MIDI file in .* There is none that ends in \.mid"):
        MidiFolder(str(tmp_path)).setup()
    (tmp_path / "evil.mid").write_bytes(b"")
    with pytest.raises(GanzooError, match=r"^data\.root: no MIDI file .* evil\.mid: it is no MIDI file"):
        MidiFolder(str(tmp_path)).setup()
    with pytest.raises(GanzooError, match=r"^data\.root: .* is no folder or zip"):
        MidiFolder(str(tmp_path / "evil.mid")).setup()
    with pytest.raises(GanzooError, match=r"^data\.held_out"):
        MidiFolder(str(tmp_path), held_out=1.0)


def folk(**more):
    melody = [[12, 4, 69], *([16 + 4 * i, 4, 69 + i] for i in range(8))]
    chords = [[16, 10, 2, "maj"], [26, 6, 9, "7"], [32, 16, 4, "m7"]]
    return {"split": "train", "meter": [4, 4], "melody": melody, "chords": chords, **more}


def nottingham(folder, tunes):
    with zipfile.ZipFile(folder / "nottingham.zip", "w") as archive:
        archive.writestr("nottingham.json", tunes if isinstance(tunes, str) else json.dumps(tunes))
    return Nottingham(str(folder))


def test_nottinghams_tunes_in_four_four_have_their_written_chords(tmp_path):
    data = nottingham(tmp_path, [folk(), folk(meter=[6, 8]), folk(split="test", chords=[[16, 16, 0, "maj"]])])
    (tune,) = data.tunes("train")
    assert chord_text(tune.chords.tolist()) == "D Em"
    assert tune.melody[::4].tolist() == [69, 70, 71, 72, 73, 74, 75, 76]
    assert data.tunes("test")[0].chords.tolist() == [chord_named("C")] * 2  # a bar without one keeps the one before


@pytest.mark.parametrize(
    "tunes", ["", "[3]", [{}], [folk(melody=[[0, 1e12, 60]])], [folk(melody=[[0, 4, 900]])], [folk(melody=3)]]
)
def test_damaged_tunes_of_nottingham_are_one_line(tmp_path, tunes):
    with pytest.raises(GanzooError, match=r"^data\.root: .*nottingham\.zip is damaged"):
        nottingham(tmp_path, tunes).tunes("train")
    (tmp_path / "nottingham.zip").write_bytes(b"no zip")
    with pytest.raises(GanzooError, match=r"^data\.root: .* is damaged"):
        Nottingham(str(tmp_path)).tunes("train")
    with pytest.raises(GanzooError, match=r"^data\.root: nottingham\.zip is not in"):
        Nottingham(str(tmp_path / "nowhere")).tunes("train")
