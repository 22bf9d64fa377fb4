"""`ganzoo new`: what it writes trains and passes its test as it is, in a package of one's own and in a checkout."""

import sys
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from commands import ganzoo

from ganzoo import models
from ganzoo.common import registry
from ganzoo.common.recipe_files import load_recipe

ROOMS = ("ganzoo/models", "recipes", "tests/models")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        if "my_gan" in name:
            del sys.modules[name]


@pytest.fixture
def checkout(folder, monkeypatch):
    """The rooms of a checkout in which nothing is yet; its models are found beside those that are there."""
    for room in ROOMS:
        (folder / room).mkdir(parents=True)
    monkeypatch.setattr(registry, "PACKAGE", folder / "ganzoo")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(folder / ROOMS[0])])
    return folder


def written_test(file):
    """The module of a test that was written."""
    spec = spec_from_file_location("written_test_of_my_gan", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_package_passes_its_own_test_and_says_how_to_go_on(folder, monkeypatch, tmp_path_factory):
    lines = ganzoo("new", "my-gan").out.splitlines()
    files = {str(path.relative_to(folder / "my_gan")) for path in (folder / "my_gan").rglob("*") if path.is_file()}
    assert {*lines[: lines.index("")]} == {f"my_gan/{file}" for file in files}
    assert {"my_gan/model.py", "recipes/my_gan_digits.yaml", "tests/test_my_gan.py", "pyproject.toml"} < files
    assert [line.strip() for line in lines[-3:]] == [
        "cd my_gan",
        "ganzoo fit --recipe recipes/my_gan_digits.yaml",
        "python -m pytest",
    ]
    monkeypatch.syspath_prepend(folder / "my_gan")
    module = written_test(folder / "my_gan" / "tests" / "test_my_gan.py")
    module.test_the_penalty_is_the_size_of_the_logits(0.5)
    module.test_the_recipe_trains_and_draws(tmp_path_factory.mktemp("runs"))
    assert registry.variant("my_gan.model.MyGAN").title == "MyGAN: what it adds, in a line."


def test_in_a_checkout_the_files_go_to_their_rooms_and_pass_as_they_are(checkout, monkeypatch):
    monkeypatch.chdir(checkout / "tests")
    lines = ganzoo("new", "my_gan").out.splitlines()
    files = [checkout / ROOMS[0] / "my_gan.py", checkout / "recipes/my_gan_digits.yaml"]
    files += [checkout / ROOMS[2] / "test_my_gan.py"]
    assert lines[:3] == [*map(str, files)]
    assert lines[-2].strip() == "ganzoo fit --recipe my_gan_digits"
    about = registry.variant("ganzoo.models.my_gan.MyGAN")
    assert (about.title.endswith("."), about.year) == (True, str(date.today().year))
    assert about.url.startswith("https://")
    assert files[1].read_text().startswith("# ganzoo fit --recipe my_gan_digits\n")
    recipe = load_recipe(files[1])
    assert recipe["model"]["class_path"] == "ganzoo.models.my_gan.MyGAN"
    written_test(files[2]).test_the_penalty_is_the_size_of_the_logits(0.5)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("3d", ["'3d'", "my_gan"]),
        ("class", ["'class'"]),
        ("MyGAN", ["'MyGAN'", "small letters"]),
        ("../gan", ["'../gan'"]),
        ("torch", ["'torch'", "in its place"]),
    ],
)
def test_names_that_would_not_work_are_one_line(name, parts, folder):
    error = ganzoo("new", name).error
    assert [part for part in parts if part not in error] == []
    assert [*folder.iterdir()] == []


def test_nothing_is_written_over(folder):
    assert ganzoo("new", "my_gan").status == 0
    model = folder / "my_gan" / "my_gan" / "model.py"
    model.write_text("mine")
    assert "is there already" in ganzoo("new", "my_gan").error
    assert model.read_text() == "mine"
    assert ganzoo("new", "my_gan", "-o", "elsewhere").status == 0
    assert (folder / "elsewhere" / "my_gan" / "model.py").is_file()
