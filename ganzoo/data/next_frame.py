"""Data sets of pairs of frames of clips: some as the source, and as the target the one that follows them."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.frames import moved
from ganzoo.common.kinds import VIDEO, kind_of
from ganzoo.data.base import DataModule, Loaded, Split
from ganzoo.data.clip_folder import ClipFolder
from ganzoo.data.moving_digits import MovingDigits

MOVING = 1 / 32  # share of the pixels of a patch that must move in its last step


class NextFrame(DataModule):
    """The last frame of each clip as the target; those before it, stacked on their channels, as the source.

    Scores look at whole frames. Training may look at square patches, chosen at random among those in which something
    moves from the last frame of the source to the target.

    Args:
        clips: data of clips (channels, T, H, W).
        frames: how many frames a source has; T must be larger.
        patch: side of training patches in pixels; None for whole frames.
        batch_size: pairs per process.
        flip: mirror half of the training clips, chosen at random.
        num_workers: processes that read what is too large for memory; 0 reads in this process.

    Raises:
        GanzooError: if the clips are too short for so many frames, or smaller than a patch.
    """

    tasks = ("video",)

    def __init__(
        self,
        clips: DataModule,
        frames: int = 4,
        patch: int | None = None,
        batch_size: int = 64,
        flip: bool = False,
        num_workers: int = 0,
    ) -> None:
        super().__init__(batch_size, flip, num_workers)
        require_at_least("data.frames", frames, 1)
        self.clips, self.earlier_frames, self.patch = clips, frames, patch
        self.title, self.licence, self.source = clips.title, clips.licence, clips.source

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # read-only here
        """(channels, height, width) of a frame."""
        channels, _, height, width = self.clips.shape
        return channels, height, width

    @property
    def source_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # read-only here
        """(frames * channels, height, width) of the frames before it."""
        channels, height, width = self.shape
        return self.earlier_frames * channels, height, width

    @property
    def resized(self) -> str | None:
        """Words for how the clips come to their size."""
        return self.clips.resized

    def inspect(self) -> None:
        """Looks at the clips.

        Raises:
            GanzooError: they are missing, no clips at all, too short for so many frames, or smaller than a patch.
        """
        self.clips.inspect()
        kind, there, frames = kind_of(self.clips), tuple(self.clips.shape), self.earlier_frames
        if kind != VIDEO:
            raise GanzooError(f"data.clips: clips are wanted, but the data are {kind.name if kind else there}.")
        if there[1] <= frames:
            raise GanzooError(f"data.frames: {frames} given, but a clip has {there[1]}, the target included.")
        most = min(there[2:])
        if self.patch is not None and not 1 <= self.patch <= most:
            raise GanzooError(f"data.patch: {self.patch} given, but it must be at least 1 and at most {most}.")
        self.reference: Split = self.clips.reference

    def load(self, split: Split) -> Loaded:
        """Loads the clips, and nothing that belongs to them."""
        items, _ = self.clips.split(split)
        return items, None

    def make(self, x: Tensor, y: Any, generator: torch.Generator, train: bool) -> tuple[Tensor, Tensor]:
        """Returns (earlier frames, next frame) of clips (N, C, T, H, W), of patches in training if these are wanted."""
        x = x[:, :, -self.earlier_frames - 1 :]
        if train and self.patch is not None:
            x = moving_patches(x, self.patch, generator)
        *earlier, target = x.unbind(2)
        return torch.cat(earlier, 1), target.contiguous()


class NextDigits(NextFrame):
    """Frames of digits that move over a still texture and bounce off the edges: see `MovingDigits`.

    Args:
        root: folder of MNIST. Default: `$GANZOO_DATA`, else `./data`.
        size: height and width of the frames in pixels.
        frames: how many frames a source has.
        patch: side of training patches in pixels, see `NextFrame`; None for whole frames.
        digits: that move in each clip.
        digit_size: side of a digit's square, as a share of the frame's.
        speed: of the fastest digits, in widths of the frame per frame.
        samples: clips of an epoch.
        batch_size: pairs per process.
        flip: mirror half of the training clips, chosen at random.
        num_workers: processes that draw clips.
        download: fetch what is missing from the internet.
    """

    title = "moving MNIST digits over textures"
    licence = "CC BY-SA 3.0"
    source = "Yann LeCun, Corinna Cortes, Christopher J. C. Burges, http://yann.lecun.com/exdb/mnist/; set in motion"

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        frames: int = 4,
        patch: int | None = None,
        digits: int = 2,
        digit_size: float = 0.4375,
        speed: float = 0.06,
        samples: int = 10000,
        batch_size: int = 64,
        flip: bool = False,
        num_workers: int = 0,
        download: bool = True,
    ) -> None:
        clips = MovingDigits(root, size, frames + 1, digits, digit_size, speed, samples, download=download)
        super().__init__(clips, frames, patch, batch_size, flip, num_workers)


class NextFrames(NextFrame):
    """Frames of your own video: GIFs, movies, arrays, or folders of frames, in a folder or zip: see `ClipFolder`.

    Args:
        root: the folder, zip, or a single video. A relative path that does not exist is also looked for under
            `$GANZOO_DATA`.
        size: height and width of the frames in pixels.
        frames: how many frames a source has.
        patch: side of training patches in pixels, see `NextFrame`; None for whole frames.
        stride: every how many frames of a video one is taken.
        scale: pixels of the shorter side of a video, to which it is resized, as a multiple of `size`.
        channels: 3 (RGB) or 1 (grey).
        held_out: share of the videos that make a test split where no folders do. 0: none, and scores refer to the
            training videos.
        title: what the videos are, for model cards. Default: the name of the folder.
        licence: their terms.
        source: who made them, and where they come from.
        batch_size: pairs per process.
        flip: mirror half of the training clips, chosen at random.
    """

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        frames: int = 4,
        patch: int | None = None,
        stride: int = 1,
        scale: float = 1.0,
        channels: int = 3,
        held_out: float = 0.1,
        title: str | None = None,
        licence: str = "unknown",
        source: str = "",
        batch_size: int = 64,
        flip: bool = False,
    ) -> None:
        clips = ClipFolder(root, size, frames + 1, stride, scale, channels, held_out, title, licence, source)
        super().__init__(clips, frames, patch, batch_size, flip)


def moving_patches(clips: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Cuts each clip to a square patch, chosen at random among those that move in the last step, or all if none does.

    Args:
        clips: (N, C, T, H, W) in [-1, 1], of at least two frames.
        side: of a patch in pixels.
        generator: a CPU generator.

    Returns:
        (N, C, T, side, side).
    """
    moving = moved(clips[:, :, -2], clips[:, :, -1])[:, 0].long()
    sums = pad(moving.cumsum(1).cumsum(2), (1, 0, 1, 0))  # of all pixels above and to the left of each corner
    counts = sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side] + sums[:, :-side, :-side]
    chosen = (counts >= MOVING * side**2).flatten(1).cpu()
    chosen |= ~chosen.any(1, keepdim=True)
    place = torch.multinomial(chosen.float(), 1, generator=generator).to(clips.device)
    rows = (place // counts.shape[2] + torch.arange(side, device=clips.device))[:, :, None]
    columns = (place % counts.shape[2] + torch.arange(side, device=clips.device))[:, None]
    which = torch.arange(len(clips), device=clips.device)[:, None, None]
    return clips.permute(0, 3, 4, 1, 2)[which, rows, columns].permute(0, 3, 4, 1, 2).contiguous()
