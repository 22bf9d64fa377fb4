"""Video prediction in two processes, which have the same weights in the end."""

import sys
from pathlib import Path

import torch
import two_processes
from clips import next_squares, video_prediction
from tiny import fit


def train(folder: Path) -> None:
    """Trains on two devices, and saves what this process ends with."""
    data = next_squares(batch_size=4, patch=8)
    run = fit(folder, video_prediction(patch=8), data, 3, devices=2, strategy="ddp_find_unused_parameters_true")
    torch.save(run.lightning_module.state_dict(), folder / f"{run.global_rank}.pt")


def test_two_processes_end_in_the_same_weights(tmp_path):
    first, second = two_processes.endings(__file__, tmp_path)
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


if __name__ == "__main__":
    train(Path(sys.argv[1]))
