"""SRGAN: super-resolution that looks like photographs, by a content loss and a discriminator.

Paper: Ledig et al., Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network, 2017.
URL: https://arxiv.org/abs/1609.04802 (equations 3, 5 and 6; section 3.2)
Code: none by the authors
Deviations: sources are scaled to [-1, 1] like targets; the paper scales them to [0, 1]. With `content: vgg19` the maps
    are those of the paper's SRGAN-VGG54 in torchvision's weights. Their squared differences are averaged over all 512
    maps, where equation 5, read to the letter, averages over places alone: the adversarial term, at the paper's weight,
    then counts for 512 times as much beside them. The other choices of `content` are ours: with EfficientNet-Lite0
    (`imagenet`) and our own classifiers the last maps of several scales are compared, not those of one layer.
"""

from functools import cached_property
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.games.translator import Translator
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.losses.perceptual import ContentLoss, content_loss, describe_content_loss, require_content
from ganzoo.networks.srresnet import require_factor


class SRGAN(Translator):
    """D tells large images from enlarged ones; G fools it, and keeps what a frozen network sees in the image.

    Args:
        generator: small images to large ones.
        discriminator: large images to logits.
        content: what the content loss compares: `vgg19`, `imagenet`, `cifar10`, `fashion`, `mnist`, the path of a
            classifier's .safetensors file, or `pixels`; see `ganzoo.losses.perceptual`. It is named in the model card,
            and part of the training alone.
        adv_weight: weight of the adversarial term; 0 leaves the discriminator out.
        pixel_weight: weight of the pixels' mean squared error beside the content loss; the paper has none.
        init: checkpoint whose generator a training starts from, as `ganzoo.load` takes it: a bundled name, a folder, a
            .ckpt, a Hub repository. The paper's is SRResNet's. A resumed training goes on from where it was.
        g_lr: learning rate of the generator.
        d_lr: learning rate of the discriminator.
        betas: Adam's decay rates.
        **kwargs: see `Translator`.

    Raises:
        GanzooError: if there is an adversarial term, but no discriminator.
    """

    objective = NONSATURATING

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None = None,
        content: str = "vgg19",
        adv_weight: float = 1e-3,
        pixel_weight: float = 0.0,
        init: str | None = None,
        g_lr: float = 1e-4,
        d_lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.999),
        **kwargs: Any,
    ) -> None:
        if adv_weight and discriminator is None:
            raise GanzooError(f"model.discriminator: adv_weight is {adv_weight}, which needs one; 0 does without.")
        super().__init__(generator, discriminator if adv_weight else None, g_lr=g_lr, d_lr=d_lr, betas=betas, **kwargs)
        self.content, self.adv_weight, self.pixel_weight, self.init = content, adv_weight, pixel_weight, init
        self.starts = {"generator": init} if init is not None else {}

    def check(self, shape: tuple[int, ...], source_shape: tuple[int, ...] | None = None) -> None:
        """Checks that the networks fit, and the sources' size the targets'; raises GanzooError if they do not."""
        super().check(shape, source_shape)
        require_factor(self.generator, shape, source_shape)

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where the networks do not fit the data, or packages of the content loss are missing."""
        super().fits(datamodule)
        require_content(self.content)

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Line for the model card that names the content loss, which the weights do not tell."""
        start = f"; started from the generator of `{self.init}`" if self.init else ""
        return (
            f"Content loss: {describe_content_loss(self.content)}; weight of the adversarial term {self.adv_weight:g}, "
            f"of the pixels' squared error {self.pixel_weight:g}{start}",
        )

    @cached_property
    def features(self) -> ContentLoss:
        """The content loss; no submodule, so that it is neither trained, nor saved, nor needed to load a checkpoint."""
        return content_loss(self.content)

    def on_fit_start(self) -> None:
        """Prepares what only training needs: the content loss."""
        super().on_fit_start()
        self.features.to(self.device)

    def g_loss(self, x: Tensor, y: Tensor, move: AdversarialMove) -> Terms:
        """Returns equation 3: the content loss (equation 5), or pixels' (equation 4), and equation 6's -log D(G(x))."""
        fake, _ = self.fake_pair(x, y)
        terms = {"content": self.features(fake, y)}
        if self.pixel_weight:
            terms["pixels"] = self.pixel_weight * mse_loss(fake.float(), y)
        if self.discriminator is not None:
            terms["adv"] = self.adv_weight * self.objective.g(None, move.judge(fake, real=False))
        return terms
