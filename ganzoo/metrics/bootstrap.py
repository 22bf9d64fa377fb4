"""Bootstrap intervals of scores, from what was extracted once.

Efron 1979, "Bootstrap Methods: Another Look at the Jackknife": a score is computed again on draws, with replacement,
of as many of its own inputs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.metrics.distances import BLOCK, Reference, cubic, inception_score
from ganzoo.metrics.neighbours import memorisation
from ganzoo.metrics.swd import SlicedWasserstein

Pick = Callable[[int], Tensor]  # n to indices (resamples, n), drawn with replacement


@dataclass(frozen=True)
class Replicates:
    """Recipe for computing a score again on resamples.

    Args:
        of: What is drawn again: "samples", "reference", or both.
        again: From a source of indices to the score on every resample (resamples,).
        least: The lowest value that the score can have.
        most: The highest.
    """

    of: str
    again: Callable[[Pick], Tensor]
    least: float = -inf
    most: float = inf


@dataclass(frozen=True)
class Scored:
    """A score's value, and how to compute it again on resamples.

    Args:
        value: A scalar.
        replicates: None for a number without an interval.
    """

    value: Tensor
    replicates: Replicates | None = None


@dataclass(frozen=True)
class Interval:
    """Interval in which a score may lie, and what was resampled to find it."""

    low: float
    high: float
    of: str


@dataclass(frozen=True)
class Measurement:
    """A score as a number, and the interval in which it may lie, if one was asked for and there is one."""

    value: float
    interval: Interval | None = None


@dataclass(frozen=True)
class Bootstrap:
    """Percentile bootstrap intervals, moved so that their median is the score.

    Some scores grow when items are drawn twice, FID and KID because a resample has fewer distinct ones, so that plain
    percentiles would lie beside the score itself. What is wanted is how far scores of this very sample count lie from
    their expectation: the spread of the resamples, not their place.

    Args:
        resamples: Their number.
        level: Share of the resamples inside the interval.
        seed: Of the draws.

    Raises:
        GanzooError: These are not at least 2 resamples, or the level is not between 0 and 1.
    """

    resamples: int = 200
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 2:
            raise GanzooError(f"--bootstrap: {self.resamples} given, but it takes 2 resamples or more; 0 for none.")
        if not 0 < self.level < 1:
            raise GanzooError(f"--level: {self.level} given, but it must lie between 0 and 1.")

    def interval(self, value: float, replicates: Replicates) -> Interval:
        """Returns the interval of a score."""
        generator = torch.Generator().manual_seed(self.seed)
        scores = replicates.again(lambda n: torch.randint(n, (self.resamples, n), generator=generator)).double().cpu()
        tail = (1 - self.level) / 2
        low, middle, high = scores.quantile(torch.tensor([tail, 0.5, 1 - tail], dtype=torch.float64)).tolist()
        low, high = max(value + low - middle, replicates.least), min(value + high - middle, replicates.most)
        return Interval(min(low, value), max(high, value), replicates.of)  # which rounding may put beyond its limit


def of_mean(items: Tensor, of: str) -> Replicates:
    """Returns replicates of a mean over items (N,)."""
    items = items.double().cpu()
    lowest, highest = (end.item() for end in items.aminmax())
    return Replicates(of, lambda pick: torch.stack([items[i].mean() for i in pick(len(items))]), lowest, highest)


def mean_of(items: Tensor, of: str) -> Scored:
    """Returns the mean over items (N,) as a score; of none it is not a number, and has no interval."""
    return Scored(items.double().mean(), of_mean(items, of) if len(items) else None)


def of_fid(real: Tensor, fake: Tensor) -> Replicates:
    """Returns replicates of the Fréchet distance of features (N, D) and (M, D)."""

    def again(pick: Pick) -> Tensor:
        pairs = zip(pick(len(real)).to(real.device), pick(len(fake)).to(fake.device), strict=True)
        return torch.stack([Reference(real[i]).frechet_distance(fake[j]) for i, j in pairs])

    return Replicates("samples and reference", again, least=0)


def of_kid(real: Tensor, fake: Tensor) -> Replicates:
    """Returns replicates of the kernel distance of features (N, D) and (M, D): over all pairs, not KID's subsets.

    The kernel of a pair is computed once and counts as often as both of its items were drawn.
    """

    def again(pick: Pick) -> Tensor:
        n, m = len(real), len(fake)
        a, b = counts(pick(n)).to(real), counts(pick(m)).to(fake)
        within = [_within(x, times) / (len(x) * (len(x) - 1)) for x, times in ((real, a), (fake, b))]
        return within[0] + within[1] - 2 * _across(real, fake, a, b) / (n * m)

    return Replicates("samples and reference", again)


def of_inception_score(logits: Tensor) -> Replicates:
    """Returns replicates of the Inception Score of logits (N, K)."""
    return Replicates(
        "samples",
        lambda pick: torch.stack([inception_score(logits[i])[0] for i in pick(len(logits)).to(logits.device)]),
        least=1,
        most=logits.shape[1],
    )


def of_memorisation(generated: Tensor, held_out: Tensor) -> dict[str, Replicates]:
    """Returns replicates of memorisation's share and statistic; the training images stay as they are."""

    def part(which: int, **limits: float) -> Replicates:
        def again(pick: Pick) -> Tensor:
            pairs = zip(pick(len(generated)), pick(len(held_out)), strict=True)
            return torch.stack([memorisation(generated[i], held_out[j])[which] for i, j in pairs])

        return Replicates("samples and reference", again, **limits)

    return {"memorisation": part(0, least=0, most=1), "memorisation_z": part(1)}


