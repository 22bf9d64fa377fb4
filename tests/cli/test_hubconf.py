"""`torch.hub.load` of a clone: every bundled checkpoint is an entry point that loads and draws."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import torch
from commands import process

import ganzoo
from ganzoo.common import registry

TREE = Path(__file__).parents[2]
OUTSIDE = """
import sys, torch
model = torch.hub.load(sys.argv[1], "dcgan_faces", source="local")
print(*model.sample(2, seed=0).shape, sys.modules["ganzoo"].__file__)
print(*{name.partition(".")[0] for name in sys.modules})
"""
IMPORTED_AS = {"scikit-learn": "sklearn"}
WHERE_INSTALLED = {"matplotlib", "scipy"}  # torchmetrics imports them if they are there


def needed():
    """Import names of the distribution's dependencies."""
    lines = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["dependencies"]
    names = [re.split(r"[\[><=; ]", line)[0] for line in lines]
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def test_the_entry_points_are_the_bundled_checkpoints_with_their_cards(monkeypatch):
    monkeypatch.setattr(torch.hub, "_get_cache_or_reload", lambda *_, **__: str(TREE))  # as if it had been fetched
    names = torch.hub.list("OWNER/ganzoo")
    assert names == [name.replace("-", "_") for name in ganzoo.list_checkpoints()]
    text = torch.hub.help("OWNER/ganzoo", "dcgan_faces")
    assert text.startswith("# dcgan-faces")
    assert text in (registry.CHECKPOINTS / "dcgan-faces" / "README.md").read_text()


def test_a_checkpoint_loads_by_its_name():
    model = torch.hub.load(str(TREE), "dcgan_mnist", source="local")
    assert not model.training
    torch.testing.assert_close(model.sample(2, seed=1), ganzoo.load("dcgan-mnist").sample(2, seed=1))
    with pytest.raises(RuntimeError, match="dcgan_mnits"):
        torch.hub.load(str(TREE), "dcgan_mnits", source="local")


def test_nothing_else_has_to_be_installed(tmp_path):
    child = process("-P", "-c", OUTSIDE, TREE, cwd=tmp_path, env={"PYTHONPATH": ""})
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    shape, imported = out.splitlines()
    assert shape == f"2 3 64 64 {TREE / 'ganzoo' / '__init__.py'}"
    conf = runpy.run_path(str(TREE / "hubconf.py"))
    assert {*conf["dependencies"]} <= needed()
    assert (needed() & {*imported.split()}) - WHERE_INSTALLED == {*conf["dependencies"]}
