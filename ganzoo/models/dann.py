"""DANN: domain-adversarial training: features that tell the class and not the domain.

Paper: Ganin et al., Domain-Adversarial Training of Neural Networks, 2016.
URL: https://arxiv.org/abs/1505.07818 (equation 9; section 5.2)
Code: https://github.com/ddtm/caffe/tree/grl
Deviations: none in the defaults. The mean that the features subtract is one number for all pixels; the domain loss is
    the sum of the two domains' means, as in equation 9.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Optimizer

from ganzoo.common.data_spec import UNKNOWN_DATA, DataSpec, require_labels
from ganzoo.common.errors import GanzooError
from ganzoo.common.eval_mode import evaluating
from ganzoo.games.game import Game
from ganzoo.games.move import Move
from ganzoo.games.players import Player, Terms, build_optim
from ganzoo.games.schedules import Schedule
from ganzoo.losses.objectives import logistic_d

RAMP = Schedule([0.0, 1.0], at=[0.0, 1.0], kind="sigmoid")  # 2 / (1 + exp(-10 p)) - 1
ANNEALED = Schedule([1.0, 11**-0.75], at=[0.0, 1.0], kind="power")  # (1 + 10 p)^-0.75
CLASSIFY_BATCH = 1000


class Reversal(torch.autograd.Function):
    """Gradient reversal, equations 16 and 17: the identity, whose gradient is multiplied by -strength."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float | Tensor) -> Tensor:
        """Returns x as it is."""
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Returns -strength times the gradient."""
        return -ctx.strength * gradients[0], None


class DANN(Game):
    """A game of one player: all three networks step together, with a gradient reversal before the discriminator.

    The batches are (source, (target, labels)): images of two domains, and the sources' labels. The reversal's strength
    moves the features alone: the domain classifier learns at full speed all the time (section 5.2). Strength 0 is the
    baseline that trains on the source only; its domain classifier then merely watches.

    Args:
        features: images to features (N, F): the paper's G_f.
        classifier: features to the logits (N, K) of the classes: the paper's G_y.
        discriminator: features to the logit (N, 1) of the source domain: the paper's G_d.
        reversal: strength of the reversal, the paper's lambda.
        lr: learning rate at the beginning.
        momentum: of gradient descent.
        betas: decay rates of the moments, for an optimizer that has two.
        optimizer: its class.
        lr_factor: factor on the learning rate over the run.
        **kwargs: see `Game`.

    Raises:
        GanzooError: if a head takes features of another length.
    """

    tasks = ("domain-adaptation",)

    def __init__(
        self,
        features: nn.Module,
        classifier: nn.Module,
        discriminator: nn.Module,
        reversal: float | Schedule = RAMP,
        lr: float = 0.01,
        momentum: float = 0.9,
        betas: tuple[float, float] = (0.5, 0.999),
        optimizer: type[Optimizer] = SGD,
        lr_factor: Schedule | None = ANNEALED,
        **kwargs: Any,
    ) -> None:
        super().__init__(lr_factor=lr_factor, **kwargs)
        for name, head in (("classifier", classifier), ("discriminator", discriminator)):
            takes, there = getattr(head, "n_features", None), getattr(features, "n_features", None)
            if None not in (takes, there) and takes != there:
                raise GanzooError(
                    f"model.{name}.n_features: {takes} given, but the features are {there} long; give that."
                )
        self.features, self.classifier, self.discriminator = features, classifier, discriminator
        self.reversal = reversal
        self.optim = build_optim(optimizer, lr, betas, momentum=momentum)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the heads' data: the classifier names classes, the discriminator sees features."""
        return {"classifier": spec.labelled(), "discriminator": UNKNOWN_DATA}

    def players(self) -> Sequence[Player]:
        """Returns all three networks as one player."""
        networks = [self.features, self.classifier, self.discriminator]
        return [Player("c", networks, self.loss, self.optim, scheduler=self.decay, counted=True)]

    def loss(self, x: Tensor, y: tuple[Tensor, Tensor], move: Move) -> Terms:
        """Returns equation 9: the sources' labels, and the domain of each image behind the reversal."""
        if not isinstance(y, tuple | list):
            raise GanzooError("data: it has one domain, but DANN learns from two, as data.ShiftedMNIST has them.")
        target, labels = y
        features = self.features(torch.cat([x, target]))
        logits = self.classifier(features[: len(x)])
        judged = self.discriminator(Reversal.apply(features, self.level(self.reversal)))
        of_source, of_target = judged[: len(x)], judged[len(x) :]
        move.note("c/acc_label", (logits.argmax(1) == labels).float().mean())
        move.note("c/acc_domain", ((of_source > 0).float().mean() + (of_target < 0).float().mean()) / 2)
        return {"label": cross_entropy(logits, labels), "domain": logistic_d(of_source, of_target)}

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises GanzooError if the features are not made for images of this shape."""
        own = getattr(self.features, "shape", shape)
        if own != shape:
            raise GanzooError(f"model.features: it is made for images of shape {own}, but the data gives {shape}.")

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError if the features do not fit the data's images, or the classifier its classes."""
        super().fits(datamodule)
        require_labels(
            "model.classifier", getattr(self.classifier, "n_logits", 0), getattr(datamodule, "n_classes", None)
        )

    @torch.no_grad()
    def classify(self, x: Tensor) -> Tensor:
        """Returns the classes of images of either domain, in evaluation mode.

        Args:
            x: images (N, C, H, W) in [-1, 1], any N; grey ones may have one channel.

        Returns:
            Logits (N, K), on the model's device.

        Raises:
            GanzooError: if the images are of another size than the features are made for.
        """
        shape = getattr(self.features, "shape", tuple(x.shape[1:]))
        if tuple(x.shape[1:]) not in (shape, (1, *shape[1:])):
            raise GanzooError(f"x: images (N, {str(shape)[1:-1]}) are wanted, not {tuple(x.shape)}.")
        networks = nn.Sequential(self.features, self.classifier)
        parts = x.to(self.device).expand(-1, *shape).split(CLASSIFY_BATCH)
        with evaluating(networks):
            return torch.cat([networks(part) for part in parts])
