"""The `ganzoo mix` command: a table of images whose styles are mixed from two."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import load_sampler, number_list, seed_list


def mix(
    name: str,
    *,
    rows: Sequence[int | str] = ("0-2",),
    columns: Sequence[int | str] = ("3-7",),
    layers: Sequence[int | str] = (),
    label: str | None = None,
    out: Path | None = None,
    truncation: float = 1.0,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Path:
    """Mix the styles of images of a style-based model, in a table.

    Each image has the styles of the one at the left of its row, but for some layers, whose styles are those of the one
    on top of its column. Its noise is its row's.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        rows: seeds of the images at the left, such as 3 14 15 or 0-5.
        columns: seeds of the images on top.
        layers: layers whose styles come from the columns, such as 0-3: the first ones are the coarsest (the first
            half).
        label: class of all images by name or number; a conditional model only (0).
        out: the picture to write (NAME-mix.png).
        truncation: factor towards what is typical in the latent space.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written.

    Raises:
        GanzooError: if an argument does not fit the model, or it is not style-based or draws no images.
    """
    import torch

    from ganzoo.common.class_names import class_number as number
    from ganzoo.drawing.looks import images_of
    from ganzoo.drawing.pictures import grid, save_picture
    from ganzoo.drawing.previews import conditions_of_class
    from ganzoo.games.interpolation import latents_of_seeds, noise_of_seeds
    from ganzoo.games.styles import mix_styles

    listed = {"--rows": seed_list(rows, "--rows"), "--columns": seed_list(columns, "--columns")}
    if missing := [option for option, seeds in listed.items() if not seeds]:
        raise GanzooError(f"{missing[0]}: at least one seed is needed.")
    left, top = listed.values()
    model = load_sampler(name, revision, device, threads, (len(left) + 1) * (len(top) + 1))
    own = model.space.layers()
    if not own:
        raise GanzooError(f"'{name}' has no styles to mix: its latent space is {model.space.name}.")
    chosen = model.space.layers(number_list(layers, "--layers", "layer") or own[: (len(own) + 1) // 2])
    classed = None if label is None else number(model, label, "--label")

    def draw(points: torch.Tensor, noise: torch.Tensor | None) -> torch.Tensor:
        y = conditions_of_class(model, len(points), classed)
        return images_of(model.render(points, y, noise), model.kind)

    a, b = (
        latents_of_seeds(model, seeds, truncation, conditions_of_class(model, len(seeds), classed))
        for seeds in (left, top)
    )
    noise = noise_of_seeds(model, left)
    mixed = draw(mix_styles(a, b, chosen).flatten(0, 1), None if noise is None else noise.repeat_interleave(len(b)))
    first, heads = draw(a, noise), draw(b, noise_of_seeds(model, top))
    lines = [torch.cat(row) for row in zip(first.split(1), mixed.split(len(b)), strict=True)]
    table = torch.cat([torch.ones_like(heads[:1]), heads, *lines])
    out = out or Path(f"{Path(name).name}-mix.png")
    save_picture(grid(table, columns=len(b) + 1), out)
    return out
