"""Each objective against a value worked out by hand or by PyTorch, and against one thing that must always hold."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganzoo import losses
from ganzoo.losses import OBJECTIVES

REAL = torch.tensor([2.0, -1.0, 0.5])
FAKE = torch.tensor([-3.0, 0.0, 1.5])
ONES, ZEROS = torch.ones(3), torch.zeros(3)


def gradient(loss, logits):
    logits = torch.as_tensor(logits, dtype=torch.float).requires_grad_()
    return torch.autograd.grad(loss(logits), logits)[0]


def test_logistic_losses_are_cross_entropies():
    expected = cross_entropy(REAL, ONES) + cross_entropy(FAKE, ZEROS)
    torch.testing.assert_close(losses.logistic_d(REAL, FAKE), expected)
    torch.testing.assert_close(losses.nonsaturating_g(FAKE), cross_entropy(FAKE, ONES))
    torch.testing.assert_close(losses.minimax_g(FAKE), -cross_entropy(FAKE, ZEROS))


def test_a_discriminator_that_cannot_tell_pays_log_4():
    assert losses.logistic_d(ZEROS, ZEROS).item() == pytest.approx(math.log(4))


def test_logistic_losses_survive_extreme_logits():
    far = torch.tensor([1e4])
    assert losses.logistic_d(-far, far).item() == pytest.approx(2e4)
    assert losses.logistic_d(far, -far).item() == 0
    assert losses.nonsaturating_g(-far).item() == pytest.approx(1e4)


def test_minimax_gradient_vanishes_where_the_nonsaturating_one_does_not():
    assert gradient(losses.minimax_g, [-20.0]).abs() < 1e-8
    assert gradient(losses.nonsaturating_g, [-20.0]).item() == pytest.approx(-1)


def test_wasserstein_by_hand():
    assert losses.wasserstein_d(REAL, FAKE).item() == pytest.approx(-0.5 - 0.5)
    assert losses.wasserstein_g(FAKE).item() == pytest.approx(0.5)


def test_wasserstein_ignores_a_constant_added_to_the_critic():
    torch.testing.assert_close(losses.wasserstein_d(REAL + 7, FAKE + 7), losses.wasserstein_d(REAL, FAKE))


def test_hinge_by_hand():
    assert losses.hinge_d(REAL, FAKE).item() == pytest.approx((0 + 2 + 0.5) / 3 + (0 + 1 + 2.5) / 3)
    assert losses.hinge_g(FAKE).item() == pytest.approx(0.5)


def test_hinge_is_flat_beyond_its_margins():
    far_real, far_fake = torch.tensor([1.0, 5.0]), torch.tensor([-1.0, -9.0])
    assert losses.hinge_d(far_real, far_fake) == 0
    assert gradient(lambda real: losses.hinge_d(real, FAKE), [1.1, 0.9]).tolist() == [0, -0.5]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_players_pull_logits_apart_and_generator_pulls_back(name):
    objective = OBJECTIVES[name]
    logits = [-0.5, 0.0, 0.5]
    assert (gradient(lambda real: objective.d(real, FAKE), logits) < 0).all()
    assert (gradient(lambda fake: objective.d(REAL, fake), logits) > 0).all()
    assert (gradient(objective.g, logits) < 0).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_means_over_any_shape(name):
    objective, maps = OBJECTIVES[name], torch.randn(2, 1, 4, 4)
    for loss in (objective.d(maps, -maps), objective.g(maps)):
        assert loss.shape == ()
    twice = torch.cat([maps, maps])
    torch.testing.assert_close(objective.d(twice, -twice), objective.d(maps, -maps))
    torch.testing.assert_close(objective.g(twice), objective.g(maps))
