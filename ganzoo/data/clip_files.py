"""Reading of clips of video from files: animations, movies, arrays, and folders of numbered frames.

Animations are GIFs. Movies (.mp4 and the like) are read by ffmpeg, of `ganzoo-lightning[mp4]`. Arrays are in .npy and
.npz files: bytes (T, H, W), (T, H, W, C) or (N, T, H, W, C), or floats (N, C, T, H, W) in [-1, 1], as
`ganzoo sample -o x.npz` writes them. All other pictures are frames, and those of a folder, in the order of their
numbers, are a clip. No more is unpacked than a clip may have.
"""

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.common.errors import GanzooError, one_line
from ganzoo.data.array_files import ARRAYS, arrays, damaged
from ganzoo.data.decoding import flattened, opened, to_tensor, unreadable_reason
from ganzoo.data.finding import members, suffixes
from ganzoo.data.layout import naturally

ANIMATIONS = (".gif",)
MOVIES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
CONTAINERS = "mov,avi,matroska"  # ffmpeg's names of what those are; it would open playlists and much else besides
LARGEST_FILE = 2**28  # bytes
MOST_PIXELS = 2**25  # of a frame
MOST_FRAMES = 20_000  # of a clip
MOST_BYTES = 2**31  # of a clip's frames, resized
SIZES = "(T, H, W), (T, H, W, C) or (N, T, H, W, C) in bytes, or (N, C, T, H, W) in floats"


