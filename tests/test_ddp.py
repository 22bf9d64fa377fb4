"""Two processes on the CPU, started by Lightning, which runs this very file as a script."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import DIGITS, process
from tiny import Labelled, Told, conv, digits, fit, mlp
from torch import Tensor
from torch.optim import SGD

from ganzoo.callbacks.keep import Last
from ganzoo.gan import GAN
from ganzoo.models.wgan_gp import WGANGP


class Heard(WGANGP):
    """Keeps the noise that it drew."""

    def latent(self, n: int, seed: int | None = None) -> Tensor:
        z = super().latent(n, seed)
        self.drawn = [*getattr(self, "drawn", []), z]
        return z


def told() -> GAN:
    """A game without any randomness of its own, trained by plain gradient descent, so that gradients' scale shows."""
    return mlp(Told, optimizer=SGD, g_lr=0.5, d_lr=0.5, n_critic=2)


def main(folder: Path) -> None:
    """Trains two games in both processes and writes what each of them ends with."""
    torch.set_num_threads(1)
    both = {"devices": 2, "strategy": "ddp_find_unused_parameters_true"}
    exact = told()
    run = fit(folder, exact, Labelled(batch_size=16), 5, **both)
    torch.manual_seed(run.global_rank)  # what a process was seeded with does not matter
    heard = conv(Heard, dropout=0.3, n_critic=2, augment="translation")
    run = fit(folder, heard, digits(batch_size=64, flip=True), 5, Last(), **both)
    ending = {
        "exact": exact.state_dict(),
        "heard": heard.state_dict(),
        "noise": torch.stack(heard.drawn),
        "counts": (run.world_size, run.global_step, heard.batches, heard.images),
    }
    torch.save(ending, folder / f"{run.global_rank}.pt")


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    """What either process ends with, and their folder."""
    folder = tmp_path_factory.mktemp("ddp")
    done = subprocess.run([sys.executable, __file__, folder], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)], folder


def test_counts_are_those_of_one_process_and_images_of_both(endings):
    for ending in endings[0]:
        assert ending["counts"] == (2, 5, 10, 10 * 2 * 64)


def test_processes_end_with_identical_weights_and_averages(endings):
    one, other = endings[0]
    for game in ("exact", "heard"):
        assert one[game].keys() == other[game].keys()
        different = [name for name, tensor in one[game].items() if not torch.equal(tensor, other[game][name])]
        assert different == []


def test_the_gradient_is_the_mean_over_processes(endings, tmp_path):
    """Two processes with 16 points each take the steps of one with 32: no sum, no half of the data."""
    alone = told()
    start = {name: tensor.clone() for name, tensor in alone.state_dict().items()}
    fit(tmp_path, alone, Labelled(batch_size=32), 5)
    together = endings[0][0]["exact"]
    torch.testing.assert_close(together, dict(alone.state_dict()), rtol=1e-4, atol=1e-6)
    assert all((together[name] - start[name]).abs().max() > 1e-3 for name in start)


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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
