"""CycleGAN in two processes on the CPU, started by Lightning, which runs this very file as a script."""

import sys
from pathlib import Path

import pytest
import torch
import two_processes
from equality import alike
from tiny import fit, trainer
from translators import Blobs, cyclegan

from ganzoo.training.callbacks.keep import Last


def game():
    """Its learning rates stay, so that a shorter run is the beginning of a longer one."""
    return cyclegan(pool=6, lr_factor=None)


def main(folder: Path) -> None:
    """Trains at one go, and in two; writes what each process ends with, and what its pool held before each batch."""
    torch.set_num_threads(1)
    both = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
    whole, held = game(), []
    loss = whole.d_loss
    whole.d_loss = lambda x, y, move: (held.append(whole.pool.images.clone()), loss(x, y, move))[1]
    run = fit(folder / "whole", whole, Blobs(batch_size=2), 6, **both)
    fit(folder / "part", game(), Blobs(batch_size=2), 4, Last(), **both)
    rest = game()
    trainer(folder / "rest", max_steps=6, **both).fit(
        rest, Blobs(batch_size=2), ckpt_path=folder / "part" / "last.ckpt"
    )
    ending = {"whole": dict(whole.state_dict()), "rest": dict(rest.state_dict()), "held": held}
    torch.save(ending, folder / f"{run.global_rank}.pt")


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """What either process ends with."""
    return two_processes.endings(__file__, tmp_path_factory.mktemp("ddp"))


def test_processes_hold_the_same_pool_at_every_batch_and_end_alike(endings):
    assert alike(endings[0]["held"], endings[1]["held"])
    assert not alike(endings[0]["held"][-1], endings[0]["held"][0])
    assert alike(endings[0]["whole"], endings[1]["whole"])


def test_a_stopped_run_resumes_exactly(endings):
    for ending in endings:
        assert alike(ending["rest"], ending["whole"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
