"""Compares models of video prediction, such as the paper's three losses, by scores and by frames that are rolled on.

    python benchmarks/video_prediction.py L2=runs/video_prediction_digits_small/l2 \
        L2+GDL=runs/video_prediction_digits_small/l2_gdl L2+GDL+adv=runs/video_prediction_digits_small/l2_gdl_adv

scores the next frame of each clip of the first model's test split, as `ganzoo evaluate` does, beside the last frame
repeated; predicts five frames of longer clips, each prediction shown to the next; and writes
results/video_prediction.json and video_prediction.png beside this file, the truth and the last frame repeated above the
models. It prints both tables.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import ganzoo
from ganzoo.checkpoints.build import make_datamodule
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.frames import moved, split_frames
from ganzoo.common.hardware import hardware, versions
from ganzoo.drawing.pictures import grid
from ganzoo.drawing.sheets import Row, save_figure, sheet
from ganzoo.games.capabilities import PredictsFrames
from ganzoo.metrics.frames import psnr_where, sharpness_where
from ganzoo.metrics.scoring import score
from ganzoo.metrics.translations import Baseline
from ganzoo.tools.evaluate.subjects import recipe_data, recipe_of

RESULTS = Path(__file__).parent / "results"
METRICS = ["moving_psnr", "moving_gain", "moving_ssim", "sharpness", "psnr"]
COPY = "last frame, repeated"


class Copy(Baseline):
    """The last of the earlier frames, repeated.

    Args:
        frames: how many there are.
    """

    def __init__(self, frames: int) -> None:
        super().__init__(lambda x: split_frames(x, frames)[-1])

    def predict_frames(self, clips: Tensor, count: int = 1) -> Tensor:
        """Returns the last frame of clips (N, C, T, H, W) so many times."""
        return clips[:, :, -1:].expand(-1, -1, count, -1, -1)


def longer_clips(model: Any, count: int, n: int, root: str | None = None) -> tuple[Tensor, Tensor]:
    """Returns earlier frames (n, C, T, H, W) of the test split of a model's data, and so many that follow them."""
    recipe = recipe_of(model)
    section = recipe["data"]
    arguments = {**section["init_args"], "frames": model.frames + count - 1}
    if root is not None:
        arguments["root"] = root
    data = make_datamodule({"data": {**section, "init_args": arguments}})
    batches, held = [], 0
    for x, y in data.loader(data.reference):
        batches.append(torch.stack([*split_frames(x, data.earlier_frames), y], 2))
        held += len(y)
        if held >= n:
            break
    clips = torch.cat(batches)[:n]
    return clips[:, :, : model.frames], clips[:, :, model.frames :]


def rolled_on(model: Any, earlier: Tensor, later: Tensor) -> tuple[Tensor, dict[str, list[float]]]:
    """Returns the frames that a model predicts, and their scores on moving pixels, frame by frame.

    Args:
        model: predicts frames.
        earlier: frames (N, C, T, H, W).
        later: the true ones that follow (N, C, count, H, W).
    """
    made = model.predict_frames(earlier, later.shape[2]).cpu()
    truth = torch.cat([earlier[:, :, -2:], later], 2)
    psnr, sharpness = [], []
    for time in range(later.shape[2]):
        before, last, now = truth[:, :, time : time + 3].unbind(2)
        where = moved(before, last) | moved(last, now)
        for values, of in ((psnr, psnr_where), (sharpness, sharpness_where)):
            values.append(float(of(made[:, :, time], now, where).nanmean()))
    return made, {"moving_psnr": psnr, "sharpness": sharpness}


def film(earlier: Tensor, later: Tensor) -> Image.Image:
    """Draws a clip (C, T, H, W) and what follows it as a strip, a wide gap between them."""
    parts = [grid(frames.transpose(0, 1), columns=frames.shape[1]) for frames in (earlier, later)]
    gap = 14
    strip = Image.new(parts[0].mode, (sum(part.width for part in parts) + gap, parts[0].height), "white")
    strip.paste(parts[0], (0, 0))
    strip.paste(parts[1], (parts[0].width + gap, 0))
    return strip


