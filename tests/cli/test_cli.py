"""The `ganzoo` command itself: quick answers, help, `list` and `info`."""

import re
import resource

import pytest
from commands import ganzoo, process

import ganzoo as package
from ganzoo import cli
from ganzoo.common import registry
from ganzoo.common.help_format import GROUPS

LIGHT = """
import sys
from ganzoo import cli, GanzooError, list_checkpoints, list_recipes
status = cli.main(sys.argv[1:])
heavy = {"torch", "lightning", "numpy", "matplotlib"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else status)
"""


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        ["list"],
        ["list", "--json", "mnist"],
        ["info", "wgan_gp_digits"],
        ["sample", "--help"],
        ["fit", "--help"],
        ["fit", "--recipe", "pix2pix_facades", "-h"],
        ["predict", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_for_a_short_answer(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    child = process("-c", LIGHT, *words)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert out
    # PyTorch alone takes more; `list` reads 93 recipes, and the sources of their classes, in three quarters of this
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1.0


@pytest.mark.parametrize("words", [["fit"], ["fit", "--recipe", "wgan_gp_mnits"], ["smaple"]], ids=" ".join)
def test_what_is_missing_or_misspelt_is_said_at_once(words):
    child = process("-c", LIGHT, *words)
    assert child.communicate(timeout=60)[1].startswith("ganzoo: error: ")
    assert child.returncode == 2


def test_help_names_every_command_in_a_group():
    assert ganzoo("--help").out == ganzoo().out  # which is what a newcomer types
    sections = re.split(r"^(\w+):$", ganzoo("--help").out, flags=re.M)
    groups = {
        title: re.findall(r"^  (\w+) ", text, re.M) for title, text in zip(*[iter(sections[1:])] * 2, strict=True)
    }
    groups.pop("options")
    assert groups.items() >= {title: [*names] for title, names in GROUPS.items()}.items()
    assert {*cli.TRAINING, *cli.commands()} == {name for names in groups.values() for name in names}


def test_a_command_in_no_group_shows_nevertheless(monkeypatch):
    monkeypatch.setitem(cli.commands(), "knit", "knit samples")
    assert re.search(r"^other:\n  knit ", ganzoo("--help").out, re.M)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["smaple"], ["no command 'smaple'", "'sample'", "ganzoo --help"]),
        (["sample", "dcgan-faces", "--sead", 3], ["--sead", "'--seed'", "`ganzoo sample --help`"]),
        (["list", "--traned"], ["--traned", "'--trained'", "`ganzoo list --help`"]),
        (["push", "dcgan-faces"], ["--repo", "`ganzoo push --help`"]),
        (["--hlep"], ["COMMAND", "`ganzoo --help`"]),
    ],
)
def test_a_misspelt_word_is_one_line_with_the_nearest(words, parts):
    error = ganzoo(*words).error
    assert [part for part in parts if part not in error] == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(unbuffered):
    child = process("-m", "ganzoo", "list", env={"PYTHONUNBUFFERED": unbuffered})
    child.stdout.close()
    assert (child.wait(60), child.stderr.read()) == (0, "")


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
        *("GanzooError", "from_recipe", "list_checkpoints", "list_recipes", "load", "pull", "push", "to_pil")
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
