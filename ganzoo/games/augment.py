"""Differentiable augmentation of what the discriminator sees, real and fake alike.

Paper: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv 2006.10738, section 4.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.common.errors import GanzooError, nearest


def brightness(x: Tensor) -> Tensor:
    """Adds one number in [-0.5, 0.5) to each image."""
    return x + _per_image(x) - 0.5


def saturation(x: Tensor) -> Tensor:
    """Scales each pixel's distance from its grey value by a factor in [0, 2); leaves grey images as they are."""
    grey = x.mean(1, keepdim=True)
    return torch.lerp(grey, x, 2 * _per_image(x))


def contrast(x: Tensor) -> Tensor:
    """Scales each image's distance from its mean by a factor in [0.5, 1.5)."""
    mean = x.mean((1, 2, 3), keepdim=True)
    return torch.lerp(mean, x, 0.5 + _per_image(x))


def color(x: Tensor) -> Tensor:
    """Changes brightness, saturation and contrast, in the paper's order."""
    return contrast(saturation(brightness(x)))


def translation(x: Tensor, ratio: float = 0.125) -> Tensor:
    """Shifts each image by up to `ratio` of its side, filling with zeros."""
    return shift(x, int(x.shape[2] * ratio + 0.5), int(x.shape[3] * ratio + 0.5))


def shift(x: Tensor, dy: int, dx: int, mode: str = "constant") -> Tensor:
    """Shifts each image by up to `dy` and `dx` whole pixels either way, filling the border as `pad` does in `mode`."""
    n, _, height, width = x.shape
    rows = torch.arange(height, device=x.device) + torch.randint(0, 2 * dy + 1, (n, 1), device=x.device)
    columns = torch.arange(width, device=x.device) + torch.randint(0, 2 * dx + 1, (n, 1), device=x.device)
    padded = pad(x, (dx, dx, dy, dy), mode).permute(0, 2, 3, 1)
    images = torch.arange(n, device=x.device)[:, None, None]
    return padded[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cutout(x: Tensor, ratio: float = 0.5) -> Tensor:
    """Blanks one square of `ratio` of the side, centred anywhere in each image."""
    n, _, height, width = x.shape
    rows = _inside(n, height, int(height * ratio + 0.5), x.device)
    columns = _inside(n, width, int(width * ratio + 0.5), x.device)
    return x * ~(rows[:, :, None] & columns[:, None, :])[:, None]


POLICIES: dict[str, Callable[[Tensor], Tensor]] = {"color": color, "translation": translation, "cutout": cutout}


def augmentations(policy: str) -> list[str]:
    """Returns the augmentations that a policy names.

    Raises:
        GanzooError: if there is none of that name.
    """
    names = [name.strip() for name in policy.split(",") if name.strip()]
    for name in names:
        if name not in POLICIES:
            hint = nearest(name, POLICIES)
            raise GanzooError(
                f"model.augment: there is no '{name}'.{hint} Join any of {', '.join(POLICIES)} by commas."
            )
    return names


def diff_augment(x: Tensor, policy: str) -> Tensor:
    """Applies the named augmentations to each image independently.

    Args:
        x: images (N, C, H, W) in [-1, 1].
        policy: names from `POLICIES` joined by commas, in the order of application; empty for none.

    Returns:
        Augmented images of the same shape, differentiable with respect to `x`.

    Raises:
        GanzooError: if there is no augmentation of that name.
    """
    for name in augmentations(policy):
        x = POLICIES[name](x)
    return x


def _per_image(x: Tensor) -> Tensor:
    """Returns one uniform number in [0, 1) for each image."""
    return torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)


def _inside(n: int, length: int, side: int, device: torch.device) -> Tensor:
    """Returns which of `length` positions lie in a window of `side` centred at random: (n, length) of bool."""
    start = torch.randint(0, length + (1 - side % 2), (n, 1), device=device) - side // 2
    position = torch.arange(length, device=device)
    return (position >= start) & (position < start + side)
