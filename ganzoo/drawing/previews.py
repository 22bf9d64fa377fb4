"""Preview pictures of a model: samples, interpolations, or translations and reconstructions beside their sources."""

from math import ceil
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.common.batches import batch_target
from ganzoo.common.conditions import Values, map_values
from ganzoo.common.frames import split_frames
from ganzoo.common.kinds import Kind, kind_of
from ganzoo.drawing.films import with_masks
from ganzoo.drawing.looks import drawn_alone, images_of, picture
from ganzoo.drawing.pictures import SMALLEST, beside, grid, to_shape
from ganzoo.games.capabilities import DrawsSamples, HasMasks, Reconstructs, Translates
from ganzoo.games.interpolation import walk
from ganzoo.games.sampler import Sampler

PREVIEW_PAIRS = 16  # images of a translator that are shown
PIXELS = 2**21  # of a sheet of translations, about


class Preview:
    """Draws the same samples, or translates the same images of the reference, as often as asked.

    Args:
        datamodule: has `shape`, for points perhaps `preview`, and for models that make something of real images serves
            the reference split.
        count: how many samples; of translations and reconstructions there are at most 16, and of large images fewer.
        seed: fixes latent vectors and noise.
    """

    def __init__(self, datamodule: Any, count: int = 64, seed: int = 0) -> None:
        self.datamodule, self.count, self.seed = datamodule, count, seed
        self.pairs: tuple[Tensor, Tensor | None] | None = None  # sources, and their truth where it is known

    def __call__(self, model: Any) -> Image.Image | None:
        """Returns the picture; None for a model that makes no pictures, or redraws what is no image by itself."""
        if isinstance(model, Translates):
            return self._translations(model)
        if not isinstance(model, DrawsSamples):
            redraws = isinstance(model, Reconstructs) and drawn_alone(kind_of(self.datamodule))
            return self._reconstructions(model) if redraws else None
        if isinstance(model, HasMasks):
            points = model.space.draw(self.count, self.seed)
            return picture(with_masks(model.render(points), model.masks(points)), kind=kind_of(self.datamodule))
        real = getattr(self.datamodule, "preview", None)
        return picture(model.sample(self.count, seed=self.seed), real, kind_of(self.datamodule))

    def _translations(self, model: Translates) -> Image.Image:
        if self.pairs is None:
            self.pairs = self._pairs()
        source, truth = self.pairs
        translated = model.translate(source, seed=self.seed).cpu()
        shape = translated.shape[1:]
        frames = split_frames(source, self.datamodule.earlier_frames)
        columns = [to_shape(each, shape, "nearest") for each in frames]
        if source.shape[2:] != shape[1:]:
            columns.append(to_shape(frames[-1], shape))  # what a model of super-resolution has to beat
        return beside([*columns, translated, *([] if truth is None else [truth])])

    def _reconstructions(self, model: Reconstructs) -> Image.Image:
        if self.pairs is None:
            self.pairs = self._pairs(targets=False)
        source, _ = self.pairs
        kind = kind_of(self.datamodule)
        return beside([images_of(each, kind) for each in (source, model.reconstruct(source).cpu())])

    def _pairs(self, targets: bool = True) -> tuple[Tensor, Tensor | None]:
        count = min(
            self.count, PREVIEW_PAIRS, max(2, PIXELS // (3 * self.datamodule.shape[1] * self.datamodule.shape[2]))
        )
        self.datamodule.setup("validate")
        with torch.random.fork_rng(devices=[]):  # a loader's workers take their seed from the global state
            sources, truth = [], []
            for x, y in self.datamodule.val_dataloader():
                sources.append(x.cpu())
                if targets and self.datamodule.paired:
                    truth.append(batch_target(y).cpu())
                if sum(map(len, sources)) >= count:
                    break
        return torch.cat(sources)[:count], torch.cat(truth)[:count] if truth else None


def leftmost_images(sheet: Image.Image, side: int, columns: int = 1, rows: int = 4) -> list[list[Image.Image]]:
    """Cuts the leftmost images out of a picture of translations: their sources, or the frames of these.

    Args:
        sheet: as `Preview` draws it.
        side: sides of a translation in pixels, before it was enlarged.
        columns: how many of each row.
        rows: how many, at most.

    Returns:
        For each row its images, square and enlarged as they are there.
    """
    tile = side * max(1, ceil(SMALLEST / side))
    step = tile + 2  # the gap of a grid
    there = min(rows, (sheet.height + 2) // step)
    if columns * step - 2 > sheet.width:
        return []
    corners = [[(column * step, row * step) for column in range(columns)] for row in range(there)]
    return [[sheet.crop((left, top, left + tile, top + tile)) for left, top in row] for row in corners]


def interpolation_picture(model: Any, count: int = 4, steps: int = 12, seed: int = 0) -> Image.Image | None:
    """Draws interpolations from each point of a seed in the latent space to its next one, one below the other.

    Args:
        model: any game.
        count: how many ways; of a conditional model the classes take turns.
        steps: samples of each, both ends included.
        seed: fixes the stops.

    Returns:
        The picture; None for a model that has no latent space, or draws no images.
    """
    if not isinstance(model, Sampler) or not drawn_alone(model.kind):
        return None
    rows = walk(model, model.space.raw(count + 1, seed), steps, noise=model.noise_seeds(1, seed))
    return grid(images_of(rows.flatten(0, 1), model.kind), columns=steps)


def neighbours_picture(samples: Tensor, neighbours: Tensor, kind: Kind | None = None, columns: int = 8) -> Image.Image:
    """Arranges rows of samples, each with the row of their nearest training items below it."""
    both = [images_of(items, kind).split(columns) for items in (samples, neighbours)]
    pairs = zip(*both, strict=True)
    return grid(torch.cat([row for pair in pairs for row in pair]), columns)


def conditions_of_class(model: Sampler, n: int, chosen: int | None) -> Values:
    """Returns conditions of n samples, all the same: a class by its number, else the first of those that take turns.

    That is class 0 of a model with classes; and None of one without conditions.
    """
    if chosen is not None:
        return model.conditions(n, torch.full((n,), chosen))
    return map_values(lambda each: each.repeat_interleave(n, 0), model.conditions(1))
