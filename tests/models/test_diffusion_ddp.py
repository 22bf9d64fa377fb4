"""Noise of a chain that grows, and a chain of denoising steps, in two processes, which stay alike."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import two_processes
from chains import ddgan, noisy
from tiny import Each, digits, fit


def train(folder: Path) -> None:
    """Trains on two devices and saves what this process has had, batch by batch, and ends with."""
    both = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
    growing, seen = noisy(), []
    look = Each(lambda run, model: seen.append([*(b.clone() for b in model.stabilisers[0].buffers())]))
    run = fit(folder, growing, digits(batch_size=32), 5, look, **both)
    walking = ddgan(r1_every=2)
    fit(folder, walking, digits(batch_size=16), 3, **both)
    ending = {"seen": seen, "growing": growing.state_dict(), "walking": walking.state_dict()}
    torch.save(ending, folder / f"{run.global_rank}.pt")


def test_two_processes_have_the_same_chains_all_along_and_the_same_weights(tmp_path):
    first, second = two_processes.endings(__file__, tmp_path)
    pools = []
    for one, other in zip(first["seen"], second["seen"], strict=True):
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))
        pools.append(next(buffer for buffer in one if buffer.dtype == torch.long))
    assert [torch.equal(before, after) for before, after in pairwise(pools)] == [False, True] * 2
    assert first["growing"]["stabilisers.0.p"] == pytest.approx(2 * 2 * 2 * 32 / 400)  # two intervals of two steps
    for game in ("growing", "walking"):
        assert first[game].keys() == second[game].keys()
        assert all(torch.equal(tensor, second[game][name]) for name, tensor in first[game].items())


if __name__ == "__main__":
    train(Path(sys.argv[1]))
