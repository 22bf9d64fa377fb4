"""The `ganzoo sample` command: samples of a model as a picture, an array, or a folder of pictures."""

import sys
from collections.abc import Sequence
from pathlib import Path

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import choose_conditions, load_sampler, seed_list

ROW = 8  # samples of one truncation factor among several


def sample(
    name: str,
    *,
    n: int | None = None,
    out: Path | None = None,
    seed: int | None = None,
    seeds: Sequence[int | str] = (),
    labels: Sequence[str | int] | None = None,
    text: Sequence[str] = (),
    conditions: Path | None = None,
    truncation: Sequence[float] = (1.0,),
    cutoff: int | None = None,
    npz: Path | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> list[Path]:
    """Draw samples from a trained model.

    Several truncation factors make a sheet: the same points of the latent space, a factor to a row.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        n: how many (64; 8 to a row of several truncation factors).
        out: a picture; a .npz file; a file of the samples' kind: .gif or .mp4 of video or of turning voxels, .obj of
            voxels, .mid or .wav of music; or a folder, for a file each (NAME.png).
        seed: fixes the draw (0).
        seeds: in place of n and seed: an image of each, such as 0-63.
        labels: classes to draw in turn, by name or number, such as cat dog or 0 1; a conditional model only (all).
        text: texts to draw in turn, such as "a red hat"; a model of texts only.
        conditions: a .npy or .npz file of vectors, images or whatever the model is drawn from under, to draw in turn.
        truncation: factors towards what is typical in the latent space, a row for each.
        cutoff: truncate the first layers only, so many; a style-based model (what its generator says, or all).
        npz: also write the samples to this .npz file: pictures as uint8 NHWC, others as they are.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written: a picture, another file, or a folder.

    Raises:
        GanzooError: if an argument does not fit the model.
    """
    import torch

    from ganzoo.drawing.save import is_picture, require_format, write_rows, write_samples
    from ganzoo.games.interpolation import noise_of_seeds, raw_of_seeds

    listed, factors = seed_list(seeds), list(truncation)
    if listed and seed is not None:
        raise GanzooError("--seed: not allowed with --seeds, which name every image's.")
    count = len(listed) or (n if n is not None else ROW if len(factors) > 1 else 64)
    if count < 1:
        raise GanzooError(f"-n: the number of samples must be at least 1, not {count}.")
    model = load_sampler(name, revision, device, threads, count * len(factors))
    out = out or (None if npz else Path(f"{Path(name).name}.png"))
    targets = [path for path in (out, npz) if path is not None]
    for path in targets:
        require_format(path, model.kind)
    y, turns = choose_conditions(model, count, labels, text, conditions)
    raw = raw_of_seeds(model, listed) if listed else model.space.raw(count, seed or 0)
    noise = noise_of_seeds(model, listed) if listed else model.noise_seeds(count, seed or 0)
    space = model.space if cutoff is None else model.space.cut_off(cutoff)
    shown = sys.stderr.isatty()
    parts = [model.render(space.place(raw, factor, y), y, noise, progress=shown) for factor in factors]
    for path in targets:
        if len(factors) > 1 and is_picture(path, model.kind):
            write_rows(parts, [f"truncation {factor:g}" for factor in factors], path, kind=model.kind)
        else:
            names = listed if listed and len(factors) == 1 else None
            write_samples(torch.cat(parts), path, turns, names, model.kind)
    return targets
