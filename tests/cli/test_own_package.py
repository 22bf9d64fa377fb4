"""The example of somebody else's package: from its folder, and installed in an environment of its own."""

import csv
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import torch
from cells import table
from commands import ganzoo
from tiny import mlp

from ganzoo import load
from ganzoo.checkpoints import build
from ganzoo.common import importing, registry
from ganzoo.common.command_line import command_arguments
from ganzoo.common.errors import GanzooError
from ganzoo.metrics.scoring import score

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_package"
RECIPE = "recipes/wgan_div_stripes.yaml"
SHORT = [
    *("--trainer.max_steps", "4", "--trainer.val_check_interval", "4", "--trainer.log_every_n_steps", "1"),
    *("--quality.samples", "50", "--grid.samples", "4", "--data.samples", "256", "--trainer.accelerator", "cpu"),
]
LATER = """
import sys, ganzoo
from ganzoo.cli import main
recipe, run = sys.argv[1:]
assert main(["compare", recipe, "--vary", "power=2", "--steps", "2", "--samples", "50", "--set",
    "quality.samples=50", "grid.samples=4", "data.samples=256", "trainer.accelerator=cpu"]) == 0
assert main(["evaluate", run, "--samples", "50", "--metrics", "stripes.metrics.SharpnessGap", "-o", "scores.json"]) == 0
model = ganzoo.load(run + "/export")
print(type(model).__module__, ganzoo.to_pil(model.sample(2))[0].size, ganzoo.__file__)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the example as the current folder, whose modules are forgotten afterwards."""
    shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path / "example")
    path = list(sys.path)
    yield tmp_path / "example"
    assert sys.path == path
    for name in [name for name in sys.modules if name.partition(".")[0] == "stripes"]:
        del sys.modules[name]


def monitored(run: Path) -> tuple[str, float, list[float]]:
    """What the best weights of a run were chosen by, their score, and all the scores that were logged."""
    state = torch.load(run / "best.ckpt", weights_only=True)["callbacks"]
    (kept,) = [value for value in state.values() if "best_model_score" in value]
    with (run / "metrics.csv").open(newline="") as file:
        logged = [float(row[kept["monitor"]]) for row in csv.DictReader(file) if row[kept["monitor"]]]
    return kept["monitor"], float(kept["best_model_score"]), logged


def test_the_example_works_in_its_folder(folder):
    said = ganzoo("fit", "--recipe", RECIPE, *SHORT)
    assert said.status == 0, said.err
    run = Path("runs/wgan_div_stripes/version_0")
    key, best, logged = monitored(run)
    assert key.startswith("sharpness_gap[50/")
    assert best == pytest.approx(min(logged[1:]))  # the untrained model is not kept
    card = (run / "export" / "README.md").read_text()
    assert "WGAN-div: a critic that approximates" in card
    assert "`sharpness_gap` is `stripes.metrics.SharpnessGap`" in card
    assert ganzoo("plot", run).status == 0
    said = ganzoo("fit", "--recipe", RECIPE, "--help")
    assert said.status == 0, said.err
    assert "of the norm, the paper's p" in said.out
    said = ganzoo("sample", run / "export", "-n", 2, "-o", "two.npz")
    assert said.status == 0, said.err


def test_its_metric_is_what_it_says_of_sharp_and_blurred_pictures(folder):
    with importing.current_folder():
        from stripes.data import Stripes
        from stripes.metrics import SharpnessGap

    data = Stripes(samples=128)
    real = data.split("test")[0].float() / 127.5 - 1

    class Faded:
        device = torch.device("cpu")

        def __init__(self, contrast):
            self.contrast = contrast

        def sample(self, n, seed=None):
            return self.contrast * real[:n]

    for contrast in (1.0, 0.5):
        (gap,) = score(Faded(contrast), data, metrics=[SharpnessGap()], samples=len(real)).values()
        assert gap == pytest.approx(1 - contrast, abs=1e-6)


def test_its_penalty_is_the_papers(folder):
    with importing.current_folder():
        from stripes.wgan_div import WGANDiv

    class Slope(torch.nn.Module):
        """A critic whose gradient is 3 everywhere."""

        def forward(self, x):
            return 3 * x.flatten(1)[:, 0]

    model = mlp(WGANDiv, weight=0.5, power=2.0)
    model.discriminator = Slope()
    with torch.no_grad():  # which the penalty does not mind
        move = model.open_move()
        terms = model.d_loss(torch.ones(4, 2), None, move)
    assert float(terms["div"]) == pytest.approx(0.5 * 3**2)
    assert float(terms["adv"]) == pytest.approx(float(3 * move.fake[0].x[:, 0].mean() - 3))


