"""What the live samplers need beside the pages: exported models and onnxruntime-web, in `build/site`.

`python -m website.live`, in docs/, makes what is missing or out of date there; `make docs` does so before it builds the
pages. A page of a model that is there has a sampler, a page of any other one a picture alone.
"""

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from ganzoo.checkpoints.hashes import HASHED, sha256
from ganzoo.common import registry

TREE = Path(__file__).parents[2]
BUILD = TREE / "build" / "site"
MODELS, RUNTIME, GALLERY = BUILD / "models", BUILD / "onnxruntime-web", BUILD / "gallery.html"

LARGEST = 5_000_000  # bytes of a model that a page fetches
PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


@dataclass(frozen=True)
class LiveModel:
    """What the page's sampler has to know of an exported model.

    Attributes:
        name: of the checkpoint.
        bytes: of the file.
        shape: (C, H, W) of an image.
        streams: (length, prior) of each part of z, drawn from a stream of its own.
        mixed: whether an input `u` chooses the part of a mixture that a code is of.
        noise: how many numbers of noise the layers take for an image; 0 for none.
        classes: names of the classes that can be asked for; none of an unconditional model.
        truncates: whether z, scaled by a factor, is what `--truncation` draws.
    """

    name: str
    bytes: int
    shape: tuple[int, int, int]
    streams: tuple[tuple[int, str], ...]
    mixed: bool
    noise: int
    classes: tuple[str, ...]
    truncates: bool


def read_live(name: str) -> LiveModel | None:
    """Returns what is known of an exported model; None of one that is not there, or if there is no runtime."""
    file = MODELS / f"{name}.json"
    return LiveModel(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() and live_files() else None


def runtime_bytes() -> int:
    """Returns how large the runtime is that a page fetches."""
    return sum((RUNTIME / name).stat().st_size for name in RUNTIME_FILES)


def live_files() -> dict[str, Path]:
    """Returns the files that live samplers fetch, by their places on the site; empty where one is not there."""
    models = sorted(MODELS.glob("*.onnx"))
    runtime = [RUNTIME / name for name in RUNTIME_FILES]
    if not models or not all(file.is_file() for file in runtime):
        return {}
    files = {f"live/{file.name}": file for file in models} | {f"live/runtime/{file.name}": file for file in runtime}
    return files | ({GALLERY.name: GALLERY} if GALLERY.is_file() else {})


def fetch_runtime(out: Path = RUNTIME) -> None:
    """Fetches onnxruntime-web by npm, once, and keeps the three files of it that pages load.

    Raises:
        SystemExit: if there is no npm, or what it fetches is not the file whose digest stands here.
    """
    stamp = out / "version"
    if stamp.is_file() and stamp.read_text() == VERSION:
        return
    if (npm := shutil.which("npm")) is None:
        raise SystemExit("live samplers need npm, which fetches onnxruntime-web; `make docs LIVE=` leaves them out.")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        (file,) = Path(folder).glob("*.tgz")
        content = file.read_bytes()
    digest = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    if digest != INTEGRITY:
        raise SystemExit(f"{PACKAGE} {VERSION} has the digest {digest}, not {INTEGRITY}.")
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        for name in RUNTIME_FILES:
            part = archive.extractfile(f"package/dist/{name}")
            assert part is not None
            (out / name).write_bytes(part.read())
    stamp.write_text(VERSION)


def export_model(name: str, out: Path = MODELS) -> LiveModel | None:
    """Writes a checkpoint as ONNX, with what a page has to know of it; None, and no file, if no page can run it.

    A page can if it draws images from random numbers, and perhaps a class, and its file is no larger than `LARGEST`.

    Args:
        name: of a bundled checkpoint.
        out: folder of NAME.onnx and NAME.json.
    """
    from ganzoo.checkpoints.export_formats import export_generator
    from ganzoo.checkpoints.loading import load
    from ganzoo.common.errors import GanzooError
    from ganzoo.games.sampler import Sampler

    model = load(name)
    if not isinstance(model, Sampler) or (about := describe_model(model, name)) is None:
        return None
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.onnx"
        try:
            export_generator(model, file, "onnx", name)
        except GanzooError as error:
            print(f"{name}: no live sampler. {error}")
            return None
        if file.stat().st_size > LARGEST:
            print(f"{name}: no live sampler. It has {file.stat().st_size / 1e6:.1f} MB.")
            return None
        shutil.move(file, out / file.name)
    about = replace(about, bytes=(out / file.name).stat().st_size)
    (out / f"{name}.json").write_text(json.dumps(asdict(about)))
    return about


def describe_model(model: Any, name: str) -> LiveModel | None:
    """Returns what a page has to know of a model, its file's size apart; None if a page could not draw with it."""
    import torch

    from ganzoo.common.conditions import Classes
    from ganzoo.games.latent_space import Codes, Latents

    space, condition = model.input_space, model.condition
    shape = tuple(model.sample(1, seed=0).shape[1:])
    streams = space.parts if isinstance(space, Latents) else [(space.dim, "normal")] if isinstance(space, Codes) else []
    drawable = bool(streams) and all(prior in ("normal", "uniform") for _, prior in streams)
    if not drawable or len(shape) != 3 or shape[0] not in (1, 3) or not isinstance(condition, Classes | None):
        return None
    raw = space.raw(4, 0)
    scaled = space.place({**raw, "z": 0.5 * raw["z"]})
    placed = model.space.place(raw, 0.5, model.conditions(4))
    names = model.class_names or [str(label) for label in range(model.n_classes)]
    return LiveModel(
        name=name,
        bytes=0,
        shape=shape,
        streams=tuple((length, prior) for length, prior in streams if length),
        mixed="u" in space.texts,
        noise=sum(torch.Size(one).numel() for one in model.noise_shapes),
        classes=tuple(names) if condition is not None else (),
        truncates=placed.shape == scaled.shape and torch.equal(placed, scaled),
    )


def prepare(names: Sequence[str] = ()) -> None:
    """Makes all that pages need to draw, and the gallery's page, as far as it is missing or older than a checkpoint.

    Args:
        names: of bundled checkpoints; all of them by default.
    """
    from ganzoo.tools.gallery import gallery

    fetch_runtime()
    names = names or registry.list_checkpoints()
    changed = [name for name in names if refresh(name)]
    if changed or not GALLERY.is_file():
        gallery(names, out=GALLERY)


def refresh(name: str) -> bool:
    """Exports a bundled checkpoint unless that has been done, or it has been found too large, as it is.

    Returns:
        Whether it had to.
    """
    stamp = MODELS / f"{name}.sha256"
    if stamp.is_file() and stamp.read_text() == fingerprint(name):
        return False
    print(f"{name}: exporting")
    for file in MODELS.glob(f"{name}.*"):
        file.unlink()
    export_model(name)
    MODELS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(fingerprint(name))
    return True


def fingerprint(name: str) -> str:
    """Returns the digest of a bundled checkpoint's weights and recipe."""
    folder = registry.CHECKPOINTS / name
    return " ".join(sha256(folder / file) for file in HASHED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prepare the live samplers of the documentation site.")
    parser.add_argument("names", nargs="*", help="bundled checkpoints (all)")
    prepare(parser.parse_args().names)
