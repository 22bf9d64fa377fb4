"""Trains in two processes, by running a test file as a script that Lightning starts a second time."""

import os
from pathlib import Path
from typing import Any

import torch
from commands import process


def endings(script: str, folder: Path) -> list[Any]:
    """Runs a test file as a script in two processes and reads what either of them saves at its end.

    Args:
        script: the file, which trains on two devices when it is run with a folder as its argument.
        folder: where the process of rank r saves `r.pt`.
    """
    helpers = str(Path(__file__).parent)  # pytest puts them on the path, a script has to be shown the way
    path = os.pathsep.join(filter(None, (helpers, os.environ.get("PYTHONPATH"))))
    with process(script, folder, env={"PYTHONPATH": path}) as running:
        _, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]
