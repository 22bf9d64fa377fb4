"""Every test starts alike: one thread, the same random state, an empty cache, and no run or seed inherited."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import DIGITS, Run, ganzoo
from short_recipes import GAN_ON_DIGITS, TOY

from ganzoo.cli import main

os.environ["OMP_NUM_THREADS"] = "1"  # for the processes that tests start
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _alike(monkeypatch, tmp_path_factory):
    for name in ("GANZOO_RUN", "PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "")  # so that what a test leaves there is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    torch.manual_seed(0)
    yield
    torch.set_num_threads(1)  # a test may have asked for another number


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """A run of 6 generator updates on the digits, made by the command line; tests may add files to it."""
    runs = tmp_path_factory.mktemp("digits") / "runs"
    said = ganzoo("fit", *DIGITS, "--trainer.max_steps", 6, "--runs", runs)
    assert said.status == 0, said.err
    return Run(runs / "wgan_gp_digits" / "version_0", said)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Makes every extractor the tiny one, and the cache an empty folder."""
    from scored import Tiny  # not above: it takes two seconds that most tests need not wait

    from ganzoo.metrics import evaluation
    from ganzoo.metrics.extractors import Extractor

    network = Tiny()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(network, name, 4, channels=1))
    return network


@pytest.fixture
def recipes(tmp_path, monkeypatch) -> list[str]:
    """Two recipes in the current folder that train in seconds."""
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text(TOY)
    Path("digits.yaml").write_text(GAN_ON_DIGITS)
    return ["digits.yaml", "toy.yaml"]


@pytest.fixture
def commands(monkeypatch) -> list[list[str]]:
    """Runs trainings in this process and notes what they were asked to do."""
    from ganzoo.tools.compare import runs  # not above: see `tiny`

    noted: list[list[str]] = []

    def run(command, log):
        noted.append(command[len(runs.GANZOO) :])
        log.write_text("ganzoo: error: the disk is full.\n")
        return main(command[len(runs.GANZOO) :])

    monkeypatch.setattr(runs, "_run", run)
    return noted


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel that `python -m build` makes of the tree."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    out = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out),
        str(Path(__file__).parents[1]),
    ]
    done = subprocess.run(build, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found
