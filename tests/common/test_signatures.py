"""Classes as their source describes them: what a parser that imports them finds, too."""

import json
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentParser

from ganzoo.common import registry
from ganzoo.common.parser_errors import import_class
from ganzoo.common.recipe_files import load_recipe, split_class
from ganzoo.common.signatures import class_attribute, describe_class
from ganzoo.training.run_options import SECTIONS


def classes(value: Any):
    """Yields the import paths of the classes that a recipe names."""
    if named := split_class(value) if isinstance(value, dict) else None:
        yield named[0]
        value = named[1]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inner:
        yield from classes(part)
        if isinstance(part, str) and part.startswith("ganzoo."):
            yield part


RECIPES = [load_recipe(file) for file in sorted(registry.RECIPES.glob("*.yaml"))]
NAMED = sorted({path for recipe in RECIPES for path in classes(recipe)} | {*SECTIONS.values()})
STABILISERS = (
    "ADA",
    "Augmentation",
    "Consistency",
    "Diffusion",
    "FeatureMatching",
    "InstanceNoise",
    "SoftLabels",
    "Unrolled",
)
NAMED += [f"ganzoo.stabilisers.{name}" for name in STABILISERS]


@pytest.mark.parametrize("path", NAMED)
def test_the_source_says_what_the_parser_finds(path):
    known = describe_class(path)
    parser = ArgumentParser()
    parser.add_class_arguments(import_class(path), fail_untyped=False)
    defaults = parser.get_defaults()
    names = [*dict.fromkeys(key.split(".")[0] for key in defaults.keys())]  # noqa: SIM118  # no plain dictionary
    assert sorted(argument.name for argument in known.arguments) == sorted(names)
    for argument in known.arguments:
        default = defaults.get(argument.name)
        if isinstance(default, int | float | str | bool | tuple | list):
            written = yaml.safe_load(argument.default)
            assert json.dumps(written) == json.dumps(default), argument
        elif default is None:
            assert argument.default in ("null", None)
        assert argument.text, argument.name
        assert argument.type, argument.name
    assert known.summary


OWN = """
import torch
from torch import nn as layers
from typing import Literal, Optional
import ganzoo.models.gan as base
from ganzoo.games.gan import GAN
from ganzoo.games import gan

Kind = Literal["soft", "hard"]
HALF = 0.5

class Mine(GAN):
    '''A game of one's own: 10% of it is new. There is more to say.

    Args:
        strength: how strong,
            in two lines.
        kind: one of them.
    '''

    def __init__(self, generator, discriminator, *, strength: float = HALF, kind: Kind = "soft", **kwargs) -> None:
        super().__init__(generator, discriminator, d_lr=1.0, **kwargs)

class Same(Mine):
    pass

class Other(gan.GAN):
    def __init__(self, size: "Optional[int]" = None, **kwargs):
        super().__init__(**kwargs)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module that nobody has imported, in a package that must not be."""
    package = tmp_path / "strange"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "games.py").write_text(OWN)
    (package / "shown.py").write_text("from .games import Mine as Yours\n")
    (package / "broken.py").write_text("class Mine(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "strange"


def test_a_class_of_ones_own_is_read_without_importing_it(own):
    known = describe_class(f"{own}.games.Mine")
    arguments = {argument.name: argument for argument in known.arguments}
    assert known.summary == "A game of one's own: 10% of it is new."
    assert [*arguments][:4] == ["generator", "discriminator", "strength", "kind"]
    assert arguments["strength"].text == "how strong, in two lines."
    assert (arguments["strength"].type, arguments["strength"].default) == ("float", "0.5")
    assert (arguments["kind"].type, arguments["kind"].default) == ("soft or hard", "soft")
    assert arguments["generator"].text.startswith("maps latent vectors")  # said by its base
    assert "d_lr" not in arguments  # which it gives itself
    assert arguments["g_lr"].default == "0.0002"
    assert [argument.name for argument in describe_class(f"{own}.games.Same").arguments] == [*arguments]
    assert describe_class(f"{own}.shown.Yours").arguments == known.arguments
    other = {argument.name: argument for argument in describe_class(f"{own}.games.Other").arguments}
    assert (other["size"].type, other["size"].default) == ("int or null", "null")
    assert "ema" in other


@pytest.mark.parametrize(
    "path", ["strange.games.Nobody", "strange.nowhere.Mine", "strange.broken.Mine", "nowhere.Mine", "Mine", ""]
)
def test_a_class_whose_source_is_not_found_is_none(own, path):
    assert describe_class(path) is None
    assert class_attribute(path, "title") is None


def test_attributes_are_inherited():
    assert class_attribute("ganzoo.data.MNIST", "title") == "MNIST"
    assert class_attribute("ganzoo.data.FashionMNIST", "title") == "Fashion-MNIST"
    assert class_attribute("ganzoo.data.Toy2D", "nothing") is None
