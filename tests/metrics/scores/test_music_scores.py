"""Scores of piano rolls, against values found by hand."""

from types import SimpleNamespace

import pytest
import torch

from ganzoo.metrics.collection import NOTHING
from ganzoo.metrics.rolls import bar_steps, note_counts, pitch_classes
from ganzoo.metrics.score import Items, Setting
from ganzoo.metrics.selection import SCORES

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


def test_pitches_are_named_by_the_lowest_note_of_a_roll():
    piano = torch.zeros(88)
    piano[[0, 3]] = 1  # A0 and C1
    assert pitch_classes(piano).nonzero().flatten().tolist() == [0, 9]


def test_a_bar_is_what_the_data_say_or_sixteen_steps_or_the_whole_roll():
    assert [bar_steps(steps, None) for steps in (16, 64, 20)] == [16, 16, 20]
    assert bar_steps(96, SimpleNamespace(bar=48)) == 48


@pytest.mark.parametrize("name", ["empty_bars", "bar_pitches", "qualified_notes", "pitch_histogram"])
def test_music_is_at_no_distance_from_itself_in_any_order(name):
    rolls = torch.randn(12, 2, 8, 24, generator=torch.Generator().manual_seed(0)) - 1
    assert value(name, rolls.flip(0), rolls) == pytest.approx(0, abs=1e-9)
