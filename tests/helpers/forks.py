"""Runs the `ganzoo` command in processes forked from one that has imported everything, so that each starts at once."""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from commands import Answer

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["ganzoo.cli", "ganzoo.training.recipe_cli", "ganzoo.training.export", "torchmetrics", "sklearn.datasets"]
)
PATIENCE = 120.0  # seconds, of which a busy machine may need some


def _ganzoo(words: list[str], folder: Path, log: Path, env: dict[str, str], prepare: Callable[[], Any] | None) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(log / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(folder)
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # it may have workers,
    multiprocessing.set_start_method("fork", force=True)  # which end with their parent: it is this, not the server
    os.environ.update(env)
    if prepare is not None:
        prepare()
    from ganzoo.cli import main

    status = main(words)
    sys.stdout.flush()
    os._exit(status)  # not what multiprocessing makes of it


@dataclass
class Fork:
    """A running `ganzoo`, whose output goes to two files."""

    process: ForkServerProcess
    log: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def send(self, number: int) -> None:
        """Sends a signal."""
        os.kill(self.pid, number)

    def wait_for(self, *files: Path) -> None:
        """Waits until these are there; complains if the process ends before."""
        until(lambda: all(file.is_file() for file in files) or not self.process.is_alive())
        assert all(file.is_file() for file in files), (self.log / "err").read_text()

    def limit(self, size: int) -> None:
        """Has the system refuse to write more than so many bytes to a file, as a full disk does."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, size))

    def answer(self) -> Answer:
        """Waits for the end, and returns what a shell would have seen; of a killed process the signal, negative."""
        self.process.join(PATIENCE)
        status = self.process.exitcode
        assert status is not None, "it did not end"
        return Answer(status, (self.log / "out").read_text(), (self.log / "err").read_text())


def slowly() -> None:
    """Makes every step of the process take a tenth of a second more: on no machine is a short run over too soon."""
    from ganzoo.games.game import Game

    step = Game.training_step

    def late(self: Game, *args: Any) -> Any:
        time.sleep(0.1)
        return step(self, *args)

    Game.training_step = late  # type: ignore[method-assign]


def until(true: Callable[[], bool]) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def fork(
    folder: Path, *words: Any, env: dict[str, str] | None = None, prepare: Callable[[], Any] | None = None
) -> Fork:
    """Starts `ganzoo WORDS` in a folder, after `prepare()`, a function that a module has."""
    log = folder / f"said_{time.monotonic_ns()}"
    log.mkdir(parents=True)
    arguments = ([str(word) for word in words], folder, log, env or {}, prepare)
    process = FORKS.Process(target=_ganzoo, args=arguments, daemon=True)
    process.start()
    return Fork(process, log)
