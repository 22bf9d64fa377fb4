"""The package as users get it: a wheel that holds recipes and checkpoints, works outside the tree, and can be cited."""

import email
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import yaml

from ganzoo import __version__
from ganzoo.common import hardware, registry

TREE = Path(__file__).parents[2]
WHAT_IS_THERE = """
import json, pathlib, ganzoo
from ganzoo.common import registry
path = pathlib.Path(ganzoo.__file__).parent
print(json.dumps([str(path), ganzoo.list_recipes(), ganzoo.list_checkpoints(), registry.variant(
    registry.model_class_path(registry.find_recipe("wgan_gp_digits"))).year]))
"""
DRAW = """
import ganzoo, sys
from ganzoo.metrics.extractors import get_extractor
for name in ganzoo.list_checkpoints()[:1]:
    assert ganzoo.load(name).sample(2).isfinite().all()
assert get_extractor("mnist").num_features
model, data, trainer = ganzoo.from_recipe("wgan-gp-digits")
assert model.sample(2).shape == (2, *data.shape)
"""


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Runs Python with the installed wheel, from a folder outside the tree."""
    target, outside = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("outside")
    words = ["pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target), str(wheel)]
    subprocess.run([sys.executable, "-m", *words], capture_output=True, timeout=300, check=True)

    def run(*words):
        return subprocess.run(
            [sys.executable, *words],
            cwd=outside,
            env=dict(os.environ) | {"PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return target, run


def test_the_wheel_holds_what_the_package_needs_and_no_more(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("recipes", "checkpoints"):
        files = {path.relative_to(TREE) for path in (TREE / folder).rglob("*") if path.is_file()}
        assert {f"ganzoo/zoo/{file.as_posix()}" for file in files} <= names
    modules = {path.relative_to(TREE).as_posix() for path in (TREE / "ganzoo").rglob("*.py")}
    needed = {"ganzoo/py.typed", "ganzoo/zoo/recipes/wgan_gp_digits.yaml"}
    needed |= {f"ganzoo/networks/weights/{family}.safetensors" for family in ("mnist", "fashion", "cifar10")}
    assert modules | needed <= names
    own = ("ganzoo/", f"ganzoo_lightning-{__version__}.dist-info/")
    strangers = [name for name in names if not name.startswith(own)]
    assert strangers == []
    assert [name for name in names if "test" in name or "__pycache__" in name] == []


def test_an_installed_wheel_finds_its_recipes_and_checkpoints(installed):
    target, run = installed
    done = run("-c", WHAT_IS_THERE)
    assert done.returncode == 0, done.stderr
    path, recipes, checkpoints, year = json.loads(done.stdout)
    assert path == str(target / "ganzoo")
    assert recipes == registry.list_recipes()
    assert checkpoints == registry.list_checkpoints()
    assert year == "2017"


def test_an_installed_wheel_answers_on_the_command_line(installed):
    target, run = installed
    done = run(str(target / "bin" / "ganzoo"), "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [row.split()[0] for row in done.stdout.splitlines()[1:]] == registry.list_recipes()


def test_an_installed_wheel_draws(installed):
    done = installed[1]("-c", DRAW)
    assert done.returncode == 0, done.stderr


def test_the_citation_is_valid_and_of_this_version():
    file = TREE / "CITATION.cff"
    about = yaml.safe_load(file.read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(about)
    assert str(about["version"]) == __version__
    validator = pytest.importorskip("cffconvert.cli.create_citation", reason="cffconvert is not installed")
    citation = validator.create_citation(str(file), None)
    citation.validate()


def test_the_repository_has_one_address():
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((TREE / "CITATION.cff").read_text()).get("repository-code")
    assert project.get("urls", {}).get("Repository") == cited


def test_the_version_is_written_alike():
    source = tomllib.loads((TREE / "pyproject.toml").read_text())["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{__version__}"' in (TREE / source).read_text()


def test_the_distribution_has_a_name_of_its_own(wheel):
    with zipfile.ZipFile(wheel) as archive:
        folder = f"ganzoo_lightning-{__version__}.dist-info"
        about = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        scripts = archive.read(f"{folder}/entry_points.txt").decode()
    assert about["Name"] == "ganzoo-lightning"
    assert "ganzoo = ganzoo.cli:entry" in scripts.splitlines()
    # extras that name others are resolved when the wheel is built, if they name this distribution
    needed = {re.split(r"[\[><=; ]", line)[0] for line in about.get_all("Requires-Dist")}
    assert "ganzoo" not in needed
    assert {"onnx", "torch-fidelity"} <= needed
    classifiers = pytest.importorskip("trove_classifiers").classifiers
    assert set(about.get_all("Classifier")) <= classifiers


def test_the_version_is_found_whatever_the_installed_distribution_is_called(monkeypatch):
    def version(name):
        if name.startswith("ganzoo"):
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(hardware, "version", version)
    assert hardware.versions()["ganzoo"] == __version__


def test_no_line_tells_anyone_to_install_the_distribution_of_others():
    files = [file for kind in ("md", "py", "toml", "yaml", "yml", "cff") for file in TREE.rglob(f"*.{kind}")]
    files = [file for file in [*files, TREE / "Makefile"] if not {".venv", "runs", ".git", "build"} & {*file.parts}]
    wrong = re.compile(r"""pip install [^\n`]*?['" ]ganzoo(\[|['"`\s]|$)""", re.M)
    assert [str(file) for file in files if wrong.search(file.read_text(encoding="utf-8"))] == []