def test_the_current_folder_comes_last_and_leaves_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    with importing.current_folder():
        assert sys.path == [*before, str(tmp_path)]
        with importing.current_folder():
            assert sys.path.count(str(tmp_path)) == 1
        assert sys.path[-1] == str(tmp_path)
    assert sys.path == before


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (["sample", "someone/gan"], False),
        (["sample", "dcgan-mnist"], False),
        (["evaluate", "someone/gan", "--metrics", "swd"], False),
        (["pull", "someone/gan"], False),
        (["gallery"], False),
        (["sample", "mine"], True),
        (["evaluate", "mine"], True),
        (["export", "mine", "-o", "out"], True),
        (["compare", "wgan_gp_digits"], True),
        (["sweep", "--recipe", "wgan_gp_digits", "--vary", "g_lr=1e-4,1e-3"], True),
        (["evaluate", "dcgan-mnist", "--metrics", "my_package.Sharpness"], True),
    ],
    ids=str,
)
def test_it_counts_where_something_of_the_users_is_named(words, counts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    command, *rest = words
    module = importlib.import_module(f"ganzoo.tools.{command}")
    with importing.for_command(command_arguments(getattr(module, command), "ganzoo", rest)):
        assert (str(tmp_path) in sys.path) == counts


def test_a_stranger_finds_nothing_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("evil_module.py").write_text("from pathlib import Path\nPath('harm').touch()\n")
    described = "model: {class_path: evil_module.Net}\nquality: {metrics: [evil_module.Metric]}\n"
    with importing.current_folder(), pytest.raises(GanzooError, match="evil_module"):
        build.build_model(described, Path("it"), trusted=False)
    assert not Path("harm").exists()
    assert "evil_module" not in sys.modules


def test_a_folder_of_logs_is_no_logger(tmp_path, monkeypatch):
    from ganzoo.training import loggers

    Path(tmp_path, "nowandb").mkdir()
    monkeypatch.chdir(tmp_path)
    with importing.current_folder(), pytest.raises(GanzooError, match="nowandb is not installed"):
        loggers.make_loggers(tmp_path, ["nowandb"])


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A fresh environment with ganzoo and the example installed; it sees this one's other packages."""
    home = tmp_path_factory.mktemp("fresh") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=120)
    python = home / "bin" / "python"
    source = home.parent / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__", "runs"))

    def install(*words):
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
        done = subprocess.run([*pip, *words], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    install(str(wheel))  # before the other packages can be seen, among which a ganzoo may be
    paths = {"base": str(home), "platbase": str(home)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    places = {str(Path(importlib.util.find_spec(name).origin).parents[1]) for name in ("torch", "lightning", "yaml")}
    (site / "others.pth").write_text("\n".join(places))
    install("--no-build-isolation", str(source))
    return home, source / RECIPE


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="scripts lie elsewhere")
def test_the_example_works_in_a_fresh_environment(environment, tmp_path):
    home, recipe = environment
    for name in ("random", "tqdm", "yaml"):  # which stand for nothing but themselves
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words):
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(home / "bin" / "ganzoo", "fit", "--recipe", recipe, *SHORT)
    folder = tmp_path / "runs" / "wgan_div_stripes" / "version_0"
    key, best, logged = monitored(folder)
    assert key.startswith("sharpness_gap[")
    assert best == pytest.approx(min(logged[1:]))
    out = run(home / "bin" / "python", "-P", "-c", LATER, recipe, folder)
    module, size, file = out.splitlines()[-1].split(maxsplit=1)[0], "(16, 16)", out.splitlines()[-1].split()[-1]
    assert module == "stripes.wgan_div"
    assert size in out.splitlines()[-1]
    assert Path(file).is_relative_to(home)
    text = (tmp_path / "comparison" / "comparison.md").read_text(encoding="utf-8")
    (row,) = table(text).items()
    assert row[0] == "WGAN-div (`wgan_div_stripes, power=2.0`)"
    assert row[1]["sharpness_gap ↓"] not in {"", "—"}
    assert (tmp_path / "runs/wgan_div_stripes/power=2.0_seed_0/last.ckpt").is_file()


def test_an_export_without_its_package_says_what_is_missing(folder):
    assert ganzoo("fit", "--recipe", RECIPE, *SHORT).status == 0
    for name in [name for name in sys.modules if name.partition(".")[0] == "stripes"]:
        del sys.modules[name]
    shutil.move("stripes", "elsewhere")
    with pytest.raises(GanzooError, match=r"cannot find stripes.*import path of a class"):
        load("runs/wgan_div_stripes/version_0/export")
    assert registry.find_checkpoint("wgan-div-stripes") is None