class ClipSource:
    """Files of a folder, of a zip, or a single file, by their paths inside it.

    Args:
        root: the folder, zip or file.

    Raises:
        GanzooError: if it is none of these, or a damaged zip.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.zipped = root.is_file() and not root.name.lower().endswith(_endings())
        self._members = members(root) if self.zipped else {}
        self._archive: zipfile.ZipFile | None = None
        if root.is_dir():
            names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        else:
            names = [*self._members] if self.zipped else [root.name]
        hidden = (".", "__MACOSX")
        self.names = sorted(n for n in names if not any(part.startswith(hidden) for part in PurePosixPath(n).parts))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_archive": None}  # an open zip cannot go to another process

    def clips(self) -> dict[str, list[str]]:
        """Returns the files of each clip, by its name: that of its file, or of the folder of its frames."""
        clips: dict[str, list[str]] = {}
        for name in self.names:
            if name.lower().endswith((*ANIMATIONS, *MOVIES, *ARRAYS)):
                clips[name] = [name]
            elif name.lower().endswith(suffixes()):
                clips.setdefault(PurePosixPath(name).parent.as_posix(), []).append(name)
        return {name: naturally(clips[name]) for name in sorted(clips)}

    def read(self, name: str) -> bytes:
        """Returns the content of a file.

        Raises:
            GanzooError: it cannot be read, or is too large.
        """
        try:
            if self.zipped:
                self._archive = self._archive or zipfile.ZipFile(self.root)  # opened once, for it has many frames
                with self._archive.open(self._members[name]) as file:
                    content = file.read(LARGEST_FILE + 1)
            else:
                with self._path(name).open("rb") as opened_file:
                    content = opened_file.read(LARGEST_FILE + 1)
        except GanzooError:
            raise
        except Exception as error:  # zipfile fails in many ways
            raise damaged(name, f"cannot be read ({unreadable_reason(error)})") from error
        if len(content) > LARGEST_FILE:
            raise damaged(name, f"is larger than {LARGEST_FILE // 2**20} MB")
        if not content:
            raise damaged(name, "is empty")
        return content

    @contextmanager
    def unpacked(self, name: str) -> Iterator[Path]:
        """Context manager: a path at which a file lies by itself, for readers that need one."""
        if not self.zipped:
            path = self._path(name)
            if path.stat().st_size > LARGEST_FILE:
                raise damaged(name, f"is larger than {LARGEST_FILE // 2**20} MB")
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"clip{PurePosixPath(name).suffix.lower()}"
            path.write_bytes(self.read(name))
            yield path

    def _path(self, name: str) -> Path:
        return self.root / name if self.root.is_dir() else self.root


def read_clips(
    source: ClipSource, names: list[str], side: int | None, channels: int, most: int = MOST_BYTES
) -> Iterator[Tensor]:
    """Yields the clips of a file, of which arrays may hold several, or the one that frames make.

    Args:
        source: where they lie.
        names: of one file, or of pictures, which are its frames in this order.
        side: pixels that the shorter side of a frame gets; None leaves them as they are.
        channels: 3 (RGB) or 1 (grey).
        most: bytes that the frames of a clip may have together.

    Returns:
        uint8 (T, C, H, W) each.

    Raises:
        GanzooError: a file is damaged, empty or too large, or the package that reads it is missing.
    """
    name, ending = names[0], PurePosixPath(names[0]).suffix.lower()
    if ending in ARRAYS:
        with source.unpacked(name) as path:
            for array in _clips_of_arrays(path, name):
                yield _clip((_from_array(frame, channels) for frame in array), name, side, most)
    elif ending in MOVIES:
        with source.unpacked(name) as path:
            yield _clip(_movie(path, name, channels), name, side, most)
    elif ending in ANIMATIONS:
        yield _clip(_animation(source.read(name), name, channels), name, side, most)
    else:
        yield _clip((_picture(source.read(frame), frame, channels) for frame in names), name, side, most)


def read_clip(path: Path, side: int | None = None, channels: int = 3, most: int = MOST_BYTES) -> Tensor:
    """Returns the clip that lies at a path, a file or a folder of frames, as uint8 (T, C, H, W).

    Args:
        path: of several clips the first one, by its name, is read.
        side: see `read_clips`.
        channels: 3 (RGB) or 1 (grey).
        most: see `read_clips`.

    Raises:
        GanzooError: there is none, or see `read_clips`.
    """
    if not path.exists():
        raise GanzooError(f"{path} does not exist. Give a GIF, a movie, or a folder of frames.")
    source = ClipSource(path)
    clips = source.clips()
    if not clips:
        raise GanzooError(f"no clip in {path}; clips end in {', '.join((*ANIMATIONS, *MOVIES, *ARRAYS))}.")
    return next(read_clips(source, next(iter(clips.values())), side, channels, most))


def _clip(frames: Iterator[Any], name: str, side: int | None, most: int) -> Tensor:
    """Joins frames, Pillow images, to a clip, all in the size of the first one."""
    resized: list[Tensor] = []
    fit: Callable[[Any], Any] | None = None
    try:
        for frame in frames:
            fit = fit or _fitting(frame.width, frame.height, side)
            resized.append(to_tensor(fit(frame)))
            if len(resized) > MOST_FRAMES or len(resized) * resized[0].numel() > most:
                raise damaged(name, f"has more than {len(resized) - 1:,} frames, too many; cut it to pieces")
    except GanzooError:
        raise
    except Exception as error:  # Pillow and ffmpeg fail in many ways
        raise damaged(name, f"cannot be read ({one_line(unreadable_reason(error))[:80]})") from error
    if not resized:
        raise damaged(name, "has no frames")
    return torch.stack(resized)


def _fitting(width: int, height: int, side: int | None) -> Callable[[Any], Any]:
    """Returns what brings frames to the size of the first one, whose shorter side becomes `side`."""
    from PIL import Image

    scale = 1.0 if side is None else side / min(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return lambda frame: frame if frame.size == size else frame.resize(size, Image.Resampling.LANCZOS)


def _require_bounded(width: int, height: int, name: str) -> None:
    if not 0 < width * height <= MOST_PIXELS:
        raise damaged(name, f"has frames of {width}x{height} pixels, but at most {MOST_PIXELS:,} are read")


def _picture(content: bytes, name: str, channels: int) -> Any:
    """Returns a frame that is a picture file."""
    from PIL import Image

    try:
        with Image.open(BytesIO(content)) as image:
            _require_bounded(image.width, image.height, name)
        return opened(content, channels)
    except GanzooError:
        raise
    except Exception as error:
        raise damaged(name, f"cannot be read ({unreadable_reason(error)})") from error


def _animation(content: bytes, name: str, channels: int) -> Iterator[Any]:
    """Yields the frames of a GIF."""
    from PIL import Image, ImageSequence

    with Image.open(BytesIO(content)) as image:
        _require_bounded(image.width, image.height, name)
        for frame in ImageSequence.Iterator(image):
            yield flattened(frame, channels)


def _movie(path: Path, name: str, channels: int) -> Iterator[Any]:
    """Yields the frames of a movie, which ffmpeg decodes in a process of its own."""
    from PIL import Image

    try:
        from imageio_ffmpeg import read_frames
    except ImportError as error:
        raise GanzooError(
            f"data.root: {name} is a movie, which needs imageio-ffmpeg: pip install 'ganzoo-lightning[mp4]'."
        ) from error
    # nothing but the file itself is opened, whatever it names
    allowed = ["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS]
    frames: Any = read_frames(str(path.resolve()), input_params=allowed)
    try:
        width, height = next(frames)["size"]
        _require_bounded(width, height, name)
        for frame in frames:
            yield Image.frombytes("RGB", (width, height), frame).convert("L" if channels == 1 else "RGB")
    except (OSError, RuntimeError, ValueError, KeyError, IndexError, StopIteration) as error:
        raise damaged(name, "is no movie that ffmpeg reads, or is cut off") from error
    finally:
        frames.close()


def _clips_of_arrays(path: Path, name: str) -> Iterator[NDArray[np.uint8]]:
    """Yields the clips (T, H, W, C) in the arrays of a file; what is no clip, such as labels, is passed over."""
    shapes, some = [], False
    for key, array in arrays(path):
        shapes.append(array.shape)
        if array.ndim == 5 and array.dtype.kind == "f" and array.shape[1] in (1, 3):
            array = array.transpose(0, 2, 3, 4, 1)
        elif array.ndim in (3, 4) and array.dtype == np.uint8:
            array = array.reshape(1, *array.shape[:3], -1)
        if array.ndim != 5 or array.shape[-1] not in (1, 3):
            continue
        some = True
        label = name if key is None else f"{name}: {key}"
        if 0 in array.shape:
            raise damaged(label, f"is empty: its shape is {array.shape}")
        _require_bounded(array.shape[3], array.shape[2], label)
        for clip in array:  # one at a time, for floats take four times the memory of bytes
            yield clip if clip.dtype == np.uint8 else _as_bytes(clip, label)
    if not some:
        raise damaged(name, f"holds no clip but arrays of {shapes}; clips are {SIZES}")


def _as_bytes(clip: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if clip.dtype.kind != "f" or not np.isfinite(clip).all():
        raise damaged(name, "holds neither bytes nor finite floats in [-1, 1]")
    return ((clip.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)


def _from_array(frame: NDArray[np.uint8], channels: int) -> Any:
    """Returns a frame (H, W, 1 or 3) as a Pillow image."""
    from PIL import Image

    image = Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else np.ascontiguousarray(frame))
    return image.convert("L" if channels == 1 else "RGB")


def _endings() -> tuple[str, ...]:
    return (*ANIMATIONS, *MOVIES, *ARRAYS, *suffixes())
