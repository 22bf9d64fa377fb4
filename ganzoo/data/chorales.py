"""Bach's chorales: the soprano's line, and chords from all four voices."""

import json
from typing import Any

import numpy as np
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.common.pitches import NOTES
from ganzoo.data.base import Split
from ganzoo.data.tunes import BAR, SILENT, Tune, Tunes, sounding_chords, sung_through

FILE = "jsb-chorales-16th.json"
VOICES = 4


class Chorales(Tunes):
    """Sopranos of 382 four-part chorales (229 to train on, 77 to test, 76 for validation, which are not used).

    Boulanger-Lewandowski, Bengio, Vincent, "Modeling Temporal Dependencies in High-Dimensional Sequences" (2012), in
    sixteenth notes: `jsb-chorales-16th.json`, as the project JSB-Chorales-dataset has it. The file holds no bar lines:
    a chorale whose length is no whole number of bars begins with an upbeat of what is over, which is left out, and all
    are read in 4/4. A bar's chord is the major or minor triad that fits the four voices best.
    """

    title = "JSB chorales"
    licence = "public domain"
    source = "Johann Sebastian Bach; Nicolas Boulanger-Lewandowski, https://github.com/czhuang/JSB-Chorales-dataset"
    standard = True

    def read(self, split: Split) -> list[Tune]:
        """Reads the chorales of a split."""
        path = self.root if self.root.is_file() else self.root / FILE
        try:
            pieces = json.loads(path.read_text(encoding="utf-8"))[split]
            return [chorale(piece) for piece in pieces]
        except OSError as error:
            raise GanzooError(
                f"data.root: {FILE} is not in {self.root.resolve()} ({error.strerror or error}). Get it from "
                "https://github.com/czhuang/JSB-Chorales-dataset, and point --data.root or GANZOO_DATA at its folder."
            ) from error
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise GanzooError(f"data.root: {path} is damaged ({type(error).__name__}: {error}).") from error


def chorale(piece: list[list[Any]]) -> Tune:
    """Returns the soprano and the chords of a piece: for each sixteenth note the pitches of the voices, highest first.

    Raises:
        ValueError: if it is nothing of the kind.
    """
    piece = piece[len(piece) % BAR :]
    pitches = np.full((len(piece), VOICES), SILENT)
    for step, voices in enumerate(piece):
        pitches[step, : len(voices[:VOICES])] = voices[:VOICES]
    if pitches.max(initial=0) >= NOTES or pitches.min(initial=0) < SILENT:
        raise ValueError("a pitch is no MIDI number")
    if not (pitches[:, 0] != SILENT).any():
        return Tune(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long))
    melody = torch.from_numpy(sung_through(pitches[:, 0]))
    return Tune(melody, sounding_chords([*pitches.T]))
