"""Export of a run: its best weights as a checkpoint folder with a card, and lines on where everything is."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from ganzoo.checkpoints import folder_format, loading
from ganzoo.checkpoints.build import make_datamodule, publishable_recipe
from ganzoo.checkpoints.card import Facts, write_card
from ganzoo.checkpoints.licences import UNKNOWN_LICENCE
from ganzoo.common import curves, registry
from ganzoo.common.curves import Curve, read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.frames import split_frames
from ganzoo.common.hardware import hardware, versions
from ganzoo.common.kinds import default_kind, kind_of
from ganzoo.common.program import command
from ganzoo.common.text import duration
from ganzoo.drawing import pictures
from ganzoo.drawing.looks import PICTURES, drawn_alone
from ganzoo.drawing.previews import Preview, neighbours_picture
from ganzoo.games.capabilities import Reconstructs, output_of
from ganzoo.games.game import Game
from ganzoo.metrics import own
from ganzoo.metrics.evaluation import as_many, class_shares
from ganzoo.metrics.extractors import get_extractor
from ganzoo.metrics.neighbours import nearest_neighbours
from ganzoo.metrics.sampling import at_full_side
from ganzoo.metrics.scoring import score
from ganzoo.metrics.selection import reference_items
from ganzoo.metrics.translations import Baseline
from ganzoo.training import changes, start
from ganzoo.training.callbacks.progress import TermLogger

NEIGHBOURS = 16
# What a model that has just been trained is good for: in words, the command's name, and its options.
USES: dict[str, tuple[str, ...]] = {
    "samples": ("draw more", "sample", "-n", "64", "-o", "{name}.png"),
    "translations": ("translate your own", "translate", "PICTURES", "-o", "{name}"),
    "frames": ("go on with your own", "translate", "CLIP", "-o", "{name}.gif"),
    "reconstructions": ("score again", "evaluate", "-o", "{name}.json"),
}


def export_run(
    run: Path,
    out: Path,
    weights: str = "best",
    samples: int | None = None,
    datamodule: Any = None,
) -> Facts:
    """Writes a run's weights as a checkpoint folder: recipe, half-precision weights, samples, and a card with scores.

    Args:
        run: a run folder.
        out: the checkpoint folder; its name is the checkpoint's.
        weights: `best` by the recipe's monitor, or `last`.
        samples: how many samples the scores are computed from; the recipe's own number by default.
        datamodule: the recipe's data, if it is at hand.

    Returns:
        What the card says.

    Raises:
        GanzooError: if the run holds no such weights.
    """
    file = run / f"{weights}.ckpt"
    if not file.is_file():
        raise GanzooError(f"'{run}' is no run with a {weights}.ckpt.")
    model = loading.read_training_checkpoint(file).eval()
    recipe = yaml.safe_load(model.recipe)
    datamodule = datamodule or make_datamodule(recipe)
    quality = {**recipe["quality"], "samples": samples or recipe["quality"]["samples"] or as_many(datamodule)}
    datamodule.split(datamodule.reference)
    model.class_names = model.class_names or model.names_of(datamodule)  # a run of an older ganzoo has kept none
    facts = _facts(run, out, weights, file, model, recipe, datamodule)
    facts.scores, facts.seed, facts.samples = _scores(model, datamodule, quality), quality["seed"], quality["samples"]
    facts.own_scores = own.descriptions(quality["metrics"] or [])
    if facts.makes == "translations":
        itself = Baseline(partial(_untranslated, datamodule=datamodule))
        facts.source_scores = _scores(itself, datamodule, quality)
    if facts.makes == "samples" and drawn_alone(facts.kind):
        _look_closer(model, datamodule, quality, facts, out)
    picture = Preview(datamodule, PICTURES[facts.kind.name].count)(model)
    folder_format.save_folder(model, out, publishable_recipe(recipe), write_card(facts), picture)
    if logged := logged_curves(run):
        with atomic_write(out / folder_format.CURVES) as part:
            part.write_text(curves.thinned_csv(logged, facts.steps), encoding="utf-8")
    return facts


def logged_curves(run: Path) -> dict[str, Curve]:
    """Returns the curves that a run has logged; none where it has no logger, or no log step."""
    try:
        return read_metrics(run / "metrics.csv")
    except (FileNotFoundError, GanzooError):
        return {}


def _untranslated(source: Tensor, datamodule: Any) -> Tensor:
    """Returns what a translation is compared with: its source, fitted in shape, or the last of the frames in it."""
    return pictures.to_shape(split_frames(source, datamodule.earlier_frames)[-1], datamodule.shape)


def _scores(model: Any, datamodule: Any, quality: dict[str, Any]) -> dict[str, float]:
    return score(model, datamodule, quality["features"], quality["metrics"], quality["samples"], quality["seed"])


def _look_closer(model: Any, datamodule: Any, quality: dict[str, Any], facts: Facts, out: Path) -> None:
    """Adds what else can be said of samples that are images each: their classes, whether they copy, what codes keep."""
    extractor = get_extractor(quality["features"]) if quality["features"] else None
    if extractor is not None and extractor.class_names:
        shares = class_shares(model, extractor, quality["samples"], quality["seed"])
        facts.classifier, facts.shares = extractor.name, dict(zip(extractor.class_names, shares, strict=True))
    drawn = at_full_side(model, model.sample(NEIGHBOURS, seed=0))
    neighbours, distances = nearest_neighbours(drawn, datamodule)
    facts.distances = distances.tolist()
    pictures.save_picture(neighbours_picture(drawn, neighbours, facts.kind), out / "neighbours.png")
    if isinstance(model, Reconstructs):
        datamodule.setup("validate")
        held_out = next(iter(datamodule.val_dataloader()))[0][:NEIGHBOURS].cpu()
        redrawn = model.reconstruct(held_out)
        facts.redrawn = float((redrawn - held_out).square().mean().sqrt())
        pictures.save_picture(neighbours_picture(held_out, redrawn, facts.kind), out / "reconstructions.png")


def finish_run(run: Path, datamodule: Any, name: str) -> None:
    """Exports a run that has just ended, and prints a few lines on what there is."""
    weights = "best" if (run / "best.ckpt").is_file() else "last"
    facts = export_run(run, run / "export", weights, datamodule=datamodule)
    logged = logged_curves(run)
    before = {key: curve.values[0] for key, curve in logged.items() if curve.steps[0] == 0}
    for key, number in facts.scores.items():
        was = f"{before[key]:.4g} before, " if key in before else ""
        print(f"{key:24} {was}{number:.4g} after training")
    time = "" if facts.seconds is None else f"{duration(facts.seconds)} for "
    print(f"{'time':24} {time}{facts.steps:,} generator steps ({weights} weights)")
    if (run / "export" / folder_format.PICTURE).is_file():
        print(f"{facts.makes:24} {run / 'export' / folder_format.PICTURE} (step {facts.steps:,})")
    if facts.licence == UNKNOWN_LICENCE:
        print(f"{'licence of the data':24} unknown; --data.licence says it, and --data.title and .source the rest")
    if logged:
        print(f"{'curves':24} {command('plot', run)}")
    if facts.use in USES:
        purpose, tool, *words = USES[facts.use]
        print(f"{purpose:24} {command(tool, run / 'export', *(word.format(name=name) for word in words))}")


def _facts(
    run: Path, out: Path, weights: str, file: Path, model: Game, recipe: dict[str, Any], datamodule: Any
) -> Facts:
    state = torch.load(file, map_location="cpu", weights_only=True)
    step = state["global_step"]
    clock = logged_curves(run).get("time")
    whole = state["callbacks"].get(TermLogger().state_key, {}).get("seconds")  # where nothing was logged
    began = start.remarks(state["callbacks"].get(start.Start().state_key, {}).get("sources", []))
    growing = [] if model.growth is None else model.growth.remarks(model.parts())
    return Facts(
        name=registry.title_of(out),
        place=registry.name_or_path(out),
        recipe=run.parent.name,
        class_path=recipe["model"]["class_path"],
        data=datamodule.title,
        licence=datamodule.licence,
        source=datamodule.source,
        class_names=model.class_names,
        training_images=len(datamodule.split("train")[0]),
        reference=datamodule.reference,
        reference_images=reference_items(datamodule),
        makes=output_of(model),
        kind=kind_of(datamodule) or default_kind(datamodule.shape),
        shape=datamodule.shape,
        source_shape=getattr(datamodule, "source_shape", None),
        truth=getattr(datamodule, "paired", False),
        earlier_frames=getattr(datamodule, "earlier_frames", 0),
        steps=step,
        images=state["game"]["images"],
        seconds=float(np.interp(step, clock.steps, clock.values)) if clock else whole,
        training_seed=recipe["seed_everything"],
        precision=str(recipe["trainer"]["precision"] or "32-true"),
        weights=weights,
        hardware=hardware(),
        versions=versions(),
        remarks=[*model.remarks, *growing, *began, *changes.remarks(state["game"].get("changes", []))],
        parameters={part: sum(p.numel() for p in module.parameters()) for part, module in model.exported().items()},
    )
