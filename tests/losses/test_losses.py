"""Each objective against a value worked out by hand or by PyTorch, and against one thing that must always hold."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganzoo.losses import objectives
from ganzoo.losses.objectives import OBJECTIVES

REAL = torch.tensor([2.0, -1.0, 0.5])
FAKE = torch.tensor([-3.0, 0.0, 1.5])
ONES, ZEROS = torch.ones(3), torch.zeros(3)


def gradient(loss, logits):
    logits = torch.as_tensor(logits, dtype=torch.float).requires_grad_()
    return torch.autograd.grad(loss(logits), logits)[0]


def test_logistic_losses_are_cross_entropies():
    expected = cross_entropy(REAL, ONES) + cross_entropy(FAKE, ZEROS)
    torch.testing.assert_close(objectives.logistic_d(REAL, FAKE), expected)
    torch.testing.assert_close(objectives.nonsaturating_g(FAKE), cross_entropy(FAKE, ONES))
    torch.testing.assert_close(objectives.minimax_g(FAKE), -cross_entropy(FAKE, ZEROS))


def test_a_discriminator_that_cannot_tell_pays_log_4():
    assert objectives.logistic_d(ZEROS, ZEROS).item() == pytest.approx(math.log(4))


def test_logistic_losses_survive_extreme_logits():
    far = torch.tensor([1e4])
    assert objectives.logistic_d(-far, far).item() == pytest.approx(2e4)
    assert objectives.logistic_d(far, -far).item() == 0
    assert objectives.nonsaturating_g(-far).item() == pytest.approx(1e4)


def test_minimax_gradient_vanishes_where_the_nonsaturating_one_does_not():
    assert gradient(objectives.minimax_g, [-20.0]).abs() < 1e-8
    assert gradient(objectives.nonsaturating_g, [-20.0]).item() == pytest.approx(-1)


def test_wasserstein_by_hand():
    assert objectives.wasserstein_d(REAL, FAKE).item() == pytest.approx(-0.5 - 0.5)
    assert objectives.wasserstein_g(FAKE).item() == pytest.approx(0.5)


def test_wasserstein_ignores_a_constant_added_to_the_critic():
    torch.testing.assert_close(objectives.wasserstein_d(REAL + 7, FAKE + 7), objectives.wasserstein_d(REAL, FAKE))


def test_hinge_by_hand():
    assert objectives.hinge_d(REAL, FAKE).item() == pytest.approx((0 + 2 + 0.5) / 3 + (0 + 1 + 2.5) / 3)
    assert objectives.hinge_g(FAKE).item() == pytest.approx(0.5)


def test_hinge_is_flat_beyond_its_margins():
    far_real, far_fake = torch.tensor([1.0, 5.0]), torch.tensor([-1.0, -9.0])
    assert objectives.hinge_d(far_real, far_fake) == 0
    assert gradient(lambda real: objectives.hinge_d(real, FAKE), [1.1, 0.9]).tolist() == [0, -0.5]


def test_least_squares_by_hand():
    assert objectives.lsgan_d(REAL, FAKE).item() == pytest.approx(((1 + 4 + 0.25) + (9 + 0 + 2.25)) / 6)
    assert objectives.lsgan_g(FAKE).item() == pytest.approx((16 + 1 + 0.25) / 6)
    assert objectives.lsgan_d(REAL, FAKE, a=-1, b=1).item() == pytest.approx(((1 + 4 + 0.25) + (4 + 1 + 6.25)) / 6)
    assert objectives.lsgan_g(FAKE, c=0).item() == pytest.approx((9 + 0 + 2.25) / 6)


def test_least_squares_pull_fakes_from_both_sides():
    assert (gradient(objectives.lsgan_g, [-2.0, 1.0, 4.0]) * 3).tolist() == pytest.approx([-3, 0, 3])


def test_least_squares_only_know_how_far_scores_are_from_their_codes():
    moved = objectives.lsgan_d(REAL + 5, FAKE + 5, a=5, b=6), objectives.lsgan_g(FAKE + 5, c=6)
    torch.testing.assert_close(moved, (objectives.lsgan_d(REAL, FAKE), objectives.lsgan_g(FAKE)))


def test_relativistic_losses_are_cross_entropies_of_differences():
    torch.testing.assert_close(objectives.relativistic_d(REAL, FAKE), cross_entropy(REAL - FAKE, ONES))
    expected = cross_entropy(REAL - FAKE.mean(), ONES) + cross_entropy(FAKE - REAL.mean(), ZEROS)
    torch.testing.assert_close(objectives.relativistic_average_d(REAL, FAKE), expected)
    assert objectives.relativistic_average_d(ZEROS, ZEROS).item() == pytest.approx(math.log(4))
    assert objectives.relativistic_d(ZEROS, ZEROS).item() == pytest.approx(math.log(2))


RELATIVISTIC = [objectives.relativistic_d, objectives.relativistic_average_d]


@pytest.mark.parametrize("loss", RELATIVISTIC)
def test_relativistic_losses_ignore_a_constant_added_to_all_logits(loss):
    torch.testing.assert_close(loss(REAL + 7, FAKE + 7), loss(REAL, FAKE))
    bfloat16 = loss((REAL + 64).bfloat16(), (FAKE + 64).bfloat16())  # these are exact there, a mean of them is not
    torch.testing.assert_close(bfloat16, loss(REAL, FAKE))
    total = gradient(lambda logits: loss(logits[:3], logits[3:]), torch.cat([REAL, FAKE])).sum()
    assert total.abs() < 1e-6


@pytest.mark.parametrize("loss", RELATIVISTIC)
def test_both_sides_of_a_relativistic_game_move_real_and_generated(loss):
    assert (gradient(lambda real: loss(real, FAKE), REAL) < 0).all()
    assert (gradient(lambda fake: loss(REAL, fake), FAKE) > 0).all()
    assert (gradient(lambda fake: loss(fake, REAL), FAKE) < 0).all()
    assert (gradient(lambda real: loss(FAKE, real), REAL) > 0).all()


@pytest.mark.parametrize("loss", RELATIVISTIC)
def test_relativistic_losses_survive_extreme_logits(loss):
    far = torch.tensor([1e4])
    assert loss(far, -far) == 0
    assert loss(-far, far).item() == pytest.approx(2e4 if loss is objectives.relativistic_d else 4e4)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_players_pull_logits_apart_and_generator_pulls_back(name):
    objective = OBJECTIVES[name]
    logits = [0.25, 0.5, 0.75]  # where least squares pull apart, too
    assert (gradient(lambda real: objective.d(real, FAKE), logits) < 0).all()
    assert (gradient(lambda fake: objective.d(REAL, fake), logits) > 0).all()
    assert (gradient(lambda fake: objective.g(REAL, fake), logits) < 0).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_means_over_any_shape(name):
    objective, maps = OBJECTIVES[name], torch.randn(2, 1, 4, 4)
    for loss in (objective.d(maps, -maps), objective.g(maps, -maps)):
        assert loss.shape == ()
    twice = torch.cat([maps, maps])
    torch.testing.assert_close(objective.d(twice, -twice), objective.d(maps, -maps))
    torch.testing.assert_close(objective.g(twice, -twice), objective.g(maps, -maps))
