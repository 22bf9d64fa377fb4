"""CycleGAN: two translators that undo each other, learnt from pictures of two domains without pairs.

Paper: Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017.
URL: https://arxiv.org/abs/1703.10593 (equations 1 to 3; section 4; section 5.2 for the identity loss)
Code: https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix
Deviations: the discriminators move first, facing images drawn anew; in the authors' code all four networks move from
    the same images. The identity loss is on by default, as there; the paper has it for paintings alone. The instance
    normalisation of a `PatchGAN` has a scale and a shift unless `affine: false`, as in that code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Player, Terms
from ganzoo.games.schedules import Schedule
from ganzoo.games.translator import Translator, require_shape, require_takes
from ganzoo.losses.objectives import OBJECTIVES
from ganzoo.networks.pool import ImagePool

HALF_THEN_DECAY = Schedule([1, 1, 0], [0, 0.5, 1], "linear")


class CycleGAN(Translator):
    """A generator and a discriminator for either direction; the generators move together, and so do the discriminators.

    Batches are (x, y): images of domain A, and images of domain B that need not have anything to do with them.

    Args:
        generator: images of A to images of B.
        back: images of B to images of A.
        discriminator: judges images of B.
        discriminator_back: judges images of A.
        cycle_weight: weight of the cycle consistency, the paper's lambda.
        identity_weight: weight of the identity loss as a share of `cycle_weight`; 0 leaves it out.
        pool: number of generated images of each domain that are kept for its discriminator.
        g_lr: learning rate of both generators.
        d_lr: learning rate of both discriminators.
        lr_factor: factor on all learning rates over the run.
        ema: decay of the averaged generators, or another rule, see `Averaging`; None evaluates the live
            ones, as the paper does.
        **kwargs: see `Translator`.
    """

    auxiliary = ("pool", "pool_back")
    discriminators = ("discriminator", "discriminator_back")
    objective = OBJECTIVES["least_squares"]
    discriminator: nn.Module

    def __init__(
        self,
        generator: nn.Module,
        back: nn.Module,
        discriminator: nn.Module,
        discriminator_back: nn.Module,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool: int = 50,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        lr_factor: Schedule | None = HALF_THEN_DECAY,
        ema: float | Averaging | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, lr_factor=lr_factor, ema=ema, **kwargs)
        self.back, self.discriminator_back = back, discriminator_back
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        self.pool, self.pool_back = ImagePool(pool), ImagePool(pool)
        self.average("back", ema)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the data of the way back: source and target exchanged."""
        return {"back": spec.reversed(), "discriminator_back": spec.reversed()}

    def setup(self, stage: str) -> None:
        """Prepares and checks the networks, and makes room in the pools before the first batch."""
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        if stage == "fit" and data is not None:
            self.pool.reserve(data.shape)
            self.pool_back.reserve(data.source_shape)

    def check(self, shape: tuple[int, ...], source_shape: tuple[int, ...] | None = None) -> None:
        """Checks that the networks fit images of B, of `shape`, and of A, of `source_shape`.

        Raises:
            GanzooError: if one of them does not, or there is an identity loss between domains that differ in shape.
        """
        super().check(shape, source_shape)
        source_shape = shape if source_shape is None else source_shape
        require_takes(self.back, shape, "model.back", "the data gives")
        require_shape(self.back, source_shape, "model.back")
        require_shape(self.discriminator_back, source_shape, "model.discriminator_back")
        if self.identity_weight and shape != source_shape:
            raise GanzooError(f"model.identity_weight: it must be 0 for domains of shapes {source_shape} and {shape}.")

    def players(self) -> Sequence[Player]:
        """Returns both discriminators as one player, and both generators as another."""
        *others, g = super().players()
        return *others, replace(g, modules=[self.generator, self.back])

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Broadcasts the first process's pools, which are those that a checkpoint holds."""
        if self.trainer.world_size > 1:
            for buffer in (*self.pool.buffers(), *self.pool_back.buffers()):
                torch.distributed.broadcast(buffer, 0)

    def d_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        """Returns equation 1 with squares: real images are to score 1, generated ones, half from the pools, 0."""
        fake_x, fake_y = self.pool_back(self.back(y)), self.pool(self.generator(x))
        there = move.judge(y, real=True), move.judge(fake_y, real=False)
        back = (move.judge(image, real=real, by="discriminator_back") for image, real in ((x, True), (fake_x, False)))
        return {"adv": self.objective.d(*there), "adv_back": self.objective.d(*back)}

    def g_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        """Returns equation 3: adversarial terms, cycle consistency (equation 2) and identity on target images."""
        fake_x, fake_y = self.back(y), self.generator(x)
        there, back = move.judge(fake_y, real=False), move.judge(fake_x, real=False, by="discriminator_back")
        terms = {
            "adv": 2 * self.objective.g(None, there),  # the paper halves the discriminators' loss alone
            "adv_back": 2 * self.objective.g(None, back),
            "cycle": self.cycle_weight * l1_loss(self.back(fake_y), x),
            "cycle_back": self.cycle_weight * l1_loss(self.generator(fake_x), y),
        }
        if self.identity_weight:
            weight = self.cycle_weight * self.identity_weight
            terms["identity"] = weight * l1_loss(self.generator(y), y)
            terms["identity_back"] = weight * l1_loss(self.back(x), x)
        return terms

    def translate(self, x: Tensor, seed: int | None = None, back: bool = False, *, progress: bool = False) -> Tensor:
        """Translates images (N, C, H, W) in [-1, 1] of A to B, or with `back` those of B to A; see `Translator`."""
        if not back:
            return super().translate(x, seed, progress=progress)
        return self.rendered(self.averaged("back"), x, self.back, seed, progress)
