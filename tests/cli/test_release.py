"""The release workflow: it publishes what was tested, with no secret, and its commands are there."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import yaml
from commands import ganzoo

from ganzoo import __version__, list_checkpoints, list_recipes

TREE = Path(__file__).parents[2]
WORKFLOW = TREE / ".github" / "workflows" / "release.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]


def scripts(job):
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def test_what_is_published_is_what_was_tested_and_only_that_job_may():
    assert (JOBS["try"]["needs"], JOBS["publish"]["needs"]) == ("build", "try")
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {"contents": "read"}
    assert {name for name, job in JOBS.items() if "permissions" in job} == {"publish"}
    assert JOBS["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in WORKFLOW.read_text()
    uses = [step["uses"].partition("@")[0] for step in JOBS["publish"]["steps"]]
    assert uses == ["actions/download-artifact", "pypa/gh-action-pypi-publish"]  # nothing is built there
    used = [step["uses"] for job in ("try", "publish") for step in JOBS[job]["steps"] if "uses" in step]
    assert not [name for name in used if name.startswith("actions/checkout")]  # the tree would be imported


def test_the_wheel_is_tried_by_commands_that_are_there():
    lines = [line for script in scripts("try") for line in script.splitlines() if line.startswith("ganzoo ")]
    assert {line.split()[1] for line in lines} >= {"list", "sample", "fit"}
    for line in lines:
        _, command, *words = shlex.split(line)
        shown = ganzoo(command, "--help").out
        options = {word for word in words if word.startswith("--")}
        assert options <= {*re.findall(r"--[\w.-]+", shown)}, line
    text = "\n".join(lines)
    assert re.search(r"sample (\S+)", text)[1] in list_checkpoints()
    assert re.search(r"--recipe (\S+)", text)[1] in list_recipes()


def test_the_package_says_where_the_project_is(tmp_path):
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(TREE / name, tmp_path)
    (script,) = [script for script in scripts("build") if "project.urls" in script]
    here = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "them/ganzoo", "GITHUB_REF_NAME": "v9"}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=os.environ | here, check=True, timeout=60)
    home = "https://forge.example/them/ganzoo"
    before, after = (tomllib.loads((folder / "pyproject.toml").read_text()) for folder in (TREE, tmp_path))
    changelog = f"{home}/blob/v9/CHANGELOG.md"
    assert after["project"].pop("urls") == {"Repository": home, "Issues": f"{home}/issues", "Changelog": changelog}
    assert after == before
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    links = re.findall(r'\]\(([^)]+)\)|src="([^"]+)"', text)
    assert len(links) > 50
    assert [link or source for link, source in links if not (link or source).startswith("https://")] == []
    assert f"]({home}/blob/v9/docs/training.md)" in text
    assert f'src="{home}/raw/v9/checkpoints/wgan-gp-mnist/samples.png"' in text


def test_the_version_is_found_where_the_workflow_looks_for_it():
    """Its greps take these very lines."""
    (check,) = [script for script in scripts("build") if "GITHUB_REF_NAME#v" in script]
    for file in ("ganzoo/common/version.py", "CHANGELOG.md", "CITATION.cff"):
        assert file in check
    assert f'__version__ = "{__version__}"' in (TREE / "ganzoo/common/version.py").read_text().splitlines()
    headings = re.findall(r"^## (.+)$", (TREE / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d", headings[1])
    lines = (TREE / "CITATION.cff").read_text().splitlines()
    assert [line for line in lines if re.fullmatch(rf'version: "?{re.escape(__version__)}"?', line)]
