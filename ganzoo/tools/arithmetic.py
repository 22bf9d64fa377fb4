"""The `ganzoo arithmetic` command: sums of latent vectors as sheets of images."""

from argparse import Namespace
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.common.class_names import label
from ganzoo.drawing.previews import draw
from ganzoo.drawing.save import require_images, write_rows
from ganzoo.games.interpolation import combine, of_seeds
from ganzoo.games.sampler import Sampler
from ganzoo.tools.arguments import load_sampler

SCATTER = 0.25  # how far the paper's neighbours of a result lie from it, in each dimension


def write_sum(options: Namespace) -> Path:
    """Adds and subtracts means of latent vectors as the options of `ganzoo arithmetic` say.

    Each term of the sum is a row: its samples, and at the right what its mean gives. Below these stands the result,
    with neighbours at its left that the same uniform noise as in the paper leads to.

    Returns:
        What was written.

    Raises:
        GanzooError: if an option does not fit the model, or the model draws no images.
    """
    model = load_sampler(options)
    chosen = None if options.label is None else label(model, options.label, "--label")
    terms = {"base": options.base, "− minus": options.minus, "+ plus": options.plus}
    z = {name: of_seeds(model, seeds, options.truncation) for name, seeds in terms.items() if seeds}
    result = combine(z["+ plus"], z["− minus"], z.get("base"))
    widest = max(len(vectors) for vectors in z.values())
    noise = torch.rand((widest, *result.shape[1:]), generator=torch.Generator().manual_seed(0)) * 2 - 1
    near = result + SCATTER * noise.to(result)
    rows = [_row(model, vectors, vectors.mean(0, keepdim=True), chosen, widest) for vectors in z.values()]
    rows.append(_row(model, near, result, chosen, widest))
    notes = ["seeds " + ", ".join(map(str, terms[name])) + "; their mean" for name in z]
    out = options.out or Path(f"{Path(options.name).name}-arithmetic.png")
    write_rows(rows, [*z, "= result"], out, [*notes, "neighbours; itself"])
    return out


def _row(model: Sampler, z: Tensor, last: Tensor, chosen: int | None, widest: int) -> Tensor:
    """Draws latent vectors, and at the right end of a row `last`; what is missing in between stays white."""
    drawn = draw(model, torch.cat([z, last]), chosen)
    require_images(drawn)
    gap = torch.ones((widest - len(z), *drawn.shape[1:]), device=drawn.device)
    return torch.cat([drawn[:-1], gap, drawn[-1:]])
