"""Latent GAN: a GAN over the latents of a trained VQGAN, which decodes what is drawn.

Paper: Esser, Rombach and Ommer, Taming Transformers for High-Resolution Image Synthesis, 2020.
URL: https://arxiv.org/abs/2012.09841 (a GAN where the paper has a transformer)
Code: https://github.com/CompVis/taming-transformers (the autoencoder)
Deviations: the paper draws codes one after the other, by a transformer. No paper on a GAN in its place was found; what
    models over frozen latents have in common is kept: latents are scaled to unit variance over the training set, the
    generator makes continuous ones, which the discriminator judges, and they are quantised before decoding alone.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.data_spec import DataSpec
from ganzoo.common.distributed import sum_over_processes
from ganzoo.common.errors import GanzooError
from ganzoo.games.gan import GAN
from ganzoo.losses.objectives import NONSATURATING


class LatentScale(nn.Module):
    """Shift and scale of each channel of latents, to zero mean and unit variance over the training set.

    Args:
        channels: of the latents.

    Attributes:
        filled: whether mean and standard deviation are those of a training set.
    """

    mean: Tensor
    std: Tensor
    filled: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def forward(self, latents: Tensor) -> Tensor:
        """Scales latents (N, C, H, W) to unit variance."""
        return (latents - self.mean) / self.std

    def inverse(self, scaled: Tensor) -> Tensor:
        """Returns the latents of scaled ones."""
        return scaled * self.std + self.mean

    @torch.no_grad()
    def fit(self, latents: Iterable[Tensor]) -> None:
        """Takes mean and standard deviation from all latents (N, C, H, W) of all processes, batch by batch."""
        sums = torch.zeros(3, len(self.mean), dtype=torch.float64)  # of ones, latents and their squares
        for batch in latents:
            values = batch.movedim(1, 0).flatten(1).double().cpu()
            sums += torch.stack([torch.full_like(values[:, 0], values.shape[1]), values.sum(1), values.square().sum(1)])
        # where processes exchange tensors; Apple's GPUs, which know no float64, have one process
        sums = sums if self.mean.device.type == "mps" else sums.to(self.mean.device)
        count, total, squares = sum_over_processes(sums)
        mean = total / count
        self.mean.copy_(mean[:, None, None])
        self.std.copy_((squares / count - mean.square()).clamp_min(1e-12).sqrt()[:, None, None])
        self.filled.fill_(1)


class LatentGAN(GAN):
    """The non-saturating game over the scaled latents of a frozen autoencoder; `sample` decodes what is drawn.

    Autoencoder and scale are parts of the model, so that its checkpoints need nothing else.

    Args:
        generator: latent vectors to scaled latents (N, C, h, w), without a tanh.
        discriminator: scaled latents to logits (N,).
        autoencoder: a `ganzoo.networks.vqgan.VQAutoencoder` of the checkpoint's layers.
        init: checkpoint of the VQGAN that the autoencoder comes from, as `ganzoo.load` takes it: a bundled name, a
            folder, a .ckpt, a Hub repository. None takes the autoencoder as it is, for one made by hand.
        **kwargs: see `GAN`.

    Raises:
        GanzooError: if the autoencoder has no latents, or the players are made for others.
    """

    of_samples = ("autoencoder",)
    finished_by = ("scale", "autoencoder")
    objective = NONSATURATING
    autoencoder: Any  # with latents
    starts_as = MappingProxyType({"autoencoder": "generator"})

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        autoencoder: nn.Module,
        init: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, **kwargs)
        if not hasattr(autoencoder, "latent_shape"):
            raise GanzooError("model.autoencoder: it has no latents; ganzoo.networks.vqgan.VQAutoencoder does.")
        self.autoencoder = autoencoder.requires_grad_(False).eval()
        self.latent_shape: tuple[int, ...] = self.autoencoder.latent_shape
        self.scale = LatentScale(self.latent_shape[0])
        self.init = init
        self.starts = {"autoencoder": init} if init is not None else {}
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            own = getattr(network, "shape", self.latent_shape)
            if own != self.latent_shape:
                raise GanzooError(
                    f"model.{name}: it is made for {own}, but latents have the shape {self.latent_shape}."
                )

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the data of both players: latents, whose shape the data do not tell, with the data's classes."""
        latents = DataSpec(n_classes=spec.n_classes)
        return {"generator": latents, "discriminator": latents}

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Line for the model card that names the autoencoder's checkpoint."""
        return (f"Autoencoder: that of `{self.init}`, frozen",) if self.init else ()

    def train(self, mode: bool = True) -> "LatentGAN":
        """Sets the mode of all but the autoencoder, which stays in evaluation mode."""
        super().train(mode)
        self.autoencoder.eval()
        return self

    def on_fit_start(self) -> None:
        """Prepares the training, and measures the scale of the whole training set's latents, unless it is known."""
        super().on_fit_start()
        if not self.scale.filled:
            loader = self.trainer.datamodule.loader("train")  # type: ignore[attr-defined]
            with torch.random.fork_rng(devices=[]):  # a loader's workers take their seed from the global state
                self.scale.fit(self.encode(x.to(self.device)) for x, _ in loader)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Returns the latents (N, C, h, w) of a batch of images, neither scaled nor quantised."""
        return self.autoencoder.encode(x)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns what the autoencoder makes of images (N, C, H, W), in [-1, 1]: no sample can be better than these."""
        return self.autoencoder.decode(self.encode(x.to(self.device))).clamp(-1, 1)

    def real_pair(self, x: Tensor, y: Any) -> tuple[Tensor, Any]:
        """Returns the scaled latents of the batch, and its conditions."""
        return self.scale(self.encode(x)), y

    def finish(self, generator: nn.Module, output: Tensor) -> Tensor:
        """Decodes scaled latents to images in [-1, 1]; in training they are what is judged."""
        if generator.training:
            return output
        return self.autoencoder.decode(self.scale.inverse(output)).clamp(-1, 1)
