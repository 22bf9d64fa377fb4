"""Statistics of piano rolls after MuseGAN, as sums over samples.

Dong et al. 2018, "MuseGAN: Multi-track Sequential Generative Adversarial Networks for Symbolic Music Generation and
Accompaniment", section "Objective metrics for evaluation" (https://arxiv.org/abs/1709.06298). There each is compared
with its value on the training data; here the score is the difference from the reference's.
"""

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.pitches import lowest_note

OCTAVE = 12
BAR = 16  # steps: sixteenth notes in 4/4
SHORT = 32  # of a whole note: what is no longer than this is a fragment


def bar_steps(steps: int, datamodule: Any) -> int:
    """Returns the steps of a bar: the data's `bar`, else 16; the whole roll if it is no multiple of that."""
    bar = getattr(datamodule, "bar", BAR)
    return bar if steps % bar == 0 else steps


def sounding(rolls: Tensor, datamodule: Any) -> Tensor:
    """Returns where notes sound in rolls (N, C, T, P), bar by bar: (N, C, bars, steps, P) of bool."""
    bar = bar_steps(rolls.shape[2], datamodule)
    return (rolls > 0).unflatten(2, (-1, bar))


def pitch_classes(notes: Tensor) -> Tensor:
    """Sums over pitches (..., P) of the same name, C to B: (..., 12)."""
    lowest = lowest_note(notes.shape[-1])
    index = (torch.arange(notes.shape[-1], device=notes.device) + lowest) % OCTAVE
    total = torch.zeros(*notes.shape[:-1], OCTAVE, device=notes.device)
    return total.index_add_(notes.dim() - 1, index, notes.float())


def note_counts(rolls: Tensor, shortest: int) -> tuple[Tensor, Tensor]:
    """Returns the number of notes of rolls (N, C, T, P), and of those that last at least so many steps: each (N,)."""
    on = (rolls > 0).movedim(2, -1).flatten(1, 2)  # (N, C * P, T)
    before = torch.cat([torch.zeros_like(on[..., :1]), on[..., :-1]], -1)
    begun = on & ~before
    lasting = begun.clone()
    for step in range(1, shortest):
        later = torch.zeros_like(on)
        later[..., : max(on.shape[-1] - step, 0)] = on[..., step:]
        lasting &= later
    return begun.sum((1, 2)), lasting.sum((1, 2))


def note_lengths(rolls: Tensor, longest: int) -> Tensor:
    """Returns how many notes of rolls (N, C, T, P) last 1, 2 ... steps: (N, longest), longer ones among the last."""
    on = (rolls > 0).movedim(2, -1).flatten(1, 2)  # (N, C * P, T)
    lasting = on & ~torch.cat([torch.zeros_like(on[..., :1]), on[..., :-1]], -1)
    counts = [lasting.sum((1, 2))]  # of notes of at least 1, 2 ... steps
    for step in range(1, longest):
        later = torch.zeros_like(on)
        later[..., : max(on.shape[-1] - step, 0)] = on[..., step:]
        lasting = lasting & later
        counts.append(lasting.sum((1, 2)))
    at_least = torch.stack(counts, 1)
    return at_least - torch.cat([at_least[:, 1:], torch.zeros_like(at_least[:, :1])], 1)


def bar_codes(rolls: Tensor, bar: int) -> Tensor:
    """Returns a number (N, bars) of each bar of rolls (N, C, T, P), equal where bars are, and 0 for an empty one.

    Numbers are sums of random 64-bit ones, fixed for all time, of which the place of each sounding note adds its own.
    """
    on = (rolls > 0).unflatten(2, (-1, bar)).movedim(2, 1).flatten(2).cpu()  # (N, bars, C * bar * P)
    random = torch.Generator().manual_seed(0)
    places = torch.randint(-(2**62), 2**62, (on.shape[2],), generator=random)
    return torch.stack([(part.long() * places).sum(-1) for part in on])


def total_variation(a: Tensor, b: Tensor) -> Tensor:
    """Returns the total variation distance (R,) between histograms (R, D); an empty one is at 1 from any other."""
    empty = [x.sum(1) == 0 for x in (a, b)]
    p, q = (x / x.sum(1, keepdim=True).clamp_min(1) for x in (a, b))
    distance = (p - q).abs().sum(1) / 2
    return torch.where(empty[0] ^ empty[1], 1, distance)


def ratio_gap(a: Tensor, b: Tensor) -> Tensor:
    """Returns how far the ratios of sums (R, 2), first to second, are apart (R,); of nothing the ratio is 0."""
    first, second = (x[:, 0] / x[:, 1].clamp_min(1) for x in (a, b))
    return (first - second).abs()
