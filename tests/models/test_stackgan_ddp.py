"""StackGAN in two processes, which have the same weights in the end, the text encoder's among them."""

import sys
from pathlib import Path

import torch
import two_processes
from captioned import captioned, first_stage
from tiny import fit


def train(folder: Path) -> None:
    """Trains on two devices, and saves what this process ends with."""
    data = captioned(folder / "data", batch_size=4)
    run = fit(folder, first_stage(), data, 3, devices=2, strategy="ddp_find_unused_parameters_true")
    torch.save(run.lightning_module.state_dict(), folder / f"{run.global_rank}.pt")


def test_two_processes_end_in_the_same_weights(tmp_path):
    captioned(tmp_path / "data")
    first, second = two_processes.endings(__file__, tmp_path)
    assert first.keys() == second.keys()
    drifting = {name for name in first if not torch.equal(first[name], second[name])}
    assert all("running" in name and "encoder" not in name.split(".")[0] for name in drifting), drifting
    assert first["encoder.filled"] == 1


if __name__ == "__main__":
    train(Path(sys.argv[1]))
