"""The `ganzoo factorise` command: a sample moved along the strongest directions of the latent space."""

from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import load_sampler


def factorise(
    name: str,
    *,
    directions: int = 5,
    span: float = 3.0,
    steps: int = 7,
    seed: int = 0,
    label: str | None = None,
    out: Path | None = None,
    truncation: float = 1.0,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Path:
    """Find and draw the latent directions that a generator's first layer answers to most.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        directions: how many, the strongest first.
        span: how far to go each way, in the latent space.
        steps: images of each direction.
        seed: the image to change.
        label: its class by name or number; a conditional model only (0).
        out: the picture to write (NAME-directions.png).
        truncation: factor on the latent vectors.
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
    from ganzoo.drawing.previews import render_class
    from ganzoo.drawing.save import write_rows
    from ganzoo.games.directions import latent_directions
    from ganzoo.games.interpolation import latents_of_seeds

    if steps < 2:
        raise GanzooError(f"--steps: at least 2 are needed, not {steps}.")
    model = load_sampler(name, revision, device, threads)
    chosen = None if label is None else number(model, label, "--label")
    strongest = latent_directions(model, directions)
    z = latents_of_seeds(model, [seed], truncation)
    places = torch.linspace(-span, span, steps)
    moves = places[None, :, None] * strongest.vectors[:, None]  # (K, steps, D)
    moved = (z.flatten(1)[None] + moves.to(z)).flatten(0, 1).unflatten(1, z.shape[1:])
    rows = render_class(model, moved, chosen).split(steps)
    out = out or Path(f"{Path(name).name}-directions.png")
    notes = [f"{100 * share:.1f}% of the variance" for share in strongest.shares]
    write_rows(rows, [f"direction {number + 1}" for number in range(len(rows))], out, notes, model.kind)
    return out