def of_swd(metric: SlicedWasserstein, real: Tensor, fake: Tensor) -> Replicates:
    """Returns replicates of the sliced Wasserstein distance of images' patches, on some of its directions."""

    def again(pick: Pick) -> Tensor:
        often, fake_often = (counts(pick(len(x))).to(x) for x in (real, fake))
        return metric.resampled(real, fake, often, fake_often)

    return Replicates("samples and reference", again, least=0)


def of_sets(sets: Mapping[str, Tensor], statistic: Callable[..., Tensor], **limits: float) -> Replicates:
    """Returns replicates of any statistic of one or two sets of items.

    Args:
        sets: Items (N, ...) by what they are, "samples" or "reference", in the order of the statistic's arguments.
        statistic: From the sets to a scalar.
        **limits: `least` and `most` of the statistic, if it has them.
    """

    def again(pick: Pick) -> Tensor:
        rows = zip(*(pick(len(items)) for items in sets.values()), strict=True)
        return torch.stack([statistic(*(x[i] for x, i in zip(sets.values(), row, strict=True))) for row in rows])

    return Replicates(" and ".join(sets), again, **limits)


def of_sums(real: Tensor, fake: Tensor, statistic: Callable[[Tensor, Tensor], Tensor], **limits: float) -> Scored:
    """Returns a score that depends on the sums over the items of either side alone, with its replicates.

    Args:
        real: Numbers of each real item (N, D).
        fake: Of each sample (M, D).
        statistic: From sums (R, D) of reals and of samples to scores (R,).
        **limits: `least` and `most` of the score, if it has them.
    """
    real, fake = real.double().cpu(), fake.double().cpu()

    def again(pick: Pick) -> Tensor:
        a, b = (counts(pick(len(x))).double() @ x for x in (real, fake))
        return statistic(a, b)

    value = statistic(real.sum(0, keepdim=True), fake.sum(0, keepdim=True))
    return Scored(value.reshape(()), Replicates("samples and reference", again, **limits))


def counts(index: Tensor) -> Tensor:
    """Returns how often each of n items is in a resample, from (resamples, n) indices; in float32."""
    return torch.zeros(index.shape).scatter_add_(1, index, torch.ones(index.shape))


def _across(a: Tensor, b: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Sums the kernel over all pairs, by how often (resamples, N) and (resamples, M) their items count."""
    blocks = zip(a.split(BLOCK), left.split(BLOCK, dim=1), strict=True)
    return torch.stack([((times @ cubic(part, b)) * right).sum(1) for part, times in blocks]).sum(0)


def _within(x: Tensor, times: Tensor) -> Tensor:
    """Sums the kernel over the pairs of different draws."""
    itself = (x.square().sum(1) / x.shape[1] + 1) ** 3
    return _across(x, x, times, times) - times @ itself
