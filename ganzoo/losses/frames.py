"""Losses of predicted frames: distances of pixels, and of how steep they are."""

from torch import Tensor


def lp_loss(images: Tensor, truth: Tensor, p: float) -> Tensor:
    """Returns the mean of |x - y|^p over all pixels: Mathieu et al. 2015, equation 3, but for the sum.

    Args:
        images: (N, C, H, W).
        truth: likewise.
        p: the exponent, 1 or 2 in the paper.
    """
    return (images.float() - truth.float()).abs().pow(p).mean()


def gradient_difference(images: Tensor, truth: Tensor, alpha: float = 1.0) -> Tensor:
    """Returns the gradient difference loss: Mathieu et al. 2015, equation 6, with means in place of the sums.

    Mean | |dx| - |dy| |^alpha of the differences of pixels that are neighbours in a column, and the same in a row. It
    is 0 for images that differ by a constant, or by their sign.

    Args:
        images: (N, C, H, W), of at least two pixels a side.
        truth: likewise.
        alpha: the exponent.
    """
    terms = [
        (images.float().diff(dim=axis).abs() - truth.float().diff(dim=axis).abs()).abs().pow(alpha).mean()
        for axis in (2, 3)
    ]
    return terms[0] + terms[1]
