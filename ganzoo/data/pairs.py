"""Data set of pairs of pictures, side by side in one file or by one name in two folders."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.data.base import Split
from ganzoo.data.decoding import Header, Pictures, colourful, fit_image, opened, to_tensor, unreadable_reason
from ganzoo.data.image_folder import ImageFolder
from ganzoo.data.layout import Layout
from ganzoo.data.pairing import alike, partners, picture_place, split_of, unpaired_remark

Direction = Literal["AtoB", "BtoA"]


class PairedFolder(ImageFolder):
    """Pairs of pictures in a folder or a zip: both side by side in one picture, or in folders A and B.

    Side by side is how the data sets of pix2pix are laid out, facades, maps, edges2shoes: image A is the left half of
    each picture and B the right one. Where pictures lie in folders A and B instead (`A/train`, `train/A` or `trainA`),
    those of the same name are a pair. Each image comes to a square of `size` by itself.

    Pictures under `train/` are for training, and scores refer to those under `val/`, or where there are none under
    `test/`. Without a `train/` a share of all pairs is held out. There are no classes. Everything else is as in
    `ImageFolder`.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of an image in pixels.
        channels: of the target: 3 (RGB) or 1 (grey); None as in `ImageFolder`.
        source_channels: of the source, likewise; None for those of the target.
        direction: `AtoB` makes B, or the right half, of A, or the left half; `BtoA` the reverse.
        jitter: training pairs are resized to so many pixels more, and cropped anew each time. The paper's 256 pixels
            take 30.
        held_out: share of the pairs that make the test split, where there is no `train/`.
        folders: names of the two folders that hold A and B, such as [photo, label]. Default: A and B, in either case.
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
        folders: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, size, channels, held_out, **kwargs)
        if source_channels not in (None, 1, 3):
            raise GanzooError(f"data.source_channels: {source_channels} given, but it must be 3 (RGB) or 1 (grey).")
        if direction not in ("AtoB", "BtoA"):
            raise GanzooError(f"data.direction: '{direction}' given, but it must be AtoB or BtoA.")
        if folders is not None and len({*folders}) != 2:
            raise GanzooError(f"data.folders: {folders} given, but it must be the names of two folders, A's and B's.")
        require_at_least("data.jitter", jitter, 0)
        self._source_channels, self.direction, self.jitter, self.folders = source_channels, direction, jitter, folders
        self.partners: dict[str, str] = {}

    @property
    def reference(self) -> Split:  # type: ignore[override]  # read-only here
        """Split that scores are computed against: the held-out one."""
        return "test"

    @property
    def source_channels(self) -> int:
        """Channels of the source; by default those of the target."""
        return self._source_channels or self.channels

    @property
    def source_shape(self) -> tuple[int, ...]:  # type: ignore[override]  # read-only here
        """(channels, height, width) of a source."""
        return (self.source_channels, self.size, self.size)

    @property
    def resized(self) -> str:
        """Words for how the images of a pair come to a square."""
        return f"of each {'image' if self.partners else 'half'} {super().resized}"

    def arrange(self, names: list[str]) -> Layout:
        """Pairs the pictures, and parts them by their folders.

        Raises:
            GanzooError: none of A's and B's pictures have the same name, or two folders seem to be meant for A and B;
                or nothing is held out, or to train on.
        """
        remarks: list[str] = []
        places = {name: where for name in names if (where := picture_place(name, self.folders))}
        missing = {0, 1}.difference(where.domain for where in places.values())
        if self.folders and missing:
            lacking = " and ".join(f"'{self.folders[i]}'" for i in sorted(missing))
            raise GanzooError(f"data.folders: there are no pictures in a folder {lacking} of {self.root}.")
        if not missing:
            self.partners, rest = partners(places)
            if not self.partners:
                a, b = (next(name for name, where in places.items() if where.domain == i) for i in (0, 1))
                raise GanzooError(
                    f"data.root: no picture of A has the name of one of B in {self.root}, as {a} and {b}. A pair are "
                    "two pictures of one name."
                )
            remarks = unpaired_remark([*sorted({*names}.difference(places)), *rest])
            names = sorted(self.partners)
        elif (pair := alike(names)) and not self._wide(names):
            raise GanzooError(
                f"data.root: the folders {pair[0]} and {pair[1]} of {self.root} hold pictures of the same names. If "
                f"they are pairs, say which folder is A: --data.folders '[{pair[0]}, {pair[1]}]'."
            )
        splits = {name: where.split if (where := places.get(name)) and not missing else split_of(name.split("/")[:-1])
                  for name in names}  # fmt: skip
        if not self.splits or "train" not in splits.values():
            if not self.held_out:
                raise GanzooError(f"data.held_out: it must be above 0, as no train/ of {self.root} parts the pictures.")
            return self.hold_out(Layout(names, remarks=remarks))
        held = "val" if "val" in splits.values() else "test"
        loose = [name for name in names if splits[name] is None]
        if loose:
            remarks.append(f"left out {len(loose)} picture(s) that lie in none of train, val and test: {loose[0]} ...")
        train, test = ([name for name in names if splits[name] == split] for split in ("train", held))
        return Layout(train, test, remarks=remarks)

    def _wide(self, names: Sequence[str]) -> bool:
        """Returns whether the first readable picture is as wide as two side by side."""
        for name in names:
            try:
                width, height, *_ = Pictures(self.root, [name], 1, 3).header(0)
            except Exception:  # Pillow fails in many ways; `load` names the picture
                continue
            return width >= 1.5 * height
        return False

    def load(self, split: Split) -> Any:
        """Finds and decodes the pairs; see `ImageFolder`.

        Raises:
            GanzooError: there is no such split.
        """
        self.inspect()
        assert self._layout is not None
        if split == "test" and not self._layout.test:
            raise GanzooError(f"data.root: {self.root} has pictures under train/, but none under val/ or test/.")
        return super().load(split)

    def pictures(self, split: Split, names: list[str]) -> Pictures:
        """Returns a decoder of these pairs, in training with room for crops."""
        size = self.size + (self.jitter if split == "train" else 0)
        channels = self._channels or 3
        about = (self.root, names, size, (self._source_channels or channels, channels), self.direction, self.fit)
        return InTwoFolders(*about, self.partners) if self.partners else SideBySide(*about)

    def make(self, x: Tensor, y: Tensor | None, generator: torch.Generator, train: bool) -> tuple[Any, Any]:
        """Returns (source, target) or (source, (target, labels)) of stored pairs, cropped at random in training."""
        return part(random_crop(x, self.size, generator), y, self.source_channels)


