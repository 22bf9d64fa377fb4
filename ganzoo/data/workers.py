"""Worker processes that read data and leave signals to the process that trains."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

# `timeout`, `docker stop`, `scancel`, Ctrl-C and a closed terminal signal the whole process group. A reader that died
# of it would take the run with it, which wants to finish its batch and save.
GROUP = {getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1") if hasattr(signal, name)}


def ignore_signals(worker: int = 0) -> None:
    """Ignores, in a data worker, the signals that stop a run: it ends with the process that reads from it."""
    for number in GROUP:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP)


@contextmanager
def holding_signals() -> Iterator[None]:
    """Context manager: signals wait, so that a worker started inside gets none before it ignores them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, GROUP)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
