"""Number of CPU threads that PyTorch computes with, and sleep for idle ones. Imports nothing heavy.

PyTorch shares an operation out among OpenMP threads that by default spin until the next one. Where other programs run,
a thread that spins takes the core from the thread that it waits for, and a step takes up to fifty times as long.
"""

import os
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from ganzoo.common.errors import GanzooError

WORTH = 4 / 3  # how much faster all threads must be than one
MOST_THREADS = 1024
ROUNDS, SECONDS, LIMIT = 3, 0.7, 3.0  # of a comparison: as many and as long as this, but for no longer than that
LONG = 5.0  # seconds of work on one thread for which a comparison is worth its time
FEW, BATCH = 4, 64  # items to tell long work by, and to compare with
PARTS = 50  # of the work, of which a comparison takes a few at most
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")


def sleep_when_idle(environment: MutableMapping[str, str] | None = None) -> None:
    """Makes idle OpenMP threads of this process and its children sleep, unless the environment says how they wait.

    Only what is loaded afterwards heeds it: GNU's runtime (in PyTorch's wheels for Linux) and LLVM's or Intel's (macOS,
    Windows) read the environment once.

    Args:
        environment: where it is written; the process's own by default.
    """
    environment = os.environ if environment is None else environment
    if not any(name in environment for name in WAITING):
        environment["OMP_WAIT_POLICY"] = "passive"
        environment["KMP_BLOCKTIME"] = (
            "0"  # milliseconds of spinning, which LLVM's runtime keeps in spite of the policy
        )


def limit_threads(threads: int) -> None:
    """Sets the number of CPU threads that compute.

    Raises:
        GanzooError: if it is not a number of threads.
    """
    import torch

    if not 1 <= threads <= MOST_THREADS:
        raise GanzooError(f"--threads: {threads} given, but it must lie between 1 and {MOST_THREADS}.")
    torch.set_num_threads(threads)


def threads_text(threads: int) -> str:
    """Returns a number of threads as text: `1 thread`, `8 threads`."""
    return f"{threads} thread{'' if threads == 1 else 's'}"


def settle_threads(requested: int | None, checkpoint: str | None, trainer: Any) -> bool:
    """Sets the number of threads of a training where it is fixed, and returns whether it is left to be chosen.

    In this order: the option; what the run has computed with so far, on which its bits depend, if this machine
    has as many; what `OMP_NUM_THREADS` says; with several processes each one's share of the cores. A GPU leaves nothing
    to choose.

    Args:
        requested: the option `--threads`.
        checkpoint: a training checkpoint that is continued.
        trainer: the run's.
    """
    import torch

    present = torch.get_num_threads()
    before = stored_threads(checkpoint) if checkpoint and requested is None else None
    if requested is None and trainer.strategy.root_device.type != "cpu":
        return False
    if requested is not None:
        number = requested
    elif before is not None and before <= max(present, cores()):
        number = before
    elif os.environ.get("OMP_NUM_THREADS"):
        return False
    elif trainer.world_size > 1:
        number = max(1, present // trainer.num_devices)
    else:
        return present > 1
    limit_threads(number)
    if trainer.world_size > 1:  # else Lightning sets its own number, and starts the other processes with it
        os.environ["OMP_NUM_THREADS"] = str(number)
    return False


def stored_threads(checkpoint: str) -> int | None:
    """Returns the number of threads that a training checkpoint was computed with; None if it does not say."""
    import torch

    state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return state.get("game", {}).get("threads")


def cores() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_threads(seconds: Callable[[], float]) -> float:
    """Sets one thread, unless all that PyTorch has now are worth at least a third more; takes a few seconds at most.

    Other programs that run meanwhile are part of what is measured, as they will be part of the work.

    Args:
        seconds: does a part of the work, and returns how long it took.

    Returns:
        The median of those seconds with the number of threads that is set now.
    """
    from statistics import median

    import torch

    most = torch.get_num_threads()
    times: dict[int, list[float]] = {most: [], 1: []}
    seconds()  # the first time there is more to do than ever after
    begun = time.perf_counter()
    while True:
        for threads, seconds_taken in times.items():
            limit_threads(threads)
            seconds_taken.append(seconds())
        if time.perf_counter() - begun > (SECONDS if len(times[1]) >= ROUNDS else LIMIT):
            break
    chosen = most if median(times[1]) >= WORTH * median(times[most]) else 1
    limit_threads(chosen)
    return median(times[chosen])


def adapt_threads(part: Callable[[int], Any], items: int, requested: int | None = None) -> None:
    """Sets the number of CPU threads for drawing or scoring: as requested, else one, or all for long work that gains.

    Leaves it as it is where `OMP_NUM_THREADS` says it. For commands: a library leaves threads to the program.

    Args:
        part: does the work for so many items, without a trace.
        items: how many there are.
        requested: the option `--threads`.

    Raises:
        GanzooError: if what was asked for is not a number of threads.
    """
    import torch

    most = torch.get_num_threads()
    if requested is not None:
        limit_threads(requested)
    if requested is not None or most == 1 or os.environ.get("OMP_NUM_THREADS"):
        return

    def seconds(count: int) -> float:
        begun = time.perf_counter()
        part(min(count, items))
        return time.perf_counter() - begun

    limit_threads(1)
    seconds(1)  # the first time there is more to do than ever after
    if seconds(FEW) / FEW * items > LONG:
        limit_threads(most)
        choose_threads(lambda: seconds(max(1, min(BATCH, items // PARTS))))
