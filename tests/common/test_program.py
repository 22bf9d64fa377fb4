"""The commands that ganzoo prints: they start as this process was started, so that they work where they are pasted."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ganzoo.common.program import command, program
from ganzoo.common.text import duration

SCRIPT = f"""#!{sys.executable}
import sys
from ganzoo.common.program import command
print(command("plot", "my runs/version_0"))
"""


@pytest.fixture
def script(tmp_path):
    """An installed console script, below a folder with a space in its name."""
    file = tmp_path / "my clone" / ".venv" / "bin" / "ganzoo"
    file.parent.mkdir(parents=True)
    file.write_text(SCRIPT)
    file.chmod(0o755)
    return file


def printed(*words, cwd, path="/usr/bin"):
    env = dict(os.environ) | {"PATH": f"{path}:/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_a_script_that_is_not_on_the_path_is_named_as_it_was_typed(script):
    home = script.parents[2]
    line = printed(".venv/bin/ganzoo", cwd=home)
    assert line == ".venv/bin/ganzoo plot 'my runs/version_0'"
    assert printed("sh", "-c", line, cwd=home) == line  # it works as it stands
    assert printed("./ganzoo", cwd=script.parent) == "./ganzoo plot 'my runs/version_0'"
    outside = printed("my clone/.venv/bin/ganzoo", cwd=home.parent)
    assert outside == "'my clone/.venv/bin/ganzoo' plot 'my runs/version_0'"
    absolute = printed(str(script), cwd="/")
    assert shlex.split(absolute)[0] == str(script)


def test_a_script_on_the_path_is_named_by_its_name(script):
    assert printed("ganzoo", cwd="/", path=script.parent) == "ganzoo plot 'my runs/version_0'"


def test_a_script_that_another_one_hides_is_not(script, tmp_path):
    other = tmp_path / "bin" / "ganzoo"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert shlex.split(printed(str(script), cwd="/", path=other.parent))[0] == str(script)


def test_a_module_is_started_as_a_module():
    first, *rest = program(str(Path(__file__).parents[2] / "ganzoo" / "__main__.py"))
    assert rest == ["-m", "ganzoo"]
    assert first == "python" or Path(first).samefile(sys.executable)


@pytest.mark.parametrize("started", ["", "-c", "/usr/lib/pytest/__main__.py", "ipykernel_launcher.py"])
def test_other_programs_are_told_the_command(started):
    assert program(started) == ["ganzoo"]


def test_words_are_quoted_for_a_shell():
    assert command("sample", Path("my runs"), "-n", 64).endswith("ganzoo sample 'my runs' -n 64")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.0001, "0 s"),
        (0.004, "0.004 s"),
        (0.0944, "0.09 s"),
        (0.096, "0.1 s"),
        (0.42, "0.4 s"),
        (1, "1.0 s"),
        (9.949, "9.9 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (1470, "24 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_a_duration_is_never_nothing(seconds, words):
    assert duration(seconds) == words
