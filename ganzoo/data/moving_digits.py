"""Video of MNIST digits that move over a still texture and bounce off its edges, with the true masks of the digits."""

import math
from copy import copy
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torch.utils.data import Dataset

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.kinds import VIDEO
from ganzoo.common.seeding import mix
from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.fetch import from_torchvision
from ganzoo.data.textures import make_textures

TEXTURES, SIDE = 120, 128  # how many, and their pixels a side: larger than a frame, so that crops differ
TEST_SAMPLES = 1000
SEEDS: dict[Split, int] = {"train": 1, "test": 2}
STRENGTH = 0.5  # brightness of the textures, the most in [0, 1]
PALEST = 0.5  # least brightness of a channel of a digit's colour, whose largest is 1
SLOWEST = 0.5  # of the speed
THRESHOLD = 0.2  # of the brightest channel, in [-1, 1]; no texture has more than 0


class MovingDigits(ImageDataModule):
    """Clips (3, frames, size, size): digits in bright colours that move over a darker texture, which stands still.

    Each digit moves straight on, and bounces off the edges; a later one covers the earlier. Training draws digits,
    textures and paths anew in each epoch; the test split has digits and textures of its own. After the Moving MNIST of
    Srivastava et al., "Unsupervised Learning of Video Representations using LSTMs" (2015), whose digits are 28 of 64
    pixels a side, white on black.

    Args:
        root: folder of MNIST, see `ImageDataModule`.
        size: height and width of the frames in pixels, 16 to 128.
        frames: of a clip.
        digits: that move in each.
        digit_size: side of a digit's square, as a share of the frame's; the default is 28 of 64 pixels.
        speed: of the fastest digits, in widths of the frame per frame; others have half of it at least.
        samples: clips of an epoch.
        seed: seed of the test split; that of the run chooses the training clips.
        num_workers: processes that draw clips.
        **kwargs: see `ImageDataModule`.
    """

    title = "moving MNIST digits over textures"
    licence = "CC BY-SA 3.0"
    source = "Yann LeCun, Corinna Cortes, Christopher J. C. Burges, http://yann.lecun.com/exdb/mnist/; set in motion"
    kind = VIDEO

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        frames: int = 16,
        digits: int = 2,
        digit_size: float = 0.4375,
        speed: float = 0.06,
        samples: int = 10000,
        seed: int = 0,
        num_workers: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, size, num_workers=num_workers, **kwargs)
        for name, value, least in (("size", size, 16), ("frames", frames, 1), ("digits", digits, 1)):
            require_at_least(f"data.{name}", value, least)
        require_at_least("data.samples", samples, 1)
        if size > SIDE:
            raise GanzooError(f"data.size: {size} given, but textures have no more than {SIDE} pixels a side.")
        if not 0 <= speed <= 0.5:
            raise GanzooError(f"data.speed: {speed} given, but it must be in [0, 0.5].")
        if not 0.1 <= digit_size <= 0.9:
            raise GanzooError(f"data.digit_size: {digit_size} given, but it must be in [0.1, 0.9].")
        self.digit_size = digit_size
        self.frames, self.digits, self.speed, self.samples, self.seed = frames, digits, speed, samples, seed
        self.shape = (self.channels, frames, size, size)

    def load(self, split: Split) -> Loaded:
        """Loads MNIST's IDX files, and returns the clips that are drawn of its digits."""
        data = from_torchvision("MNIST", self.root, self.download, train=split == "train")
        side = round(self.digit_size * self.size)
        digits = interpolate(data.data[:, None].float(), (side, side), mode="bilinear", antialias=True)
        pool = digits[:, 0].round().clamp(0, 255).byte()
        clips = DigitClips(pool, textures(split), self.shape, self.digits, self.speed)
        clips.samples = self.samples if split == "train" else TEST_SAMPLES
        clips.seed = mix(self.seed, SEEDS[split])
        return clips, None

    @staticmethod
    def true_masks(clips: Tensor) -> Tensor:
        """Returns where digits are, which is where a clip is brighter than any texture: in samples of a model, too.

        Args:
            clips: (N, 3, T, H, W) in [-1, 1].

        Returns:
            (N, 1, T, H, W), bool.
        """
        return clips.amax(1, keepdim=True) > THRESHOLD


