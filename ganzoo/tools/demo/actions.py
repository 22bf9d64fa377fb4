"""Actions of a demo page: what a model does with what a visitor has chosen, written to files; no page is needed."""

import re
import shlex
import shutil
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image
from torch import Tensor

from ganzoo.common.errors import GanzooError
from ganzoo.common.kinds import VIDEO, Kind
from ganzoo.drawing.films import with_masks
from ganzoo.drawing.movies import is_movie, require_encoder, save_movie
from ganzoo.drawing.pictures import grid, save_picture, to_pil
from ganzoo.drawing.save import write_samples
from ganzoo.games.capabilities import HasMasks
from ganzoo.tools.arguments import choose_conditions
from ganzoo.tools.demo.exhibit import Exhibit, networks, shape_of
from ganzoo.tools.demo.uploads import read_picture, read_upload_clip, shrunk
from ganzoo.tools.interpolate import walk_frames
from ganzoo.tools.sample import draw_pieces
from ganzoo.tools.translate.clips import following
from ganzoo.tools.translate.files import input_channels, network_input, translate_whole

MOST_SEED = 2**31 - 1
MOST_TEXTS, LONGEST_TEXT = 16, 300
STOPS, STEPS, MOST_FRAMES = (2, 8), (4, 32), 2048  # of a walk: stops, frames of a leg, and pictures altogether
WALK_FPS = 16.0
BARS = (1, 32)
PREDICTED = (1, 20)
OPTION = re.compile(r"^(--?[a-z][\w-]*|data\.root|[a-z]\.?): ")  # what a command's error begins with


@dataclass(frozen=True)
class Offer:
    """What a page offers of samples of a kind.

    Attributes:
        count: how many are drawn at first.
        most: how many a visitor can ask for.
        formats: suffixes of the files, those first that are to be looked at or listened to.
        slow: likewise of files that take long, and are written when they are asked for.
    """

    count: int
    most: int
    formats: tuple[str, ...]
    slow: tuple[str, ...] = ()


OFFERS: dict[str, Offer] = {
    "images": Offer(16, 64, (".png", ".npz")),
    "points": Offer(1000, 5000, (".png", ".npz")),
    "video": Offer(9, 16, (".gif", ".png", ".mp4", ".npz")),
    "voxels": Offer(4, 9, (".png", ".obj", ".npz"), (".gif",)),
    "music": Offer(4, 9, (".wav", ".png", ".mid", ".npz")),
}
MOVIE_FORMATS = (".gif", ".mp4")
CLIP_FORMATS = (".gif", ".png", ".mp4")


@dataclass(frozen=True)
class Outcome:
    """Files that an action has written.

    Attributes:
        files: by suffix, to be shown and downloaded.
        command: the shell's, which does the same.
        note: a remark for the visitor.
        before: picture of what the model was shown; None where it was shown nothing.
    """

    files: dict[str, Path]
    command: str
    note: str = ""
    before: Path | None = None


class Shelf:
    """Folders for what is drawn, of which the last few are kept.

    Args:
        kept: how many.
    """

    def __init__(self, kept: int = 64) -> None:
        self._root = tempfile.TemporaryDirectory(prefix="ganzoo-demo-")
        self.path = Path(self._root.name)
        self._kept, self._folders = kept, deque[Path]()

    def folder(self) -> Path:
        """Returns a new folder; the oldest one goes."""
        folder = Path(tempfile.mkdtemp(dir=self.path))
        self._folders.append(folder)
        while len(self._folders) > self._kept:
            shutil.rmtree(self._folders.popleft(), ignore_errors=True)
        return folder

    def close(self) -> None:
        """Removes all of them."""
        self._root.cleanup()


def for_visitor(message: str) -> str:
    """Returns an error's message without the command's option that it begins with."""
    text = OPTION.sub("", message)
    return text[:1].upper() + text[1:]


