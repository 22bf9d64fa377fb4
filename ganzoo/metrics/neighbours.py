"""Nearest training images of samples: whether a model copies its training data."""

from collections.abc import Iterator
from typing import Any

import torch
from scipy.stats import rankdata
from torch import Tensor

from ganzoo.common.kinds import kind_of
from ganzoo.networks.classifiers import normalised

QUANTILE = 0.05  # share of held-out images that count as near a training image
BLOCK = 2000  # images of either kind at a time: 16 MB of distances


def nearest_neighbours(samples: Tensor, datamodule: Any) -> tuple[Tensor, Tensor]:
    """Returns each sample's nearest training item by Euclidean distance of its values.

    Mirrored ones are compared, too, where a mirror does not change what a sample is, as of images.

    Args:
        samples: images (N, C, H, W), or of another kind (N, ...), in [-1, 1].
        datamodule: serves the training items through `loader("train")`.

    Returns:
        The neighbours (N, ...), and the distances (N,) as root mean squares over values, on the scale of [-1, 1].
    """
    kind = kind_of(datamodule)
    mirrored = kind is not None and kind.mirrored
    best = torch.full((len(samples),), torch.inf)
    neighbours = torch.empty_like(samples)
    flat = samples.flatten(1)
    for x, *_ in datamodule.loader("train"):
        for candidates in (x, x.flip(-1)) if mirrored else (x,):
            distance, index = torch.cdist(flat, candidates.flatten(1)).min(1)
            closer = distance < best
            best[closer] = distance[closer]
            neighbours[closer] = candidates[index[closer]]
    return neighbours, best / flat.shape[1] ** 0.5


def training_distances(images: Tensor, datamodule: Any, themselves: bool = False) -> Tensor:
    """Returns each image's distance to its nearest training image: Euclidean, of pixels.

    Mirrored training images count as well where the data module flips, since a model has seen those, too.

    Args:
        images: (N, C, H, W), uint8.
        datamodule: has the training images as `split("train")`, and says whether it is to `flip` them.
        themselves: whether these are the training images, each of which is then left out for itself.

    Returns:
        Root mean squares over pixels (N,), on the scale of [-1, 1]; exactly 0 for a copy.
    """
    best = torch.full((len(images),), torch.inf, device=images.device)
    start = 0
    for part in stored_images(datamodule.split("train")[0]):
        block = normalised(part.to(images.device))
        for training in (block, block.flip(-1)) if datamodule.flip else (block,):
            candidates = training.flatten(1)
            lengths = candidates.square().sum(1)
            for i in range(0, len(images), BLOCK):
                rows = normalised(images[i : i + BLOCK]).flatten(1)
                # squared, less what is the same for all candidates
                distance = torch.addmm(lengths, rows, candidates.T, alpha=-2)
                if themselves and i == start:
                    distance.fill_diagonal_(torch.inf)
                index = distance.argmin(1)
                # anew and from the pixels: differences of large squares are rounded
                distances = (rows - candidates[index]).square().mean(1).sqrt()
                best[i : i + BLOCK] = best[i : i + BLOCK].minimum(distances)
        start += len(part)
    return best


def memorisation(generated: Tensor, held_out: Tensor) -> tuple[Tensor, Tensor]:
    """Tests whether generated images lie nearer to the training images than held-out ones do.

    A model that has learnt the distribution and copies nothing comes as near as images that it has not seen.

    Args:
        generated: Distances to the nearest training image (N,), see `training_distances`.
        held_out: The same of real images (M,) that are not among the training images.

    Returns:
        The share of generated images that are nearer to a training image than 95% of the held-out ones are: 0.05 if
        nothing is copied, 1 if everything is. And Z_U of Meehan et al. 2020, "A Non-Parametric Test to Detect
        Data-Copying in Generative Models", section 3 (https://arxiv.org/abs/2004.05675): the Mann-Whitney statistic of
        both sets of distances, standardised; here of the whole space at once, not averaged over cells. Near 0 if both
        are alike, far below (-5, say) if generated images lie too near to the training images, far above if they lie
        too far off. It grows with the number of images.
    """
    n, m = len(generated), len(held_out)
    share = (generated < held_out.double().quantile(QUANTILE)).double().mean()
    ranks = torch.from_numpy(rankdata(torch.cat([generated, held_out]).cpu().numpy()))
    nearer = ranks[:n].sum() - n * (n + 1) / 2  # pairs in which the held-out image is nearer; half for a tie
    return share, (nearer - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5


def stored_images(items: Any) -> Iterator[Tensor]:
    """Yields a split's images in blocks (n, C, H, W), uint8, whether they lie in memory or in files."""
    for start in range(0, len(items), BLOCK):
        index = range(start, min(start + BLOCK, len(items)))
        yield items[index.start : index.stop] if isinstance(items, Tensor) else torch.stack([items[i] for i in index])
