"""Pictures that show a pair of images side by side: a source, and the target that it is to become."""

from pathlib import PurePosixPath
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.data.base import Split, require_at_least
from ganzoo.data.image_folder import ImageFolder
from ganzoo.data.pictures import MIDDLE, Pictures, middle, opened, to_tensor
from ganzoo.errors import GanzooError

Direction = Literal["AtoB", "BtoA"]


class PairedFolder(ImageFolder):
    """Pictures that show both images of a pair side by side, in a folder or a zip.

    This is how the data sets of pix2pix are laid out: facades, maps, edges2shoes. Image A is the left half of each
    picture and B the right one; the central square of each is resized to `size`. Pictures under `train/` are for
    training, and scores refer to those under `val/`, or where there are none under `test/`. Without a `train/` a share
    of all pictures is held out. Everything else is as in `ImageFolder`, but for classes, which there are none of.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of an image in pixels.
        channels: of the target: 3 (RGB) or 1 (grey); None as in `ImageFolder`.
        source_channels: of the source, likewise; None for those of the target.
        direction: `AtoB` makes the right half of the left one, `BtoA` the left half of the right one.
        jitter: training pairs are resized to so many pixels more, and cropped anew each time. The paper's 256 pixels
            take 30.
        held_out: share of the pictures that make the test split, where there is no `train/`.
        **kwargs: see `ImageFolder`.
    """

    def __init__(
        self,
        root: str | None = None,
        size: int = 256,
        channels: int | None = 3,
        source_channels: int | None = 3,
        direction: Direction = "AtoB",
        jitter: int = 30,
        held_out: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, size, channels, held_out, **kwargs)
        if source_channels not in (None, 1, 3):
            raise GanzooError(f"data.source_channels: {source_channels} given, but it must be 3 (RGB) or 1 (grey).")
        if direction not in ("AtoB", "BtoA"):
            raise GanzooError(f"data.direction: '{direction}' given, but it must be AtoB or BtoA.")
        require_at_least(0, jitter=jitter)
        self._source_channels, self.direction, self.jitter = source_channels, direction, jitter
        self.reference = "test"

    @property
    def source_channels(self) -> int:
        """Channels of the source; those of the target unless told otherwise."""
        return self._source_channels or self.channels

    @property
    def source_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # nobody sets that of pictures
        """(channels, height, width) of a source."""
        return (self.source_channels, self.size, self.size)

    @property
    def resized(self) -> str:
        """The middle squares of the halves."""
        return f"of each half {MIDDLE}"

    def _of_split(self, names: list[str], split: Split) -> list[str]:
        under = {
            folder: [name for name in names if folder in PurePosixPath(name).parts[:-1]]
            for folder in ("train", "val", "test")
        }
        if not under["train"]:
            if not self.held_out:
                raise GanzooError(f"data.held_out: it must be above 0, as there is no train/ in {self.root}.")
            return super()._of_split(names, split)
        found = under["train"] if split == "train" else under["val"] or under["test"]
        if not found:
            raise GanzooError(f"data.root: {self.root} has pictures under train/, but none under val/ or test/.")
        return found

    def _labels(self, names: list[str], everything: list[str]) -> None:
        return None  # the folders are the splits

    def pictures(self, split: Split, names: list[str]) -> Pictures:
        """Returns what decodes these pictures: with room for crops in training."""
        size = self.size + (self.jitter if split == "train" else 0)
        return SideBySide(self, names, size)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Any, Any]:
        """Crops pairs at random, and parts them into (source, target) or (source, (target, labels))."""
        return part(random_crop(x, self.size, generator), y, self.source_channels)


class SideBySide(Pictures):
    """Pictures of pairs, decoded to (source channels + channels, size, size), the source first.

    Args:
        data: says where they are, which half is the source, and how many channels each half gets.
        names: paths of the pictures inside its root.
        size: height and width that each half gets.
    """

    def __init__(self, data: PairedFolder, names: list[str], size: int) -> None:
        super().__init__(data.root, names, size, data.channels)
        self.source_channels, self.source_left = data.source_channels, data.direction == "AtoB"
        self.shape = (data.source_channels + data.channels, size, size)

    def decode(self, index: int) -> Tensor:
        """Returns a pair, uint8; raises what Pillow raises, and ValueError for a picture that cannot be halved."""
        image = opened(self.read(self.names[index]), 3, 4 * self.size)
        if image.width < 2:
            raise ValueError("a picture of one column has no halves")
        half = image.width // 2
        left = image.crop((0, 0, half, image.height))
        right = image.crop((image.width - half, 0, image.width, image.height))
        source, target = (left, right) if self.source_left else (right, left)
        halves = ((source, self.source_channels), (target, self.channels))
        squares = [middle(image.convert("L" if n == 1 else "RGB"), self.size, self.size) for image, n in halves]
        return torch.cat([to_tensor(image) for image in squares])


def part(x: Tensor, y: Tensor | None, source_channels: int) -> tuple[Any, Any]:
    """Parts stacked pairs (N, C_source + C, H, W) into (source, target), or (source, (target, y)) with labels y."""
    source, target = x[:, :source_channels], x[:, source_channels:]
    return source, target if y is None else (target, y)


def random_crop(x: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Crops each image of (N, C, H, W) to `size` where chance will have it; an image of that size stays as it is.

    Args:
        x: images of at least `size` pixels a side.
        size: height and width of the crops.
        generator: a CPU generator.
    """
    height, width = x.shape[-2:]
    if (height, width) == (size, size):
        return x
    corners = [torch.randint(side - size + 1, (len(x), 1), generator=generator) for side in (height, width)]
    rows, columns = ((corner + torch.arange(size)).to(x.device) for corner in corners)
    which = torch.arange(len(x), device=x.device)[:, None, None]
    return x.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
