"""ADA: adaptive discriminator augmentation, as often as it takes to keep small data from being learnt by heart.

Paper: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676, section 3 and
appendix B.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ganzoo.common.distributed import sum_over_processes
from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class ADA(Stabiliser):
    """Augments each image with probability p, which rises as the discriminator gets surer of real images.

    p rises while r_t = E sign(D(x)) on real images is above its target, and falls while it is below: for losses whose
    boundary between real and generated is a logit of 0. Kept up to p of about 0.8, the generator learns none of it.

    The augmentations are the paper's `bgc`, without changes of hue and inverted brightness. One bilinear interpolation
    does all that is geometric, with mirrored borders; the paper's code filters against aliasing around it.

    Args:
        target: aim for r_t.
        images: so many real images take p from 0 to 1, or back.
        interval: p moves after so many steps of the discriminator.
        flips: mirror, and turn by quarters; not for digits or letters.
        turn: largest angle of the free rotations in degrees.

    Attributes:
        p: the present probability, part of the training state.
    """

    augments = True
    p: Tensor
    heard: Tensor  # sum of signs and number of real images since p last moved
    steps: Tensor  # of the discriminator since then

    def __init__(
        self,
        target: float = 0.6,
        images: int = 500_000,
        interval: int = 4,
        flips: bool = True,
        turn: float = 180.0,
    ) -> None:
        super().__init__()
        for name, value in (("images", images), ("interval", interval)):
            if value < 1:
                raise GanzooError(f"model.stabilisers.{name}: must be at least 1, not {value}.")
        self.target = target
        self.images = images
        self.interval = interval
        self.flips = flips
        self.turn = turn
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("heard", torch.zeros(2))
        self.register_buffer("steps", torch.zeros(()))

    def check(self, game: Stabilised) -> None:
        """Raises GanzooError if the signs of the discriminator's answers mean nothing.

        Raises:
            GanzooError: if its answers are not positive for what it takes for real.
        """
        if game.answers == "scores":
            raise GanzooError(
                f"model.stabilisers: ADA goes by the signs of logits, which mean nothing in {type(game).__name__}."
            )

    def see(self, game: Stabilised, x: Tensor) -> Tensor:
        """Augments images (N, C, H, W).

        Raises:
            GanzooError: if these are no images.
        """
        if x.dim() != 4:
            raise GanzooError(f"model.stabilisers: ADA is for images, but the data has shape {tuple(x.shape[1:])}.")
        with torch.autocast(x.device.type, enabled=False):  # places in an image want more than bfloat16's three digits
            return self.colour(warp(x, self.geometry(x)))

    @torch.no_grad()
    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Counts the signs of the logits of real images over all processes; adds no term."""
        self.require_judged(game, move)
        signs = torch.cat([judgement.logits.float().sign().flatten() for judgement in move.real])
        heard = sum_over_processes(torch.stack([signs.sum(), torch.full_like(signs, 1).sum()]))
        self.heard.add_(heard)
        move.note("d/ada_r", heard[0] / heard[1])
        return {}

    @torch.no_grad()
    def after_d(self, game: Stabilised, move: AdversarialMove) -> None:
        """Moves p every `interval` steps, without a branch, so that nothing waits for the device."""
        self.steps.add_(1)
        due = (self.steps >= self.interval).float()
        signs, images = self.heard
        self.p.add_(due * (signs / images - self.target).sign() * images / self.images).clamp_(0, 1)
        self.heard.mul_(1 - due)
        self.steps.mul_(1 - due)
        move.note("d/ada_p", self.p)

    def maybe(self, drawn: Tensor, otherwise: float, p: Tensor | None = None) -> Tensor:
        """Returns `drawn` (N, ...) for each image with probability p, else `otherwise`."""
        chosen = torch.rand(len(drawn), device=drawn.device) < (self.p if p is None else p)
        return torch.where(chosen.view(-1, *[1] * (drawn.dim() - 1)), drawn, otherwise)

    def geometry(self, x: Tensor) -> Tensor:
        """Draws for each image an affine map (N, 3, 3) from output to input coordinates, in pixels."""
        n, _, height, width = x.shape
        matrix = torch.eye(3, device=x.device).expand(n, 3, 3)
        if self.flips:
            mirrored = self.maybe(torch.randint(0, 2, (n,), device=x.device).float(), 0)
            quarters = self.maybe(torch.randint(0, 4, (n,), device=x.device).float(), 0)
            matrix = matrix @ scaling_matrix(1 - 2 * mirrored, torch.ones_like(mirrored))
            matrix = matrix @ rotation_matrix(math.pi / 2 * quarters)
        by = self.maybe(0.25 * torch.rand(n, 2, device=x.device) - 0.125, 0)
        matrix = matrix @ translation_matrix((by[:, 0] * width).round(), (by[:, 1] * height).round())
        size = self.maybe((0.2 * torch.randn(n, device=x.device)).exp2(), 1)
        matrix = matrix @ scaling_matrix(size, size)
        once = 1 - (1 - self.p).sqrt()  # of two rotations at least one happens with probability p
        matrix = matrix @ rotation_matrix(self.maybe(self.angle(x), 0, once))
        stretch = self.maybe((0.2 * torch.randn(n, device=x.device)).exp2(), 1)
        matrix = matrix @ scaling_matrix(stretch, 1 / stretch)
        matrix = matrix @ rotation_matrix(self.maybe(self.angle(x), 0, once))
        by = self.maybe(0.125 * torch.randn(n, 2, device=x.device), 0)
        return matrix @ translation_matrix(by[:, 0] * width, by[:, 1] * height)

    def angle(self, x: Tensor) -> Tensor:
        """Draws an angle in radians for each image."""
        return math.radians(self.turn) * (2 * torch.rand(len(x), device=x.device) - 1)

    def colour(self, x: Tensor) -> Tensor:
        """Changes brightness, contrast and saturation of each image; the last leaves grey images as they are."""

        def normal() -> Tensor:
            return torch.randn(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)

        x = (x + self.maybe(0.2 * normal(), 0)) * self.maybe((0.5 * normal()).exp2(), 1)
        if x.shape[1] == 1:
            return x
        return torch.lerp(x.mean(1, keepdim=True), x, self.maybe(normal().exp2(), 1))


def warp(x: Tensor, matrix: Tensor) -> Tensor:
    """Resamples images (N, C, H, W) by affine maps (N, 3, 3), in pixels from the centre.

    Images that stay in place stay the same bit for bit. A gradient penalty needs a PyTorch whose `grid_sample` can be
    differentiated twice.
    """
    height, width = x.shape[2:]
    (xx, xy, tx), (yx, yy, ty), _ = (row.unbind(1) for row in matrix.unbind(1))
    halves = [xx, xy * (height / width), tx * (2 / width), yx * (width / height), yy, ty * (2 / height)]
    grid = affine_grid(torch.stack(halves, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    moved = grid_sample(x.float(), grid, padding_mode="reflection", align_corners=False).to(x.dtype)
    still = (matrix == torch.eye(3, device=x.device)).all(2).all(1)
    return torch.where(still[:, None, None, None], x, moved)


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
