"""The benchmark of steps: its hand-written games take ganzoo's very steps, on tiny networks."""

from dataclasses import replace

import pytest
from benchmark import TREE, load_benchmark
from idx import write_cifar10
from picture_folders import paint

SMALL_D = ["--model.discriminator.base=64", "--model.discriminator.largest=8"]
TINY = {
    "sagan": ["--model.generator.width=16", "--model.discriminator.width=8"],
    "biggan": ["--model.generator.width=4", "--model.discriminator.width=4", "--model.generator.shared_dim=16"],
    "progan": ["--model.generator.base=64", "--model.generator.largest=8", *SMALL_D],
    "stylegan": ["--model.generator.base=64", "--model.generator.largest=8", *SMALL_D],
    "stylegan2": [
        *("--model.generator.base=128", "--model.generator.largest=8", "--model.discriminator.base=128"),
        *("--model.discriminator.largest=8", "--model.r1_every=2", "--model.path_every=2"),
    ],
    "projected_gan": [
        *("--model.generator.width=2", "--model.discriminator.width=32", "--model.discriminator.mixing=4"),
        "--model.discriminator.resolution=64",
    ],
    "r3gan": [
        *("--model.generator.widths=[8,8,8,8]", "--model.generator.groups=[2,2,2,2]"),
        *("--model.discriminator.widths=[8,8,8,8]", "--model.discriminator.groups=[2,2,2,2]"),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_the_hand_written_step_is_ganzoos(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TREE / "benchmarks"))
    steps = load_benchmark("steps")
    monkeypatch.setenv("GANZOO_DATA", str(write_cifar10(tmp_path, 24, monkeypatch)))
    pictures = [f"--data.root={paint(tmp_path / 'faces')}"] if "faces" in steps.TASKS[name].recipe else []
    task = replace(steps.TASKS[name], period=2, segment=2)
    result = steps.measure(task, 2, "--data.batch_size=4", "--trainer.accelerator=cpu", *pictures, *TINY[name])
    assert result["apart"] < 1e-3
    assert result["memory_mb"]["loop"] > 0
    assert result["ganzoo/loop"]["low"] <= result["ganzoo/loop"]["median"] <= result["ganzoo/loop"]["high"]


def test_every_task_is_tried(monkeypatch):
    monkeypatch.syspath_prepend(str(TREE / "benchmarks"))
    assert TINY.keys() == load_benchmark("steps").TASKS.keys()
