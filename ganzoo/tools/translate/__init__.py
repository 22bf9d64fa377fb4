"""The `ganzoo translate` command: picture files to picture files by a trained translator, or clips to what follows."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.common.errors import one_line

if TYPE_CHECKING:
    from ganzoo.tools.translate.results import TranslatedFiles


def translate(
    name: str,
    pictures: Sequence[Path],
    *,
    out: Path,
    back: bool = False,
    seed: int = 0,
    tile: int | None = None,
    frames: int | None = None,
    whole: bool = False,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> "TranslatedFiles":
    """Translate pictures with a trained model, keeping their names.

    A model of video prediction takes clips in place of pictures, and writes the frames that follow: to a .gif, .mp4 or
    .npz file, to a picture with the frames side by side, or to a folder of GIFs.

    Args:
        name: a bundled checkpoint, a checkpoint folder, a run, a .ckpt, or a Hub repository.
        pictures: pictures, or folders of them; for video prediction clips: GIFs, movies, arrays, folders of frames.
        out: a folder, or for one picture or clip a file.
        back: from the second domain to the first, if a model can.
        seed: fixes the noise of a model that has some.
        tile: sides in pixels of the tiles of a large picture, where a model allows them; 0: none (256).
        frames: how many frames to predict, each from those before it (5); video prediction only.
        whole: write the frames that are shown to the model, too, in front; video prediction only.
        revision: branch, tag or commit of a Hub repository.
        device: cpu, cuda, mps.
        threads: CPU threads; one, or all where that is faster, by default.

    Returns:
        What was written, and what was skipped.

    Raises:
        GanzooError: if the model is no translator, an argument does not fit, a picture would be overwritten, or none of
            them can be read and translated.
    """
    from ganzoo.tools.translate.files import translate_files

    result = translate_files(name, pictures, out, back, seed, tile, revision, device, threads, frames, whole)
    if result.skipped:
        skipped = f"skipped {len(result.skipped)} that cannot be translated: {'; '.join(result.skipped)}"
        print(f"ganzoo: {one_line(skipped)}", file=sys.stderr)
    return result


def shown(result: "TranslatedFiles") -> str:
    """Says in a line what was written."""
    resized = f"; {result.resized} cropped or resized to what the model takes" if result.resized else ""
    filled = f"; {result.filled} filled with white: the format has no transparency" if result.filled else ""
    several = f"{len(result.written)} {result.what} in {result.out}"
    return f"{result.written[0] if len(result.written) == 1 else several}{resized}{filled}"
