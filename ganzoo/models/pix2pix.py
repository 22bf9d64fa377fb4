"""pix2pix: a conditional GAN for image-to-image translation, with an L1 term on the truth.

Paper: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017.
URL: https://arxiv.org/abs/1611.07004 (equation 4; section 3.3)
Code: https://github.com/phillipi/pix2pix
Deviations: the paper normalises by the statistics of the batch at test time, too. With its batches of one image that is
    instance normalisation, in which an image does not depend on its company: `norm: instance`. With `norm: batch` we
    translate by the running statistics. Each player draws its own dropout for a batch; the authors' code shares it.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.games.latent import draw_latent
from ganzoo.games.move import AdversarialMove
from ganzoo.games.objective import Objective
from ganzoo.games.players import Terms
from ganzoo.games.translator import Translator, shape_text
from ganzoo.losses.objectives import logistic_d, nonsaturating_g, of_fakes

# section 3.3: the discriminator's objective is divided by 2, which slows it down beside the generator
HALVED = Objective(lambda real, fake: logistic_d(real, fake) / 2, of_fakes(nonsaturating_g), "signed")


class Pix2Pix(Translator):
    """D judges (source, image) together, G fools it and stays near the target; the noise is dropout, at test time, too.

    Args:
        generator: sources to images. Where it has a `noise_dim`, it takes noise (N, noise_dim), uniform on [-1, 1].
        discriminator: source and image, concatenated along the channels, to logits of any shape.
        l1_weight: weight of the L1 distance to the target, the paper's lambda.
        adv_weight: weight of the adversarial term; 0 leaves the discriminator out: the paper's L1 alone.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        **kwargs: see `Translator`.

    Raises:
        GanzooError: if there is an adversarial term, but no discriminator.
    """

    objective = HALVED

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None = None,
        l1_weight: float = 100.0,
        adv_weight: float = 1.0,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        **kwargs: Any,
    ) -> None:
        if adv_weight and discriminator is None:
            raise GanzooError(f"model.discriminator: adv_weight is {adv_weight}, which needs one; 0 does without.")
        super().__init__(generator, discriminator if adv_weight else None, g_lr=g_lr, d_lr=d_lr, betas=betas, **kwargs)
        self.l1_weight, self.adv_weight = l1_weight, adv_weight

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the discriminator's data: the source's channels beside the target's."""
        return {"discriminator": spec.extended(spec.source_shape[0] if spec.source_shape else 0)}

    def check(self, shape: tuple[int, ...], source_shape: tuple[int, ...] | None = None) -> None:
        """Checks that the networks fit, the discriminator source and target together.

        Raises:
            GanzooError: if they do not, or source and target differ in size.
        """
        super().check(shape, source_shape)
        if source_shape is None or self.discriminator is None:
            return
        if source_shape[1:] != shape[1:]:
            raise GanzooError(
                f"data: source and target differ in size: {shape_text(source_shape)} and {shape_text(shape)}."
            )
        channels, both = getattr(self.discriminator, "channels", None), source_shape[0] + shape[0]
        if channels not in (None, both):
            raise GanzooError(
                f"model.discriminator.channels: {channels} given, but source and target have {both} together."
            )
        smallest: int = getattr(self.discriminator, "smallest", 1)
        if min(shape[1:]) < smallest:
            raise GanzooError(
                f"model.discriminator: its patches need images of {smallest} pixels, but the data gives "
                f"{shape_text(shape)}."
            )

    def real_pair(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the targets, judged beside their sources."""
        return y, x

    def fake_pair(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the translations, judged beside their sources."""
        return self.generator(x), x

    def discriminator_inputs(self, x: Tensor, y: Tensor, by: str) -> tuple[Tensor]:
        """Returns sources y and images x that go with them, concatenated along the channels."""
        return (torch.cat([y, x], 1),)

    def g_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        """Returns equation 4, with -log D(x, G(x, z)) in place of log(1 - D(x, G(x, z)))."""
        fake, _ = self.fake_pair(x, y)
        terms = {"l1": self.l1_weight * l1_loss(fake.float(), y)}
        if not self.adv_weight:
            return terms
        return {"adv": self.adv_weight * self.objective.g(None, move.judge(fake, x, real=False)), **terms}

    @property
    def noise_dim(self) -> int:
        """Number of values that the generator may drop."""
        return getattr(self.generator, "noise_dim", 0)

    def render(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Translates with dropout on, drawn on the CPU image by image: the i-th depends on a seed and i, not on N."""
        generator = self.averaged("generator")
        if not self.noise_dim:
            return generator(x)
        if noise is None:
            noise = draw_latent(len(x), self.noise_dim, "uniform", torch.device("cpu"))
        return generator(x, noise.to(x.device))