def written_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Returns those formats that can be written here: films need an encoder."""
    return tuple(suffix for suffix in formats if _can_encode(suffix))


def _can_encode(suffix: str) -> bool:
    try:
        require_encoder(Path(f"x{suffix}"))
    except GanzooError:
        return False
    return True


def whole_number(what: str, value: Any, least: int, most: int) -> int:
    """Returns a visitor's whole number.

    Raises:
        GanzooError: if it is none, or out of bounds.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise GanzooError(f"{what}: a whole number from {least:,} to {most:,} is wanted.")
    return value


def fraction(what: str, value: Any) -> float:
    """Returns a visitor's number from 0 to 1.

    Raises:
        GanzooError: if it is none.
    """
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise GanzooError(f"{what}: a number from 0 to 1 is wanted.")
    return float(value)


def texts_of(text: str) -> list[str]:
    """Returns the lines that a visitor has typed.

    Raises:
        GanzooError: if there are too many, or one is too long.
    """
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if len(lines) > MOST_TEXTS or any(len(line) > LONGEST_TEXT for line in lines):
        raise GanzooError(f"At most {MOST_TEXTS} lines of {LONGEST_TEXT} letters are taken.")
    return lines


def draw_samples(
    exhibit: Exhibit,
    folder: Path,
    seed: int = 0,
    n: int | None = None,
    labels: Sequence[str] | None = None,
    text: str = "",
    truncation: float = 1.0,
    slow: bool = False,
) -> Outcome:
    """Draws samples as `ganzoo sample` does.

    Args:
        exhibit: the model.
        folder: where files go.
        seed: fixes the draw.
        n: how many; by default as many as the kind's offer says.
        labels: classes to draw in turn; none for all.
        text: lines to draw in turn; none for those that the model keeps.
        truncation: factor towards what is typical in the latent space.
        slow: write the formats that take long, in place of the others.

    Raises:
        GanzooError: if a value does not fit.
    """
    model, offer = exhibit.model, OFFERS[exhibit.kind.name]
    formats = offer.slow if slow else offer.formats
    seed = whole_number("Seed", seed, 0, MOST_SEED)
    n = whole_number("Number", offer.count if n is None else n, 1, offer.most)
    truncation, texts = fraction("Truncation", truncation), texts_of(text)
    y, turns = choose_conditions(model, n, [*labels] if labels else None, texts)
    space = model.space
    points = space.place(space.raw(n, seed), truncation, y)
    samples = model.render(points, y, model.noise_seeds(n, seed)).cpu()
    looked_at = with_masks(samples, model.masks(points).cpu()) if isinstance(model, HasMasks) else samples
    stem = f"{slug(exhibit.title)}-seed{seed}"
    files = write_all(samples, looked_at, folder / stem, exhibit.kind, formats, turns)
    words = ["sample", exhibit.place, "-n", n, "--seed", seed]
    words += [*["--labels"] * bool(labels), *(labels or ()), *["--text"] * bool(texts), *texts]
    words += ["--truncation", f"{truncation:g}"] if truncation != 1 else []
    return Outcome(files, command_line(*words, "-o", f"samples{formats[0]}"))


def draw_music(exhibit: Exhibit, folder: Path, seed: int = 0, n: int = 4, bars: int = 8, chords: str = "") -> Outcome:
    """Draws pieces of music bar by bar, as `ganzoo sample --bars` does.

    Args:
        exhibit: a model of bars.
        folder: where files go.
        seed: fixes the draw.
        n: how many pieces.
        bars: of each.
        chords: names, one to a bar, from the start again where there are more bars; none for those that it keeps.

    Raises:
        GanzooError: if a value does not fit.
    """
    offer = OFFERS[exhibit.kind.name]
    seed, n = whole_number("Seed", seed, 0, MOST_SEED), whole_number("Number", n, 1, offer.most)
    bars, names = whole_number("Bars", bars, *BARS), (chords or "").replace(",", " ").split()[: BARS[1]]
    pieces = draw_pieces(exhibit.model, exhibit.title, n, bars, names, None, seed).cpu()
    path = folder / f"{slug(exhibit.title)}-pieces-seed{seed}"
    files = write_all(pieces, pieces, path, exhibit.kind, offer.formats)
    words = ["sample", exhibit.place, "-n", n, "--seed", seed, "--bars", bars, *["--chords"] * bool(names), *names]
    return Outcome(files, command_line(*words, "-o", f"pieces{offer.formats[0]}"))


