"""Translation of picture files, one by one, large ones in tiles."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor, nn
from tqdm.auto import tqdm

from ganzoo.checkpoints.loading import load
from ganzoo.common import images, threads
from ganzoo.common.errors import GanzooError, nearest, one_line
from ganzoo.common.hardware import find_device
from ganzoo.data.decoding import middle, opened, to_tensor, unreadable_reason
from ganzoo.data.finding import find_pictures
from ganzoo.drawing import pictures
from ganzoo.games.capabilities import DrawsSamples, PredictsFrames
from ganzoo.games.translator import Size, Translator, pad_to_multiple
from ganzoo.tools.translate import clips, tiles
from ganzoo.tools.translate.results import TranslatedFiles

FEW = 3  # pictures that go without a progress bar
TILE, LEAST_TILE = 256, 16  # sides of a tile in pixels, those of the picture it is of
SMALL, CORNER = 256 * 256, 64  # pixels of a picture that needs no care; sides of what stands for a larger one
ONCE = 8  # corners that are translated at once: as many as are about a tile


def translate_files(
    name: str,
    files: Sequence[Path],
    out: Path,
    back: bool = False,
    seed: int = 0,
    tile: int | None = None,
    revision: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    frames: int | None = None,
    whole: bool = False,
) -> TranslatedFiles:
    """Translates pictures, one by one, or predicts what follows clips.

    See `ganzoo.tools.translate.translate` for the arguments, and `ganzoo.tools.translate.clips` for clips. A picture is
    turned upright and into the model's mode: transparent parts white, colours or grey. What was transparent is so again
    in the translation, if its format allows it. A model for one size gets the middle of a picture, resized; one for any
    size gets it whole, or, where it allows that, a large one in tiles.

    Raises:
        GanzooError: if the model is no translator, an option does not fit, a picture would be overwritten, or none of
            them can be read and translated.
    """
    if tile is not None and tile < LEAST_TILE and tile != 0:
        raise GanzooError(f"--tile: {tile} given, but it must be at least {LEAST_TILE}, or 0 for no tiles.")
    model = load(name, revision=revision, device=find_device(device))
    if not isinstance(model, Translator):
        hint = " `ganzoo sample` draws from it." if isinstance(model, DrawsSamples) else ""
        raise GanzooError(f"'{name}' translates no pictures: it is a {type(model).__name__}.{hint}")
    if isinstance(model, PredictsFrames):
        if back or tile is not None:
            raise GanzooError(f"--back and --tile: '{name}' goes on with clips; leave them out.")
        return clips.predict_clips(model, name, files, out, clips.FRAMES if frames is None else frames, whole, threads)
    if frames is not None or whole:
        raise GanzooError(f"--frames and --whole: '{name}' translates pictures; leave them out.")
    plan = plan_targets(files, out)
    network = getattr(model, "back", None) if back else model.generator
    if network is None:
        raise GanzooError(f"--back: '{name}' translates one way only.")
    if tile and getattr(network, "reach", None) is None:
        raise GanzooError(f"--tile: each pixel of '{name}' depends on the whole picture; leave it out.")
    way: dict[str, Any] = {"back": True} if back else {}

    def translate(x: Tensor) -> Tensor:
        return model.translate(x, seed=seed, **way)

    channels, first = input_channels(network), next(iter(plan))
    result = TranslatedFiles(out)
    for file, target in tqdm(plan.items(), unit="picture", disable=len(plan) <= FEW, dynamic_ncols=True):
        try:
            data = file.read_bytes()
            image, alpha = opened(data, channels), transparency(data)
        except Exception as error:  # Pillow fails in many ways
            result.skipped.append(f"{file} ({unreadable_reason(error)})")
            continue
        x, resized = network_input(image, network)
        height, width = x.shape[2:]
        try:
            if file is first and model.device.type == "cpu":
                set_threads(translate, padded_input(x, network), len(plan), threads)
            translation = translate_whole(translate, x, model, network, TILE if tile is None else tile)
        except (GanzooError, RuntimeError, MemoryError) as error:  # one picture shall not keep others from theirs
            if len(plan) == 1 and isinstance(error, GanzooError):
                raise
            result.skipped.append(f"{file} ({one_line(str(error))})")
            continue
        if alpha is not None and holds_transparency(target):
            alpha = middle(alpha, height, width) if resized else alpha
            translation.putalpha(alpha.resize(translation.size))
        pictures.save_picture(translation, target)
        result.written.append(target)
        result.resized += resized
        result.filled += alpha is not None and not holds_transparency(target)
    if not result.written:
        raise GanzooError(f"none of the {len(plan)} picture(s) can be translated: {result.skipped[0]}.")
    return result


def padded_input(x: Tensor, network: nn.Module) -> Tensor:
    """Returns a picture (1, C, H, W) continued until its sides are such as a network takes."""
    return pad_to_multiple(x, getattr(network, "multiple", 1), getattr(network, "least", 1))


def translate_whole(
    translate: Callable[[Tensor], Tensor], x: Tensor, model: Translator, network: nn.Module, tile: int = TILE
) -> Image.Image:
    """Returns the translation of a picture (1, C, H, W) whose sides need not be such as the network takes.

    See `translate_picture` for the arguments, and what is raised.
    """
    padded = padded_input(x, network)
    pixels = translate_picture(translate, padded, model, network, tile)
    height, width = (
        round(side * new / old) for side, new, old in zip(x.shape[2:], pixels.shape[:2], padded.shape[2:], strict=True)
    )
    return pictures.to_image(pixels[:height, :width])


def translate_picture(
    translate: Callable[[Tensor], Tensor], x: Tensor, model: Translator, network: nn.Module, tile: int
) -> NDArray[np.uint8]:
    """Translates a picture, in tiles if it is large and the network allows it.

    Args:
        translate: maps images (1, C, H, W) in [-1, 1] to such images.
        x: the picture (1, C, H, W).
        model: whose networks `translate` uses.
        network: the one that translates.
        tile: sides of a tile in pixels; 0 for the whole picture at once.

    Returns:
        The translation, (H', W', C') in [0, 255].

    Raises:
        GanzooError: if it needs more memory than there is.
    """
    reach: int | None = getattr(network, "reach", None)
    if tile and reach is not None and max(x.shape[2:]) > tile + 2 * reach:
        return tiles.translate_in_tiles(translate, x, tile, reach, getattr(network, "multiple", 1))
    if x.shape[2] * x.shape[3] > SMALL:
        needed, there = tiles.memory_needed(model, translate, x), tiles.free_memory(model.device)
        if there is not None and needed > there:
            size = f"{x.shape[3]}x{x.shape[2]} pixels"
            hint = "make it smaller" if reach is None else "leave out --tile 0"
            raise GanzooError(f"{size} take about {needed / 1e9:.1f} GB, and {there / 1e9:.1f} GB are free; {hint}")
    return images.to_uint8(translate(x))[0]


def set_threads(translate: Callable[[Tensor], Tensor], x: Tensor, count: int, requested: int | None) -> None:
    """Sets the number of CPU threads for so many pictures like this one (1, C, H, W)."""
    corner = x[..., :CORNER, :CORNER] if x.shape[2] * x.shape[3] > SMALL else x
    corners = count * x.shape[2] * x.shape[3] // (corner.shape[2] * corner.shape[3])
    threads.adapt_threads(lambda n: translate(corner.expand(min(n, ONCE), -1, -1, -1)), corners, requested)


def transparency(data: bytes) -> Image.Image | None:
    """Returns the alpha channel (mode L) of a picture file's bytes, turned upright; None where nothing is transparent.

    Raises:
        Exception: Pillow cannot read it, in one of many ways.
    """
    image: Any = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    if "transparency" not in image.info and image.mode not in ("RGBA", "LA", "PA", "La", "RGBa"):
        return None
    alpha = image.convert("RGBA").getchannel("A")
    return alpha if alpha.getextrema()[0] < 255 else None


def holds_transparency(path: Path) -> bool:
    """Returns whether the format of a path's suffix has an alpha channel."""
    return Image.registered_extensions().get(path.suffix.lower()) in {"PNG", "WEBP", "TIFF", "TGA", "JPEG2000"}


def plan_targets(paths: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Returns the file of the translation of each picture among and below these files and folders.

    A folder's pictures keep their places below it. One picture may go to a file, many go to a folder.

    Raises:
        GanzooError: if something does not exist, two pictures would go to one file, or one would be overwritten.
    """
    names: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            names |= {path / name: name for name in _inside(path)}
        elif path.exists():
            names[path] = path.name
        else:
            hint = nearest(path.name, [other.name for other in path.parent.iterdir()]) if path.parent.is_dir() else ""
            raise GanzooError(f"there is no picture or folder '{path}'.{hint}")
    to_file = len(names) == 1 and not paths[0].is_dir() and out.suffix and not out.is_dir()
    if not to_file and out.exists() and not out.is_dir():
        raise GanzooError(f"-o: '{out}' is a file, and pictures of a folder, or several, go to a folder.")
    plan = {file: out if to_file else out / writable_name(name) for file, name in names.items()}
    sources: dict[Path, Path] = {}
    inputs = {_identity(file) for file in plan}
    for file, target in plan.items():
        if target in sources:
            raise GanzooError(f"-o: '{sources[target]}' and '{file}' would both be written to '{target}'.")
        if target.exists() and _identity(target) in inputs:
            raise GanzooError(f"-o: '{target}' is one of the pictures to be translated; choose another folder.")
        sources[target] = file
    return plan


def writable_name(name: str) -> str:
    """Returns a picture's name, with .png in the place of an ending that cannot be written."""
    path = Path(name)
    return name if pictures.can_write(path) else str(path.with_suffix(".png"))


def input_channels(network: nn.Module) -> int:
    """Returns the number of channels of the pictures that a network takes.

    Raises:
        GanzooError: if there are no such pictures.
    """
    takes: int = getattr(network, "source_shape", (3,))[0]
    if takes not in (1, 3):
        raise GanzooError(f"the model takes images of {takes} channels, and pictures have 1 or 3.")
    return takes


def network_input(image: Any, network: nn.Module) -> tuple[Tensor, bool]:
    """Returns a grey or RGB Pillow image as the network takes it, (1, C, H, W) in [-1, 1], and whether that resized it.

    Of a picture in other proportions the middle is taken.
    """
    shape: Size = getattr(network, "source_shape", (None, None, None))
    height, width = (side or own for side, own in zip(shape[1:], (image.height, image.width), strict=True))
    resized = (height, width) != (image.height, image.width)
    if resized:
        image = middle(image, height, width)
    return to_tensor(image)[None].float() / 127.5 - 1, resized


def _inside(folder: Path) -> list[str]:
    try:
        return find_pictures(folder)
    except GanzooError as error:
        raise GanzooError(f"there are no pictures in '{folder}'.") from error


def _identity(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_dev, status.st_ino
