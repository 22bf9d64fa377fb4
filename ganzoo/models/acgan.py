"""ACGAN: a discriminator that also classifies, and a generator whose images are easy to classify.

Paper: Odena, Olah and Shlens, Conditional Image Synthesis with Auxiliary Classifier GANs, 2017.
URL: https://arxiv.org/abs/1610.09585 (equations 2 and 3)
Code: none by the authors.
Deviations: the non-saturating loss, as is customary; generated images have the classes of the batch, not new ones.
    An averaged generator is evaluated.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganzoo.common.data_spec import DataSpec
from ganzoo.games.gan import GAN
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.networks.conditional import TwoHeaded, require_classes


class ACGAN(GAN):
    """D descends -(L_S + L_C), G descends L_S - L_C; L_C is the log-likelihood of the class, L_S that of the source.

    Args:
        generator: latent vectors and labels to samples.
        discriminator: samples to logits, without labels; a linear classifier is put on its last hidden layer.
        class_weight: weight of L_C in both losses.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if the generator takes no labels.
    """

    discriminator: TwoHeaded
    objective = NONSATURATING

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, class_weight: float = 1.0, **kwargs: Any
    ) -> None:
        classifier = nn.Linear(discriminator.n_features, require_classes(generator=generator))  # type: ignore[arg-type]
        super().__init__(generator, TwoHeaded(discriminator, classifier), **kwargs)
        self.class_weight = class_weight

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the generator's data: it takes the data's labels."""
        return {"generator": spec.labelled()}

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns -(L_S + L_C): real against generated, and the class of both."""
        terms = super().d_loss(x, y, move)
        named, named_fake = move.real[0].second, move.fake[0].second
        move.note("d/acc_class", (named.argmax(1) == y).float().mean())
        return {**terms, "class": self.class_weight * (cross_entropy(named, y) + cross_entropy(named_fake, y))}

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns -(L_C - L_S): fools D about the source, and helps it with the class."""
        terms = super().g_loss(x, y, move)
        named = move.fake[0].second
        return {**terms, "class": self.class_weight * cross_entropy(named, y)}
