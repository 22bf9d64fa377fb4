"""Movies of pictures, as GIF or MP4."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write

MOVIE_SUFFIXES = (".gif", ".mp4")


def is_movie(path: Path) -> bool:
    """Returns whether a path names a movie, not a picture."""
    return path.suffix.lower() in MOVIE_SUFFIXES


def require_encoder(path: Path) -> None:
    """Raises GanzooError if the movie needs a package that is not installed; to be called before drawing."""
    if path.suffix.lower() == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError as error:
            hint = "pip install imageio-ffmpeg, or name a .gif, which needs nothing"
            raise GanzooError(f"-o: {path.name} needs the package imageio-ffmpeg: {hint}.") from error


def save_movie(frames: Sequence[Image.Image], path: Path, fps: float = 16.0) -> None:
    """Writes a movie in the format of its name's ending, beside and renamed. A GIF starts again at its end.

    Args:
        frames: pictures of one size.
        path: where to.
        fps: frames per second; a GIF keeps it to the nearest hundredth of a second per frame, of which it needs one.

    Raises:
        GanzooError: if there is no such format, or what writes it is not installed.
    """
    if not is_movie(path):
        raise GanzooError(f"-o: a movie ends in {' or '.join(MOVIE_SUFFIXES)}, not '{path.name}'.")
    if fps <= 0:
        raise GanzooError(f"--fps: it must be above 0, not {fps:g}.")
    require_encoder(path)
    with atomic_write(path) as beside:
        if path.suffix.lower() == ".gif":
            still = 10 * max(1, round(100 / fps))  # milliseconds
            frames[0].save(beside, save_all=True, append_images=frames[1:], duration=still, loop=0)
        else:
            _save_mp4(frames, beside, fps)


def _save_mp4(frames: Sequence[Image.Image], path: Path, fps: float) -> None:
    """Writes H.264 in the pixel format that every player knows; as it needs even sides, white lines are added."""
    from imageio_ffmpeg import write_frames

    width, height = (side + side % 2 for side in frames[0].size)
    writer = write_frames(
        str(path),
        (width, height),
        fps=fps,
        codec="libx264",
        quality=9,
        macro_block_size=2,
        output_params=["-movflags", "+faststart"],  # plays before all of it is fetched
        ffmpeg_log_level="error",
    )
    writer.send(None)
    for frame in frames:
        even = ImageOps.expand(frame.convert("RGB"), (0, 0, width - frame.width, height - frame.height), "white")
        writer.send(np.ascontiguousarray(even).tobytes())
    writer.close()
