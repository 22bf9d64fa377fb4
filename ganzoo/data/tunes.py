"""Base of data sets of tunes: melodies with a chord to a bar, cut into bars of sixteen steps."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.common.chords import bar_condition, best_chords, chord_vectors, transposed
from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.kinds import MUSIC
from ganzoo.common.pitches import NOTES
from ganzoo.data.base import DataModule, Loaded, Split

BAR = 16  # steps: sixteenth notes in 4/4
LOWEST, HIGHEST = 60, 83  # C4 and B5: two octaves, into which melodies are put
OCTAVE = 12
SILENT = -1


@dataclass(frozen=True)
class Tune:
    """Melody in whole bars of 4/4, and the chord of each.

    Args:
        melody: MIDI numbers (bars * 16,) of each sixteenth note, all sounding.
        chords: numbers (bars,) of chords, see `ganzoo.common.chords`.
    """

    melody: Tensor
    chords: Tensor


def sung_through(melody: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns a melody whose rests are filled by the note before, those at its beginning by its first note."""
    sounds = melody != SILENT
    last = np.maximum.accumulate(np.where(sounds, np.arange(len(melody)), 0))
    return np.where(sounds[last], melody[last], melody[sounds.argmax()])


def within_two_octaves(melody: Tensor) -> Tensor:
    """Returns a melody moved by whole octaves so that most of it lies from C4 to B5, and the rest note by note."""
    shifts = OCTAVE * torch.tensor(sorted(range(-10, 11), key=abs))  # no further than it must be
    moved = melody + shifts[:, None]
    inside = ((moved >= LOWEST) & (moved <= HIGHEST)).sum(1)
    best = moved[int(inside.argmax())]
    below = (LOWEST - best).clamp_min(0)
    above = (best - HIGHEST).clamp_min(0)
    return best + OCTAVE * (-(-below // OCTAVE) - (-(-above // OCTAVE)))


def rolls_of(melody: Tensor) -> Tensor:
    """Returns a melody (bars * 16,) as bars (bars, 1, 16, 128) of uint8: 255 where it sounds."""
    rolls = torch.zeros(len(melody), NOTES, dtype=torch.uint8)
    rolls.scatter_(1, melody[:, None], 255)
    return rolls.unflatten(0, (-1, 1, BAR))


def sounding_chords(voices: list[NDArray[np.int64]]) -> Tensor:
    """Returns the number of the chord of each bar: which major or minor triad fits what sounds in it best.

    Args:
        voices: MIDI numbers (bars * 16,) of each, `SILENT` where it rests.
    """
    pitches = np.stack(voices, 1).reshape(-1, BAR * len(voices))  # (bars, steps and voices)
    lowest = np.where(np.stack(voices) == SILENT, NOTES, np.stack(voices)).min(0).reshape(-1, BAR)
    sounds = [counted(pitches, pitches != SILENT), counted(lowest, lowest < NOTES)]
    return best_chords(*sounds)


def counted(pitches: NDArray[np.int64], sounds: NDArray[np.bool_]) -> Tensor:
    """Returns how many of pitches (N, M) that sound are of each of the twelve classes: (N, 12)."""
    classes = (pitches % OCTAVE)[..., None] == np.arange(OCTAVE)
    return torch.from_numpy((classes & sounds[..., None]).sum(1))


def whole_bars(melody: NDArray[np.int64], chords: Tensor) -> Tune:
    """Returns the tune from the first bar on that its melody begins with: an upbeat, and bars before it, are left out.

    Args:
        melody: MIDI numbers (bars * 16,), `SILENT` where it rests.
        chords: numbers (bars,) of chords.
    """
    sounds = melody != SILENT
    first = -(-int(sounds.argmax()) // BAR) if sounds.any() else len(chords)
    if not sounds[first * BAR :].any():
        return Tune(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long))
    return Tune(torch.from_numpy(sung_through(melody[first * BAR :])), chords[first:])


def accompanied(melody: NDArray[np.int64], sounds: NDArray[np.bool_]) -> Tune:
    """Returns a melody with the chords of what sounds beside it; a bar in which nothing does keeps the chord before.

    Args:
        melody: MIDI numbers (steps,), `SILENT` where it rests.
        sounds: whether each note sounds (steps, 128).
    """
    rest = -len(melody) % BAR
    melody = np.pad(melody, (0, rest), constant_values=SILENT)
    bars = np.pad(sounds, ((0, rest), (0, 0))).reshape(-1, BAR, NOTES)
    durations = np.zeros((len(bars), OCTAVE), dtype=np.int64)
    np.add.at(durations.T, np.arange(NOTES) % OCTAVE, bars.sum(1).T)
    lowest = np.where(bars.any(2), bars.argmax(2), NOTES)
    chords = best_chords(torch.from_numpy(durations), counted(lowest, lowest < NOTES))
    heard = np.maximum.accumulate(np.where(bars.any((1, 2)), np.arange(len(bars)), 0))
    return whole_bars(melody, chords[torch.from_numpy(heard)])


class Tunes(DataModule):
    """Bars (1, 16, 128) of tunes, 1 where a note sounds and -1 elsewhere, one note at a time.

    A batch's conditions are the bars' chords (N, 13) and the bars before them (N, 1, 16, 128), silent before the first
    bar of a tune. A step is a sixteenth note in 4/4. Rests are filled by the note before them, and melodies put into
    the two octaves from C4 to B5, as MidiNet's authors do; notes that are struck again are one note.

    Args:
        root: folder or file of the data. Default: `$GANZOO_DATA`, else `./data`.
        keys: in how many keys, a semitone apart, training tunes are heard; 1 for their own alone.
        batch_size: bars per process.

    Attributes:
        bar: steps of a bar.
    """

    kind = MUSIC
    shape = (1, BAR, NOTES)
    condition = bar_condition(shape)
    bar = BAR

    def __init__(self, root: str | None = None, keys: int = OCTAVE, batch_size: int = 72) -> None:
        super().__init__(batch_size)
        require_at_least("data.keys", keys, 1)
        if keys > OCTAVE:
            raise GanzooError(f"data.keys: {keys} given, but there are {OCTAVE}.")
        self.root = Path(root or os.environ.get("GANZOO_DATA") or "data").expanduser()
        self.keys = keys
        self._tunes: dict[Split, list[Tune]] = {}

    def read(self, split: Split) -> list[Tune]:
        """Reads the tunes of a split in their own keys.

        Raises:
            GanzooError: if they are missing or damaged.
        """
        raise NotImplementedError

    def tunes(self, split: Split) -> list[Tune]:
        """Returns the tunes of a split in their own keys, within two octaves.

        Raises:
            GanzooError: if they are missing or damaged, or none has a bar.
        """
        if split not in self._tunes:
            tunes = [tune for tune in self.read(split) if len(tune.chords)]
            if not tunes:
                raise GanzooError(f"data.root: no tune of a whole bar of 4/4 in {self.root}.")
            self._tunes[split] = [Tune(within_two_octaves(tune.melody), tune.chords) for tune in tunes]
        return self._tunes[split]

    def load(self, split: Split) -> Loaded:
        """Loads the bars of a split, uint8 (N, 1, 16, 128), tune by tune, and their chords and bars before.

        Training tunes are in each of `keys` keys.
        """
        keys = range(-(self.keys // 2), self.keys - self.keys // 2) if split == "train" else [0]
        bars, chords, before = [], [], []
        for shift in keys:
            for tune in self.tunes(split):
                rolls = rolls_of(within_two_octaves(tune.melody + shift))
                bars.append(rolls)
                before += [torch.zeros_like(rolls[:1]), rolls[:-1]]
                chords.append(chord_vectors(transposed(tune.chords, shift)))
        return torch.cat(bars), (torch.cat(chords), torch.cat(before))

    def passages(self, split: Split, bars: int) -> tuple[Tensor, Tensor]:
        """Returns passages of so many bars of the tunes of a split, in their own keys, one after another.

        Returns:
            Rolls (N, 1, bars * 16, 128) in [-1, 1], and their chords (N, bars, 13).

        Raises:
            GanzooError: if no tune is that long.
        """
        rolls, chords = [], []
        for tune in self.tunes(split):
            whole = len(tune.chords) // bars
            pitches = rolls_of(tune.melody)[: whole * bars].flatten(0, 2)  # (steps, 128)
            rolls.append(pitches.unflatten(0, (whole, 1, bars * BAR)))
            chords.append(chord_vectors(tune.chords[: whole * bars]).unflatten(0, (whole, bars)))
        if not sum(map(len, rolls)):
            raise GanzooError(f"--bars: no tune of {self.title} has {bars} bars.")
        return torch.cat(rolls).float() / 127.5 - 1, torch.cat(chords)
