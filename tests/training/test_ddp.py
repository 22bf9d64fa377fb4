"""Two processes on the CPU, started by Lightning, which runs this very file as a script."""

import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import two_processes
from coders import IMAGES
from commands import DIGITS, process
from domains import Bars, dann
from enlargers import EVERY as ENLARGERS
from enlargers import ramps
from growers import grower
from projecting import projected_gan
from shades import Shades
from tiny import Each, Labelled, Told, began, conv, digits, fit, mlp, points
from torch import Tensor
from torch.optim import SGD
from transformers import transgan, vitgan
from translators import Shifts, pix2pix

from ganzoo.games.ema import Averaging
from ganzoo.games.gan import GAN
from ganzoo.games.growth import Growth
from ganzoo.games.move import AdversarialMove
from ganzoo.games.players import Terms
from ganzoo.losses.penalties import input_gradient
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.training.callbacks.keep import Last

PAIRED = {"pix2pix": (pix2pix, Shifts), "dann": (dann, Bars)}
TRANSFORMERS = {"transgan": transgan, "vitgan": vitgan}


class Heard(WGANGP):
    """Keeps the noise that it drew."""

    def latent(self, n: int, seed: int | None = None) -> Tensor:
        z = super().latent(n, seed)
        self.drawn = [*getattr(self, "drawn", []), z]
        return z


class Penalised(Told):
    """Differentiates twice, as gradient penalties do, at points that are not random either.

    Keeps which of its backward passes exchanged gradients.
    """

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        if self.trainer.world_size > 1:
            self.exchanged = [*getattr(self, "exchanged", []), self.trainer.strategy.model.require_backward_grad_sync]
        super().manual_backward(loss, *args, **kwargs)

    def d_loss(self, x: Tensor, y: Tensor | None, move: AdversarialMove) -> Terms:
        return {**super().d_loss(x, y, move), "gp": input_gradient(move.judge, x, y).square().sum(1).mean()}


class Pictures(Labelled):
    """64 pictures of noise, each labelled by its place."""

    shape = (1, 16, 16)

    def load(self, split: str) -> tuple[Tensor, Tensor]:
        return torch.rand(64, *self.shape, generator=torch.Generator().manual_seed(1)) * 2 - 1, torch.arange(64)


def told() -> GAN:
    """A game without any randomness of its own, trained by plain gradient descent, so that gradients' scale shows."""
    return mlp(Told, optimizer=SGD, g_lr=0.5, d_lr=0.5, n_critic=2)


def penalised(accumulate: int = 1) -> GAN:
    """The same with a convolutional critic, normalised within each picture, that is penalised."""
    torch.manual_seed(0)
    generator = MLPGenerator([1, 16, 16], latent_dim=4, hidden=(16,))
    critic = DCGANDiscriminator(16, 1, width=8, norm="layer")
    return Penalised(generator, critic, optimizer=SGD, g_lr=1.0, d_lr=0.1, n_critic=2, accumulate=accumulate)


