"""Chords: numbers, vectors, names and notes, and which one fits what sounds."""

import pytest
import torch

from ganzoo.common.chords import (
    CHORDS,
    best_chords,
    chord_named,
    chord_notes,
    chord_numbers,
    chord_text,
    chord_vectors,
    transposed,
)
from ganzoo.common.errors import GanzooError

ALL = torch.arange(len(CHORDS))


def sounding(*pitches):
    return torch.bincount(torch.tensor(pitches) % 12, minlength=12)[None]


def test_vectors_hold_a_root_and_whether_it_is_minor():
    a_minor = chord_vectors(torch.tensor([chord_named("Am")]))
    assert a_minor.tolist() == [[0.0] * 9 + [1, 0, 0, 1]]
    assert chord_numbers(chord_vectors(ALL)).tolist() == ALL.tolist()


def test_names_are_read_as_they_are_written():
    assert [chord_named(name) for name in CHORDS] == ALL.tolist()
    assert chord_named("Bb") == chord_named("A#")
    assert chord_named("ebm") == chord_named("D#m")
    assert chord_text([chord_named(name) for name in ("C", "F#m")]) == "C F#m"
    for name in ("H", "m", "", "Cdim", "C\x1b[0m"):
        with pytest.raises(GanzooError, match=r"^--chords: .* is no major or minor chord"):
            chord_named(name)


def test_a_chord_is_its_root_third_and_fifth():
    names = chord_notes(torch.tensor([chord_named("D"), chord_named("Am")])).nonzero()[:, 1].reshape(2, 3)
    assert names.tolist() == [[2, 6, 9], [0, 4, 9]]
    moved = chord_notes(transposed(ALL, 3))
    torch.testing.assert_close(moved, chord_notes(ALL).roll(3, 1))


def test_the_chord_that_fits_best_has_most_of_the_time_and_the_bass():
    notes = chord_notes(ALL).long()
    assert best_chords(notes, torch.zeros_like(notes)).tolist() == ALL.tolist()
    two = sounding(60, 64)  # C and E, of C major and A minor alike
    assert CHORDS[best_chords(two, sounding(60))] == "C"
    assert CHORDS[best_chords(two, sounding(57))] == "Am"
    passing = sounding(62, 66, 69, 62, 66, 69, 67)
    assert CHORDS[best_chords(passing, sounding(62))] == "D"
