"""Runs the `ganzoo` command, in this process or in one of its own, and options with which it takes seconds."""

import contextlib
import io
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from ganzoo.cli import main

# A critic's game on real digits that takes a few milliseconds a step.
DIGITS = [
    *("--recipe", "wgan_gp_digits"),
    *("--model.generator.hidden", "[16]"),
    *("--model.discriminator.hidden", "[16]"),
    *("--model.n_critic", "2"),
    *("--quality.samples", "60"),
    *("--grid.samples", "9"),
    *("--trainer.accelerator", "cpu"),
    *("--trainer.log_every_n_steps", "2"),
]
# One step of any recipe, and narrow networks for it, which in conditional games stand inside others.
SMALL = ["--data.batch_size=4", "--quality.samples=8", "--grid.samples=4", "--trainer.max_steps=1"]
SMALL += ["--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
NARROW = ["--model.generator.width=4", "--model.discriminator.width=4"]
NARROW_INSIDE = ["--model.generator.network.width=4", "--model.discriminator.network.width=4"]


@dataclass
class Answer:
    """What a command left on the terminal."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of an error, after making sure that it is one and that nothing else was said."""
        assert self.status == 2, f"exit status {self.status}:\n{self.out}{self.err}"
        assert self.err.startswith("ganzoo: error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("ganzoo: error: ").rstrip("\n")


@dataclass
class Run:
    """A run made by the command line."""

    folder: Path
    said: Answer


def ganzoo(*words: Any) -> Answer:
    """Runs `ganzoo WORDS` and returns what a shell would have seen, warnings included."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.showwarning = show  # pytest would collect them
        warnings.simplefilter("default")
        for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", hidden)
        status = main([str(word) for word in words])
    return Answer(status, out.getvalue(), err.getvalue())


def process(*words: Any, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Starts `python WORDS` in a process of its own, with pipes to read from."""
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ) | (env or {}),
        **options,
    )


def show(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: str | None = None) -> None:
    """Prints a warning as Python does."""
    print(warnings.formatwarning(message, category, filename, lineno, line), file=file or sys.stderr, end="")
