"""The `ganzoo sweep` command: a search over settings of a recipe."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ganzoo.tools.sweep.results import Outcome


def sweep(
    *,
    recipe: str,
    vary: Sequence[str] = (),
    trials: int = 20,
    name: str = "sweep",
    sampler: Literal["tpe", "random"] = "tpe",
    seed: int = 0,
    no_pruning: bool = False,
    keep_all: bool = False,
    runs: Path = Path("runs"),
    threads: int | None = None,
    set: Sequence[str] = (),
) -> "Outcome":
    """Search settings of a recipe for the best score.

    Every trial is a run, scored as the recipe says. The command given again goes on where it was stopped.

    Args:
        recipe: what is trained, see `ganzoo list`, or a YAML file.
        vary: settings and where to search, such as g_lr=1e-4..1e-3:log, n_critic=1..5 or batch_size=16,32.
        trials: how many in all, those of before included.
        name: of the sweep, by which it is continued.
        sampler: how settings are chosen: by what earlier trials have shown (tpe), or at random.
        seed: of the choices; trainings have the recipe's.
        no_pruning: train every trial to its end, also where it is behind the others.
        keep_all: keep the weights of all trials, not of the best alone.
        runs: folder of all runs.
        threads: CPU threads; one, or all where that is faster, by default.
        set: overrides for all trials, such as trainer.max_steps=1000.

    Returns:
        What was found: the trials, the best of them, and its recipe's file.

    Raises:
        GanzooError: if something does not fit, optuna is missing, or no trial came to a score.
    """
    from ganzoo.tools.sweep.search import search

    overrides = [f"--{override}" for override in set]
    overrides += [] if threads is None else ["--threads", str(threads)]
    return search(
        recipe,
        vary,
        trials,
        runs=runs,
        name=name,
        sampler=sampler,
        seed=seed,
        pruning=not no_pruning,
        keep_all=keep_all,
        overrides=overrides,
    )


def shown(outcome: "Outcome") -> list[str]:
    """Returns the lines to print: the best trials, and what to do with the best."""
    from ganzoo.tools.sweep.tables import report

    return report(outcome)
