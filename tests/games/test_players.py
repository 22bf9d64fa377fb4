"""Lazy regularisers: players that share an optimizer every k-th batch, corrected as StyleGAN2 corrects it."""

import pytest
import torch
from commands import ganzoo
from equality import alike
from short_recipes import TOY
from tiny import Each, conv, digits, fit, mlp, points, trainer
from torch import nn
from torch.optim import SGD, Adam

from ganzoo.games.players import Player, correct_for_lazy, lazy_player
from ganzoo.games.schedules import Schedule
from ganzoo.models.gan import VanillaGAN
from ganzoo.stabilisers import R1
from ganzoo.training.callbacks.keep import Last


class Lengths(VanillaGAN):
    """A game whose generator is held to short steps by a lazy player, as path length regularisation is."""

    every = 4

    def players(self):
        d, g = super().players()
        return d, g, lazy_player("g_reg", g, self.lengths, self.every)

    def lengths(self, x, y, move):
        z = self.latent(4).requires_grad_()
        (slope,) = torch.autograd.grad(self.generate(self.generator, z, None).sum(), z, create_graph=True)
        return {"length": self.every * slope.square().mean()}


def adam(lr, betas, every):
    """An optimizer of one number, corrected."""
    optimizer = Adam([nn.Parameter(torch.ones(1))], lr, betas)
    correct_for_lazy(optimizer, every)
    return optimizer.param_groups[0]


def test_corrected_settings_are_those_of_stylegan2():
    """The published settings of its CIFAR-10 configuration: lr 0.0025, betas (0, 0.99)."""
    discriminator, generator = adam(0.0025, (0.0, 0.99), 16), adam(0.0025, (0.0, 0.99), 4)
    assert discriminator["lr"] == pytest.approx(0.00235294, abs=5e-9)
    assert discriminator["betas"] == (0, pytest.approx(0.9905855, abs=5e-8))
    assert generator["lr"] == pytest.approx(0.002, abs=1e-12)
    assert generator["betas"] == (0, pytest.approx(0.9919920, abs=5e-8))


def test_an_optimizer_without_betas_is_corrected_in_its_rate_alone():
    optimizer = SGD([nn.Parameter(torch.ones(1))], 0.5, momentum=0.9)
    correct_for_lazy(optimizer, 4)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (0.4, 0.9)


def test_a_lazy_player_has_the_modules_and_the_optimizer_of_another():
    d = Player("d", [nn.Linear(1, 1)], lambda x, y, move: {}, Adam, after=print, counted=True)
    lazy = lazy_player("reg", d, lambda x, y, move: {}, 16)
    assert (lazy.modules, lazy.shares, lazy.every) == (d.modules, "d", 16)
    assert not lazy.counted
    assert lazy.after is None


def test_a_schedule_acts_on_the_corrected_rate(tmp_path):
    fall = Schedule([1, 0], [0, 1], "linear")
    model = mlp(stabilisers=[R1(1.0, every=4)], g_lr=1e-3, d_lr=2e-3, lr_factor=fall)
    seen = []

    def look(trainer, model):
        seen.append([optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers])

    fit(tmp_path, model, points(), 8, Each(look))
    assert seen[3] == pytest.approx([2e-3 * 4 / 5 / 2, 1e-3 / 2])
    assert seen[7] == [0, 0]


def test_main_and_lazy_steps_share_moments_and_only_main_moves_of_the_generator_count(tmp_path):
    model = mlp(Lengths)
    run = fit(tmp_path, model, points(), 8)
    d, g = run.optimizers  # two players, and a third that shares
    assert run.global_step == 8
    steps = lambda optimizer: {state["step"].item() for state in optimizer.state.values()}  # noqa: E731
    assert steps(d) == {8}
    assert steps(g) == {8 + 8 / 4, 8}  # the last bias, which no slope depends on, has no lazy steps
    assert g.param_groups[0]["lr"] == pytest.approx(2e-4 * 4 / 5)
    assert d.param_groups[0]["lr"] == 2e-4
    assert "g_reg/length" in model.notes.means()


def test_a_lazy_step_moves_its_own_network_alone(tmp_path):
    moved = {}

    class Watched(Lengths):
        def play(self, player, x, y):
            before = {
                name: [p.clone() for p in getattr(self, name).parameters()] for name in ("generator", "discriminator")
            }
            notes = super().play(player, x, y)
            moved[player.name] = {
                name
                for name, old in before.items()
                if not all(a.equal(b) for a, b in zip(old, getattr(self, name).parameters(), strict=True))
            }
            return notes

    fit(tmp_path, mlp(Watched), points(), 4)
    assert moved == {"d": {"discriminator"}, "g": {"generator"}, "g_reg": {"generator"}}


def run(folder, model, steps, ckpt_path=None):
    """Trains on digits and returns what `last.ckpt` holds."""
    trainer(folder, Last(), max_steps=steps).fit(model, digits(), ckpt_path=ckpt_path)
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    return {key: checkpoint[key] for key in ("global_step", "state_dict", "optimizer_states", "game")}


@pytest.mark.parametrize("make", [lambda: conv(Lengths), lambda: conv(stabilisers=[R1(1.0, every=4)])])
def test_a_run_stopped_between_lazy_steps_resumes_exactly(tmp_path, make):
    whole = run(tmp_path / "whole", make(), 9)
    part = run(tmp_path / "part", make(), 6)
    assert part["game"]["waited"]["g_reg" if "g_reg" in part["game"]["waited"] else "r1"] == 2
    assert alike(run(tmp_path / "rest", make(), 9, tmp_path / "part" / "last.ckpt"), whole)


def test_a_recipe_penalises_lazily(tmp_path):
    (tmp_path / "lazy.yaml").write_text(TOY)
    words = [
        "--recipe",
        tmp_path / "lazy.yaml",
        "--runs",
        tmp_path / "runs",
        "--model.stabilisers+=ganzoo.stabilisers.R1",
    ]
    answer = ganzoo(
        "fit", *words, "--model.stabilisers.every=3", "--trainer.max_steps=6", "--trainer.log_every_n_steps=3"
    )
    assert answer.status == 0, answer.err
    last = torch.load(tmp_path / "runs" / "lazy" / "version_0" / "last.ckpt", weights_only=True)
    d, g = last["optimizer_states"]
    assert {state["step"].item() for state in d["state"].values()} == {
        6 + 2,
        6,
    }  # the last bias has no part in the penalty
    assert d["param_groups"][0]["lr"] == pytest.approx(2e-4 * 3 / 4)
    assert d["param_groups"][0]["betas"] == pytest.approx([0.5**0.75, 0.999**0.75])
    assert g["param_groups"][0]["lr"] == 2e-4
    assert "r1/r1" in (tmp_path / "runs" / "lazy" / "version_0" / "metrics.csv").read_text()