class DigitClips(Dataset[Tensor]):
    """Dataset of clips that are drawn on access, each of its own random numbers.

    Args:
        digits: pool of digits (D, h, h), uint8.
        textures: pool of textures (B, 3, S, S), uint8.
        shape: (3, T, H, W) of a clip.
        count: digits of a clip.
        speed: see `MovingDigits`.

    Attributes:
        samples: number of clips.
        seed: fixes all of them.
    """

    samples = 0
    seed = 0

    def __init__(self, digits: Tensor, textures: Tensor, shape: tuple[int, ...], count: int, speed: float) -> None:
        self.digits, self.textures, self.shape, self.count, self.speed = digits, textures, shape, count, speed

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Tensor:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        """Returns clips (3, T, H, W), uint8: several together are drawn faster."""
        draws = [self._numbers(index) for index in indices]
        return [*self.draw(torch.stack(draws)).unbind()]

    def _numbers(self, index: int) -> Tensor:
        return torch.rand(8 * self.count + 3, generator=torch.Generator().manual_seed(mix(self.seed, index)))

    def draw(self, numbers: Tensor) -> Tensor:
        """Draws clips out of uniform random numbers (N, 8 * count + 3): uint8 (N, 3, T, H, W)."""
        each, place = numbers[:, 3:].unflatten(1, (self.count, 8)), numbers[:, :3]
        clips = STRENGTH * self._backgrounds(place)[:, :, None].expand(-1, -1, self.shape[1], -1, -1)
        top, left = self._paths(each)
        pool = pad(self.digits[(each[..., 0] * len(self.digits)).long()], (1, 1, 1, 1)).float() / 255
        colours = PALEST + (1 - PALEST) * each[..., 1:4]
        colours = colours / colours.amax(-1, keepdim=True)
        for digit in range(self.count):
            cover = self._placed(pool[:, digit], top[:, digit], left[:, digit])[:, None]
            clips = torch.lerp(clips, colours[:, digit, :, None, None, None].expand_as(clips), cover)
        return (255 * clips).round().byte()

    def _backgrounds(self, numbers: Tensor) -> Tensor:
        """Returns crops of textures (N, 3, H, W) in [0, 1], at places (N, 3): which, top and left in [0, 1)."""
        size, spare = self.shape[-1], self.textures.shape[-1] - self.shape[-1] + 1
        which = (numbers[:, 0] * len(self.textures)).long()
        top, left = (numbers[:, 1:] * spare).long().unbind(1)
        side = torch.arange(size)
        rows, columns = (top[:, None] + side)[:, :, None], (left[:, None] + side)[:, None]
        return self.textures[which[:, None, None], :, rows, columns].movedim(-1, 1).float() / 255

    def _paths(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Returns rows and columns (N, count, T) of the digits' corners; they bounce at the edges."""
        room = self.shape[-1] - self.digits.shape[-1]
        angle, pace = 2 * math.pi * numbers[..., 6], SLOWEST + (1 - SLOWEST) * numbers[..., 7]
        step = self.speed * self.shape[-1] * pace
        times = torch.arange(self.shape[1])
        corners = []
        for start, direction in ((numbers[..., 4], angle.sin()), (numbers[..., 5], angle.cos())):
            free = room * start[..., None] + (step * direction)[..., None] * times
            corners.append((room - (free.remainder(2 * room) - room).abs()).round().long())
        return corners[0], corners[1]

    def _placed(self, digits: Tensor, top: Tensor, left: Tensor) -> Tensor:
        """Returns digits (N, h+2, h+2), which have empty edges, at rows and columns (N, T) of frames (N, T, H, W)."""
        size, last = self.shape[-1], digits.shape[-1] - 1
        side = torch.arange(size) + 1
        rows, columns = ((side - corner[..., None]).clamp(0, last) for corner in (top, left))
        return digits[torch.arange(len(digits))[:, None, None, None], rows[..., None], columns[..., None, :]]

    def seeded(self, seed: int) -> "DigitClips":
        """Returns a copy whose clips the seed and their index choose."""
        clips = copy(self)
        clips.seed = seed
        return clips

    def signature(self) -> str:
        """Returns a text that changes with the clips."""
        sums = int(self.digits.sum()), int(self.textures.sum())
        return f"moving digits {self.shape} {self.count} {self.speed} {self.samples} {self.seed} {sums}"


@cache
def textures(split: Split) -> Tensor:
    """Returns a split's textures (N, 3, side, side), uint8, made once per process."""
    return make_textures(TEXTURES, SIDE, SEEDS[split])
