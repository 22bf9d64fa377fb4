"""The `ganzoo attention` command: which latent paints what, in colours below the samples."""

from collections.abc import Sequence
from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import choose_conditions, load_sampler, number_list, seed_list

WIDEST = 8  # colours of latents in a row, where there are fewer samples


def attention(
    name: str,
    *,
    n: int = 6,
    out: Path | None = None,
    seed: int | None = None,
    seeds: Sequence[int | str] = (),
    layers: Sequence[int | str] = (),
    hard: bool = False,
    labels: Sequence[str | int] | None = None,
    truncation: float = 1.0,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> Path:
    """Draw which latent paints what in the samples of a model whose places attend to latents, such as GANsformer.

    A sheet: a row of samples, below it a row for each layer, in which a place has the colours of the latents that it
    attends to, by how much it does; and the latents' numbers in their colours. Samples are those of `ganzoo sample`.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        n: how many samples.
        out: the picture to write (NAME-attention.png).
        seed: fixes the draw (0).
        seeds: in place of n and seed: a sample of each, such as 3 14 15 or 0-5.
        layers: layers to show, such as 0-3 (the last one of each side).
        hard: the colour of the latent that a place attends to most, alone.
        labels: classes to draw in turn, by name or number; a conditional model only (all).
        truncation: factor towards what is typical in the latent space.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written.

    Raises:
        GanzooError: if an argument does not fit the model, or its places do not attend to latents.
    """
    from torch.nn.functional import interpolate

    from ganzoo.drawing.save import write_rows
    from ganzoo.drawing.shares import colour_shares, swatches
    from ganzoo.games.interpolation import noise_of_seeds, raw_of_seeds
    from ganzoo.games.latent_maps import attending_layers, latent_maps

    listed = seed_list(seeds)
    if listed and seed is not None:
        raise GanzooError("--seed: not allowed with --seeds, which name every image's.")
    count = len(listed) or n
    if count < 1:
        raise GanzooError(f"-n: the number of samples must be at least 1, not {count}.")
    model = load_sampler(name, revision, device, threads, count)
    attending_layers(model)
    y, _ = choose_conditions(model, count, labels)
    raw = raw_of_seeds(model, listed) if listed else model.space.raw(count, seed or 0)
    noise = noise_of_seeds(model, listed) if listed else model.noise_seeds(count, seed or 0)
    points = model.space.place(raw, truncation, y)
    images = model.render(points, y, noise)
    shown = latent_maps(model, points, y, noise, number_list(layers, "--layers", "layer") or None)
    note = f"seeds {', '.join(map(str, listed))}" if listed else f"seed {seed or 0}"
    rows, titles, notes = [images.expand(-1, 3, -1, -1)], ["samples"], [note]
    for layer, maps in shown:
        side, share = maps.shape[2], maps.mean((0, 2, 3))
        rows.append(interpolate(colour_shares(maps, hard), tuple(images.shape[2:])))
        titles.append(f"{side} x {side}")
        notes.append(f"layer {layer}; latent {int(share.argmax())} has {100 * float(share.max()):.0f}%")
    width, colours = max(count, WIDEST), swatches(shown[0].maps.shape[1], images.shape[2])
    for first in range(0, len(colours), width):
        rows.append(colours[first : first + width])
        titles.append("latents")
        notes.append(f"numbers {first} to {first + len(rows[-1]) - 1}")
    out = out or Path(f"{Path(name).name}-attention.png")
    write_rows(rows, titles, out, notes)
    return out
