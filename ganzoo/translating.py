"""Picture files to picture files by a trained translator."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pad
from tqdm.auto import tqdm

from ganzoo import pictures
from ganzoo.data.finding import find_pictures
from ganzoo.data.pictures import middle, opened, reason, to_tensor
from ganzoo.errors import GanzooError, nearest
from ganzoo.hub import load
from ganzoo.sampling import find_device
from ganzoo.translator import Size, Translator

FEW = 3  # pictures that go without a progress bar


@dataclass
class Done:
    """What came of `ganzoo translate`.

    Args:
        written: pictures that were written.
        resized: how many of them were cropped and resized to what the model takes.
        skipped: pictures that could not be read, each with the reason.
    """

    written: list[Path] = field(default_factory=list)
    resized: int = 0
    skipped: list[str] = field(default_factory=list)


def translate_files(options: Namespace) -> Done:
    """Translates the pictures that the options of `ganzoo translate` name, one by one.

    Each is turned upright and into the model's mode: transparent parts white, colours or grey. A model for one size
    gets the middle of a picture, resized; one for any size gets it whole.

    Raises:
        GanzooError: if the model is no translator, an option does not fit, a picture would be overwritten, or none of
            them can be read.
    """
    plan = targets(options.pictures, options.out)
    model = load(options.name, revision=options.revision, device=find_device(options.device))
    if not isinstance(model, Translator):
        hint = " `ganzoo sample` draws from it." if hasattr(model, "sample") else ""
        raise GanzooError(f"'{options.name}' translates no pictures: it is a {type(model).__name__}.{hint}")
    network = getattr(model, "back", None) if options.back else model.generator
    if network is None:
        raise GanzooError(f"--back: '{options.name}' translates one way only.")
    way = {"back": True} if options.back else {}
    done = Done()
    for file, out in tqdm(plan.items(), unit="picture", disable=len(plan) <= FEW, dynamic_ncols=True):
        try:
            image = opened(file.read_bytes(), channels(network))
        except Exception as error:  # Pillow fails in many ways
            done.skipped.append(f"{file} ({reason(error)})")
            continue
        x, resized = taken(image, network)
        height, width = x.shape[2:]
        x = whole(x, getattr(network, "multiple", 1))
        made = model.translate(x, seed=options.seed, **way)
        scale = made.shape[2] / x.shape[2], made.shape[3] / x.shape[3]
        made = made[..., : round(height * scale[0]), : round(width * scale[1])]
        pictures.save(pictures.to_image(pictures.to_uint8(made)[0]), out)
        done.written.append(out)
        done.resized += resized
    if not done.written:
        raise GanzooError(f"none of the {len(plan)} picture(s) can be read: {done.skipped[0]}.")
    return done


def targets(given: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Returns each picture below the given files and folders, and the file that its translation goes to.

    A folder's pictures keep their places below it. One picture may go to a file, many go to a folder.

    Raises:
        GanzooError: if something does not exist, two pictures would go to one file, or one would be overwritten.
    """
    names: dict[Path, str] = {}
    for path in given:
        if path.is_dir():
            names |= {path / name: name for name in _inside(path)}
        elif path.exists():
            names[path] = path.name
        else:
            hint = nearest(path.name, [other.name for other in path.parent.iterdir()]) if path.parent.is_dir() else ""
            raise GanzooError(f"there is no picture or folder '{path}'.{hint}")
    to_file = len(names) == 1 and not given[0].is_dir() and out.suffix and not out.is_dir()
    if not to_file and out.exists() and not out.is_dir():
        raise GanzooError(f"-o: '{out}' is a file, and pictures of a folder, or several, go to a folder.")
    plan = {file: out if to_file else out / writable(name) for file, name in names.items()}
    sources: dict[Path, Path] = {}
    inputs = {_identity(file) for file in plan}
    for file, target in plan.items():
        if target in sources:
            raise GanzooError(f"-o: '{sources[target]}' and '{file}' would both be written to '{target}'.")
        if target.exists() and _identity(target) in inputs:
            raise GanzooError(f"-o: '{target}' is one of the pictures to be translated; choose another folder.")
        sources[target] = file
    return plan


def writable(name: str) -> str:
    """Returns a picture's name, with .png in the place of an ending that cannot be written."""
    path = Path(name)
    return name if pictures.can_write(path) else str(path.with_suffix(".png"))


def channels(network: nn.Module) -> int:
    """Returns how many channels the pictures get that a network takes.

    Raises:
        GanzooError: if there are no such pictures.
    """
    takes: int = getattr(network, "source_shape", (3,))[0]
    if takes not in (1, 3):
        raise GanzooError(f"the model takes images of {takes} channels, and pictures have 1 or 3.")
    return takes


def taken(image: Any, network: nn.Module) -> tuple[Tensor, bool]:
    """Returns a grey or RGB Pillow image as the network takes it, (1, C, H, W) in [-1, 1], and whether that resized it.

    Of a picture in other proportions the middle is taken.
    """
    shape: Size = getattr(network, "source_shape", (None, None, None))
    height, width = (side or own for side, own in zip(shape[1:], (image.height, image.width), strict=True))
    resized = (height, width) != (image.height, image.width)
    if resized:
        image = middle(image, height, width)
    return to_tensor(image)[None].float() / 127.5 - 1, resized


def whole(x: Tensor, multiple: int) -> Tensor:
    """Continues images (1, C, H, W) at the right and the bottom until both sides are divisible by `multiple`."""
    bottom, right = (-side % multiple for side in x.shape[2:])
    return pad(x, (0, right, 0, bottom), mode="replicate")


def _inside(folder: Path) -> list[str]:
    try:
        return find_pictures(folder)
    except GanzooError as error:
        raise GanzooError(f"there are no pictures in '{folder}'.") from error


def _identity(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_dev, status.st_ino
