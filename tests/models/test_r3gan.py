"""R3GAN: both penalties in every step, pairs of one class, and what changes over the run."""

import pytest
import torch
from moves import in_move
from tiny import Each, fit, mlp, points
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.schedules import Schedule
from ganzoo.models.r3gan import R3GAN, ramp


class Parabola(nn.Module):
    """Has the slope 3 x_0."""

    def forward(self, x):
        return 1.5 * x[:, 0] ** 2


def test_a_constant_discriminator_costs_log_2_on_either_side():
    model, x = mlp(R3GAN), torch.randn(6, 2)
    model.logits = lambda output, view: 0 * output + 7
    d, g = in_move(model.d_loss, x), in_move(model.g_loss, x)
    assert d["adv"].item() == g["adv"].item() == pytest.approx(torch.log(torch.tensor(2.0)).item())
    assert d["r1"] == d["r2"] == 0


def test_both_penalties_are_half_the_mean_squared_slope_times_gamma():
    model, x = mlp(R3GAN, gamma=0.4), torch.randn(6, 2)
    model.discriminator = Parabola()
    model.fake = lambda n, y=None: -2 * x
    terms = in_move(model.d_loss, x)
    for name, at in (("r1", x), ("r2", -2 * x)):
        assert terms[name].item() == pytest.approx(0.4 / 2 * (3 * at[:, 0]).square().mean().item())


def test_rates_moments_and_penalties_change_along_half_a_wave(tmp_path):
    assert [ramp(0.05, 0.005)(at) for at in (0, 0.04, 0.08, 1)] == pytest.approx([0.05, 0.0275, 0.005, 0.005])
    options = {"beta2": Schedule([0.9, 0.99], [0, 1], "cosine"), "lr_factor": Schedule([1, 0.25], [0, 1], "cosine")}
    model, seen = mlp(R3GAN, **options), []
    look = Each(
        lambda run, _: seen.append([(o.param_groups[0]["betas"], o.param_groups[0]["lr"]) for o in run.optimizers])
    )
    fit(tmp_path, model, points(), 4, look)
    assert {betas[0] for batch in seen for betas, _ in batch} == {0.0}
    second = [batch[0][0][1] for batch in seen]
    assert second[0] == pytest.approx(0.9)
    assert second == sorted(second)
    assert second[-1] > 0.95
    assert seen[-1][1][1] == pytest.approx(2e-4 * 0.25)


def test_what_a_recording_would_not_see_is_refused():
    with pytest.raises(GanzooError, match="a recorded move does not see beta2 change"):
        mlp(R3GAN, capture=True)
    mlp(R3GAN, capture=True, beta2=0.99)
