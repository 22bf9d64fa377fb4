"""Fréchet and kernel distances between features of real and generated images, and the Inception Score."""

import warnings
from functools import cached_property

import torch
from torch import Tensor, nn
from torchmetrics.image.inception import InceptionScore

ROUNDING = torch.finfo(torch.float64).eps
BLOCK = 1000  # rows of a kernel matrix at a time: 80 MB for 10,000 columns


class Reference:
    """Features of real images, from which what distances need is computed once.

    Args:
        features: (N, D), in float64 for exact distances.
    """

    def __init__(self, features: Tensor):
        self.features = features
        self._rows = torch.empty(0)
        self._within = torch.empty(0)

    @cached_property
    def _gaussian(self) -> tuple[Tensor, Tensor, Tensor]:
        """Mean (D,), trace () of the covariance C, and a factor F (D, D) of it: C = F F^T."""
        mean, covariance = moments(self.features)
        values, vectors = torch.linalg.eigh(covariance)
        return mean, covariance.trace(), vectors * values.clamp_min(0).sqrt()

    def frechet_distance(self, fake: Tensor) -> Tensor:
        """Returns the FID of features (M, D); Heusel et al. 2017, https://arxiv.org/abs/1706.08500, equation 6.

        The root of the product of both covariances has the trace of the root of F^T C' F. That matrix is symmetric, so
        that its eigenvalues are real and found in a fraction of the time. It is never negative, and exactly 0 of equal
        features.
        """
        mean, trace, factor = self._gaussian
        its_mean, covariance = moments(fake)
        eigenvalues = torch.linalg.eigvalsh(factor.T @ covariance @ factor)
        shift = (mean - its_mean).square().sum()
        distance = shift + trace + covariance.trace() - 2 * eigenvalues.clamp_min(0).sqrt().sum()
        # a root makes much of an eigenvalue's rounding error: what lies within it, on either side, is 0
        noise = len(eigenvalues) * ROUNDING**0.5 * eigenvalues.max().clamp_min(0).sqrt()
        return torch.where(distance <= noise, 0, distance)

    def kernel_distance(self, fake: Tensor, subset: int, subsets: int = 100) -> Tensor:
        """Returns the KID of features (M, D), the mean over random subsets; https://arxiv.org/abs/1801.01401.

        It draws from the global random state what torchmetrics draws. The kernel of each pair is computed once where
        that is cheaper than going from subset to subset.

        Args:
            fake: Features of generated images.
            subset: Size of a subset, at most the number of real and of generated images.
            subsets: Their number.
        """
        drawn = [[torch.randperm(len(x))[:subset] for x in (self.features, fake)] for _ in range(subsets)]
        rows, columns = (torch.stack(index).to(fake.device) for index in zip(*drawn, strict=True))
        if not rows.equal(self._rows):
            self._rows, self._within = rows, _within(self.features, rows)
        within = (self._within + _within(fake, columns)) / (subset - 1)
        across = kernel_sum(self.features, fake, rows, columns) / subset
        return (within - 2 * across) / (subset * subsets)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the mean (D,) and the covariance (D, D) of features (N, D)."""
    return features.mean(0), features.T.cov()


def cubic(a: Tensor, b: Tensor) -> Tensor:
    """Returns KID's kernel (N, M) of features (N, D) and (M, D): the cube of their scaled product and 1."""
    return (a @ b.T).div_(a.shape[1]).add_(1).pow_(3)  # in place: what is left is the product's own time


def kernel_sum(a: Tensor, b: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Returns the sum of the kernel over all pairs of all subsets.

    Args:
        a: Features (N, D).
        b: Features (M, D).
        rows: Indices (subsets, n) into the first ones, each at most once in a subset.
        columns: Indices (subsets, m) into the second ones, likewise.
    """
    if rows.shape[1] * columns.numel() < 2 * len(a) * len(b):
        return torch.stack([cubic(a[i], b[j]).sum() for i, j in zip(rows, columns, strict=True)]).sum()
    # pairs meet in several subsets: each is computed once and weighted by how often
    left, right = _members(rows, len(a)), _members(columns, len(b))
    blocks = zip(a.split(BLOCK), left.split(BLOCK, dim=1), strict=True)
    return torch.stack([cubic(part, b).mul_(members.T @ right).sum() for part, members in blocks]).sum()


def _within(x: Tensor, index: Tensor) -> Tensor:
    """Sums the kernel over the pairs of different items of each subset."""
    itself = (x.square().sum(1) / x.shape[1] + 1) ** 3
    return kernel_sum(x, x, index, index) - itself[index].sum()


def _members(index: Tensor, count: int) -> Tensor:
    """Writes subsets' indices (subsets, n) as ones among zeros (subsets, count)."""
    return torch.zeros(len(index), count, device=index.device).scatter_(1, index, 1.0)


def inception_score(logits: Tensor, splits: int = 10) -> tuple[Tensor, Tensor]:
    """Returns mean and standard deviation over splits of the Inception Score; https://arxiv.org/abs/1606.03498."""
    identity = nn.Identity()  # in the place of the network
    identity.num_features = logits.shape[1]  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the features that it stores
        metric = InceptionScore(feature=identity, splits=splits, sync_on_compute=False).to(logits.device)
    metric.update(logits)
    return metric.compute()
