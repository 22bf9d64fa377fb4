"""StackGAN: images from a text in two stages, small ones first, and larger ones from those.

Paper: Zhang et al., StackGAN: Text to Photo-realistic Image Synthesis with Stacked GANs, 2016.
URL: https://arxiv.org/abs/1612.03242 (equations 2 to 7)
Code: https://github.com/hanzhanggit/StackGAN
Deviations: where paper and code differ, this is the code: log sigma goes through the LeakyReLU of mu, eps is truncated
    at 2, and the divergence is the mean over dimensions, with a weight of 2 (the paper's is a sum). Text encoders learn
    on the data, by matching captions with images; the paper's char-CNN-RNN comes trained. A wrong image is one of the
    batch, of another group: of another class where there are classes, else any other. The discriminator of stage II is
    the authors' later port's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganzoo.common.captions import typed
from ganzoo.common.conditions import Condition, Sequences, Values, Vectors, condition_of, require_condition
from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.examples import ConditionExamples
from ganzoo.games.gan import GAN
from ganzoo.games.latent import PRIORS, Prior
from ganzoo.games.latent_space import Latents
from ganzoo.games.matching import learn_matching
from ganzoo.games.move import AdversarialMove, Judgement
from ganzoo.games.players import Terms
from ganzoo.losses.objectives import NONSATURATING
from ganzoo.losses.texts import augmentation_kl, wrong_images


class StackGAN(GAN):
    """A game under texts: D is shown right pairs, right images with wrong texts, and generated images.

    With a `stage1` it is the second stage, whose generator refines the images of the first, which stays as it is in
    evaluation mode. The text encoder is frozen, too, when it has learnt; both are parts of the model, so that its
    checkpoints need nothing else, and texts can be typed: `sample(text=["a red heart"])`.

    Args:
        generator: of stage I, a `ganzoo.networks.stackgan.StackGANGenerator`; of stage II, a `StackGANRefiner`.
        discriminator: images and embeddings to logits, of pairs, and perhaps of images alone.
        encoder: captions to embeddings, see `ganzoo.networks.text`.
        stage1: the generator of stage I; None for stage I itself.
        init: checkpoint of stage I, as `ganzoo.load` takes it, that stage1 and encoder come from. None takes them as
            they are.
        encoder_steps: batches of matching by which the encoder learns before a training begins, if it has not learnt.
        kl_weight: weight of the divergence of c from a standard normal distribution.
        ema: decay of the averaged generator; None, as here, evaluates the live one.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if the networks do not fit together.
    """

    objective = NONSATURATING
    starts_as = {"stage1": "generator"}  # noqa: RUF012  # read-only by its type
    generator: Any  # with ca
    encoder: Any
    stage1: Any

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        encoder: nn.Module,
        stage1: nn.Module | None = None,
        init: str | None = None,
        encoder_steps: int = 2000,
        kl_weight: float = 2.0,
        ema: float | Averaging | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, ema=ema, **kwargs)
        self.encoder = encoder.requires_grad_(False).eval()
        self.stage1 = None if stage1 is None else stage1.requires_grad_(False).eval()
        for name, network in (("generator", generator), ("stage1", stage1)):
            if network is not None and not hasattr(network, "ca"):
                raise GanzooError(f"model.{name}: it augments no condition; those of ganzoo.networks.stackgan do.")
        for name, network in (("generator", generator), ("discriminator", discriminator), ("stage1", stage1)):
            if network is not None and condition_of(network) != Vectors(self.encoder.dim):
                raise GanzooError(
                    f"model.{name}.condition_dim: it must be {self.encoder.dim}, the length of the encoder's vectors."
                )
        low = getattr(generator, "low_shape", None)
        if (low is None) != (stage1 is None) or (stage1 is not None and stage1.shape != low):
            own = "none" if stage1 is None else f"of shape {stage1.shape}"
            raise GanzooError(f"model.stage1: the generator refines {low or 'none'}, but images of stage I are {own}.")
        self.init, self.encoder_steps, self.kl_weight = init, encoder_steps, kl_weight
        self.starts = {} if init is None else {"encoder": init} | ({} if stage1 is None else {"stage1": init})
        self.finished_by = ("encoder",) if stage1 is None else ("encoder", "stage1")  # type: ignore[misc]
        self.examples = ConditionExamples(self.encoder.condition)

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the data of the first stage, whose images are smaller than the data's."""
        low = stated.get("generator", {}).get("init_args", {}).get("low_size", 64)
        return {"stage1": replace(spec, shape=(*spec.shape[:1], low, low))} if spec.shape else {}

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Line for the model card on the checkpoint of stage I."""
        return (f"Stage I and text encoder: those of `{self.init}`, frozen",) if self.init else ()

    @property
    def condition(self) -> Condition:
        """What samples are drawn under: captions, as the encoder takes them."""
        return self.encoder.condition

    @property
    def input_space(self) -> Latents:
        """Latent vectors, and the noise of conditioning augmentation of each stage."""
        stages = [network for network in (self.stage1, self.generator) if network is not None]
        length: int = stages[0].latent_dim
        noise: list[tuple[int, Prior]] = [(network.ca_dim, "truncated") for network in stages]
        text = f"{PRIORS[self.prior]}; from number {length} on {PRIORS['truncated']}"
        return Latents(((length, self.prior), *noise), self.device, self.generate, text=text)

    def train(self, mode: bool = True) -> "StackGAN":
        """Sets the mode of all but what is frozen, which stays in evaluation mode."""
        super().train(mode)
        for network in (self.encoder, self.stage1):
            if network is not None:
                network.eval()
        return self

    def on_fit_start(self) -> None:
        """Prepares the training, and lets the encoder learn, unless it has."""
        super().on_fit_start()
        self.encoder.require_vocabulary()
        if not self.encoder.filled:
            self.encoder.prepare()
            loader = self.trainer.datamodule.loader("train", train=True)  # type: ignore[attr-defined]
            learn_matching(self.encoder, loader, self.encoder_steps if self.encoder.images is not None else 0)

    def _require_conditions(self, datamodule: Any) -> None:
        if datamodule is not None:
            require_condition("model.encoder", self.condition, condition_of(datamodule))

    def embed(self, y: Any) -> Tensor:
        """Returns the embeddings (N, D) of captions, or of (captions, groups); embeddings stay as they are."""
        captions: Tensor = y[0] if isinstance(y, tuple | list) else y
        return captions if captions.is_floating_point() and captions.dim() == 2 else self.encoder(captions)

    def network_inputs(self, z: Tensor, y: Any) -> tuple[Any, ...]:
        """Returns what the generator takes: latent vectors, or images of stage I with noise; and embeddings."""
        y = self.embed(y)
        if self.stage1 is None:
            return z, y
        z, eps = self._of_stages(z)
        with torch.no_grad():
            return self.stage1(z, y), eps, y

    def _of_stages(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what stage I takes of latent vectors (N, D), and the noise of the second."""
        return z[:, : -self.generator.ca_dim], z[:, -self.generator.ca_dim :]

    def stage1_images(self, points: Tensor, y: Values) -> Tensor:
        """Returns the images (N, C, h, w) of stage I behind those that `render` makes of the same arguments.

        Raises:
            GanzooError: if this is the first stage itself.
        """
        if self.stage1 is None:
            raise GanzooError("model.stage1: there is none; this is the first stage itself.")

        def draw(network: nn.Module, points: Tensor, y: Any) -> Tensor:
            return network(self._of_stages(points)[0], self.embed(y))

        return self.evaluated("stage1", draw, points, y)

    def discriminator_inputs(self, x: Tensor, y: Any, by: str) -> tuple[Any, ...]:
        """Returns images and embeddings."""
        return x, self.embed(y)

    def d_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the mean cross-entropies of what is right to 1, and of wrong pairs and generated images to 0."""
        embedding = self.embed(y)
        other, there = wrong_images(embedding, y[1] if isinstance(y, tuple | list) else None)
        real = self.heads(move, x, embedding, real=True)
        fake = self.heads(move, self.fake(len(x), embedding), embedding, real=False)
        wrong = softplus(move.judge(x[other], embedding)) * there
        to_one = torch.stack([softplus(-logits).mean() for logits in real])
        to_zero = torch.stack([softplus(logits).mean() for logits in fake])
        share = len(fake) + 1  # half for each, a third with a second head
        wrong_term = wrong.sum() / there.sum().clamp(min=1) / share
        return {"adv": to_one.mean() + to_zero.sum() / share, "wrong": wrong_term}

    def g_loss(self, x: Tensor, y: Any, move: AdversarialMove) -> Terms:
        """Returns the cross-entropy of generated images to 1, and the divergence of c."""
        embedding = self.embed(y)
        logits = self.heads(move, self.fake(len(x), embedding), embedding, real=False)
        kl = augmentation_kl(*self.generator.ca.statistics(embedding))
        return {"adv": torch.stack([softplus(-each).mean() for each in logits]).sum(), "kl": self.kl_weight * kl}

    def heads(self, move: AdversarialMove, x: Tensor, embedding: Tensor, real: bool) -> list[Tensor]:
        """Returns the logits of pairs, and of images alone where the discriminator has such a head."""
        logits = move.judge(x, embedding, real=real)
        judged: Judgement = (move.real if real else move.fake)[-1]
        return [logits] if judged.second is None else [logits, judged.second.float()]

    def encode_text(self, texts: Sequence[str]) -> Values:
        """Returns typed texts as the captions that `sample` takes.

        Raises:
            GanzooError: if a text has no word that the model has learnt, or it takes no words.
        """
        known = self.condition
        return typed(texts, known) if isinstance(known, Sequences) else known.from_words(texts)

    def sample(
        self,
        n: int | None = None,
        y: Values = None,
        seed: int | None = None,
        truncation: float = 1.0,
        *,
        text: str | Sequence[str] = (),
        progress: bool = False,
    ) -> Tensor:
        """Draws images, by default under captions kept from the data, or under texts.

        Args:
            n: how many; by default one of each text.
            y: captions as numbers (n, length), or embeddings; see `Sampler.sample`.
            seed: see there.
            truncation: see there.
            text: texts, which take turns.
            progress: see there.

        Raises:
            GanzooError: if neither n nor texts are there, or texts and y, or a text has no word that is known.
        """
        texts = [text] if isinstance(text, str) else [*text]
        if texts and y is not None:
            raise GanzooError("text: not allowed with y, which holds captions.")
        if n is None and not texts:
            raise GanzooError("n: the number of samples, or text, is wanted.")
        n = len(texts) if n is None else n
        if texts:
            y = self.encode_text(texts)[torch.arange(max(n, 0)) % len(texts)]
        return super().sample(n, y, seed, truncation, progress=progress)
