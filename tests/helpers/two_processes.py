"""Trains in two processes, by running a test file as a script in both, as torchrun does."""

import os
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

import torch
from forks import FORKS

PATIENCE = 300.0  # seconds


def endings(script: str, folder: Path) -> list[Any]:
    """Runs a test file as a script in two processes and reads what either of them saves at its end.

    Both are forked from one that has imported everything, which saves what a fresh interpreter takes to begin.

    Args:
        script: the file, which trains on two devices when it is run with a folder as its argument.
        folder: where the process of rank r saves `r.pt`.
    """
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    both = [FORKS.Process(target=_rank, args=(rank, port, script, folder), daemon=True) for rank in (0, 1)]
    for process in both:
        process.start()
    for rank, process in enumerate(both):
        process.join(PATIENCE)
        assert process.exitcode == 0, (process.exitcode, (folder / f"{rank}.err").read_text())
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def _rank(rank: int, port: int, script: str, folder: Path) -> None:
    os.dup2(os.open(folder / f"{rank}.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.environ.update(
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        WORLD_SIZE="2",
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        GROUP_RANK="0",
        TORCHELASTIC_RUN_ID="tests",  # by which Lightning knows that the processes are there already
    )
    sys.path.insert(0, str(Path(__file__).parent))
    sys.argv = [script, str(folder)]
    runpy.run_path(script, run_name="__main__")