def main(folder: Path) -> None:
    """Trains two games in both processes and writes what each of them ends with."""
    torch.set_num_threads(1)
    both = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
    exact = told()
    run = fit(folder, exact, Labelled(batch_size=16), 5, **both)
    parts = penalised(accumulate=2)
    fit(folder, parts, Pictures(batch_size=16), 5, **both)
    torch.manual_seed(run.global_rank)  # what a process was seeded with does not matter
    heard = conv(Heard, dropout=0.3, n_critic=2, augment="translation")
    run = fit(folder, heard, digits(batch_size=64, flip=True), 5, Last(), **both)
    balanced = began(lambda_k=0.5, gamma=1.0)
    fit(folder, balanced, digits(batch_size=32), 4, **both)
    coders = {name: make(lr=1e-2) for name, make in IMAGES.items()}
    for model in coders.values():
        fit(folder, model, digits(batch_size=64), 4, **both)
    enlargers = {name: make() for name, make in ENLARGERS.items()}
    for enlarger in enlargers.values():
        fit(folder, enlarger, ramps(), 3, **both)
    paired = {name: make() for name, (make, _) in PAIRED.items()}
    for name, (_, data) in PAIRED.items():
        fit(folder, paired[name], data(batch_size=4), 3, **both)
    grown = grower(Growth([4, 8], fade=200, stable=100, batch_sizes=[25, 10]), ema=Averaging(half_life=100))
    fit(folder, grown, digits(batch_size=50), 12, **both)
    projected = projected_gan()
    fit(folder, projected, Shades(batch_size=10), 2, **both)
    transformers = {name: make() for name, make in TRANSFORMERS.items()}
    for model in transformers.values():
        fit(folder, model, digits(batch_size=16), 2, **both)
    stopped = mlp()

    def interrupt(trainer, model):
        if trainer.global_rank == 1 and model.batches == 3:
            signal.raise_signal(signal.SIGINT)

    (folder / "stopped").mkdir(exist_ok=True)
    fit(folder / "stopped", stopped, points(batch_size=16), 50, Each(interrupt), Last(), **both)
    ending = {
        "stopped": stopped.batches,
        "exact": exact.state_dict(),
        "parts": parts.state_dict(),
        "exchanged": parts.exchanged,
        "heard": heard.state_dict(),
        "balanced": balanced.state_dict(),
        "grown": grown.state_dict(),
        "projected": projected.state_dict(),
        "growth": (grown.images, tuple(grown.stage)),
        **{name: model.state_dict() for name, model in (coders | enlargers | paired | transformers).items()},
        "noise": torch.stack(heard.drawn),
        "counts": (run.world_size, run.global_step, heard.batches, heard.images),
    }
    torch.save(ending, folder / f"{run.global_rank}.pt")


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """What either process ends with, and their folder."""
    folder = tmp_path_factory.mktemp("ddp")
    return two_processes.endings(__file__, folder), folder


def test_counts_are_those_of_one_process_and_images_of_both(endings):
    for ending in endings[0]:
        assert ending["counts"] == (2, 5, 10, 10 * 2 * 64)


def test_growth_counts_the_images_of_both(endings):
    for ending in endings[0]:
        assert ending["growth"] == (2 * 2 * 25 + 10 * 2 * 10, (1, 8, 0.9))


def test_processes_end_with_identical_weights_and_averages(endings):
    one, other = endings[0]
    games = ("exact", "parts", "heard", "balanced", "grown", "projected", *IMAGES, *ENLARGERS, *PAIRED, *TRANSFORMERS)
    for game in games:
        assert one[game].keys() == other[game].keys()
        different = [name for name, tensor in one[game].items() if not torch.equal(tensor, other[game][name])]
        assert different == []


def test_players_are_kept_in_balance_by_what_all_processes_see(endings):
    assert endings[0][0]["balanced"]["k"] > 0


def test_the_gradient_is_the_mean_over_processes(endings, tmp_path):
    """Two processes with 16 points each take the steps of one with 32: no sum, no half of the data."""
    alone = told()
    start = {name: tensor.clone() for name, tensor in alone.state_dict().items()}
    fit(tmp_path, alone, Labelled(batch_size=32), 5)
    together = endings[0][0]["exact"]
    torch.testing.assert_close(together, dict(alone.state_dict()), rtol=1e-4, atol=1e-6)
    assert all((together[name] - start[name]).abs().max() > 1e-3 for name in start)


def test_accumulated_chunks_and_penalties_on_two_processes_take_the_steps_of_one(endings, tmp_path):
    """Two processes with two chunks of 8 pictures each take the steps of one with 32, averaged generator included."""
    alone = penalised()
    start = {name: tensor.clone() for name, tensor in alone.state_dict().items()}
    fit(tmp_path, alone, Pictures(batch_size=32), 5)
    together = endings[0][0]["parts"]
    torch.testing.assert_close(together, dict(alone.state_dict()), rtol=1e-4, atol=1e-6)
    assert all((together[name] - start[name]).abs().max() > 1e-3 for name in start)


def test_gradients_are_exchanged_once_a_move(endings):
    for ending in endings[0]:
        assert ending["exchanged"] == [False, True] * (10 + 5)  # the critic's moves and the generator's


def test_processes_draw_different_noise(endings):
    one, other = (ending["noise"] for ending in endings[0])
    assert len(one) == 10 + 5  # the critic's moves and the generator's
    both = torch.cat([one, other]).flatten(0, 1)
    assert len(both.unique(dim=0)) == len(both)


