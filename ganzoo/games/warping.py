"""Affine maps of images: their matrices, and resampling by them with mirrored borders, plain or filtered.

Source: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676, appendix B;
filtered warps compute what the authors' code does (https://github.com/NVlabs/stylegan2-ada-pytorch).
"""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

# Symlet 6: as orthonormal as floats are, so that doubling and halving by it leaves images what they are
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
PEAK = 5  # the tap that lies on a pixel
REST = 3  # pixels around an output that its halving looks at


def warp(x: Tensor, matrix: Tensor) -> Tensor:
    """Resamples images (N, C, H, W) by affine maps (N, 3, 3), in pixels from the centre, from output to input.

    One bilinear interpolation. Images that stay in place stay the same bit for bit. A gradient penalty needs a PyTorch
    whose `grid_sample` can be differentiated twice.
    """
    height, width = x.shape[2:]
    (xx, xy, tx), (yx, yy, ty), _ = (row.unbind(1) for row in matrix.unbind(1))
    halves = [xx, xy * (height / width), tx * (2 / width), yx * (width / height), yy, ty * (2 / height)]
    grid = affine_grid(torch.stack(halves, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    moved = grid_sample(x.float(), grid, padding_mode="reflection", align_corners=False).to(x.dtype)
    return torch.where(still(matrix), x, moved)


def filtered_warp(x: Tensor, matrix: Tensor) -> Tensor:
    """Resamples as `warp` does, at twice the side, between a wavelet's filters against aliasing.

    Borders are mirrored once, about the outermost pixels; beyond that there are zeros. Images that stay in place stay
    the same bit for bit, and on CPUs cost nothing.

    Args:
        x: images (N, C, H, W).
        matrix: maps (N, 3, 3) in pixels from the centre, from output to input.
    """
    if x.device.type != "cpu":  # where one would wait for the device to say which move
        return torch.where(still(matrix), x, resampled(x, matrix).to(x.dtype))
    moving = (~still(matrix)).flatten().nonzero().squeeze(1)
    return x.index_copy(0, moving, resampled(x[moving], matrix[moving]).to(x.dtype)) if len(moving) else x


def resampled(x: Tensor, matrix: Tensor) -> Tensor:
    """Returns what `filtered_warp` makes of images that move, in float32."""
    height, width = x.shape[2:]
    rows, columns = margins(matrix, height, width)
    tall, wide = doubling_matrix(height, rows, x), doubling_matrix(width, columns, x)
    doubled = tall @ x.float() @ wide.T  # (N, C, 2 (H + 2 rows), 2 (W + 2 columns))
    shape = [x.shape[0], x.shape[1], 2 * (height + 2 * REST), 2 * (width + 2 * REST)]

    def scaled(x: float, y: float) -> Tensor:
        return scaling_matrix(torch.full_like(matrix[:, 0, 0], x), torch.full_like(matrix[:, 0, 0], y))

    def shifted(by: float) -> Tensor:
        return translation_matrix(*[torch.full_like(matrix[:, 0, 0], by)] * 2)

    # from the coordinates of grid_sample, [-1, 1] over a picture, to half pixels from the image's centre, and back; on
    # a line of twice the side pixel i lies at 2i, half a place before the middle of its two
    outer = shifted(0.5) @ scaled(shape[3] / 2, shape[2] / 2)
    inner = scaled(2 / len(wide), 2 / len(tall)) @ shifted(-0.5)
    twice = scaled(2.0, 2.0) @ matrix @ scaled(0.5, 0.5)
    theta = inner @ twice @ outer
    grid = affine_grid(theta[:, :2], shape, align_corners=False)
    moved = grid_sample(doubled, grid, padding_mode="zeros", align_corners=False)
    return halving_matrix(height, x) @ moved @ halving_matrix(width, x).T


def still(matrix: Tensor) -> Tensor:
    """Returns for which maps (N, 3, 3) images stay in place: (N, 1, 1, 1) of bool."""
    return (matrix == torch.eye(3, device=matrix.device)).all(2).all(1)[:, None, None, None]


def margins(matrix: Tensor, height: int, width: int) -> tuple[int, int]:
    """Returns how many rows and columns the maps (N, 3, 3) need at each border, at most as many as can be mirrored.

    On CPUs, where that costs nothing to know, it is what the maps need; elsewhere all, so that nothing waits for the
    device.
    """
    if matrix.device.type != "cpu":
        return height - 1, width - 1
    x, y = (width - 1) / 2, (height - 1) / 2
    corners = torch.tensor([[-x, -y, 1], [x, -y, 1], [x, y, 1], [-x, y, 1]]).T
    reach = (matrix @ corners)[:, :2].abs().amax((0, 2)) - torch.tensor([x, y]) + 2 * REST
    columns, rows = (max(0, min(int(most), side - 1)) for most, side in zip(reach.ceil(), (width, height), strict=True))
    return rows, columns


def doubling_matrix(side: int, margin: int, like: Tensor) -> Tensor:
    """Returns the matrix (2 (side + 2 margin), side) that mirrors a line of pixels at both ends and doubles it."""
    pixels = torch.arange(-margin, side + margin, device=like.device)
    mirrored = (side - 1) - ((side - 1) - pixels.abs()).abs() if side > 1 else torch.zeros_like(pixels)
    outputs = torch.arange(2 * len(pixels), device=like.device)
    taps = outputs[:, None] - 2 * torch.arange(len(pixels), device=like.device) + PEAK
    return filter_at(taps, 2**0.5) @ (mirrored[:, None] == torch.arange(side, device=like.device)).float()


def halving_matrix(side: int, like: Tensor) -> Tensor:
    """Returns the matrix (side, 2 (side + 2 REST)) that halves a line of pixels, and leaves out REST at both ends."""
    inputs = torch.arange(2 * (side + 2 * REST), device=like.device)
    taps = inputs - 2 * (torch.arange(side, device=like.device)[:, None] + REST) + PEAK
    return filter_at(taps, 2**-0.5)


def filter_at(taps: Tensor, gain: float) -> Tensor:
    """Returns the wavelet's taps of these numbers, times a gain; 0 outside."""
    # added up from numbers, not looked up in a copy from the host, which would wait and cannot be recorded
    return sum(
        (gain * tap * (taps == number) for number, tap in enumerate(SYM6)), torch.zeros(taps.shape, device=taps.device)
    )


def rotation_matrix(angle: Tensor) -> Tensor:
    """Returns the rotations (N, 3, 3) by angles (N,) in radians."""
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return affine_matrix(cos, -sin, zero, sin, cos, zero)


def scaling_matrix(sx: Tensor, sy: Tensor) -> Tensor:
    """Returns the scalings (N, 3, 3) by factors (N,) in x and y."""
    zero = torch.zeros_like(sx)
    return affine_matrix(sx, zero, zero, zero, sy, zero)


def translation_matrix(tx: Tensor, ty: Tensor) -> Tensor:
    """Returns the translations (N, 3, 3) by shifts (N,) in x and y."""
    one, zero = torch.ones_like(tx), torch.zeros_like(tx)
    return affine_matrix(one, zero, tx, zero, one, ty)


def affine_matrix(*entries: Tensor) -> Tensor:
    """Returns matrices (N, 3, 3) of the entries (N,) of their upper two rows."""
    zero, one = torch.zeros_like(entries[0]), torch.ones_like(entries[0])
    return torch.stack([*entries, zero, zero, one], 1).view(-1, 3, 3)
