"""Precision, recall, density and coverage: how far the supports of real and generated features overlap.

Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models", section 2
(https://arxiv.org/abs/1904.06991), and Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative
Models", section 3 (https://arxiv.org/abs/2002.09797; code: https://github.com/clovaai/generative-evaluation-prdc).

A set's manifold is the union of balls around its items, each as large as the distance to the item's k-th neighbour in
the set. An item lies in a ball if it is nearer than the radius, as in the second paper's code; a ball that duplicates
have shrunk to nothing still holds what equals its centre.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError

K = 5
BLOCK = 1000  # rows of a distance matrix at a time: 80 MB for 10,000 columns
ROUNDING = 1e-12  # of a squared distance, relative to the squared lengths that it is the difference of


@dataclass(frozen=True)
class Overlap:
    """Items whose means are the four scores; N real items, M generated ones.

    Attributes:
        precision: (M,), whether a generated item lies in a real ball. Fooled by a real outlier's large ball.
        recall: (N,), whether a real item lies in a generated ball.
        density: (M,), in how many real balls a generated item lies, over k. Its mean may exceed 1.
        coverage: (N,), whether a real ball holds a generated item.
    """

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def prdc(real: Tensor, fake: Tensor, k: int = K) -> Overlap:
    """Returns which real and generated items lie in one another's balls, exactly, in blocks.

    Args:
        real: Features (N, D).
        fake: Features (M, D).
        k: Which neighbour's distance is a ball's radius; an item is not its own neighbour.

    Returns:
        What the scores are means of, in float64.

    Raises:
        GanzooError: A set has no k-th neighbours.
    """
    for what, x in (("reference", real), ("generated", fake)):
        if not 1 <= k < len(x):
            raise GanzooError(
                f"metrics: precision, recall, density and coverage need more than {k} {what} images, not {len(x)}."
            )
    centre = real.double().mean(0)  # distances stay the same, rounding errors shrink
    real, fake = real.double() - centre, fake.double() - centre
    around_real, around_fake = squared_radii(real, k), squared_radii(fake, k)
    balls = torch.zeros(len(fake), dtype=torch.float64, device=fake.device)
    recalled, covered = [], []
    for part, radius in zip(real.split(BLOCK), around_real.split(BLOCK), strict=True):
        distance = exact_squared_distances(part, fake)
        inside = _inside(distance, radius[:, None])
        balls += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append(_inside(distance, around_fake).any(1))
    return Overlap((balls > 0).double(), torch.cat(recalled).double(), balls / k, torch.cat(covered).double())


def expected_coverage(n: int, m: int, k: int = K) -> float:
    """Returns the expected coverage of two sets from one distribution, whatever that is.

    Naeem et al. 2020, section 3.3: 1 - (n - 1) ... (n - k) / ((n + m - 1) ... (n + m - k)). A ball holds a generated
    item unless the k items nearest to its centre, of both sets, are all real.

    Args:
        n: Real items.
        m: Generated items.
        k: See `prdc`.
    """
    missed = 1.0
    for i in range(1, k + 1):
        missed *= (n - i) / (n + m - i)
    return 1 - missed


def squared_radii(x: Tensor, k: int) -> Tensor:
    """Returns each item's squared distance to its k-th neighbour among the others; x is (N, D), the result (N,)."""
    # one more, because an item is nearest to itself
    return torch.cat(
        [exact_squared_distances(part, x).topk(k + 1, largest=False).values[:, -1] for part in x.split(BLOCK)]
    )


def exact_squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Returns the squared distances (N, M) of (N, D) and (M, D) in float64; 0 for what differs by rounding alone."""
    lengths = a.square().sum(1)[:, None] + b.square().sum(1)
    distances = lengths - 2 * (a @ b.T)
    return distances.masked_fill_(distances < ROUNDING * lengths, 0)


def _inside(distance: Tensor, radius: Tensor) -> Tensor:
    """Compares squared distances and radii; the item on a ball's border that made it does not count for rounding."""
    return (distance < radius * (1 - 1e-9)) | (distance == 0)
