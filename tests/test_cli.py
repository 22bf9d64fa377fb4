"""The `ganzoo` command itself: quick answers, help, `list` and `info`."""

import resource

import pytest
from commands import ganzoo, process

import ganzoo as package
from ganzoo import cli, registry

LIGHT = """
import sys
from ganzoo import cli, GanzooError, list_checkpoints, list_recipes
status = cli.main(sys.argv[1:])
heavy = {"torch", "lightning", "numpy", "matplotlib", "jsonargparse"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else status)
"""


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["list"], ["info", "wgan_gp_digits"], ["sample", "--help"]], ids=" ".join
)
def test_nothing_heavy_is_imported_for_a_short_answer(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    child = process("-c", LIGHT, *words)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert out
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.5


def test_help_names_every_command():
    said = ganzoo("--help")
    assert said.status == 0
    assert [name for name in (*cli.TRAINING, *cli.COMMANDS) if f"\n    {name} " not in said.out] == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(unbuffered):
    child = process("-m", "ganzoo", "list", env={"PYTHONUNBUFFERED": unbuffered})
    child.stdout.close()
    assert (child.wait(60), child.stderr.read()) == (0, "")


def test_list_shows_every_recipe_with_its_variant():
    header, *rows = ganzoo("list").out.splitlines()
    assert header.split() == ["RECIPE", "CHECKPOINT", "YEAR", "VARIANT"]
    assert [row.split()[0] for row in rows] == sorted(path.stem for path in registry.RECIPES.glob("*.yaml"))
    (digits,) = [row for row in rows if row.startswith("wgan_gp_digits ")]
    assert digits.split()[2:4] == ["2017", "WGAN-GP:"]


@pytest.mark.parametrize("name", ["wgan_gp_mnist", "wgan-gp-mnist"])
def test_info_shows_paper_and_recipe(name):
    out = ganzoo("info", name).out
    assert "Gulrajani" in out
    assert "https://arxiv.org/abs/1704.00028" in out
    assert (registry.RECIPES / "wgan_gp_mnist.yaml").read_text() in out


def test_info_shows_the_card_of_a_checkpoint_folder(digits_run):
    out = ganzoo("info", digits_run.folder / "export").out
    assert out.startswith("# wgan-gp-digits")
    assert "## Scores" in out


def test_the_package_shows_its_few_names():
    assert set(dir(package)) == {
        *("GanzooError", "from_recipe", "list_checkpoints", "list_recipes", "load", "pull", "push")
    }
    assert package.list_recipes() == sorted(path.stem for path in registry.RECIPES.glob("*.yaml"))
    with pytest.raises(AttributeError, match="lod"):
        package.lod  # noqa: B018


def test_an_interruption_is_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    with pytest.raises(SystemExit) as end:
        cli.entry()
    assert end.value.code == 130
    assert capsys.readouterr().err == "ganzoo: interrupted\n"
