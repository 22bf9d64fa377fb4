"""The `ganzoo sample` command: samples of a model as a picture, an array, or a folder of pictures."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.common.errors import GanzooError
from ganzoo.tools.arguments import choose_conditions, load_sampler, seed_list

if TYPE_CHECKING:
    from torch import Tensor

ROW = 8  # samples of one truncation factor among several
BARS, PIECES = 8, 4  # of a piece, and how many of them


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
    bars: int | None = None,
    chords: Sequence[str] = (),
    primer: Path | None = None,
    plain: bool = False,
    npz: Path | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> list[Path]:
    """Draw samples from a trained model.

    Several truncation factors make a sheet: the same points of the latent space, a factor to a row.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        n: how many (64; one of each of several texts; 8 to a row of several truncation factors).
        out: a picture; a .npz file; a file of the samples' kind: .gif or .mp4 of video or of turning voxels, .obj of
            voxels, .mid or .wav of music; or a folder, for a file each (NAME.png).
        seed: fixes the draw (0).
        seeds: in place of n and seed: an image of each, such as 0-63.
        labels: classes to draw in turn, by name or number, such as cat dog or 0 1; a conditional model only (all).
        text: texts to draw in turn, such as "a red hat", which pictures show below; a model of texts only.
        conditions: a .npy or .npz file of vectors, images or whatever the model is drawn from under, to draw in turn.
        truncation: factors towards what is typical in the latent space, a row for each.
        cutoff: truncate the first layers only, so many; a style-based model (what its generator says, or all).
        bars: draw pieces of so many bars, each bar after the one before (8; 4 pieces); a model of bars only.
        chords: of pieces, one to a bar, from the start again where there are more bars, such as C Am F G (those kept).
        primer: of pieces, a MIDI file whose last bar they follow (silence).
        plain: leave out the texts below images, and the masks, which pictures and movies show below the clips of a
            model that draws through some.
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

    from ganzoo.drawing.captioned import captioned_grid
    from ganzoo.drawing.films import with_masks
    from ganzoo.drawing.looks import drawn_alone, images_of
    from ganzoo.drawing.movies import is_movie
    from ganzoo.drawing.pictures import save_picture
    from ganzoo.drawing.save import is_picture, require_format, write_rows, write_samples
    from ganzoo.games.capabilities import HasMasks
    from ganzoo.games.interpolation import noise_of_seeds, raw_of_seeds

    if (bars is not None or chords or primer is not None) and (labels is not None or text or conditions is not None):
        raise GanzooError("--bars: not allowed with --labels, --text or --conditions; give --chords.")
    listed, factors = seed_list(seeds), list(truncation)
    if listed and seed is not None:
        raise GanzooError("--seed: not allowed with --seeds, which name every image's.")
    pieced = bars is not None or bool(chords) or primer is not None
    if pieced and (listed or len(factors) > 1 or factors != [1.0] or cutoff is not None):
        raise GanzooError("--bars: not allowed with --seeds, --truncation or --cutoff.")
    usual = PIECES if pieced else ROW if len(factors) > 1 else len(text) if len(text) > 1 else 64
    count = len(listed) or (usual if n is None else n)
    if count < 1:
        raise GanzooError(f"-n: the number of samples must be at least 1, not {count}.")
    model = load_sampler(name, revision, device, threads, count * len(factors))
    out = out or (None if npz else Path(f"{Path(name).name}.png"))
    targets = [path for path in (out, npz) if path is not None]
    for path in targets:
        require_format(path, model.kind)
    if pieced:
        pieces = draw_pieces(model, name, count, bars, chords, primer, seed or 0)
        for path in targets:
            write_samples(pieces, path, kind=model.kind)
        return targets
    y, turns = choose_conditions(model, count, labels, text, conditions)
    raw = raw_of_seeds(model, listed) if listed else model.space.raw(count, seed or 0)
    noise = noise_of_seeds(model, listed) if listed else model.noise_seeds(count, seed or 0)
    space = model.space if cutoff is None else model.space.cut_off(cutoff)
    shown = sys.stderr.isatty()
    parts = [model.render(space.place(raw, factor, y), y, noise, progress=shown) for factor in factors]
    drawn = parts
    if isinstance(model, HasMasks) and not plain:
        placed = [space.place(raw, factor, y) for factor in factors]
        drawn = [with_masks(part, model.masks(points)) for part, points in zip(parts, placed, strict=True)]
    for path in targets:
        if len(factors) > 1 and is_picture(path, model.kind):
            write_rows(drawn, [f"truncation {factor:g}" for factor in factors], path, kind=model.kind)
        elif text and not plain and is_picture(path, model.kind) and drawn_alone(model.kind):
            captions = [text[i % len(text)] for i in range(count)]
            columns = len(text) if 1 < len(text) < count else None  # a text to a column
            save_picture(captioned_grid(images_of(parts[0], model.kind, "each"), captions, columns), path)
        else:
            names = listed if listed and len(factors) == 1 else None
            looked_at = is_picture(path, model.kind) or is_movie(path)
            write_samples(torch.cat(drawn if looked_at else parts), path, turns, names, model.kind)
    return targets


def draw_pieces(
    model: Any,
    name: str,
    n: int,
    bars: int | None = None,
    chords: Sequence[str] = (),
    primer: Path | None = None,
    seed: int = 0,
) -> "Tensor":
    """Draws pieces of music (n, 1, T, P) with a model of bars.

    Args:
        model: that draws them.
        name: of the model, for errors.
        n: how many.
        bars: of each; by default as many as chords, or else 8.
        chords: names of their chords; by default those that the model keeps from its data, in turn.
        primer: MIDI file whose last bar they follow; None for silence.
        seed: fixes the draw.

    Raises:
        GanzooError: if an argument does not fit the model, or the file is none.
    """
    import torch

    from ganzoo.common.chords import chord_named, chord_vectors
    from ganzoo.data.midi import read_midi_file
    from ganzoo.data.tunes import BAR, rolls_of, within_two_octaves
    from ganzoo.games.capabilities import Composes

    if not isinstance(model, Composes):
        raise GanzooError(f"--bars: '{name}' draws no pieces of music: it is a {type(model).__name__}.")
    bars = (len(chords) or BARS) if bars is None else bars
    if bars < 1:
        raise GanzooError(f"--bars: the number of bars must be at least 1, not {bars}.")
    if chords:
        numbers = torch.tensor([chord_named(chord) for chord in chords])
        under = chord_vectors(numbers[torch.arange(bars) % len(numbers)]).expand(n, -1, -1)
    else:
        under = model.conditions(n * bars)[0].unflatten(0, (n, bars))  # type: ignore[attr-defined]
    before = None
    if primer is not None:
        before = rolls_of(within_two_octaves(read_midi_file(primer, "--primer").melody)[-BAR:]).float() / 127.5 - 1
        shape = model.generator.shape  # type: ignore[attr-defined]
        if before.shape[1:] != shape:
            raise GanzooError(f"--primer: a bar of a file is {tuple(before.shape[1:])}, and the model's are {shape}.")
    return model.compose(under, before, seed)
