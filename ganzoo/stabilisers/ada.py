"""ADA: adaptive discriminator augmentation, as often as it takes to keep small data from being learnt by heart.

Paper: Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676, section 3 and
appendix B.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.common.distributed import sum_over_processes
from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.pipe import Pipe, augmented
from ganzoo.games.players import Terms
from ganzoo.games.stabiliser import Stabilised, Stabiliser


class ADA(Stabiliser):
    """Augments each image with probability p, which rises as the discriminator gets surer of real images.

    p rises while r_t = E sign(D(x)) on real images is above its target, and falls while it is below: for losses whose
    boundary between real and generated is a logit of 0. Kept up to p of about 0.8, the generator learns none of it. p
    stops at 1, where every part is certain; in the authors' code it goes on rising, and takes as long to come back.

    The augmentations are the paper's `bgc`, each with a probability of p of its own: mirroring, quarter turns, shifts,
    sizes, turns, stretching; brightness, contrast, saturation. Its inversion of brightness, turns of hue and filters
    against aliasing are switched on by arguments; with all three it computes what the authors' code does.

    Args:
        target: aim for r_t.
        images: so many real images take p from 0 to 1, or back.
        interval: p moves after so many steps of the discriminator.
        flips: mirror, and turn by quarters; not for digits or letters.
        turn: largest angle of the free rotations in degrees.
        filtered: resample images at twice their side, between a wavelet's filters, rather than by one bilinear
            interpolation; borders are mirrored either way.
        hue: turn the colours of images in colour about the grey axis.
        luma_flip: invert brightness, so that a negative in the same hues is left.

    Attributes:
        p: the present probability, part of the training state.
    """

    augments = True
    p: Tensor
    heard: Tensor  # sum of signs, an image's mean each, and number of real images since p last moved
    steps: Tensor  # of the discriminator since then

    def __init__(
        self,
        target: float = 0.6,
        images: int = 500_000,
        interval: int = 4,
        flips: bool = True,
        turn: float = 180.0,
        filtered: bool = False,
        hue: bool = False,
        luma_flip: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("images", images), ("interval", interval)):
            if value < 1:
                raise GanzooError(f"model.stabilisers.{name}: must be at least 1, not {value}.")
        self.target = target
        self.images = images
        self.interval = interval
        self.pipe = Pipe(flips, turn, filtered, hue, luma_flip)
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
        return augmented(x, self.pipe, self.p)

    @torch.no_grad()
    def d_terms(self, game: Stabilised, x: Any, y: Any, move: AdversarialMove) -> Terms:
        """Counts the signs of the logits of real images over all processes; adds no term."""
        self.require_judged(game, move)
        logits = [judgement.logits.float() for judgement in move.real]
        signs = torch.cat([each.sign().flatten(1).mean(1) if each.dim() > 1 else each.sign() for each in logits])
        heard = sum_over_processes(torch.stack([signs.sum(), torch.ones_like(signs).sum()]))
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