class SideBySide(Pictures):
    """Pairs in one picture each, decoded to (source channels + channels, size, size), the source first.

    Args:
        root: a folder, or a zip.
        names: paths of the pictures inside it; image A is the left half of each.
        size: height and width that each image gets.
        channels: of the source and of the target.
        direction: which of A and B is the source.
        fit: how others come to a square, see `ganzoo.data.decoding.fit_image`.
    """

    def __init__(
        self, root: Path, names: list[str], size: int, channels: tuple[int, int], direction: Direction, fit: str
    ) -> None:
        super().__init__(root, names, size, sum(channels), fit)
        self.each, self.direction = channels, direction
        self.field = "data.source_channels" if channels[0] == 1 else "data.channels"

    def images(self, index: int, draft: int | None) -> tuple[Any, Any]:
        """Returns images A and B of a pair, RGB; raises what Pillow raises, and ValueError without halves."""
        image = opened(self.read(self.names[index]), 3, None if draft is None else 2 * draft)
        if image.width < 2:
            raise ValueError("a picture of one column has no halves")
        half = image.width // 2
        right = image.width - half
        return image.crop((0, 0, half, image.height)), image.crop((right, 0, image.width, image.height))

    def pair(self, index: int, draft: int | None) -> list[tuple[Any, int]]:
        """Returns the source and the target of a pair, RGB, each with the channels that it gets."""
        a, b = self.images(index, draft)
        return list(zip((a, b) if self.direction == "AtoB" else (b, a), self.each, strict=True))

    def decode(self, index: int) -> Tensor:
        """Returns a pair, uint8; raises what Pillow raises, and ValueError for a picture that cannot be halved."""
        both = [image.convert("L" if n == 1 else "RGB") for image, n in self.pair(index, 2 * self.size)]
        return torch.cat([to_tensor(fit_image(image, self.size, self.size, self.fit)) for image in both])

    def header(self, index: int) -> Header:
        """Reads no more than a picture's header; returns that of a half."""
        header = super().header(index)
        if header.width < 2:
            raise ValueError("a picture of one column has no halves")
        if header.width < 1.2 * header.height:
            remark = "not twice as wide as high, and yet each half is taken for an image"
            header = header._replace(remarks=(*header.remarks, remark))
        return header._replace(width=header.width // 2)

    def loses_colours(self, index: int) -> bool:
        """Returns whether an image of a pair shows colours and is to be grey."""
        return any(n == 1 and colourful(image) for image, n in self.pair(index, 64)) if 1 in self.each else False

    def signature(self) -> str:
        """Returns a text that changes with the pictures and what is made of them."""
        return super().signature() + ("" if self.direction == "AtoB" else f" {self.direction}")


class InTwoFolders(SideBySide):
    """Pairs of two picture files each, decoded to (source channels + channels, size, size), the source first.

    Args:
        *about: see `SideBySide`, of the pictures of A; and last the path of each one's partner in B.
    """

    def __init__(self, *about: Any) -> None:
        *about_a, self.partners = about
        super().__init__(*about_a)

    def images(self, index: int, draft: int | None) -> tuple[Any, Any]:
        """Returns images A and B of a pair, RGB; raises what Pillow raises."""
        a = opened(self.read(self.names[index]), 3, draft)
        with _of_partner():
            return a, opened(self.read(self.partners[self.names[index]]), 3, draft)

    def header(self, index: int) -> Header:
        """Returns A's header, and reads no more of both pictures than these."""
        a = self.header_of(self.names[index])
        with _of_partner():
            b = self.header_of(self.partners[self.names[index]])
        remarks = a.remarks + b.remarks
        if self.crops and abs(a.width * b.height / (a.height * b.width) - 1) > 0.05:
            remarks += ("cut to the middle square, although A and B differ in proportions",)
        return Header(a.width, a.height, a.grey and b.grey, a.deep or b.deep, remarks)

    def signature(self) -> str:
        """Returns a text that changes with the pictures and what is made of them."""
        a, b = (Pictures(self.root, names, 1, 3) for names in (self.names, [self.partners[n] for n in self.names]))
        return f"{super().signature()} {a.signature()} {b.signature()}"


@contextmanager
def _of_partner() -> Iterator[None]:
    """Context manager: errors inside are said to be about the picture in B."""
    try:
        yield
    except Exception as error:  # Pillow fails in many ways
        raise ValueError(f"its partner in B: {unreadable_reason(error)}") from error


def part(x: Tensor, y: Tensor | None, source_channels: int) -> tuple[Any, Any]:
    """Splits stacked pairs (N, C_source + C, H, W) into (source, target), or (source, (target, y)) with labels y."""
    source, target = x[:, :source_channels], x[:, source_channels:]
    return source, target if y is None else (target, y)


def random_crop(x: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Crops each image of (N, C, H, W) to `size` at a random place; an image of that size stays as it is.

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