def test_the_checkpoint_is_that_of_one_process(endings):
    (one, _), folder = endings
    saved = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    assert saved.keys() == one["heard"].keys()
    assert all(torch.equal(saved[name], tensor) for name, tensor in one["heard"].items())


def test_a_signal_to_one_process_stops_both_after_the_same_batch(endings):
    assert [ending["stopped"] for ending in endings[0]] == [3, 3]
    assert torch.load(endings[1] / "stopped" / "last.ckpt", weights_only=True)["game"]["batches"] == 3


def test_the_command_line_trains_on_two_processes(tmp_path):
    """Everything that `ganzoo fit` adds has to agree across processes: folder, scores, pictures, export."""
    two = ("--trainer.devices", 2, "--trainer.max_steps", 4, "--runs", tmp_path)
    with process("-m", "ganzoo", "fit", *DIGITS, *two) as running:
        out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    assert out.startswith("2 x CPU")
    (run,) = (tmp_path / "wgan_gp_digits").iterdir()
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == 4
    assert {path.name for path in (run / "samples").iterdir()} == {"step_0000000.png", "step_0000004.png"}
    assert (run / "export" / "model.safetensors").is_file()


@pytest.mark.slow
def test_a_signal_to_the_whole_group_ends_both_when_one_has_saved(tmp_path):
    """As `timeout` and `scancel` send it: to either process, from outside and from Lightning's launcher."""
    endless = ("--trainer.max_steps", 10**6, "--save_every", 10**6, "--trainer.val_check_interval", 10**6)
    words = ("--trainer.devices", 2, *endless, "--trainer.enable_progress_bar", "false", "--runs", tmp_path)
    log = tmp_path / "wgan_gp_digits" / "version_0" / "metrics.csv"
    with process("-m", "ganzoo", "fit", *DIGITS, *words, start_new_session=True) as running:
        deadline = time.monotonic() + 240
        while not log.is_file() or log.read_text().count("\n") < 5:
            assert running.poll() is None, running.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGTERM)
        out, err = running.communicate(timeout=240)
    assert running.returncode == 143, err
    assert "Traceback" not in err
    step = torch.load(log.with_name("last.ckpt"), weights_only=True)["global_step"]
    assert f"last.ckpt holds step {step:,}" in out


@pytest.mark.slow
def test_processes_of_a_cluster_agree_on_the_run_without_asking(tmp_path):
    """As torchrun and `srun` start them: two machines with one process each, here on one machine."""
    words = ("-m", "ganzoo", "fit", *DIGITS, "--trainer.num_nodes", 2, "--trainer.devices", 1, "--runs", tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slurm = {"NTASKS": 2, "NNODES": 2, "NTASKS_PER_NODE": 1, "JOB_ID": 7, "JOB_NAME": "train", "NODELIST": "localhost"}
    slurm = {f"SLURM_{name}": str(fact) for name, fact in slurm.items()} | {"MASTER_ADDR": "127.0.0.1"}
    slurm["MASTER_PORT"] = str(port)

    def job(*more, status=0):
        """Runs both processes of a job, and returns what the first one says."""
        ranks = [{"SLURM_PROCID": str(rank), "SLURM_NODEID": str(rank), "SLURM_LOCALID": "0"} for rank in (0, 1)]
        running = [process(*words, *more, env=slurm | rank) for rank in ranks]
        said = [one.communicate(timeout=240) for one in running]
        assert [one.returncode for one in running] == [status, status], said
        return "".join(said[0])

    assert job("--trainer.max_steps", 2).startswith("2 x CPU")
    run = tmp_path / "wgan_gp_digits" / "job_7"
    assert [path.name for path in run.parent.iterdir()] == ["job_7"]
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == 2
    assert "holds a run" in job("--trainer.max_steps", 4, status=2)  # a job that is put into the queue again
    assert "2 of 4 generator steps" in job("--trainer.max_steps", 4, "--ckpt_path", "last", "--version", "job_7")
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == 4


if __name__ == "__main__":
    main(Path(sys.argv[1]))