def draw_walk(
    exhibit: Exhibit,
    folder: Path,
    seed: int = 0,
    stops: int = 5,
    steps: int = 16,
    labels: Sequence[str] | None = None,
    truncation: float = 1.0,
    loop: bool = True,
) -> Outcome:
    """Draws a movie from sample to sample, as `ganzoo interpolate` does.

    Args:
        exhibit: the model.
        folder: where files go.
        seed: fixes the stops.
        stops: how many.
        steps: pictures from one stop to the next.
        labels: classes that are kept on the way, side by side; none for all.
        truncation: factor towards what is typical in the latent space.
        loop: go back from the last stop to the first.

    Raises:
        GanzooError: if a value does not fit.
    """
    from ganzoo.common.class_names import class_numbers

    model = exhibit.model
    seed, stops = whole_number("Seed", seed, 0, MOST_SEED), whole_number("Stops", stops, *STOPS)
    steps, truncation = whole_number("Frames", steps, *STEPS), fraction("Truncation", truncation)
    chosen = class_numbers(model, labels) if labels else None
    pictures = stops * steps * max(1, len(chosen or ()) or model.n_classes)
    if pictures > MOST_FRAMES:
        raise GanzooError(f"This would be {pictures:,} pictures, and {MOST_FRAMES:,} are the most; choose fewer.")
    raw, noise = model.space.raw(stops, seed), model.noise_seeds(1, seed)
    frames = walk_frames(model, raw, steps, None, chosen, loop, truncation, noise)
    files = save_movies(frames, folder / f"{slug(exhibit.title)}-walk-seed{seed}", WALK_FPS)
    words = ["interpolate", exhibit.place, "-n", stops, "--seed", seed, "--steps", steps]
    words += [*["--labels"] * bool(labels), *(labels or ()), *["--loop"] * loop]
    words += ["--truncation", f"{truncation:g}"] if truncation != 1 else []
    return Outcome(files, command_line(*words, "-o", "walk.gif"))


def translate_upload(
    exhibit: Exhibit, folder: Path, file: str | Path | None, back: bool = False, seed: int = 0
) -> Outcome:
    """Translates an uploaded picture, as `ganzoo translate` does; a large one is shrunk.

    Args:
        exhibit: a translator.
        folder: where files go.
        file: the picture.
        back: from the second domain to the first, if the model can.
        seed: fixes the noise of a model that has some.

    Raises:
        GanzooError: if there is no picture, or it is refused.
    """
    model, seed = exhibit.model, whole_number("Seed", seed, 0, MOST_SEED)
    network: Any = (getattr(model, "back", None) if back else None) or model.generator
    way: dict[str, Any] = {"back": True} if back and network is not model.generator else {}
    image, small = shrunk(read_picture(uploaded(file), input_channels(network)))
    x, resized = network_input(image, network)
    translation = translate_whole(lambda x: model.translate(x, seed=seed, **way), x, model, network)
    words = ["translate", exhibit.place, "picture.png", *["--back"] * bool(way)]
    words += ["--seed", str(seed)] if seed else []
    note = "Its middle was cut out and resized to what the model takes." if resized else ""
    note = "It was shrunk for this page; the command takes it as it is." if small and not resized else note
    return pair(x, translation, folder, exhibit, command_line(*words, "-o", "translation.png"), note)


def reconstruct_upload(exhibit: Exhibit, folder: Path, file: str | Path | None) -> Outcome:
    """Encodes and decodes an uploaded picture.

    Args:
        exhibit: an autoencoder of images.
        folder: where files go.
        file: the picture.

    Raises:
        GanzooError: if there is no picture, or it is refused.
    """
    shape = reconstructed_shape(exhibit)
    assert shape is not None
    taker: Any = SimpleNamespace(source_shape=shape)
    x, _ = network_input(read_picture(uploaded(file), input_channels(taker)), taker)
    (image,) = to_pil(exhibit.model.reconstruct(x).cpu().clamp(-1, 1))
    note = "Left what the model is shown, right what its code keeps of it."
    return pair(x, image, folder, exhibit, "", note)


