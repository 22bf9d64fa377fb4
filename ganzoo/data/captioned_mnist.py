"""MNIST with captions: one or two digits on a canvas, and a sentence on which and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganzoo.common.captions import NUMERALS, numbered
from ganzoo.common.conditions import Sequences
from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.common.seeding import mix
from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.captions import serve_captions, stored_captions
from ganzoo.data.fetch import from_torchvision

CANVAS, DIGIT = 60, 28  # pixels
FULL = 64  # of the canvas with its margin, before it is made smaller
NOTHING = -1  # in the place of a second digit
TEST_SAMPLES = 2000


@dataclass(frozen=True)
class Place:
    """Where a digit lies: ranges of the top row and the left column of its box of 28x28.

    Attributes:
        top: least and largest row.
        left: least and largest column.
    """

    top: tuple[int, int]
    left: tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Arrangement of one or two digits, with the sentences that say it.

    Attributes:
        places: of the digits.
        texts: {0} and {1} stand for their names.
    """

    places: tuple[Place, ...]
    texts: tuple[str, ...]


LOW, MIDDLE, HIGH = (0, 2), (16, 18), (30, 32)  # mansimov/text2image: rows and columns of boxes
NEAR, FAR = (0, 4), (28, 32)


def _single(place: Place, where: str) -> Layout:
    return Layout((place,), tuple(f"the digit {{0}} is {word} the {where} of the image" for word in ("at", "on")))


def _pair(first: Place, second: Place, one: str, other: str) -> Layout:
    texts = [f"the digit {{0}} is {word} the {one} of the digit {{1}}" for word in ("at", "on")]
    texts += [f"the digit {{1}} is {word} the {other} of the digit {{0}}" for word in ("at", "on")]
    return Layout((first, second), tuple(texts))


LAYOUTS = (
    _pair(Place(MIDDLE, NEAR), Place(MIDDLE, FAR), "left", "right"),
    _pair(Place(LOW, (16, 18)), Place(HIGH, (16, 18)), "top", "bottom"),
    _single(Place(LOW, NEAR), "top left"),
    _single(Place(LOW, FAR), "top right"),
    _single(Place(HIGH, NEAR), "bottom left"),
    _single(Place(HIGH, FAR), "bottom right"),
)
OTHERS = ("the", "digit", "is", "on", "at", "left", "right", "bottom", "top", "of", "image")
VOCABULARY = tuple(sorted((*NUMERALS, *OTHERS)))
LENGTH = 11  # words of the longest caption
PAIRED = 0.8  # share of canvases with two digits


class CaptionedMNIST(ImageDataModule):
    """One or two digits of MNIST on a black canvas, with captions: "the digit two is on the left of the digit six".

    Layouts and words are those of mansimov/text2image (Mansimov et al. 2015, arXiv 1511.02793), without the full stop;
    sentences are ours. Canvases of 60x60 get a margin of 2, and are averaged to smaller sizes. A fifth of the
    combinations of digits and places are in no training caption; half of the test split shows these, in turn with the
    others.

    Args:
        root: see `ImageDataModule`; MNIST's IDX files.
        size: height and width of the images: 64, 32 or 16.
        samples: training canvases.
        seed: of the canvases; that of the run changes only their order.
        batch_size: canvases per process.
        download: fetch what is missing from the internet.

    Attributes:
        condition: captions as numbers of words.
    """

    title = "MNIST with captions"
    licence = "CC BY-SA 3.0"
    source = "Yann LeCun, Corinna Cortes, Christopher J. C. Burges, http://yann.lecun.com/exdb/mnist/; composed"
    channels = 1
    condition = Sequences(LENGTH, VOCABULARY)
    tasks = ("text",)

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        samples: int = 30000,
        seed: int = 0,
        batch_size: int = 64,
        download: bool = True,
    ) -> None:
        super().__init__(root, size, batch_size, num_workers=0, download=download)
        if size not in (16, 32, FULL):
            raise GanzooError(f"data.size: {size} given, but canvases are {FULL}, or averaged to 32 or 16.")
        require_at_least("data.samples", samples, 1)
        self.samples, self.seed = samples, seed

    @property
    def resized(self) -> str | None:
        """Words for the averaging, at smaller sizes than 64."""
        return None if self.size == FULL else f"averaged from {FULL}x{FULL}"

    def load(self, split: Split) -> Loaded:
        """Composes the canvases of a split, uint8 (N, 1, H, W), from MNIST's digits of the same split."""
        data = from_torchvision("MNIST", self.root, self.download, train=split == "train")
        train = split == "train"
        generator = torch.Generator().manual_seed(mix(self.seed, int(train)))
        codes = draw_codes(self.samples, generator) if train else draw_codes(TEST_SAMPLES, generator, held_out=True)
        x = compose(codes, data.data, data.targets, generator)
        if self.size != FULL:
            factor = FULL // self.size
            x = torch.cat([avg_pool2d(part.float(), factor).round().byte() for part in x.split(2000)])
        kinds, groups = codes.unique(dim=0, return_inverse=True)
        captions, counts, _ = stored_captions([captions_of(*kind) for kind in kinds.tolist()], self.condition)
        return x, (captions[groups].to(torch.uint8), counts[groups], groups)

    def make(self, x: Tensor, y: Any, generator: torch.Generator, train: bool) -> tuple[Any, Any]:
        """Returns canvases with a caption each, drawn at random in training, and there the groups of equal meaning."""
        return x, serve_captions(y, generator, train)

    def meaning(self, captions: Tensor) -> Tensor:
        """Returns what captions say, (N, 3): number of a layout, digits; -1 for what is not said.

        Args:
            captions: numbers of words (N, 11).
        """
        known = {tuple(row): code for code, row in zip(*_all_captions(), strict=True)}
        return torch.tensor([known.get(tuple(row), (NOTHING,) * 3) for row in captions.tolist()]).reshape(-1, 3)

    def unseen(self, codes: Tensor) -> Tensor:
        """Returns whether what captions say (N, 3) is in none of those to train on."""
        return is_held_out(codes)

    def fingerprint(self, split: Split) -> str:
        """Returns the sha256 (hexadecimal) of a split, its sentences among it."""
        return sha256(f"{super().fingerprint(split)} {LAYOUTS}".encode()).hexdigest()


