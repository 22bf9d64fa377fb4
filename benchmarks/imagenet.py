"""Scores the bundled checkpoints of faces and of colours by ImageNet features, for docs/evaluation.md.

`python benchmarks/imagenet.py dcgan-faces projected-gan-faces --samples 807`, as many as there are pictures, and
`python benchmarks/imagenet.py --pictures cifar10_test.zip`, where the recipes' pictures are (`portraits.zip`; MNIST in
`$GANZOO_DATA`), runs `ganzoo evaluate --features imagenet` on each of them and on two sets that say how to read its
scores: one half of some pictures against the other, and as many pictures of noise against it. Each report
stays in docs/evaluation/imagenet/, and what is there is not computed again. The table goes into the page.
"""

import argparse
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.common.readme import between_markers
from ganzoo.data import ImageFolder
from ganzoo.tools.evaluate import evaluate

PAGE = Path(__file__).resolve().parents[1] / "docs" / "evaluation.md"
REPORTS = PAGE.parent / "evaluation" / "imagenet"
CHECKPOINTS = (
    *("dcgan-faces", "progan-faces", "stylegan2-faces", "projected-gan-faces"),
    *("began-faces", "srgan-faces", "srresnet-faces", "pix2pix-edges2faces", "cyclegan-mnist"),
)
OF_SAMPLES, OF_TRANSLATIONS = ["fid", "kid", "prdc"], ["fid", "kid"]
COLUMNS = ("fid", "kid", "precision", "recall", "density", "coverage")
SIDE = 32  # pixels of the pictures that are halved
SETS: dict[str, Callable[[Tensor], Tensor]] = {
    "half": lambda images: images,
    "noise": lambda images: torch.randint(
        0, 256, images.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    ),
}


def write_pictures(images: Tensor, file: Path) -> None:
    """Writes images (N, 3, H, W) of bytes as PNG files in a zip."""
    with zipfile.ZipFile(file, "w") as archive:
        for number, image in enumerate(images):
            encoded = BytesIO()
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(encoded, "png")
            archive.writestr(f"{number:05}.png", encoded.getvalue())


def measure_sets(pictures: Path, bootstrap: int, device: str) -> None:
    """Scores one half of pictures, and noise, against the other half."""
    lacking = [name for name in SETS if not (REPORTS / f"{pictures.stem}-{name}.json").is_file()]
    if not lacking:
        return
    images = ImageFolder(str(pictures), size=SIDE, channels=3, splits=False).split("train")[0]
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # reports name the files as they are named here
        reference = Path(f"{pictures.stem}-other-half.zip")
        write_pictures(images[1::2], reference)
        for name in lacking:
            own = Path(f"{pictures.stem}-{name}.zip")
            write_pictures(SETS[name](images[::2]), own)
            measure(str(own), own.stem, OF_SAMPLES, bootstrap, device, data=str(reference))


def measure(name: str, stem: str, metrics: list[str], bootstrap: int, device: str, **options: str | int) -> None:
    """Runs `ganzoo evaluate` on a checkpoint or on pictures, unless its report is here."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    file = REPORTS / f"{stem}.json"
    if not file.is_file():
        known = {"features": "imagenet", "metrics": metrics, "bootstrap": bootstrap, "device": device, "threads": 1}
        print(file, evaluate(name, out=file, **known, **options).scores, flush=True)


def rows() -> Iterator[str]:
    """Yields the page's table line by line."""
    yield "| what | images, reference | " + " | ".join(f"`{name}`" for name in COLUMNS) + " |"
    yield "| --- | --- |" + " ---: |" * len(COLUMNS)
    for file in sorted(REPORTS.glob("*.json"), key=lambda file: (file.stem in CHECKPOINTS, file.stem)):
        report = json.loads(file.read_text())
        scores = {key.partition("[")[0]: key for key in report["scores"]}
        cells = [_cell(report, scores[name]) if name in scores else "" for name in COLUMNS]
        conditions = next(iter(scores.values())).partition(",")[2].removesuffix("]")
        yield f"| `{file.stem}` | {conditions} | {' | '.join(cells)} |"


def _cell(report: dict, key: str) -> str:
    """Returns a score with its interval."""
    value, interval = report["scores"][key], report["intervals"].get(key)
    within = f" ({interval['low']:.3g} to {interval['high']:.3g})" if interval else ""
    return f"{value:.3g}{within}"


def main() -> None:
    """Measures what is lacking, and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=CHECKPOINTS, help="bundled checkpoints")
    parser.add_argument("--samples", type=int, default=1000, help="of each of them, at most as many as there are")
    parser.add_argument("--pictures", type=Path, help="folder or zip of pictures that are halved")
    parser.add_argument("--bootstrap", type=int, default=0, help="resamples for intervals; FID takes seconds each")
    parser.add_argument("--device", default="cpu", help="cpu, cuda")
    options = parser.parse_args()
    for name in options.names:
        metrics = OF_SAMPLES if hasattr(ganzoo.load(name), "sample") else OF_TRANSLATIONS
        measure(name, name, metrics, options.bootstrap, options.device, samples=options.samples)
    if options.pictures:
        measure_sets(options.pictures, options.bootstrap, options.device)
    about = next(iter(sorted(REPORTS.glob("*.json"))))
    machine = json.loads(about.read_text())["conditions"]["machine"]["hardware"]
    seed = "Samples with seed 0"
    between_markers(PAGE, "\n".join([*rows(), "", f"{seed}; on {machine}."]) + "\n", "imagenet")


if __name__ == "__main__":
    main()
