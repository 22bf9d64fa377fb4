"""Difference in the share of time in which notes of their bar's chord sound, from 0 to 1."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.chords import CHORD_DIM, chord_notes, chord_numbers
from ganzoo.common.conditions import Several, Vectors, condition_of
from ganzoo.common.kinds import MUSIC
from ganzoo.metrics.bootstrap import Scored, of_sums
from ganzoo.metrics.rolls import pitch_classes, ratio_gap, sounding
from ganzoo.metrics.score import Items, Score, ScoreContext, Setting


class ChordNotes(Score):
    """Share of the time in which notes sound that those of the bar's chord do, in samples and in the reference.

    Samples are bars under chords (N, 13), or pieces of several under chords (N, bars, 13).
    """

    higher = False
    kinds = (MUSIC,)
    conditions = True
    keeps_reference = False  # which is read with its chords

    def refuses(self, context: ScoreContext) -> str | None:
        """Returns that the data have no chords, if so."""
        condition = condition_of(context.datamodule)
        chords = isinstance(condition, Several) and condition.parts[0] == Vectors(CHORD_DIM)
        return None if chords else "these data have no chords; choose pitch_histogram."

    def keep(self, x: Tensor, first: int, datamodule: Any) -> Tensor:
        """Returns the steps that each pitch class sounds in each bar (N, bars * 12)."""
        return pitch_classes(sounding(x, datamodule).sum(3).sum(1)).flatten(1)

    def prepare(self, reference: Items, setting: Setting) -> Tensor:
        """Returns the steps of notes in their chord, and of all, of the reference's bars (N, 2)."""
        bars, (chords, *_) = setting.datamodule.split(setting.datamodule.reference)
        return in_chord(self.keep(bars.float() - 127.5, 0, setting.datamodule), chords)

    def measure(self, samples: Items, reference: Items, setting: Setting) -> Scored:
        """Returns the difference."""
        return of_sums(reference.prepared, in_chord(samples.kept, samples.conditions[0]), ratio_gap, least=0, most=1)


def in_chord(time: Tensor, chords: Tensor) -> Tensor:
    """Returns the steps of notes in their chord, and of all notes (N, 2).

    Args:
        time: steps that each pitch class sounds in each bar (N, bars * 12).
        chords: (N, 13) or (N, bars, 13).
    """
    notes = chord_notes(chord_numbers(chords)).reshape(len(time), -1)
    return torch.stack([(time * notes.to(time.device)).sum(1), time.sum(1)], 1)
