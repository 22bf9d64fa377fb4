"""3D-GAN: solids of voxels, and a discriminator that waits for the generator whenever it is too often right.

Paper: Wu et al., Learning a Probabilistic Latent Space of Object Shapes via 3D Generative-Adversarial Modeling, 2016.
URL: https://arxiv.org/abs/1610.07584 (section 3.1; section 4.2 for the features of the discriminator)
Code: https://github.com/zck119/3dgan-release (samples from trained networks; the training was never published)
Deviations: voxels lie in [-1, 1] outside of the networks, not in [0, 1]. Weights begin as PyTorch's do. Real and
    generated solids are separate batches for the discriminator's BatchNorm. An averaged generator is evaluated. The
    image-based 3D-VAE-GAN of section 3.2 is not here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.distributed import sum_over_processes
from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Gate, Player
from ganzoo.losses.objectives import NONSATURATING


class ThreeDGAN(GAN):
    """The non-saturating game; the discriminator moves only if it was right no more than 80% of the time.

    Its accuracy is that on the last batch, half of it real and half generated, over all processes. Latent vectors are
    uniform on [0, 1]: those of the latent space, which lie in [-1, 1], are moved there, so that truncation leads to the
    middle.

    Args:
        generator: latent vectors to solids.
        discriminator: solids to logits.
        most_right: accuracy on the last batch above which the discriminator sits a batch out; 1 never lets it.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        ema: how the averaged generator follows.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if `most_right` is no share.

    Attributes:
        right: the discriminator's accuracy on the last batch.
        moves: how many batches it has moved on, and how many it has sat out.
    """

    objective = NONSATURATING
    right: Tensor
    moves: Tensor

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        most_right: float = 0.8,
        g_lr: float = 2.5e-3,
        d_lr: float = 1e-5,
        betas: tuple[float, float] = (0.5, 0.999),
        ema: float | Averaging | None = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator, discriminator, prior="uniform", g_lr=g_lr, d_lr=d_lr, betas=betas, ema=ema, **kwargs
        )
        if not 0 <= most_right <= 1:
            raise GanzooError(f"model.most_right: it is a share from 0 to 1, not {most_right:g}.")
        self.most_right = most_right
        self.register_buffer("right", torch.zeros(()))
        self.register_buffer("moves", torch.zeros(2, dtype=torch.long))

    def players(self) -> Sequence[Player]:
        """Returns the discriminator behind its gate, and the generator."""
        d, *others = super().players()
        return replace(d, gate=Gate(self.may_move, self.see)), *others

    def network_inputs(self, z: Tensor, y: Any) -> tuple[Any, ...]:
        """Returns what the network takes: latent vectors moved from [-1, 1] to [0, 1]."""
        return super().network_inputs((z + 1) / 2, y)

    def may_move(self) -> bool:
        """Returns whether the discriminator was not too often right on the last batch."""
        return bool(self.right <= self.most_right)

    def adversarial_d(self, real: Tensor, fake: Tensor, move: AdversarialMove) -> Tensor:
        """Returns the objective's loss, and keeps how often the discriminator was right in this chunk."""
        move.keep("right", ((real > 0).float().mean() + (fake < 0).float().mean()) / 2)
        return super().adversarial_d(real, fake, move)

    def see(self, move: AdversarialMove, moved: bool) -> None:
        """Takes the accuracy on this batch for the next one, and counts."""
        right, processes = sum_over_processes(torch.stack([(mean := move.mean("right")), torch.ones_like(mean)]))
        self.right.copy_(right / processes)
        self.moves[0 if moved else 1] += 1
        move.note("d/moved", torch.tensor(float(moved), device=self.right.device))
