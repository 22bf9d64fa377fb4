"""BigGAN: class-conditional GANs at scale, whose latent vectors can be truncated.

Paper: Brock, Donahue and Simonyan, Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019.
URL: https://arxiv.org/abs/1809.11096 (sections 3 and 3.1; appendix C)
Code: https://github.com/ajbrock/BigGAN-PyTorch (by the first author)
Deviations: the defaults are those of the code's script for CIFAR-10, not the paper's for ImageNet; both players get the
    classes of the batch. Orthogonal regularisation, which is off in all of the code's scripts, is a stabiliser
    (`ganzoo.stabilisers.OrthogonalRegularisation`). A truncation of 1 leaves latent vectors as they are, and what is
    drawn again beyond the threshold comes from the vector's own rank, so that an image depends on its seed alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.latent_space import Latents, LatentSpace, Raw
from ganzoo.losses.objectives import HINGE
from ganzoo.networks.conditional import require_classes

AVERAGING = Averaging(0.9999, start=1000, buffers=True)


@dataclass(frozen=True)
class TruncatedNormals(Latents):
    """Space of normal latent vectors, truncated by a threshold on the size of each number: section 3.1.

    Numbers beyond it are drawn again in the paper; here each is mapped to the truncated distribution by its rank, which
    is as good a draw from it.
    """

    def place(self, raw: Raw, truncation: float = 1.0, y: Any = None) -> Tensor:
        """Returns the vectors, below a truncation of 1 with all numbers in [-truncation, truncation]."""
        return raw["z"] if truncation >= 1 else truncated_normal(raw["z"], truncation)


def truncated_normal(z: Tensor, threshold: float) -> Tensor:
    """Maps standard normal numbers to the normal distribution truncated to [-threshold, threshold], in their order.

    Args:
        z: any shape.
        threshold: a positive number; 0 gives zeros.
    """
    if threshold <= 0:
        return torch.zeros_like(z)
    wide = (z.cpu() if z.device.type == "mps" else z).double()  # Apple's GPUs know no float64
    low = torch.special.ndtr(torch.tensor(-threshold, dtype=torch.double, device=wide.device))
    inside = torch.special.ndtri(low + torch.special.ndtr(wide) * (1 - 2 * low)).clamp(-threshold, threshold)
    return inside.to(z.dtype).to(z.device)


class BigGAN(GAN):
    """The hinge game with labels and a projection, four Adam steps of the discriminator per generator step.

    Args:
        generator: latent vectors and labels to samples.
        discriminator: samples and labels to logits.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        n_critic: discriminator steps per generator step.
        ema: how the averaged generator follows; by default from update 1,000 on, its BatchNorm statistics, too.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if a network takes no labels, or they disagree on the number of classes.
    """

    objective = HINGE

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        g_lr: float = 2e-4,
        d_lr: float = 2e-4,
        betas: tuple[float, float] = (0.0, 0.999),
        n_critic: int = 4,
        ema: float | Averaging | None = AVERAGING,
        **kwargs: Any,
    ) -> None:
        require_classes(generator=generator, discriminator=discriminator)
        super().__init__(
            generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, n_critic=n_critic, ema=ema, **kwargs
        )

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns both networks' data: they take the data's labels."""
        return {"generator": spec.labelled(), "discriminator": spec.labelled()}

    @property
    def input_space(self) -> LatentSpace:
        """Latent space of what the network takes, with the paper's truncation where its numbers are normal."""
        space = super().input_space
        assert isinstance(space, Latents)
        if self.prior != "normal":
            return space
        return TruncatedNormals(space.parts, space.device, space.generate)
