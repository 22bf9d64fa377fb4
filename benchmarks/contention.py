"""Training speed on a CPU where other programs run: steps per second beside busy loops, before and after.

    python benchmarks/contention.py                        # this tree, about three minutes
    python benchmarks/contention.py --before ../da10a39    # in turns with another tree, such as a `git worktree`; twice
    python benchmarks/contention.py --demo                 # and the whole of `make demo`'s training beside one loop
    python benchmarks/contention.py --rounds 0 --demo      # that alone; the other figures stay as they were

Each figure is a run of the command in a process of its own, which is timed once it has warmed up. The loops, plain
Python that never waits, start when its imports are done and before it chooses its threads. What is compared takes
turns: the other tree, this one with all threads, whose idle ones sleep, and this one as it chooses.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "contention.json"
RECIPES = ("wgan_gp_digits", "dcgan_mnist")
LOOPS = (0, 1, 2)
WARM_UP = 1.5  # seconds
CHILD = """
import sys
import contextlib, importlib
import ganzoo
from ganzoo.cli import main
for module in ("ganzoo.training.recipe_cli", "ganzoo.training"):  # the second in trees before it was a folder
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module(module)
        break
import clock
clock.REPORT, clock.WARM_UP, clock.SECONDS = sys.stdout, float(sys.argv[1]), float(sys.argv[2])
sys.stdout = sys.stderr = open("/dev/null", "w")
print(ganzoo.__file__, file=clock.REPORT, flush=True)
sys.stdin.readline()
sys.exit(main(sys.argv[3:]))
"""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Runs so many loops beside what is inside, and ends them whatever happens there."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def environment(tree: Path) -> dict[str, str]:
    """Returns the environment of a process that imports ganzoo from a source tree, and leaves its threads open."""
    free = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    return free | {"PYTHONPATH": os.pathsep.join([str(tree.resolve()), str(HERE)])}


def rate(tree: Path, recipe: str, loops: int, seconds: float, more: Sequence[str] = ()) -> dict[str, float]:
    """Returns generator updates per second, and threads, of a recipe trained by a tree's command beside busy loops."""
    words = ["fit", "--recipe", recipe, "--trainer.callbacks+=clock.Rate", "--trainer.limit_val_batches=0"]
    words += ["--trainer.logger=false", "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu", *more]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(WARM_UP), str(seconds), *words, "--runs", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(tree), cwd=folder,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        ready = process.stdout.readline()
        if Path(ready.strip()).parents[1] != tree.resolve():
            process.kill()
            raise SystemExit(f"not the ganzoo of {tree} is imported, but {ready.strip() or 'none'}")
        with busy(loops):
            answer, _ = process.communicate("go\n")
    if not answer.strip():
        raise SystemExit(f"{recipe} in {tree} ended with status {process.returncode} before it was timed")
    return json.loads(answer)


def demo(tree: Path, loops: int) -> float:
    """Returns the seconds that the whole of `make demo`'s command takes beside busy loops."""
    with tempfile.TemporaryDirectory() as folder, busy(loops):
        begun = time.perf_counter()
        words = [sys.executable, "-m", "ganzoo", "fit", "--recipe", "wgan_gp_digits", "--runs", folder]
        subprocess.run(words, env=environment(tree), check=True, capture_output=True, cwd=folder)
        return time.perf_counter() - begun


def systems(before: Path | None, cores: int) -> dict[str, tuple[Path, list[str]]]:
    """Returns what is compared: a tree, and further options of the command."""
    tree = HERE.parent
    earlier: dict[str, tuple[Path, list[str]]] = {} if before is None else {"before": (before, [])}
    return earlier | {"all threads, asleep when idle": (tree, ["--threads", str(cores)]), "chosen": (tree, [])}


def measure(options: argparse.Namespace, cores: int) -> dict[str, Any]:
    """Returns for each recipe, system and number of loops the updates per second, and threads, round by round."""
    compared = systems(options.before, cores)
    results: dict[str, Any] = {
        recipe: {name: {str(loops): [] for loops in options.loops} for name in compared} for recipe in options.recipes
    }
    for turn in range(options.rounds):
        for recipe in options.recipes:
            for loops in options.loops:
                for name in compared if turn % 2 == 0 else reversed(compared):
                    tree, more = compared[name]
                    answer = rate(tree, recipe, loops, options.seconds, more)
                    results[recipe][name][str(loops)].append(answer)
                    told = f"{answer['rate']:.2f} steps/s, {answer['threads']} thread(s)"
                    print(f"{recipe} beside {loops} loop(s), {name}: {told}", flush=True)
    return results


def commit(tree: Path) -> str:
    """Returns the abbreviated commit of a source tree."""
    words = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measures, prints, and writes the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipes", nargs="*", default=RECIPES, help=", ".join(RECIPES))
    parser.add_argument("--before", type=Path, metavar="TREE", help="another source tree, to take turns with")
    parser.add_argument("--loops", type=int, nargs="+", default=LOOPS, help="busy loops beside (0 1 2)")
    parser.add_argument("--rounds", type=int, default=1, help="how often everything is measured (1)")
    parser.add_argument("--seconds", type=float, default=6.0, help="that a run is timed for (6)")
    parser.add_argument("--demo", action="store_true", help="time the demo's whole training beside one loop, too")
    parser.add_argument("-o", "--out", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    earlier: dict[str, Any] = json.loads(options.out.read_text()) if not options.rounds else {}
    results: dict[str, Any] = {"steps_per_second": measure(options, cores)} if options.rounds else {}
    if options.demo:
        results["demo_beside_one_loop_seconds"] = round(demo(HERE.parent, 1), 1)
    from ganzoo.common.files import atomic_write
    from ganzoo.common.hardware import hardware, versions

    before = options.before and commit(options.before)
    about = {"hardware": hardware(), "versions": versions(), "seconds": options.seconds, "before": before}
    about |= earlier
    with atomic_write(options.out) as file:
        file.write_text(json.dumps(about | results, indent=1) + "\n")
    print(json.dumps(about | results, indent=1))


if __name__ == "__main__":
    main()
