"""StyleGAN2 with all that it may have beside it, in two processes, which have the same weights in the end."""

import sys
from pathlib import Path

import torch
import two_processes
from shades import Shades
from tiny import fit

from ganzoo.models.stylegan2 import StyleGAN2
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from ganzoo.stabilisers import ADA, SAN


def train(folder: Path) -> None:
    """Trains on two devices, lazy penalties of both networks among the steps, and saves what this process ends with."""
    torch.manual_seed(0)
    networks = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8), StyleGAN2Discriminator(32, 3, 64, 8, group=2)
    ada = ADA(-2.0, 200, 2, filtered=True, hue=True, luma_flip=True)
    model = StyleGAN2(*networks, r1_every=2, path_every=2, stabilisers=[ada, SAN()])
    run = fit(folder, model, Shades(batch_size=4), 3, devices=2, strategy="ddp_find_unused_parameters_true")
    torch.save(model.state_dict(), folder / f"{run.global_rank}.pt")


def test_two_processes_end_in_the_same_weights(tmp_path):
    first, second = two_processes.endings(__file__, tmp_path)
    assert first.keys() == second.keys()
    drifting = {name for name in first if not torch.equal(first[name], second[name])}
    assert drifting <= {name for name in first if name.endswith("w_mean") or name == "stabilisers.1.mean"}, drifting
    assert first["stabilisers.2.p"] == 4 * 2 * 2 / 200  # an interval of two steps of both processes


if __name__ == "__main__":
    train(Path(sys.argv[1]))
