"""The `ganzoo factorise` command: a sample moved along the strongest directions of the latent space."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import load_sampler, number_list


def factorise(
    name: str,
    *,
    directions: int = 5,
    span: float = 3.0,
    steps: int = 7,
    seed: int = 0,
    label: str | None = None,
    layers: Sequence[int | str] = (),
    out: Path | None = None,
    truncation: float = 1.0,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Path:
    """Find and draw the latent directions that a generator's first layer answers to most.

    Of a style-based generator these are directions in w, and the layers that make its styles.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        directions: how many, the strongest first.
        span: how far to go each way, in the latent space.
        steps: images of each direction.
        seed: the image to change.
        label: its class by name or number; a conditional model only (0).
        layers: of a style-based model, the layers whose styles to look at and change, such as 0-3 (all).
        out: the picture to write (NAME-directions.png).
        truncation: factor towards what is typical in the latent space.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written.

    Raises:
        GanzooError: if an argument does not fit the model, or it has nothing to factorise.
    """
    import torch

    from ganzoo.common.class_names import class_number as number
    from ganzoo.drawing.previews import conditions_of_class
    from ganzoo.drawing.save import write_rows
    from ganzoo.games.directions import latent_directions
    from ganzoo.games.interpolation import latents_of_seeds

    if steps < 2:
        raise GanzooError(f"--steps: at least 2 are needed, not {steps}.")
    model = load_sampler(name, revision, device, threads)
    chosen = None if label is None else number(model, label, "--label")
    listed = number_list(layers, "--layers", "layer") or None
    strongest = latent_directions(model, directions, listed)
    start = latents_of_seeds(model, [seed], truncation, conditions_of_class(model, 1, chosen))
    places = torch.linspace(-span, span, steps)
    moves = places[None, :, None] * strongest.vectors[:, None]  # (K, steps, D)
    moved = start + model.space.spread(moves.flatten(0, 1), listed).to(start)
    y = conditions_of_class(model, len(moved), chosen)
    rows = model.render(moved, y, model.noise_seeds(1, seed)).split(steps)
    out = out or Path(f"{Path(name).name}-directions.png")
    notes = [f"{100 * share:.1f}% of the variance" for share in strongest.shares]
    write_rows(rows, [f"direction {number + 1}" for number in range(len(rows))], out, notes, model.kind)
    return out
