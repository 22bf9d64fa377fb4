"""Base of image-to-image models: a generator that maps source images to target images.

`Translator` plays a discriminator against a generator that is shown a source image, and translates with the averaged
generator. Its batches are (x, y): sources (N, C, H, W), and their targets, with labels where those are known.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ganzoo.common.batches import batch_target
from ganzoo.common.errors import GanzooError
from ganzoo.common.eval_mode import evaluating
from ganzoo.common.kinds import kind_by_shape
from ganzoo.common.progress_bar import with_bar
from ganzoo.common.seeding import mix, run_seed
from ganzoo.games.adversarial import Adversarial
from ganzoo.games.players import Loss, Player

TRANSLATE_BATCH = 64
Size = tuple[int | None, ...]


class Translator(Adversarial):
    """Game of a generator that maps source images to target images, with or without a discriminator.

    A network may say what it takes and makes: `source_shape` and `shape`, each (C, H, W) with None for a height or a
    width that may be any; `multiple`, by which both sides of its source must be divisible, and `least`, which they must
    have; and `reach`, how many pixels of the source to each side an output pixel depends on, if not on all of them.

    Args:
        generator: maps source images (N, C, H, W) in [-1, 1] to images (N, C', H', W') in [-1, 1].
        discriminator: gives logits, without a sigmoid. None leaves it out of the game.
        **kwargs: see `Adversarial`.
    """

    tasks: ClassVar[tuple[str, ...]] = ("translation",)

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None = None, **kwargs: Any) -> None:
        super().__init__(generator, discriminator, **kwargs)

    def setup(self, stage: str) -> None:
        """Prepares the networks, and checks that they fit the data."""
        super().setup(stage)
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            self.fits(data)

    def fits(self, datamodule: Any) -> None:
        """Raises GanzooError if the data are no pairs of images, or the networks do not fit them."""
        source_shape = getattr(datamodule, "source_shape", None)
        if source_shape is None:
            kind = type(datamodule).__name__
            raise GanzooError(f"data: {type(self).__name__} translates images, but {kind} has no source images.")
        self.require_kind(datamodule)
        self.check(datamodule.shape, source_shape)

    def check(self, shape: tuple[int, ...], source_shape: tuple[int, ...] | None = None) -> None:
        """Checks that the networks fit targets of `shape` and sources of `source_shape` (None: any).

        Raises:
            GanzooError: if the generator takes or makes, or the discriminator judges images of another shape.
        """
        if source_shape is not None:
            require_takes(self.generator, source_shape, "model.generator", "the data gives")
        require_shape(self.generator, shape, "model.generator")
        require_shape(self.discriminator, shape, "model.discriminator")
        self.check_opponents(self.data_kind or kind_by_shape(shape))

    def players(self) -> Sequence[Player]:
        """Returns the base's players, whose losses are given sources x and targets y, without labels."""

        def of_targets(loss: Loss) -> Loss:
            return lambda x, y, move: loss(x, batch_target(y), move)

        return tuple(replace(player, loss=of_targets(player.loss)) for player in super().players())

    def real_pair(self, x: Tensor, y: Tensor) -> tuple[Tensor, Any]:
        """Returns the targets; a variant whose discriminator sees the sources, too, returns them as the condition."""
        return y, None

    def fake_pair(self, x: Tensor, y: Tensor) -> tuple[Tensor, Any]:
        """Returns the translations of the sources, as `real_pair` returns the targets."""
        return self.generator(x), None

    def translate(self, x: Tensor, seed: int | None = None, *, progress: bool = False) -> Tensor:
        """Translates images with the averaged generator in evaluation mode.

        Args:
            x: sources (N, C, H, W) in [-1, 1], any N.
            seed: fixes what is random in a variant that keeps its noise on; None draws anew each time.
            progress: show a bar, if it takes longer than a second.

        Returns:
            Images (N, C', H', W') in [-1, 1], on the model's device.

        Raises:
            GanzooError: if the generator does not take images of this shape.
        """
        return self.rendered(self.render, x, self.generator, seed, progress)

    @property
    def noise_dim(self) -> int:
        """Number of values, uniform on [-1, 1], that `render` takes besides the source image; 0 for none."""
        return 0

    def render(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Maps a batch of sources to images; called in evaluation mode. A variant with noise switches that on here.

        Args:
            x: sources (N, C, H, W).
            noise: (N, noise_dim), for a variant that has some; None draws it.
        """
        return self.averaged("generator")(x)

    @torch.no_grad()
    def rendered(
        self,
        render: Callable[[Tensor], Tensor],
        x: Tensor,
        network: nn.Module,
        seed: int | None = None,
        progress: bool = False,
    ) -> Tensor:
        """Passes images through `render` as `translate` does: in batches, in evaluation mode, seeded, on the device.

        Args:
            render: maps a batch of images to images.
            x: images (N, C, H, W).
            network: what they are checked against.
            seed: see `translate`.
            progress: likewise.

        Raises:
            GanzooError: if the network does not take images of this shape.
        """
        if x.dim() != 4:
            raise GanzooError(f"x: images (N, C, H, W) are wanted, not a tensor of shape {tuple(x.shape)}.")
        require_takes(network, tuple(x.shape[1:]), "x", "but it has")
        devices = [self.device] if self.device.type == "cuda" else []
        with evaluating(self), torch.random.fork_rng(devices, enabled=seed is not None):
            if seed is not None:
                torch.manual_seed(seed)
            parts = x.split(TRANSLATE_BATCH)
            images = [render(part.to(self.device)) for part in with_bar(parts, map(len, parts), progress)]
        return torch.cat(images).clamp(-1, 1).contiguous()  # not channels last, as the weights are

    def predict_step(self, batch: tuple[Tensor, Any], batch_idx: int) -> Tensor:
        """Translates the batch's sources; the b-th batch has its own seed."""
        return self.translate(batch[0], seed=mix(run_seed(), self.global_rank, batch_idx))


def agree(allowed: Size, shape: Size) -> bool:
    """Returns whether two shapes agree, None standing for any number on either side."""
    return len(allowed) == len(shape) and all(
        a is None or b is None or a == b for a, b in zip(allowed, shape, strict=True)
    )


def shape_text(shape: Size) -> str:
    """Returns a shape as text: `3x64x64`, and `3xHxW` where height and width may be any."""
    return "x".join(str(letter if number is None else number) for number, letter in zip(shape, "CHW", strict=False))


def require_takes(network: nn.Module, shape: Size, field: str, but: str) -> None:
    """Checks that a network takes sources of this shape (C, H, W).

    Raises:
        GanzooError: naming `field`, if it does not.
    """
    takes = getattr(network, "source_shape", None)
    if takes is not None and not agree(takes, shape):
        raise GanzooError(f"{field}: sources of shape {shape_text(takes)} are taken, {but} {shape_text(shape)}.")
    least: int = getattr(network, "least", 1)
    if any(side is not None and side < least for side in shape[1:]):
        raise GanzooError(f"{field}: sides of at least {least} are taken, {but} {shape_text(shape)}.")
    multiple: int = getattr(network, "multiple", 1)
    if odd := [side for side in shape[1:] if side is not None and side % multiple]:
        below = max(odd[0] // multiple, 1) * multiple
        nearest = " and ".join(str(side) for side in (below, below + multiple))
        where = f"{but} {shape_text(shape)}; the nearest are {nearest}"
        raise GanzooError(f"{field}: sides divisible by {multiple} are taken, {where}.")


def pad_to_multiple(x: Tensor, multiple: int, least: int = 1) -> Tensor:
    """Continues images (1, C, H, W) at the right and the bottom until both sides are `least` and fit `multiple`."""
    bottom, right = (max(side, least) + -max(side, least) % multiple - side for side in x.shape[2:])
    return pad(x, (0, right, 0, bottom), mode="replicate")


def require_shape(network: nn.Module | None, shape: Size, field: str) -> None:
    """Checks that a network makes, or judges, images of this shape (C, H, W).

    Raises:
        GanzooError: naming `field`, if it does not.
    """
    own = getattr(network, "shape", None)
    if own is not None and not agree(own, shape):
        raise GanzooError(
            f"{field}: it is made for images of shape {shape_text(own)}, but the data gives {shape_text(shape)}."
        )
