"""What a stopped run leaves: a `last.ckpt` from which the very same steps follow, and that no NaN gets into."""

import signal

import pytest
import torch
from chains import ddgan, noisy
from coders import aae, autoencoder, vae
from equality import alike
from tiny import Each, conv, digits, fit, mlp, points, trainer
from transformers import transgan, vitgan

from ganzoo.common.errors import GanzooError
from ganzoo.games.schedules import Schedule
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.wgan import WGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.stabilisers import SAN
from ganzoo.training.callbacks.keep import Last
from ganzoo.training.callbacks.progress import TermLogger

BATCHES = 10  # in an epoch of the digits
GAMES = {
    "critic ahead, lr decays": lambda: conv(WGANGP, n_critic=2, lr_factor=Schedule([1, 0], [0, 1], "linear")),
    "dropout, DiffAugment": lambda: conv(DCGAN, dropout=0.4, augment="color,translation,cutout", ema=0.9),
    "critic schedule, RMSprop": lambda: conv(WGAN, n_critic=Schedule([5, 2, 1], [0, 0.2, 0.5]), accumulate=2, ema=None),
    "a direction of unit length": lambda: conv(DCGAN, stabilisers=[SAN()]),
    "noise of a chain that grows": noisy,
    "a chain of denoising steps": lambda: ddgan(r1_every=3),
    "codes kept in turn": lambda: autoencoder(keep=1000, ema=0.9),
    "noise in the code, KL rises": lambda: vae(beta=Schedule([0, 1], [0, 1], "linear")),
    "one network, two optimizers": lambda: aae(lr_factor=Schedule([1, 0], [0, 1], "linear")),
    "transformers with noise, a larger batch": lambda: transgan(n_critic=2),
    "norms held at their first values, bCR": vitgan,
}


def run(folder, model, *callbacks, steps=12, ckpt_path=None, **options):
    """Trains on flipped digits and returns what `last.ckpt` holds."""
    trainer(folder, *callbacks, Last(), max_steps=steps, **options).fit(model, digits(flip=True), ckpt_path=ckpt_path)
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    return {key: checkpoint[key] for key in ("global_step", "state_dict", "optimizer_states", "lr_schedulers", "game")}


def strange(model):
    """Other weights everywhere, so that nothing fits that is not restored."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(1)
    return model


@pytest.mark.parametrize("name", GAMES)
def test_a_run_that_was_interrupted_ends_in_the_very_same_weights(tmp_path, name):
    make = GAMES[name]
    whole = run(tmp_path / "whole", make())
    assert whole["global_step"] == 12
    assert whole["game"]["batches"] > BATCHES  # in the second epoch
    for stop in (7, BATCHES, BATCHES + 1):

        def interrupt(trainer, model, stop=stop):
            if model.batches == stop:
                signal.raise_signal(signal.SIGINT)

        part = run(tmp_path / "part", make(), Each(interrupt))
        assert part["game"]["batches"] == stop
        assert not alike(part, whole)
        rest = run(tmp_path / "rest", strange(make()), ckpt_path=tmp_path / "part" / "last.ckpt")
        assert alike(rest, whole), f"stopped after batch {stop}"


def test_a_run_of_fewer_steps_can_be_continued(tmp_path):
    make = lambda: conv(WGANGP, n_critic=2)  # noqa: E731
    whole = run(tmp_path / "whole", make())
    assert run(tmp_path / "part", make(), steps=5)["global_step"] == 5
    assert alike(run(tmp_path / "rest", strange(make()), ckpt_path=tmp_path / "part" / "last.ckpt"), whole)


@pytest.mark.parametrize("steps", [BATCHES - 1, BATCHES])
def test_a_run_that_ended_with_a_validation_goes_on_in_the_same_epoch_or_the_next(tmp_path, steps):
    validated = {"limit_val_batches": 1, "val_check_interval": 11, "check_val_every_n_epoch": None}
    whole = run(tmp_path / "whole", conv(), **validated)
    assert run(tmp_path / "part", conv(), steps=steps, **validated)["global_step"] == steps
    rest = run(tmp_path / "rest", strange(conv()), ckpt_path=tmp_path / "part" / "last.ckpt", **validated)
    assert alike(rest, whole)


def test_last_is_written_every_so_often_and_at_the_end(tmp_path):
    seen = []

    def look(trainer, model):
        file = tmp_path / "last.ckpt"
        seen.append(torch.load(file, weights_only=True)["global_step"] if file.is_file() else 0)

    fit(tmp_path, mlp(n_critic=2), points(), 5, Each(look), Last(2))
    assert seen == [0, 0, 0, 0, 2, 2, 2, 2, 4, 4]
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 5


def test_ctrl_c_is_given_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    fit(tmp_path, mlp(), points(), 1, Last())
    assert signal.getsignal(signal.SIGINT) is before


class Breaks(VanillaGAN):
    """In its 4th batch a term of the discriminator's is NaN."""

    def d_loss(self, x, y, move):
        return {"bad": torch.tensor(0.0 if self.batches < 4 else float("nan")), **super().d_loss(x, y, move)}


class Hides(VanillaGAN):
    """In its 4th batch all terms are finite, but the gradient of the generator's is not."""

    def g_loss(self, x, y, move):
        root = (0 * next(self.generator.parameters()).sum()).abs().sqrt()
        return {"bad": root if self.batches == 4 else 0 * root.detach(), **super().g_loss(x, y, move)}


@pytest.mark.parametrize("log_every", [1, 50])
@pytest.mark.parametrize(("kind", "complaint"), [(Breaks, "d/bad is nan at step 4"), (Hides, "generator.* at step 4")])
def test_nan_stops_the_run_and_the_last_good_checkpoint_stays(tmp_path, log_every, kind, complaint):
    with pytest.raises(GanzooError, match=complaint) as error:
        fit(tmp_path, mlp(kind), points(), 9, TermLogger(), Last(1), log_every_n_steps=log_every)
    assert "\n" not in str(error.value)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 3
    assert all(tensor.isfinite().all() for tensor in checkpoint["state_dict"].values())
    rest = mlp()
    trainer(tmp_path, max_steps=5).fit(rest, points(), ckpt_path=tmp_path / "last.ckpt")
    assert rest.batches == 5