def rows_of(earlier: Tensor, later: Tensor, made: dict[str, Tensor], clips: int) -> list[Row]:
    """Returns the rows of the figure: of each clip the truth, and below it what each model makes of the same frames."""
    rows, note = [], f"{earlier.shape[2]} frames, and the next {later.shape[2]}"
    for clip in range(clips):
        rows.append(Row("truth", [note], film(earlier[clip], later[clip])))
        blank = torch.ones_like(earlier[clip])  # they are shown the same
        rows += [Row(name, [], film(blank, frames[clip])) for name, frames in made.items()]
    return rows


def table(report: dict[str, Any]) -> str:
    """Returns both tables."""
    keys = [*next(iter(report["scores"].values()))]
    lines = [["next frame", *(f"`{key}`" for key in keys)], ["---", *["---:"] * len(keys)]]
    lines += [[name, *(f"{scores[key]:.2f}" for key in keys)] for name, scores in report["scores"].items()]
    count = len(next(iter(report["rolled_on"].values()))["moving_psnr"])
    lines += [[], ["rolled on: `moving_psnr` / `sharpness`", *(f"frame {k + 1}" for k in range(count))]]
    lines.append(["---", *["---:"] * count])
    for name, each in report["rolled_on"].items():
        pairs = zip(each["moving_psnr"], each["sharpness"], strict=True)
        lines.append([name, *(f"{psnr:.2f} / {sharpness:.2f}" for psnr, sharpness in pairs)])
    return "\n".join(f"| {' | '.join(line)} |" if line else "" for line in lines) + "\n"


def named_models(words: Sequence[str]) -> dict[str, Any]:
    """Returns models by the labels in words such as `L2=runs/mine`, each of them one that predicts frames.

    Raises:
        GanzooError: if a word has no label, or a model does something else, or sees another number of frames.
    """
    models: dict[str, Any] = {}
    for word in words:
        label, _, name = word.partition("=")
        if not name:
            raise GanzooError(f"'{word}' given, but LABEL=MODEL is wanted, such as L2=runs/mine.")
        models[label] = ganzoo.load(name)
        if not isinstance(models[label], PredictsFrames):
            raise GanzooError(f"'{name}' predicts no frames: it is a {type(models[label]).__name__}.")
    if len({model.frames for model in models.values()}) > 1:
        raise GanzooError("models: all must be shown as many frames.")
    return models


def main(argv: Sequence[str] | None = None) -> None:
    """Measures, and writes report and figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="LABEL=MODEL", help="runs or checkpoints, under labels")
    parser.add_argument("--samples", type=int, default=500, help="clips to score (500)")
    parser.add_argument("--frames", type=int, default=5, help="frames to roll on (5)")
    parser.add_argument("--clips", type=int, default=2, help="clips in the figure (2)")
    parser.add_argument("--root", help="folder of the recipe's data ($GANZOO_DATA, else ./data)")
    parser.add_argument("--out", type=Path, default=RESULTS / "video_prediction.json")
    options = parser.parse_args(argv)
    try:
        models = named_models(options.models)
        first = next(iter(models.values()))
        subjects = {COPY: Copy(first.frames), **models}
        data = recipe_data(first.origin, recipe_of(first), options.root)
        scores = {name: score(each, data, None, METRICS, options.samples) for name, each in subjects.items()}
        earlier, later = longer_clips(first, options.frames, options.samples, options.root)
    except GanzooError as error:
        raise SystemExit(f"video_prediction: error: {error}") from None
    frames, rolled = {}, {}
    for name, each in subjects.items():
        frames[name], rolled[name] = rolled_on(each, earlier, later)
    report = {
        "models": {label: model.origin.sha256 for label, model in models.items()},
        "data": data.title,
        "clips": len(later),
        "scores": scores,
        "rolled_on": rolled,
        "hardware": hardware(),
        "versions": versions(),
    }
    with atomic_write(options.out) as file:
        file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    save_figure(sheet(rows_of(earlier, later, frames, options.clips)), options.out.with_suffix(".png"))
    print(table(report))


if __name__ == "__main__":
    main()