def is_held_out(codes: Tensor) -> Tensor:
    """Returns whether combinations (N, 3) of layout and digits are kept from training: every fifth."""
    layout, first, second = codes.unbind(1)
    return (3 * first + torch.where(second == NOTHING, 0, second) + layout) % 5 == 0


def draw_codes(n: int, generator: torch.Generator, held_out: bool = False) -> Tensor:
    """Draws combinations (n, 3) of layout and digits, four fifths of them with two digits.

    Args:
        n: how many.
        generator: source of random numbers.
        held_out: every second one is of those that are kept from training; else none is.
    """
    layouts, single = torch.arange(len(LAYOUTS)), torch.tensor([len(layout.places) == 1 for layout in LAYOUTS])
    kinds = [layouts[~single], layouts[single]]
    found: dict[bool, list[Tensor]] = {False: [], True: []}
    wanted = {False: n - n // 2 if held_out else n, True: n // 2 if held_out else 0}
    while any(sum(map(len, found[unseen])) < count for unseen, count in wanted.items()):
        alone = torch.rand(n + 100, generator=generator) >= PAIRED
        which = torch.rand(n + 100, generator=generator)
        layout = torch.where(alone, kinds[1][(which * len(kinds[1])).long()], kinds[0][(which * len(kinds[0])).long()])
        digits = torch.randint(10, (n + 100, 2), generator=generator)
        digits[alone, 1] = NOTHING
        codes = torch.cat([layout[:, None], digits], 1)
        unseen = is_held_out(codes)
        for kind, parts in found.items():
            parts.append(codes[unseen == kind])
    seen, new = (torch.cat(found[kind])[: wanted[kind]] for kind in (False, True))
    if not held_out:
        return seen
    mixed = torch.empty(n, 3, dtype=torch.long)
    mixed[0::2], mixed[1::2] = seen, new
    return mixed


def compose(codes: Tensor, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Draws canvases (N, 1, 64, 64), uint8, of digits in their places.

    Args:
        codes: layouts and digits (N, 3).
        images: digits (M, 28, 28), uint8.
        labels: their classes (M,).
        generator: source of random numbers.

    Raises:
        GanzooError: if a digit is not among the classes.
    """
    by_digit = [(labels == digit).nonzero()[:, 0] for digit in range(10)]
    if not all(map(len, by_digit)):
        raise GanzooError("data.root: of some digit there is no picture; all ten are wanted.")
    canvas = torch.zeros(len(codes), 1, FULL, FULL, dtype=torch.uint8)
    margin = (FULL - CANVAS) // 2
    random = torch.rand(len(codes), 2, 3, generator=generator)
    for row, (code, numbers) in enumerate(zip(codes.tolist(), random.tolist(), strict=True)):
        layout, *digits = code
        for place, digit, (which, down, right) in zip(LAYOUTS[layout].places, digits, numbers, strict=False):
            pool = by_digit[digit]
            top, left = (margin + within(*limits) for limits in ((down, place.top), (right, place.left)))
            box = canvas[row, 0, top : top + DIGIT, left : left + DIGIT]
            torch.maximum(box, images[pool[int(which * len(pool))]], out=box)
    return canvas


def within(share: float, limits: tuple[int, int]) -> int:
    """Returns a whole number in limits, both included, by a random number in [0, 1)."""
    low, high = limits
    return low + int(share * (high - low + 1))


def captions_of(layout: int, first: int, second: int) -> list[str]:
    """Returns all sentences that say a combination."""
    names = NUMERALS[first], NUMERALS[second] if second != NOTHING else ""
    return [text.format(*names) for text in LAYOUTS[layout].texts]


def _all_captions() -> tuple[list[tuple[int, int, int]], list[list[int]]]:
    """Returns all combinations, once for each of their sentences, and these as numbers of words."""
    codes, texts = [], []
    for number, layout in enumerate(LAYOUTS):
        seconds: Sequence[int] = range(10) if len(layout.places) > 1 else (NOTHING,)
        for code in ((number, first, second) for first in range(10) for second in seconds):
            for text in captions_of(*code):
                codes.append(code)
                texts.append(text)
    return codes, numbered(texts, CaptionedMNIST.condition).tolist()
