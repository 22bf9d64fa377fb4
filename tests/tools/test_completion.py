"""`ganzoo completion`: what a shell offers for words that are begun."""

import shutil
import subprocess
import sys

import pytest
from commands import ganzoo

from ganzoo import list_checkpoints, list_recipes
from ganzoo.common.commands import TRAINING, commands
from ganzoo.tools.completion import make_parser

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_ganzoo; printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """The script for bash."""
    pytest.importorskip("shtab", reason="pip install 'ganzoo-lightning[completion]'")
    file = tmp_path_factory.mktemp("completion") / "ganzoo.bash"
    file.write_text(ganzoo("completion", "bash").out)
    return file


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("sam", {"sample"}),
        ("", {*TRAINING, *commands()}),
        ("sample dcgan-f", {"dcgan-faces"}),
        ("sample dcgan-faces --tr", {"--truncation"}),
        ("fit --recipe wgan_gp_", {name for name in list_recipes() if name.startswith("wgan_gp_")}),
        ("fit --trainer.max", {"--trainer.max_steps", "--trainer.max_time"}),
        ("fit --recipe dcgan_faces --start ", {*list_checkpoints()}),
        ("export dcgan-faces --format ", {"onnx", "torch_export"}),
        ("completion ", {"bash", "zsh", "tcsh"}),
    ],
)
def test_bash_offers_commands_options_and_names(script, words, some, tmp_path):
    command = ["bash", "-c", COMPLETE, "bash", script, "ganzoo", *words.split(" ")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    offered = {*done.stdout.split()}
    assert some <= offered
    assert [word for word in offered if not word.startswith(words.rpartition(" ")[2])] == []


def test_files_are_offered_beside_names(script, tmp_path):
    (tmp_path / "dcgan-own").mkdir()
    command = ["bash", "-c", COMPLETE, "bash", script, "ganzoo", "sample", "dcgan-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert {"dcgan-own", "dcgan-faces"} <= {*done.stdout.split()}


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_scripts_that_name_every_command(shell):
    pytest.importorskip("shtab", reason="pip install 'ganzoo-lightning[completion]'")
    text = ganzoo("completion", shell).out
    assert [name for name in TRAINING | commands() if name not in text] == []


def test_every_option_of_every_command_is_known():
    (subparsers,) = [action for action in make_parser()._actions if action.dest == "==SUPPRESS=="][-1:]
    assert {*subparsers.choices} == {*TRAINING, *commands()}
    assert {"--seeds", "--npz", "--help"} <= {*subparsers.choices["sample"]._option_string_actions}
    assert {"--recipe", "--data.root", "--quality.samples"} <= {*subparsers.choices["fit"]._option_string_actions}


def test_without_shtab_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert "ganzoo-lightning[completion]" in ganzoo("completion", "bash").error
    assert "bash" in ganzoo("completion", "fihs").error
