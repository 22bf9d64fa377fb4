"""Silence for Lightning's messages that say nothing of a run of ours."""

import logging
import warnings


def quieten() -> None:
    """Silences Lightning's news and warnings in this process: devices, seed, tips, averages in evaluation mode.

    `logging.getLogger("lightning.pytorch").setLevel(logging.INFO)` brings the news back.
    """
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
