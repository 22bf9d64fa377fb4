"""The `ganzoo info` command: a recipe and its paper, a checkpoint's card, or what a run has come to."""

from pathlib import Path

from ganzoo.checkpoints.hashes import METADATA
from ganzoo.checkpoints.locate import newest_run, on_disk, weights_of
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError, nearest, printable


def info(name: str) -> str:
    """Show a recipe and its paper, a checkpoint's model card, or what a run has come to.

    Args:
        name: a recipe, its file, a checkpoint, a run or a .ckpt.

    Raises:
        GanzooError: It is nothing of the kind.
    """
    path = Path(name).expanduser()
    if path.suffix in {".yaml", ".yml"}:
        return describe_recipe(registry.find_recipe(name))
    stem = name.replace("-", "_")
    recipe = [describe_recipe(registry.find_recipe(stem))] if stem in registry.list_recipes() else []
    place = on_disk(name) or registry.checkpoint_of(stem)
    if place is None and recipe:
        return recipe[0]
    if place is not None and place.suffix == ".ckpt":
        return describe_weights(place)
    if place is not None and (place / "README.md").is_file():
        trained = [one for one in (stem, f"{stem}_small") if registry.checkpoint_of(one) == place]
        if recipe and name == stem not in trained and place.is_relative_to(registry.CHECKPOINTS):
            return recipe[0]  # the checkpoint of this name is the small recipe's
        return "\n\n".join(
            [*map(describe_recipe, map(registry.find_recipe, trained)), describe_card(place / "README.md")]
        )
    if place is not None and (weights := weights_of(place)):
        return describe_run(place, weights)
    if recipe:  # a folder that only happens to be called so
        return recipe[0]
    if hint := newest_run(path):
        raise GanzooError(hint)
    names = [*registry.list_recipes(), *registry.list_checkpoints()]
    raise GanzooError(f"there is no recipe, checkpoint or run '{name}'.{nearest(name, names)}")


def describe_recipe(file: Path) -> str:
    """Returns a recipe's model and its paper, and the file as it is.

    Raises:
        GanzooError: It names no model.
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        variant = registry.variant(registry.model_class_path(file))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GanzooError(f"'{file}' is no recipe: it names no model.") from error
    return f"{variant.title}\n{variant.paper} {variant.url}\n{variant.module}\n\n# {file}\n{printable(text).strip()}"


def describe_card(file: Path) -> str:
    """Returns a model card without its metadata."""
    return printable(METADATA.sub("", file.read_text(encoding="utf-8", errors="replace"), count=1)).strip()


def describe_run(run: Path, weights: Path) -> str:
    """Returns what a run's weights are, its recipe, and the card of its export where there is one."""
    export = run / "export" / "README.md"
    parts = [describe_weights(weights)] if weights.suffix == ".ckpt" else []
    return "\n\n".join([*parts, *([describe_card(export)] if export.is_file() else [])])


def describe_weights(file: Path) -> str:
    """Returns how far a training checkpoint has come, its classes, and its recipe.

    Raises:
        GanzooError: It is no training checkpoint, or damaged.
    """
    import torch

    from ganzoo.common.class_names import class_list

    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        game, step = state["game"], int(state["global_step"])
        recipe, names = str(game["recipe"]), [str(name) for name in game.get("class_names", ())]
        images = int(game["images"])
    except Exception as error:  # a damaged archive fails in many ways
        raise GanzooError(f"'{file}' is not a training checkpoint of ganzoo, or is damaged.") from error
    classes = f"\nclasses: {class_list(names)}" if names else ""
    return printable(f"{file}: step {step:,}, {images:,} real images seen{classes}\n\n{recipe.strip()}")
