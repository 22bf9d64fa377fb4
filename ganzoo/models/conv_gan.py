"""ConvGAN: the convolutional GAN that courses teach, with RMSprop, clipped gradients and dropout against collapse.

Paper: Chollet, Deep Learning with Python, 2017.
URL: https://www.manning.com/books/deep-learning-with-python (section 8.5)
Code: https://github.com/fchollet/deep-learning-with-python-notebooks (8.5-introduction-to-gans)
Deviations: the book draws frogs of 32 pixels; courses took its networks to faces of 128, with three doublings instead
    of one, a discriminator of twice the width and rates of 1e-4, which are the defaults here (the book has 4e-4 for the
    generator and 8e-4 for the discriminator). Images are in [-1, 1], as tanh draws them; the book's real ones are in
    [0, 1]. A discriminator descends the sum of its losses on both halves of a batch, the book's their mean, so that its
    gradients are twice as large where they are clipped. An averaged generator is evaluated.
    Clipping is the Trainer's (`gradient_clip_val: 1` and `gradient_clip_algorithm: value`), and noise on labels is a
    stabiliser (`SoftLabels`); the recipes have both. The book's noise takes targets of generated images up to 1.05
    times certainty, which Keras's bounded probabilities allow and logits do not: the recipes' stays in [0, 1].
"""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import Optimizer, RMSprop
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from ganzoo.games.gan import GAN
from ganzoo.games.players import build_optim
from ganzoo.losses.objectives import NONSATURATING


class ConvGAN(GAN):
    """The non-saturating game with RMSprop, whose rate is lr / (1 + lr_decay * updates), as Keras decays it.

    Args:
        generator: latent vectors to images.
        discriminator: images to logits.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        rho: decay rate of RMSprop's mean of squared gradients; Keras's default.
        lr_decay: by how much each update raises what learning rates are divided by.
        **kwargs: see `GAN`.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        rho: float = 0.9,
        lr_decay: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, optimizer=RMSprop, **kwargs)
        self.lr_decay = lr_decay
        self.optim = {name: build_optim(RMSprop, lr, (0, 0), alpha=rho) for name, lr in (("g", g_lr), ("d", d_lr))}

    @property
    def decay(self) -> Callable[[Optimizer], LRScheduler]:
        """Factory of schedulers of Keras's decay, on top of what the recipe schedules."""
        return lambda optimizer: LambdaLR(optimizer, lambda update: self.rate() / (1 + self.lr_decay * update))
