"""MS-SSIM between samples, a measure of diversity: near 1 where all samples are alike."""

import torch
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from ganzoo.common.seeding import mix

LEAST = 11  # pixels of a side: the Gaussian window's
MOST_PAIRS = 2000  # at most; the mean's standard error is then some thousandths
# Of the scales, finest first: Wang et al. 2003, "Multi-Scale Structural Similarity for Image Quality Assessment", 3.2.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def scales(shape: tuple[int, ...]) -> int:
    """Returns at how many of the paper's five scales images (C, H, W) are compared: those that leave the window room.

    Five from 176 pixels on, three at 64, two at 32.
    """
    side = min(shape[1:])
    fitting = [s for s in range(1, 6) if side >> (s - 1) >= LEAST and side // max(1, s - 1) ** 2 >= LEAST]
    return fitting[-1]  # the second condition is the library's


def pairwise_ms_ssim(images: Tensor, seed: int = 0, batch_size: int = 250) -> Tensor:
    """Returns the multi-scale structural similarity of random pairs of images.

    Odena et al. 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs", section 4.2
    (https://arxiv.org/abs/1610.09585): the mean over pairs is the higher, the less the images vary; compare it with
    that of real images. Here no image is in two pairs, so that the pairs are independent, and classes are not kept
    apart. Images too small for five scales are compared at the finest of them, whose weights are then scaled to a sum
    of 1; values at different numbers of scales cannot be compared. What is negative counts as 0.

    Args:
        images: (N, C, H, W), uint8, of at least 11 pixels.
        seed: of the pairs, at most 2,000.
        batch_size: pairs compared at a time.

    Returns:
        One value in [0, 1] for each pair.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(mix(seed, len(images))))
    count = min(len(images) // 2, MOST_PAIRS)
    weights = torch.tensor(SCALE_WEIGHTS[: scales(tuple(images.shape[1:]))])
    betas = tuple((weights / weights.sum()).tolist())
    similarities = []
    for pair in order[: 2 * count].view(2, -1).split(batch_size, dim=1):
        a, b = (images[index.to(images.device)].float() / 255 for index in pair)
        similarities.append(
            multiscale_structural_similarity_index_measure(
                a, b, reduction="none", data_range=1.0, betas=betas, normalize="relu"
            ).view(-1)
        )
    return torch.cat(similarities)
