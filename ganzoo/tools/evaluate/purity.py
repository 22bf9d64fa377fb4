"""Purity of a model's codes or labels: their agreement with the classes of its images.

    python -m ganzoo.tools.evaluate.purity CHECKPOINT

draws samples with the classes in turn and lets a classifier of real images say what they show.
"""

import argparse
import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.checkpoints.loading import load
from ganzoo.common.errors import GanzooError
from ganzoo.games.gan import GAN
from ganzoo.metrics.extractors import Extractor, get_extractor

BATCH = 512


def purity(codes: Tensor, classes: Tensor) -> float:
    """Returns the share of items that belong to the most frequent class of their code (Manning et al. 2008, 16.3).

    It is 1 if no code mixes classes, even if several codes share a class.

    Args:
        codes: whole numbers (N,) from 0, N at least 1.
        classes: whole numbers (N,) from 0.
    """
    return float(contingency(codes, classes).amax(1).sum() / len(codes))


def contingency(codes: Tensor, classes: Tensor) -> Tensor:
    """Counts items (number of codes, number of classes) by code and class."""
    shape = int(codes.max()) + 1, int(classes.max()) + 1
    return torch.bincount(codes * shape[1] + classes, minlength=shape[0] * shape[1]).view(shape)


def draw_by_class(model: GAN, extractor: Extractor, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draws n samples with the classes in turn, and classifies them.

    Returns:
        The classes drawn (n,), and those that the extractor's logits are highest for (n,).

    Raises:
        GanzooError: if the model has no classes, or the extractor does not take its samples.
    """
    classes = model.conditions(n)
    if classes is None:
        raise GanzooError(f"{type(model).__name__} is unconditional; it has no classes to compare with.")
    samples = model.sample(n, classes, seed)
    extractor.check(tuple(samples.shape[1:]))
    return classes, torch.cat([extractor(part)[1].argmax(1) for part in samples.split(BATCH)])


def main(argv: Sequence[str] | None = None) -> None:
    """Prints purity, the number of classes that the codes cover, and the share of samples of the asked-for class."""
    parser = argparse.ArgumentParser(prog="python -m ganzoo.tools.evaluate.purity", description=main.__doc__)
    parser.add_argument("checkpoint", help="a bundled checkpoint, a checkpoint folder, a .ckpt, or a Hub repository")
    parser.add_argument("-n", type=int, default=10_000, help="number of samples (10000)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the draw (0)")
    parser.add_argument("--features", default="mnist", help="the classifier: `mnist`, `fashion`, or a file of one")
    options = parser.parse_args(argv)
    try:
        if options.n < 1:
            raise GanzooError(f"-n: the number of samples must be at least 1, not {options.n}.")
        model = load(options.checkpoint)
        if not isinstance(model, GAN):
            raise GanzooError(f"{type(model).__name__} draws no samples of a class.")
        classes, shown = draw_by_class(model, get_extractor(options.features), options.n, options.seed)
    except GanzooError as error:
        sys.exit(f"purity: error: {error}")
    table = contingency(classes, shown)
    print(
        f"{options.n} samples  purity {purity(classes, shown):.4f}  of {len(table.argmax(1).unique())} classes  "
        f"as asked {float((classes == shown).float().mean()):.4f}"
    )
    print("code  class  share")
    for code, row in enumerate(table):
        print(f"{code:4d}  {int(row.argmax()):5d}  {float(row.max() / row.sum().clamp(min=1)):.4f}")


if __name__ == "__main__":
    main()
