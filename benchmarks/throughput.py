"""Training speed: ganzoo through its command line against hand-written loops on the same networks, side by side.

    python benchmarks/throughput.py                      # everything, about 15 minutes on 2 cores
    python benchmarks/throughput.py dcgan_mnist --guard 1.10

Each system runs in a process of its own; they take turns, one segment each, and nothing else of ours runs meanwhile.
Ratios are taken within a round, so that a machine that slows down slows both sides; the median over rounds is kept.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import clock
from loops import Resident, Task, Tutorial, difference

ON_MNIST = [  # CIFAR-10's networks on the data at hand; a channel more or less costs nothing
    "--data=ganzoo.data.MNIST",
    "--data.init_args.size=32",
    "--model.init_args.generator.init_args.channels=1",
    "--model.init_args.discriminator.init_args.channels=1",
]
WIDE = [
    "--model.init_args.generator=ganzoo.networks.upsample.UpsampleGenerator",
    "--model.init_args.generator.init_args.width=128",
    "--model.init_args.generator.init_args.size=32",
    "--model.init_args.generator.init_args.channels=1",
    "--model.init_args.discriminator=ganzoo.networks.upsample.UpsampleDiscriminator",
    "--model.init_args.discriminator.init_args.width=128",
    "--model.init_args.discriminator.init_args.size=32",
    "--model.init_args.discriminator.init_args.channels=1",
]
TASKS = {
    "dcgan_mnist": Task("dcgan_mnist", "gan", (1e-3, 1e-3), (0.5, 0.999), updates=40),
    "wgan_gp_mnist": Task("wgan_gp_mnist", "wgan_gp", (1e-3, 1e-3), (0.0, 0.9), n_critic=5, updates=6),
    "wide_dcgan": Task("dcgan_mnist", "gan", (1e-3, 1e-3), (0.5, 0.999), updates=6, overrides=WIDE),
    "sngan": Task("sngan_cifar10", "hinge", (2e-4, 2e-4), (0.0, 0.9), n_critic=5, updates=1, overrides=ON_MNIST),
}
RESULTS = Path(__file__).parent / "results" / "throughput.json"
SYSTEMS = ("ganzoo", "resident", "tutorial")


def command(task: Task, folder: str, *more: str) -> list[str]:
    """Returns the command line of a run that goes on until its process is stopped."""
    return [
        "fit", "--recipe", task.recipe, "--runs", folder, *task.overrides,
        "--model.init_args.lr_factor=null", "--trainer.callbacks+=clock.Clock", *more,
    ]  # fmt: skip


def ganzoo(task: Task, pipe: Any, *more: str) -> None:
    """Trains by the command, segment by segment."""
    clock.PIPE, clock.UPDATES = pipe, task.updates
    import torch

    from ganzoo.cli import main

    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere  # the bar draws, and nobody sees it
        threads = f"--threads={torch.get_num_threads()}"  # as many as the loops have
        main(command(task, folder, "--trainer.max_steps=1000000", threads, *more))


def profiled(task: Task, pipe: Any) -> None:
    """Trains by the command with Lightning's profiler on, whose own cost stays out of the timed segments."""
    ganzoo(task, pipe, "--trainer.profiler=simple")


def loop(task: Task, pipe: Any, kind: str) -> None:
    """Trains by a hand-written loop, segment by segment."""
    from ganzoo.common.hardware import precision

    model, datamodule = made(task)
    if kind == "resident":
        datamodule.setup("fit")
        images = datamodule.split("train")[0]
        steps = Resident(task, model, images, precision("cpu")).steps()
    else:
        steps = Tutorial(task, model, pictures(datamodule)).steps()
    while True:
        pipe.recv()
        begun = time.perf_counter()
        for _ in range(task.updates):
            next(steps)
        pipe.send((time.perf_counter() - begun, clock.peak_memory(), {}))


def resident(task: Task, pipe: Any) -> None:
    """See `loop`."""
    loop(task, pipe, "resident")


def tutorial(task: Task, pipe: Any) -> None:
    """See `loop`."""
    loop(task, pipe, "tutorial")


def made(task: Task) -> tuple[Any, Any]:
    """Returns a recipe's model and data, untrained."""
    from ganzoo.common.registry import find_recipe
    from ganzoo.training.recipe_cli import RecipeCLI

    with tempfile.TemporaryDirectory() as folder:
        words = ["--config", str(find_recipe(task.recipe)), *task.overrides, "--model.init_args.lr_factor=null"]
        cli = RecipeCLI([*words, f"--runs={folder}"], task.recipe, run=False)
    return cli.model, cli.datamodule


