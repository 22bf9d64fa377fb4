"""Prediction of the frames that follow clips, by a translator of earlier frames to the next one."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.common.errors import GanzooError, nearest, one_line
from ganzoo.common.kinds import VIDEO
from ganzoo.common.threads import adapt_threads
from ganzoo.data.clip_files import ANIMATIONS, MOVIES, ClipSource, read_clips
from ganzoo.drawing.pictures import grid, save_picture
from ganzoo.drawing.save import is_picture, require_format, write_samples
from ganzoo.games.translator import pad_to_multiple
from ganzoo.tools.translate.results import TranslatedFiles

FRAMES = 5
CORNER = 64  # sides in pixels of what tells how many CPU threads are of use


def predict_clips(
    model: Any,
    name: str,
    paths: Sequence[Path],
    out: Path,
    frames: int = FRAMES,
    whole: bool = False,
    threads: int | None = None,
) -> TranslatedFiles:
    """Predicts the frames that follow clips, each shown to the next; see `ganzoo.tools.translate.translate`.

    Args:
        model: predicts frames.
        name: of the model, for errors.
        paths: clips, or folders and zips of them: GIFs, movies, arrays, and folders of frames.
        out: a file for one clip, or a folder, where clips keep their names and become GIFs.
        frames: how many are predicted.
        whole: whether the frames that the model is shown are written, too, in front.
        threads: CPU threads; None for one, or all where that is faster.

    Raises:
        GanzooError: if there are no clips, one would be overwritten, or none can be read.
    """
    if frames < 1:
        raise GanzooError(f"--frames: {frames} given, but it must be at least 1.")
    found = [each for path in paths for each in find_clips(path)]
    single = len(found) == 1 and bool(out.suffix) and not out.is_dir()
    if not single and out.exists() and not out.is_dir():
        raise GanzooError(f"-o: '{out}' is a file, and several clips go to a folder.")
    if single:
        require_format(out, VIDEO)
    result, network = TranslatedFiles(out, what="clips"), model.generator
    for source, label, files in found:
        base = out if single else out / PurePosixPath(label).with_suffix(ANIMATIONS[0])
        try:
            for number, clip in enumerate(read_clips(source, files, None, network.shape[0])):
                target = base if not number else base.with_stem(f"{base.stem}-{number}")
                if target.exists() and source.root.is_file() and target.samefile(source.root):
                    raise GanzooError(f"-o: '{target}' is the clip itself; choose another name.")
                if not result.written and model.device.type == "cpu":
                    set_threads(model, clip, frames, threads)
                write_frames(following(model, network, clip, frames, whole), target)
                result.written.append(target)
        except GanzooError as error:
            problem = str(error).removeprefix("data.root: ")
            if len(found) == 1:
                raise GanzooError(problem) from error
            result.skipped.append(f"{label} ({one_line(problem)})")
    if not result.written:
        raise GanzooError(f"none of the {len(found)} clips goes on by '{name}': {result.skipped[0]}.")
    return result


def find_clips(path: Path) -> Iterator[tuple[ClipSource, str, list[str]]]:
    """Yields each clip at a path: where its files are, its name, and theirs.

    Raises:
        GanzooError: if there is none.
    """
    if not path.exists():
        hint = nearest(path.name, [other.name for other in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise GanzooError(f"there is no clip or folder '{path}'.{hint}")
    source = ClipSource(path)
    clips = source.clips()
    if not clips:
        raise GanzooError(f"no clips in '{path}'; they end in {', '.join((*ANIMATIONS, *MOVIES))}, or are frames.")
    for name, files in clips.items():
        yield source, path.name if (path.is_file() and not source.zipped) or name == "." else name, files


def following(model: Any, network: nn.Module, clip: Tensor, frames: int, whole: bool) -> Tensor:
    """Returns the frames that follow a clip, uint8 (T, C, H, W), as a clip (1, C, T', H, W) in [-1, 1].

    Raises:
        GanzooError: if the clip is too short.
    """
    if len(clip) < model.frames:
        raise GanzooError(f"the clip has {len(clip)} frame(s), and the model is shown {model.frames}")
    height, width = clip.shape[2:]
    shown = clip[-model.frames :].float() / 127.5 - 1
    seen = pad_to_multiple(shown, getattr(network, "multiple", 1)).transpose(0, 1)[None]
    made = model.predict_frames(seen, frames).cpu()
    return (torch.cat([seen, made], 2) if whole else made)[..., :height, :width]


def set_threads(model: Any, clip: Tensor, frames: int, requested: int | None) -> None:
    """Sets the number of CPU threads for predicting so many frames after a clip like this one, (T, C, H, W)."""
    corner = torch.zeros(1, clip.shape[1], model.frames, CORNER, CORNER)
    corners = -(-frames * clip.shape[2] * clip.shape[3] // CORNER**2)
    adapt_threads(lambda n: model.predict_frames(corner.expand(n, -1, -1, -1, -1)), corners, requested)


def write_frames(clip: Tensor, path: Path) -> None:
    """Writes a clip (1, C, T, H, W): a picture has its frames side by side."""
    if is_picture(path, VIDEO):
        save_picture(grid(clip[0].transpose(0, 1), columns=clip.shape[2]), path)
    else:
        write_samples(clip, path, kind=VIDEO)
