"""Major and minor chords: their numbers, names, notes, and the vectors that networks are given."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.common.conditions import Images, Several, Vectors
from ganzoo.common.errors import GanzooError

ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = {"DB": "C#", "EB": "D#", "GB": "F#", "AB": "G#", "BB": "A#"}
OCTAVE = len(ROOTS)
CHORDS = tuple(root + kind for kind in ("", "m") for root in ROOTS)  # their numbers: the root's, and 12 more in minor
CHORD_DIM = OCTAVE + 1
THIRDS, FIFTH = (4, 3), 7  # semitones above the root


def chord_vectors(numbers: Tensor) -> Tensor:
    """Returns chords (...) by their numbers as vectors (..., 13): twelve for the root, then 1 for minor."""
    roots = torch.nn.functional.one_hot(numbers % OCTAVE, OCTAVE)
    return torch.cat([roots, numbers[..., None] // OCTAVE], -1).float()


def chord_numbers(vectors: Tensor) -> Tensor:
    """Returns the numbers (...) of chords that vectors (..., 13) stand for."""
    return vectors[..., :OCTAVE].argmax(-1) + OCTAVE * (vectors[..., OCTAVE] > 0.5)


def chord_notes(numbers: Tensor) -> Tensor:
    """Returns which of the twelve pitch classes belong to chords (...) by their numbers: (..., 12) of bool."""
    notes = torch.zeros(len(CHORDS), OCTAVE, dtype=torch.bool)
    for number in range(len(CHORDS)):
        root, minor = number % OCTAVE, number // OCTAVE
        notes[number, [root, (root + THIRDS[minor]) % OCTAVE, (root + FIFTH) % OCTAVE]] = True
    return notes.to(numbers.device)[numbers]


def transposed(numbers: Tensor, semitones: int) -> Tensor:
    """Returns the numbers of chords so many semitones higher."""
    return (numbers + semitones) % OCTAVE + numbers // OCTAVE * OCTAVE


def best_chords(durations: Tensor, basses: Tensor) -> Tensor:
    """Returns the numbers (N,) of the chords that fit what sounds best.

    Time in which notes of a chord sound counts for it; its root counts a quarter more, and half more in the bass.

    Args:
        durations: time (N, 12) for which each pitch class sounds, in all voices.
        basses: likewise in the lowest voice.
    """
    notes = chord_notes(torch.arange(len(CHORDS))).float()
    roots = torch.arange(len(CHORDS)) % OCTAVE
    fit = durations.float() @ notes.T + 0.25 * durations[:, roots] + 0.5 * basses[:, roots]
    return fit.argmax(1)


def chord_named(name: str) -> int:
    """Returns the number of a chord by its name, such as `C`, `F#m` or `Bb`.

    Raises:
        GanzooError: if it is no major or minor chord.
    """
    minor = len(name) > 1 and name.endswith("m")
    root = (name[:-1] if minor else name).upper()
    root = FLATS.get(root, root)
    if root not in ROOTS:
        raise GanzooError(f"--chords: '{name[:20]}' is no major or minor chord, such as C, F#, Bb or Am.")
    return ROOTS.index(root) + OCTAVE * minor


def chord_text(numbers: Sequence[int]) -> str:
    """Returns the names of chords by their numbers."""
    return " ".join(CHORDS[number] for number in numbers)


def bar_condition(shape: tuple[int, ...]) -> Several:
    """Returns what a bar of this shape (C, T, P) is drawn under: its chord (13,), and the bar before it."""
    return Several((Vectors(CHORD_DIM), Images(shape)))
