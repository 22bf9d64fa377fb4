"""GANsformer in two processes, whose weights are the same in the end."""

import sys
from pathlib import Path

import torch
import two_processes
from attending import gansformer
from tiny import digits, fit


def train(folder: Path) -> None:
    """Trains on two devices, lazy penalties of both networks among the steps, and saves what this process ends with."""
    model = gansformer("carried", r1_every=2, path_weight=2.0, path_every=2)
    run = fit(folder, model, digits(batch_size=20), 3, devices=2, strategy="ddp_find_unused_parameters_true")
    torch.save(model.state_dict(), folder / f"{run.global_rank}.pt")


def test_two_processes_end_in_the_same_weights(tmp_path):
    first, second = two_processes.endings(__file__, tmp_path)
    assert first.keys() == second.keys()
    drifting = {name for name in first if not torch.equal(first[name], second[name])}
    assert drifting <= {name for name in first if name.endswith("w_mean") or name == "stabilisers.1.mean"}, drifting


if __name__ == "__main__":
    train(Path(sys.argv[1]))
