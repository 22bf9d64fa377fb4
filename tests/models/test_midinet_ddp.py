"""MidiNet in two processes, which have the same weights in the end."""

import sys
from pathlib import Path

import torch
import two_processes
from tiny import fit
from tunes import write_chorales

from ganzoo.data import Chorales
from ganzoo.models.midinet import MidiNet
from ganzoo.networks.midinet import MidiNetDiscriminator, MidiNetGenerator


def train(folder: Path) -> None:
    """Trains on two devices, and saves what this process ends with."""
    torch.manual_seed(0)
    write_chorales(folder / "data")
    model = MidiNet(MidiNetGenerator(hidden=16, width=8), MidiNetDiscriminator(width=6, hidden=16))
    data = Chorales(str(folder / "data"), keys=1, batch_size=8)
    run = fit(folder, model, data, 3, devices=2, strategy="ddp_find_unused_parameters_true")
    torch.save(model.state_dict(), folder / f"{run.global_rank}.pt")


def test_two_processes_end_in_the_same_weights(tmp_path):
    (tmp_path / "data").mkdir()
    first, second = two_processes.endings(__file__, tmp_path)
    assert first.keys() == second.keys()
    drifting = {name for name in first if not torch.equal(first[name], second[name])}
    assert all("running" in name for name in drifting), drifting


if __name__ == "__main__":
    train(Path(sys.argv[1]))
