"""Nottingham's folk tunes with chords."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.common.pitches import NOTES
from ganzoo.data.base import Split
from ganzoo.data.midi import LONGEST
from ganzoo.data.tunes import BAR, OCTAVE, SILENT, Tune, Tunes, whole_bars

ARCHIVE, FILE = "nottingham.zip", "nottingham.json"
MINOR = ("min", "m7", "m6", "dim")


class Nottingham(Tunes):
    """The 529 of 1,008 folk tunes of the Nottingham Music Database that are in 4/4, with their written chords.

    E. Foxley's collection, as `nottingham.json` in `nottingham.zip`: melody and chords as numbers, times in sixteenth
    notes, and a split. A bar's chord is the one that sounds for most of it, as the major or minor triad that it begins
    with; a bar without any keeps the chord before.
    """

    title = "Nottingham folk tunes"
    licence = "GPL-3.0"
    source = "Eric Foxley's Nottingham Music Database, https://github.com/jukedeck/nottingham-dataset"
    standard = True

    def read(self, split: Split) -> list[Tune]:
        """Reads the tunes of a split."""
        path = self.root if self.root.is_file() else self.root / ARCHIVE
        try:
            tunes = json.loads(content(path))
            return [folk_tune(tune) for tune in tunes if tune["split"] == split and tune["meter"] == [4, 4]]
        except OSError as error:
            raise GanzooError(
                f"data.root: {ARCHIVE} is not in {self.root.resolve()} ({error.strerror or error}). Point --data.root "
                "or GANZOO_DATA at its folder; MIDI files of these tunes are read by ganzoo.data.MidiFolder."
            ) from error
        except (ValueError, TypeError, KeyError, IndexError, RecursionError, zipfile.BadZipFile) as error:
            raise GanzooError(f"data.root: {path} is damaged ({type(error).__name__}: {error}).") from error


def content(path: Path) -> bytes:
    """Returns the content of `nottingham.json`, which `path` is, or which lies in the zip `path`."""
    if path.suffix == ".json":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(FILE)


def folk_tune(tune: dict[str, Any]) -> Tune:
    """Returns a tune of melody [start, length, pitch] and chords [start, length, root, quality], in sixteenth notes.

    Raises:
        ValueError: if it is nothing of the kind.
    """
    ends = [start + length for start, length, *_ in (*tune["melody"], *tune["chords"])]
    bars = -(-round(max(ends, default=0)) // BAR)
    if bars > LONGEST:
        raise ValueError("a tune is too long")
    melody, sounding = np.full(bars * BAR, SILENT), np.full(bars * BAR, SILENT)
    for start, length, pitch in tune["melody"]:
        if not 0 <= pitch < NOTES:
            raise ValueError("a pitch is no MIDI number")
        melody[max(round(start), 0) : max(round(start + length), round(start) + 1)] = pitch
    for start, length, root, quality in tune["chords"]:
        sounding[max(round(start), 0) : round(start + length)] = root % OCTAVE + OCTAVE * (quality in MINOR)
    chords: list[int] = []
    for bar in sounding.reshape(-1, BAR):
        here = bar[bar != SILENT]
        chords.append(int(np.bincount(here).argmax()) if len(here) else (chords or [0])[-1])
    return whole_bars(melody, torch.tensor(chords, dtype=torch.long))
