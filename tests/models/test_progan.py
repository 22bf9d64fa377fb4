"""ProGAN: its critic's loss by hand, drift of real scores alone, and an average with its decay from the start."""

import pytest
import torch
from progressive import progan
from tiny import digits, fit

from ganzoo.games.growth import Stage
from ganzoo.losses.penalties import gradient_penalty


def test_the_critics_loss_by_hand():
    model = progan(gp_target=750.0)
    x = torch.randn(4, 1, 16, 16)
    move = model.open_move()
    torch.manual_seed(3)
    terms = model.d_loss(x, None, move)
    real, fake = (model.discriminator(each) for each in (x, move.fake[0].x))
    assert terms.keys() == {"adv", "gp", "drift"}
    torch.testing.assert_close(terms["adv"], fake.mean() - real.mean())
    torch.testing.assert_close(terms["drift"], 1e-3 * real.square().mean())
    torch.manual_seed(3)
    model.fake(4)  # the same draws
    expected = 10 / 750**2 * gradient_penalty(lambda x, y: model.discriminator(x), x, move.fake[0].x, None, 750.0)
    torch.testing.assert_close(terms["gp"], expected)
    assert terms["gp"].item() == pytest.approx(10, rel=0.1)  # of slopes far below 750


def test_the_penalty_is_least_where_slopes_are_as_they_should_be():
    """For the score c * sum(x) each gradient has the length c * 16."""
    model = progan(gp_target=750.0)
    x, losses = torch.randn(4, 1, 16, 16), {}
    for norm in (0.0, 375.0, 750.0, 1500.0):
        model.discriminator.forward = lambda x, norm=norm: norm / 16 * x.flatten(1).sum(1)
        losses[norm] = model.d_loss(x, None, model.open_move())["gp"].item()
    assert losses == pytest.approx({0.0: 10, 375.0: 2.5, 750.0: 0, 1500.0: 10}, rel=1e-4, abs=1e-6)


def test_the_average_has_its_whole_decay_from_the_first_step(tmp_path):
    model = progan(g_lr=0.5)
    start = model.generator.first.conv.weight.detach().clone()
    fit(tmp_path, model, digits(size=16, batch_size=50), 1)
    live, average = (net.first.conv.weight.detach() for net in (model.generator, model.averaged("generator")))
    assert (live - start).abs().max() > 0.4
    torch.testing.assert_close(average - start, 0.001 * (live - start), rtol=0, atol=1e-6)
    assert model.stage == Stage(0, 4, 1.0)
