"""Translation of large images in tiles that overlap so far that no seam shows, and estimates of memory."""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from ganzoo.common.images import to_uint8

SAMPLE = 64  # sides of the image that tells the memory of others
BESIDE = 1.5  # what is held beside the largest layer: skips, and what convolutions lay out anew


class Span(NamedTuple):
    """Tile along one side: its own part, and the wider one that the network is shown."""

    start: int
    stop: int
    shown_from: int
    shown_to: int


def spans(side: int, tile: int, margin: int) -> Iterator[Span]:
    """Yields the tiles along a side: parts of `tile` pixels, each shown with `margin` pixels of its neighbours."""
    for start in range(0, side, tile):
        stop = min(start + tile, side)
        yield Span(start, stop, max(0, start - margin), min(side, stop + margin))


def translate_in_tiles(
    translate: Callable[[Tensor], Tensor], x: Tensor, tile: int, reach: int, multiple: int = 1
) -> NDArray[np.uint8]:
    """Translates an image tile by tile: what comes out is what the whole would give, up to rounding.

    Args:
        translate: maps images (1, C, h, w) in [-1, 1] to (1, C', s * h, s * w).
        x: the image (1, C, H, W), its sides divisible by `multiple`.
        tile: sides of a tile's own part, in pixels of the source.
        reach: how many pixels of the source around it an output pixel depends on.
        multiple: what the sides of all that `translate` is shown must be divisible by.

    Returns:
        The translation, (s * H, s * W, C') in [0, 255]. In float32 it would often be the largest thing in memory.
    """
    tile, margin = (number + -number % multiple for number in (tile, reach))
    height, width = x.shape[2:]
    parts = list(product(spans(height, tile, margin), spans(width, tile, margin)))
    whole = np.empty(0, np.uint8)
    for rows, columns in tqdm(parts, unit="tile", leave=False, disable=len(parts) <= 4, dynamic_ncols=True):
        shown = x[..., rows.shown_from : rows.shown_to, columns.shown_from : columns.shown_to]
        pixels = to_uint8(translate(shown))[0]
        scale = pixels.shape[0] // shown.shape[2]
        if not whole.size:
            whole = np.empty((scale * height, scale * width, pixels.shape[2]), np.uint8)
        own = [
            slice(scale * (side.start - side.shown_from), scale * (side.stop - side.shown_from))
            for side in (rows, columns)
        ]
        whole[scale * rows.start : scale * rows.stop, scale * columns.start : scale * columns.stop] = pixels[*own]
    return whole


@torch.no_grad()
def memory_needed(network: nn.Module, translate: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Estimates the bytes that a network needs to translate an image, from the most that a layer takes and makes.

    Args:
        network: whose layers are looked at, on a corner of the image.
        translate: what lets the network see images.
        x: the image (1, C, H, W).
    """
    corner = x[..., :SAMPLE, :SAMPLE]
    most = 0

    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal most
        tensors = [tensor for tensor in (*inputs, output) if isinstance(tensor, Tensor)]
        most = max(most, sum(tensor.numel() * tensor.element_size() for tensor in tensors))

    layers = [module for module in network.modules() if not [*module.children()]]
    hooks = [layer.register_forward_hook(look) for layer in layers]
    try:
        translate(corner)
    finally:
        for hook in hooks:
            hook.remove()
    return BESIDE * most * (x.shape[2] * x.shape[3]) / (corner.shape[2] * corner.shape[3])


def free_memory(device: torch.device) -> float | None:
    """Returns the bytes that are free on a device, as far as this process may take them; None where nobody tells."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if device.type != "cpu" or not meminfo.is_file():
        return None
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    free = [1024.0 * int(lines["MemAvailable"].split()[0])] if "MemAvailable" in lines else []
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")  # of a container
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()).isdigit():
        free.append(float(text) - float(used.read_text()))
    return min(free, default=None)
