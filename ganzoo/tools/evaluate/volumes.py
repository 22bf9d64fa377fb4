"""Volumes of a model's solids beside those of the data, as a picture, and how many of either are in one piece.

    python -m ganzoo.tools.evaluate.volumes CHECKPOINT -o volumes.png

The numbers are the scores `one_piece`, of both sides, and `volume`.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ganzoo.checkpoints.loading import load
from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VOXELS
from ganzoo.drawing.plot import FAKE, INK, QUIET, REAL
from ganzoo.drawing.sheets import save_figure
from ganzoo.games.sampler import Sampler
from ganzoo.metrics.sampling import draw
from ganzoo.metrics.scores.volume import relative_distance
from ganzoo.metrics.selection import SCORES
from ganzoo.tools.evaluate.subjects import recipe_data, recipe_of

BATCH = 100  # solids at a time
BINS = 40


class Solidity(NamedTuple):
    """What is measured of solids.

    Attributes:
        volumes: numbers of full voxels (N,).
        whole: whether each is in one piece (N,).
        voxels: of a solid, full or not.
    """

    volumes: Tensor
    whole: Tensor
    voxels: int


def solidity(batches: Iterable[Tensor]) -> Solidity:
    """Returns the volumes of solids, in batches (n, C, D, H, W), and which are in one piece."""
    volumes, whole, voxels = [], [], 1
    for x in batches:
        volumes.append(SCORES["volume"].keep(x, 0, None).cpu())
        whole.append(SCORES["one_piece"].keep(x, 0, None))
        voxels = x[0].numel()
    return Solidity(torch.cat(volumes).double(), torch.cat(whole), voxels)


def volume_figure(sides: dict[str, Solidity], title: str) -> Figure:
    """Draws the distributions of volumes over one another, as shares of the room that is full.

    Args:
        sides: solids by what they are, the real ones first.
        title: the heading.
    """
    figure = Figure(figsize=(6.4, 3.6), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    shares = {name: (side.volumes / side.voxels).numpy() for name, side in sides.items()}
    edges = torch.linspace(0, max(float(x.max()) for x in shares.values()) + 1e-9, BINS + 1).tolist()
    for (name, side), colour in zip(sides.items(), (REAL, FAKE), strict=True):
        label = f"{name}: {float(side.whole.mean()):.1%} in one piece"
        weights = torch.full((len(side.volumes),), 1 / len(side.volumes)).numpy()
        axes.hist(shares[name], edges, weights=weights, histtype="stepfilled", color=colour, alpha=0.25)
        axes.hist(shares[name], edges, weights=weights, histtype="step", color=colour, label=label, linewidth=1.4)
    axes.set_title(title, fontsize=11, color=INK, loc="left")
    axes.set_xlabel("share of the voxels that are full", fontsize=9, color=QUIET, loc="left")
    axes.set_ylabel("share of the solids", fontsize=9, color=QUIET)
    axes.tick_params(labelsize=8.5, colors=QUIET)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Draws the volumes of samples and of held-out solids, and prints the distance and the shares in one piece."""
    parser = argparse.ArgumentParser(prog="python -m ganzoo.tools.evaluate.volumes", description=main.__doc__)
    parser.add_argument("checkpoint", help="as `ganzoo sample` takes it")
    parser.add_argument("-o", dest="out", type=Path, default=Path("volumes.png"), help="the picture (volumes.png)")
    parser.add_argument("-n", type=int, default=1000, help="number of samples (1000)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the draw (0)")
    parser.add_argument("--root", help="folder of the recipe's data ($GANZOO_DATA, else ./data)")
    options = parser.parse_args(argv)
    try:
        if options.n < 1:
            raise GanzooError(f"-n: the number of samples must be at least 1, not {options.n}.")
        if options.out.suffix != ".png":
            raise GanzooError(f"-o: '{options.out}' given, but it must end in .png.")
        model = load(options.checkpoint)
        if not isinstance(model, Sampler) or model.kind is not VOXELS:
            raise GanzooError(f"{type(model).__name__} draws no solids.")
        data = recipe_data(model.origin, recipe_of(model), options.root)
        real = solidity(x for x, *_ in data.loader(data.reference))
    except GanzooError as error:
        sys.exit(f"volumes: error: {error}")
    made = solidity(drawn.x for drawn in draw(model, options.n, BATCH, options.seed))
    sides = {f"{data.title} ({data.reference})": real, options.checkpoint: made}
    for name, side in sides.items():
        print(f"{float(side.whole.mean()):7.2%} of {len(side.whole):,} in one piece: {name}")
    print(f"{float(relative_distance(real.volumes, made.volumes)):.4f} volume: distance of the distributions")
    save_figure(volume_figure(sides, "Volumes of solids"), options.out)
    print(options.out)


if __name__ == "__main__":
    main()
