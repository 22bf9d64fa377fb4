"""Dockerfile and devcontainer: what they copy, run and name is there. Neither is built here."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from commands import ganzoo

TREE = Path(__file__).parents[2]
TEXT = (TREE / "Dockerfile").read_text()
LINES = [line.strip() for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
STAGES = re.findall(r"^FROM \S+ AS (\w+)$", TEXT, re.M)
IGNORED = [line for line in (TREE / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
DEV = json.loads((TREE / ".devcontainer/devcontainer.json").read_text())


def words(instruction):
    return [shlex.split(line)[1:] for line in LINES if line.startswith(f"{instruction} ")]


def ignored(path):
    return any(fnmatch(path, pattern.removeprefix("**/")) for pattern in IGNORED)


def targets():
    done = subprocess.run(["make", "-qp"], cwd=TREE, capture_output=True, text=True, timeout=60, check=False)
    return {*re.findall(r"^([.\w/-]+):", done.stdout, re.M)}


def test_what_is_copied_is_there_and_not_ignored():
    copied = [name for line in words("COPY") for name in line if not name.startswith("--")][2:]
    wanted = {name for name in copied if name != "./"}
    assert {"pyproject.toml", "README.md", "LICENSE", "ganzoo", "recipes", "checkpoints"} == wanted
    assert [name for name in wanted if not (TREE / name).exists() or ignored(name)] == []
    # whatever the wheel's build reads
    project = tomllib.loads((TREE / "pyproject.toml").read_text())
    build = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {*build, project["project"]["readme"], *project["project"]["license-files"]} <= wanted
    assert ignored(".git")
    assert ignored("data")


def test_extras_stages_and_commands_are_there():
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r'pip install "\.\[(.+?)\]"', TEXT)
    assert {*extras.split(",")} <= {*project["optional-dependencies"]}
    assert [name for name in re.findall(r"--target (\w+)", TEXT) if name not in STAGES] == []
    assert DEV["build"]["target"] in STAGES
    assert STAGES[-1] == "ganzoo"
    (python,) = re.findall(r"^ARG PYTHON=(\S+)$", TEXT, re.M)
    assert f"Programming Language :: Python :: {python}" in project["classifiers"]
    (example,) = re.findall(r"ganzoo (sample .+)$", TEXT, re.M)
    options = {word for word in shlex.split(example) if word.startswith("-")}
    assert options <= {*re.findall(r"-+[\w-]+", ganzoo("sample", "--help").out)}


def test_nobody_is_root_where_commands_run():
    stages = re.split(r"^FROM ", TEXT, flags=re.M)[1:]
    assert [bool(re.search(r"^USER 1000:1000$", stage, re.M)) for stage in stages] == [False, True, False, True]
    assert stages[2].startswith("tools")  # which has switched
    assert re.search(r"useradd .*--uid 1000 ganzoo$", TEXT, re.M)
    assert DEV["remoteUser"] == "ganzoo"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_targets_of_make_are_there():
    named = re.findall(r"^RUN make (\S+)$", TEXT, re.M)
    named += [line[1] for line in ([*json.loads(line[4:])] for line in LINES if line.startswith('CMD ["make'))]
    named += [DEV["postCreateCommand"].removeprefix("make ")]
    assert {*named} <= targets()
    assert len(named) == 3
