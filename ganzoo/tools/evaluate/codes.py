"""Two-sample test of the codes of held-out data against the prior that is decoded.

    python -m ganzoo.tools.evaluate.codes CHECKPOINT

The statistic is the squared maximum mean discrepancy (Gretton et al. 2012). What it is when both samples are of one
distribution is found by exchanging their members at random.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.common.seeding import mix
from ganzoo.games.encoder_decoder import EncoderDecoder
from ganzoo.games.game import Game
from ganzoo.losses.kernels import rbf, squared_distances
from ganzoo.tools.evaluate.subjects import find_subject, recipe_data, recipe_of

MEDIAN_SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)  # bandwidths, in medians of the distances
MOST_CODES = 5_000  # the kernels of n codes and n draws have 4 n² entries each


class Outcome(NamedTuple):
    """Outcome of a two-sample test.

    Attributes:
        mmd2: the squared discrepancy (biased, a sum over five kernels), at least 0.
        null: the level that it stays below in 95% of cases where both samples are of one distribution.
        p: the share of such cases in which it is at least as large as here.
    """

    mmd2: float
    null: float
    p: float


@torch.no_grad()
def two_sample(x: Tensor, y: Tensor, permutations: int = 500, seed: int = 0) -> Outcome:
    """Tests whether two samples are of one distribution.

    The kernels are as wide as the median distance of all points and as fractions and multiples of it, so that it does
    not matter which of the points belong to which sample.

    Args:
        x: one sample, shape (N, D).
        y: the other, shape (M, D).
        permutations: how often members are exchanged at random.
        seed: of the exchanges.
    """
    points = torch.cat([x, y])
    squares = squared_distances(points, points)
    median = float(squares[squares > 0].median().sqrt()) if bool((squares > 0).any()) else 1.0
    kernel = torch.zeros_like(squares)
    for scale in MEDIAN_SHARES:  # one by one, to spare memory
        kernel += rbf(squares, [median * scale])
    kernel = kernel.double()
    signs = torch.cat([torch.full((len(x),), 1 / len(x)), torch.full((len(y),), -1 / len(y))]).to(kernel)
    source = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(signs), generator=source).to(kernel.device) for _ in range(permutations)]
    weights = torch.stack([signs, *(signs[order] for order in orders)], 1)
    statistic, *exchanged = ((kernel @ weights) * weights).sum(0).clamp_min(0).tolist()
    null = torch.tensor(exchanged).quantile(0.95).item()
    return Outcome(statistic, null, (1 + sum(value >= statistic for value in exchanged)) / (1 + permutations))


def held_out_codes(model: EncoderDecoder, n: int, seed: int = 0) -> tuple[Tensor, str]:
    """Returns the codes of n items, or of all, drawn at random from the reference split that the recipe names.

    At random, because a split need not be in random order: the digits in the first half of MNIST's test set are neater.

    Returns:
        Codes (n, latent_dim), drawn with this seed where the encoder gives distributions, and the data's title.

    Raises:
        GanzooError: if the recipe names no data, or is a stranger's and names other data than ganzoo's.
    """
    data = recipe_data(model.origin, recipe_of(model), None)
    data.setup("validate")
    x = torch.cat([x for x, *_ in data.val_dataloader()])
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:n]
    return model.encode(x[chosen], seed), f"{data.title}, {data.reference}"


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the discrepancy between codes and prior, and what it is between two samples of the prior."""
    parser = argparse.ArgumentParser(prog="python -m ganzoo.tools.evaluate.codes", description=main.__doc__)
    parser.add_argument("checkpoint", help="a bundled checkpoint, a checkpoint folder, a .ckpt, or a Hub repository")
    parser.add_argument("-n", type=int, default=2000, help=f"number of codes and of draws, at most {MOST_CODES} (2000)")
    parser.add_argument("--seed", type=int, default=0, help="fixes all that is drawn (0)")
    options = parser.parse_args(argv)
    try:
        if not 2 <= options.n <= MOST_CODES:
            raise GanzooError(
                f"-n: the number of codes must be at least 2 and at most {MOST_CODES:,}, not {options.n:,}."
            )
        model = find_subject(options.checkpoint, None, None, torch.device("cpu"))
        if not isinstance(model, Game):
            raise GanzooError(f"'{options.checkpoint}' holds no model, but {model.items}.")
        if not isinstance(model, EncoderDecoder):
            raise GanzooError(f"{type(model).__name__} has no encoder and decoder.")
        codes, data = held_out_codes(model, options.n, options.seed)
    except GanzooError as error:
        sys.exit(f"codes: error: {error}")
    draws = [model.latent(len(codes), mix(options.seed, k)) for k in (1, 2)]
    print(f"{len(codes)} codes of {data}; as many draws from the prior; MMD² of two samples, a sum over 5 kernels")
    print("                  MMD²    95% of exchanged   p")
    for name, sample in (("codes, prior", codes), ("prior, prior", draws[1])):
        test = two_sample(sample, draws[0])
        print(f"{name:14}  {test.mmd2:.5f}  {test.null:.5f}            {test.p:.3f}")


if __name__ == "__main__":
    main()
