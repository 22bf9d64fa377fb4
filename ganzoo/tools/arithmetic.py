"""The `ganzoo arithmetic` command: sums of latent vectors as sheets of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.tools.arguments import load_sampler, seed_list

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.games.sampler import Sampler

SCATTER = 0.25  # how far the paper's neighbours of a result lie from it, in each dimension


def arithmetic(
    name: str,
    *,
    plus: Sequence[int | str],
    minus: Sequence[int | str],
    base: Sequence[int | str] = (),
    label: str | None = None,
    out: Path | None = None,
    truncation: float = 1.0,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Path:
    """Add and subtract the latent vectors of images.

    Each term of the sum is a row: its samples, and at the right what its mean gives. Below these stands the result,
    with neighbours at its left that the same uniform noise as in the paper leads to.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        plus: seeds whose mean is added, such as 3 14 15 or 0-5.
        minus: seeds whose mean is subtracted.
        base: seeds to whose mean this happens (none).
        label: class of all images by name or number; a conditional model only (0).
        out: the picture to write (NAME-arithmetic.png).
        truncation: factor towards what is typical in the latent space.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written.

    Raises:
        GanzooError: if an argument does not fit the model, or the model draws no images.
    """
    import torch

    from ganzoo.common.class_names import class_number as number
    from ganzoo.drawing.previews import conditions_of_class
    from ganzoo.drawing.save import write_rows
    from ganzoo.games.interpolation import combine, latents_of_seeds

    terms = {"base": seed_list(base, "--base"), "− minus": seed_list(minus, "--minus")}
    terms["+ plus"] = seed_list(plus, "--plus")
    model = load_sampler(name, revision, device, threads)
    chosen = None if label is None else number(model, label, "--label")
    z = {
        term: latents_of_seeds(model, seeds, truncation, conditions_of_class(model, len(seeds), chosen))
        for term, seeds in terms.items()
        if seeds
    }
    result = combine(z["+ plus"], z["− minus"], z.get("base"))
    widest = max(len(points) for points in z.values())
    scatter = torch.rand((widest, model.space.dim), generator=torch.Generator().manual_seed(0)) * 2 - 1
    near = result + SCATTER * model.space.spread(scatter).to(result)
    rows = [_row(model, points, points.mean(0, keepdim=True), chosen, widest) for points in z.values()]
    rows.append(_row(model, near, result, chosen, widest))
    notes = ["seeds " + ", ".join(map(str, terms[term])) + "; their mean" for term in z]
    out = out or Path(f"{Path(name).name}-arithmetic.png")
    write_rows(rows, [*z, "= result"], out, [*notes, "neighbours; itself"])
    return out


def _row(model: "Sampler", z: "Tensor", last: "Tensor", chosen: int | None, widest: int) -> "Tensor":
    """Draws points, and at the right end of a row `last`; what is missing in between stays white."""
    import torch

    from ganzoo.drawing.looks import images_of
    from ganzoo.drawing.previews import conditions_of_class

    points = torch.cat([z, last])
    images = images_of(model.render(points, conditions_of_class(model, len(points), chosen)), model.kind)
    gap = torch.ones((widest - len(z), *images.shape[1:]), device=images.device)
    return torch.cat([images[:-1], gap, images[-1:]])