def pictures(datamodule: Any) -> Any:
    """Returns the tutorial's dataset: torchvision's files, PIL images, transforms one by one."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    steps = [transforms.Pad(2), transforms.ToTensor(), transforms.Normalize(0.5, 0.5)]
    return MNIST(str(datamodule.root), train=True, transform=transforms.Compose(steps))


def same_steps(task: Task) -> float:
    """Returns how far the weights of ganzoo and of the careful loop are apart after 3 updates, relative to the largest.

    Both in float32, on the same batches with the same noise, which ganzoo seeds batch by batch.
    """
    import torch

    from ganzoo.common.registry import find_recipe
    from ganzoo.common.seeding import mix, reseed
    from ganzoo.training.recipe_cli import RecipeCLI

    with tempfile.TemporaryDirectory() as folder:
        words = [*task.overrides, "--model.init_args.lr_factor=null", "--trainer.precision=32-true", f"--runs={folder}"]
        more = ["--trainer.max_steps=3", "--trainer.logger=false", "--trainer.limit_val_batches=0"]
        words += [*more, "--trainer.enable_progress_bar=false"]
        cli = RecipeCLI(["--config", str(find_recipe(task.recipe)), *words], task.recipe, run=False)
        cli.datamodule.setup("fit")
        images = cli.datamodule.split("train")[0]
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(mix(0, 0)))
        theirs = Resident(
            task, cli.model, images, "32-true", lambda n: reseed(mix(0, 0, n), torch.device("cpu")), order
        )
        steps = theirs.steps()
        for _ in range(3):
            next(steps)
        cli.trainer.fit(cli.model, cli.datamodule)
    pairs = [(cli.model.generator, theirs.generator), (cli.model.discriminator, theirs.discriminator)]
    pairs.append((cli.model.averaged("generator"), theirs.average))
    return max(difference(ours, others) for ours, others in pairs)


class Runner:
    """A system in a process of its own, told when to run a segment."""

    def __init__(self, target: Any, task: Task) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(task, theirs), daemon=False)
        self.process.start()

    def segment(self) -> tuple[float, float, dict[str, float]]:
        """Runs one segment; returns its seconds, the process's peak memory in MB, and profiled actions."""
        self.pipe.send("go")
        while not self.pipe.poll(1):
            if not self.process.is_alive():
                raise SystemExit(f"{self.process.name} died")
        return self.pipe.recv()

    def stop(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.join()


def measure(task: Task, systems: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """Alternates the systems for so many rounds, after one that does not count."""
    runners = {name: Runner(globals()[name], task) for name in systems}
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    memory = dict.fromkeys(systems, 0.0)
    for turn in range(rounds + 1):
        for name in systems if turn % 2 else reversed(systems):
            spent, memory[name], _ = runners[name].segment()
            if turn:
                seconds[name].append(spent)
    for runner in runners.values():
        runner.stop()
    result: dict[str, Any] = {
        name: {
            "ms_per_update": round(1000 * median(spent) / task.updates, 2),
            "updates_per_second": round(task.updates / median(spent), 3),
            "real_images_per_second": round(64 * task.n_critic * task.updates / median(spent), 1),
            "peak_memory_mb": round(memory[name]),
            "seconds": [round(s, 4) for s in spent],
        }
        for name, spent in seconds.items()
    }
    for other in set(systems) - {"ganzoo"}:
        ratios = sorted(ours / theirs for ours, theirs in zip(seconds["ganzoo"], seconds[other], strict=True))
        result[f"ganzoo/{other}"] = {
            "median": round(median(ratios), 3),
            "low": round(ratios[0], 3),
            "high": round(ratios[-1], 3),
        }
    return result


def shares(task: Task) -> dict[str, float]:
    """Returns the shares of a segment's time: data, D, G, logging and the rest."""
    runner = Runner(profiled, task)
    runner.segment()
    spent, _, actions = runner.segment()
    runner.stop()

    def total(*words: str) -> float:
        return sum(seconds for name, seconds in actions.items() if any(word in name for word in words))

    parts = {
        "data": total("train_dataloader_next"),
        "d": total("move/d"),
        "g": total("move/g"),
        "logging": total("TermLogger.on_train_batch_end", "Bar.on_train_batch_end", "SampleGrid.on_train_batch_end"),
    }
    return {name: round(part / spent, 4) for name, part in parts.items()} | {
        "rest": round(1 - sum(parts.values()) / spent, 4)
    }


def main() -> None:
    """Measures, prints, writes; with --guard only ganzoo against the careful loop."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help=", ".join(TASKS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--guard", type=float, help="fail when ganzoo's step costs more than this times the loop's")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    from ganzoo.common.hardware import hardware, precision, versions

    results = json.loads(args.out.read_text()) if args.out.is_file() else {}
    if args.guard:  # noise costs what digits cost, and needs no download
        os.environ["GANZOO_DATA"] = tempfile.mkdtemp()
        write_noise(Path(os.environ["GANZOO_DATA"]))
    for name in args.tasks:
        task = TASKS[name]
        apart = same_steps(task)
        print(f"{name}: weights apart by {apart:.1e} after 3 updates", flush=True)
        if apart > 1e-4:
            raise SystemExit(f"{name}: ganzoo and the loop do not take the same steps")
        if args.guard:
            guard(task, args.guard, args.rounds)
            continue
        found = measure(task, SYSTEMS, args.rounds)
        results[name] = {
            **{"hardware": hardware(), "threads": len(os.sched_getaffinity(0)), "versions": versions()},
            **{"precision": precision("cpu"), "apart_after_3_updates": apart, "batch": 64, "n_critic": task.n_critic},
            **found,
            "shares": shares(task),
        }
        print(json.dumps({k: v for k, v in results[name].items() if "/" in k or k == "shares"}, indent=1), flush=True)
        args.out.parent.mkdir(exist_ok=True)
        args.out.write_text(json.dumps(results, indent=1) + "\n")


def write_noise(root: Path, count: int = 6400) -> None:
    """Writes files in MNIST's format whose pictures are noise."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        shape = b"".join(n.to_bytes(4, "big") for n in (count, 28, 28))
        (folder / f"{split}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + shape + os.urandom(count * 28 * 28))
        labels = bytes(i % 10 for i in range(count))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + count.to_bytes(4, "big") + labels)


def guard(task: Task, most: float, rounds: int, attempts: int = 3) -> None:
    """Fails when the step is too dear; a busy machine gets another chance, a slower step does not pass three times."""
    for _ in range(attempts):
        ratio = measure(task, ("ganzoo", "resident"), rounds)["ganzoo/resident"]["median"]
        print(f"ganzoo / careful loop: {ratio:.3f} (at most {most})", flush=True)
        if ratio <= most:
            return
    raise SystemExit(1)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
