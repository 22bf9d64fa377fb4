"""VQGAN: an autoencoder with a codebook, whose reconstructions look sharp by a perceptual loss and a discriminator.

Paper: Esser, Rombach and Ommer, Taming Transformers for High-Resolution Image Synthesis, 2020.
URL: https://arxiv.org/abs/2012.09841 (the autoencoder, without the transformer)
Code: https://github.com/CompVis/taming-transformers
Deviations: the perceptual loss compares a frozen network's maps by their relative squared difference, without LPIPS's
    learnt weights. The discriminator moves before the autoencoder, not after it. Codes out of use may be revived, which
    the code does not do. As in the code's default, `legacy`, the weight of 0.25 is on the term that moves codes, not
    on that of the vectors, which are to commit themselves to them; the adaptive weight has its factor of 0.8.
"""

from dataclasses import replace
from functools import cached_property, reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.move import AdversarialMove, Move
from ganzoo.games.objective import Objective
from ganzoo.games.players import Player, Terms
from ganzoo.games.reconstructor import Reconstructor
from ganzoo.games.schedules import Schedule
from ganzoo.losses.adaptive import adaptive_weight, differentiated
from ganzoo.losses.objectives import HINGE
from ganzoo.losses.perceptual import ContentLoss, content_loss, describe_content_loss, require_content
from ganzoo.networks.codebook import CodeUsage

LATE = Schedule([0.0, 1.0], at=[0.0, 0.5])  # the adversarial game begins half-way


class VQGAN(Reconstructor):
    """D tells images from reconstructions, from its start on; the autoencoder redraws them from its codebook's codes.

    The log has, as `g/codes_used`, the share of the codes that an image of the last `window` updates has used, and the
    perplexity of each batch's codes.

    Args:
        generator: the autoencoder, a `ganzoo.networks.vqgan.VQAutoencoder`.
        discriminator: images to a map of logits; the paper's is a PatchGAN.
        content: what the perceptual loss compares, see `ganzoo.losses.perceptual`; named in the model card.
        content_weight: weight of the perceptual loss.
        codebook_weight: weight of the codebook's loss.
        adversarial: factor on both players' adversarial terms over the run: 0 until the discriminator's start, then 1.
            The code's starts are steps: 30,001 on faces, 250,001 on ImageNet, 10,000 on data of one's own.
        adv_weight: factor on the autoencoder's adversarial term beside the adaptive weight.
        window: codes that no image of so many updates has used are dead.
        revive: put vectors of the present batch in the places of dead codes; they are only reported otherwise.
        g_lr: learning rate of the autoencoder. The code's is 4.5e-6 times the images of a batch over all processes; the
            default is that of batches of 12.
        d_lr: learning rate of the discriminator, likewise.
        betas: Adam's decay rates.
        **kwargs: see `Adversarial`.

    Raises:
        GanzooError: if the generator has no codebook.
    """

    auxiliary = ("usage",)
    generator: Any  # an autoencoder with a codebook
    objective = Objective(lambda real, fake: HINGE.d(real, fake) / 2, HINGE.g, HINGE.answers)

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        content: str = "imagenet",
        content_weight: float = 1.0,
        codebook_weight: float = 1.0,
        adversarial: float | Schedule = LATE,
        adv_weight: float = 0.8,
        window: int = 100,
        revive: bool = False,
        g_lr: float = 5.4e-5,
        d_lr: float = 5.4e-5,
        betas: tuple[float, float] = (0.5, 0.9),
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, g_lr=g_lr, d_lr=d_lr, betas=betas, **kwargs)
        if not hasattr(generator, "codebook"):
            raise GanzooError("model.generator: it has no codebook; ganzoo.networks.vqgan.VQAutoencoder does.")
        self.content, self.content_weight, self.codebook_weight = content, content_weight, codebook_weight
        self.adversarial, self.adv_weight, self.revive = adversarial, adv_weight, revive
        self.n_codes: int = len(self.generator.codebook.codes)
        self.usage = CodeUsage(self.n_codes, window)

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Line for the model card that names the perceptual loss, which the weights do not tell."""
        about = describe_content_loss(self.content)
        return (f"Perceptual loss: {about}; weight {self.content_weight:g}",) if self.content_weight else ()

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError where the networks do not fit the data, or packages of the perceptual loss are missing."""
        super().fits(datamodule)
        if self.content_weight:
            require_content(self.content)

    @cached_property
    def features(self) -> ContentLoss:
        """The perceptual loss; no submodule, so that it is neither trained nor saved, nor needed to load weights."""
        return content_loss(self.content, weight=1.0).to(self.device)

    def players(self) -> tuple[Player, ...]:
        """Returns the discriminator and the autoencoder, after whose step the codes are counted."""
        *others, g = super().players()
        return (*others, replace(g, after=self.after_g))

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns half the hinge loss, or nothing before the start."""
        return {"adv": self.level(self.adversarial) * super().d_loss(x, y, move)["adv"]}

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the absolute and the perceptual difference, the codebook's loss, and -D of the reconstructions.

        The adaptive weight gives the last one's gradient in the decoder's last layer 0.8 times the size of that of the
        first two.
        """
        coded = self.generator.code(x)
        terms = {"l1": (coded.images.float() - x.float()).abs().mean()}
        if self.content_weight:
            content = differentiated(lambda images: self.features(images, x), coded.images)
            terms["content"] = self.content_weight * content
        adversarial = self.objective.g(None, move.judge(coded.images, real=False))
        weight = adaptive_weight(reduce(add, terms.values()), adversarial, self.generator.last_weight)
        move.note("g/adaptive_weight", weight)
        move.keep("indices", coded.indices)
        move.keep("latents", coded.latents)
        terms["codebook"] = self.codebook_weight * coded.loss
        terms["adv"] = self.level(self.adversarial) * self.adv_weight * weight * adversarial
        return terms

    def after_g(self, move: Move) -> None:
        """Counts the codes of the batch, and revives dead ones if that is wanted."""
        used, perplexity = self.usage.count(torch.cat(move.kept("indices")))
        move.note("g/codes_used", used)
        move.note("g/codes_perplexity", perplexity)
        if self.revive:
            revived = self.usage.revive(self.generator.codebook.codes, torch.cat(move.kept("latents")))
            move.note("g/codes_revived", revived)

    def codes(self, x: Tensor) -> Tensor:
        """Returns the indices (N, h, w) of the codes of any number of images (N, C, H, W)."""
        network: Any = self.averaged("generator")
        return self.applied(lambda part: network.codebook(network.encode(part)).indices, x)

    def decode(self, indices: Tensor) -> Tensor:
        """Returns the images (N, C, H, W), in [-1, 1], of any number of grids of codes (N, h, w)."""
        network: Any = self.averaged("generator")
        return self.applied(network.decode_indices, indices).clamp(-1, 1)