def reconstructed_shape(exhibit: Exhibit) -> tuple[int, ...] | None:
    """Returns the shape of images that a model reconstructs; None where that is not known, or is no image."""
    shapes = [shape_of(network) for network in networks(exhibit.model)]
    found = next((shape for shape in shapes if shape), None)
    known = found is not None and len(found) == 3 and found[0] in (1, 3) and None not in found
    return found if known and exhibit.kind.axes == ("C", "H", "W") else None


def continue_upload(exhibit: Exhibit, folder: Path, file: str | Path | None, frames: int = 5) -> Outcome:
    """Predicts the frames that follow an uploaded clip, as `ganzoo translate` does.

    Args:
        exhibit: a model of video prediction.
        folder: where files go.
        file: the clip.
        frames: how many are predicted.

    Raises:
        GanzooError: if there is no clip, or it is refused.
    """
    model, frames = exhibit.model, whole_number("Frames", frames, *PREDICTED)
    clip = read_upload_clip(uploaded(file), model.generator.shape[0])
    whole = following(model, model.generator, clip, frames, whole=True)
    path = folder / f"{slug(exhibit.title)}-prediction"
    files = {}
    for suffix in written_formats(CLIP_FORMATS):
        files[suffix] = path.with_suffix(suffix)
        if is_movie(files[suffix]):
            write_samples(whole, files[suffix], kind=VIDEO)
        else:
            save_picture(grid(whole[0].transpose(0, 1), columns=whole.shape[2]), files[suffix])
    note = f"The first {whole.shape[2] - frames} frames are the clip's last, the {frames} after them are predicted."
    words = ["translate", exhibit.place, "clip.gif", "--frames", frames, "--whole"]
    return Outcome(files, command_line(*words, "-o", "prediction.gif"), note)


def uploaded(file: str | Path | None) -> Path:
    """Returns the path of an upload.

    Raises:
        GanzooError: if there is none.
    """
    if not file:
        raise GanzooError("Choose a file first.")
    return Path(file)


def pair(x: Tensor, after: Image.Image, folder: Path, exhibit: Exhibit, command: str, note: str) -> Outcome:
    """Writes what a model was shown, an image (1, C, H, W) in [-1, 1], and what it made of it."""
    before, made = folder / "source.png", folder / f"{slug(exhibit.title)}.png"
    save_picture(to_pil(x)[0], before)
    save_picture(after, made)
    return Outcome({".png": made}, command, note, before)


def write_all(
    samples: Tensor, looked_at: Tensor, path: Path, kind: Kind, formats: Sequence[str], turns: int = 0
) -> dict[str, Path]:
    """Writes samples (N, ...) in several formats.

    Args:
        samples: as they are.
        looked_at: as pictures and movies show them.
        path: without a suffix.
        kind: of sample.
        formats: suffixes.
        turns: number of classes that take turns.

    Returns:
        The files by suffix, as far as they can be written here.
    """
    files = {suffix: path.with_name(path.name + suffix) for suffix in written_formats(formats)}
    # the picture last, for a mesh has one of its own beside it
    for suffix in sorted(files, key=lambda suffix: suffix == ".png"):
        seen = suffix == ".png" or is_movie(files[suffix])
        write_samples(looked_at if seen else samples, files[suffix], turns, kind=kind)
    return files


def save_movies(frames: list[Image.Image], path: Path, fps: float) -> dict[str, Path]:
    """Writes pictures as movies in all formats that can be written here; returns the files by suffix."""
    files = {suffix: path.with_name(path.name + suffix) for suffix in written_formats(MOVIE_FORMATS)}
    for file in files.values():
        save_movie(frames, file, fps)
    return files


def slug(title: str) -> str:
    """Returns a title as a part of a file's name."""
    return re.sub(r"[^\w.-]+", "-", title)[:80].strip("-.") or "model"


def command_line(*words: Any) -> str:
    """Returns a `ganzoo` command as a shell takes it."""
    return shlex.join(["ganzoo", *map(str, words)])
