"""Unrolled discriminator steps: none is the plain GAN, and through any number of them the gradient is the true one."""

from copy import deepcopy

import pytest
import torch
from moves import in_move
from tiny import Each, conv, digits, fit, mlp, points
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.players import Terms
from ganzoo.games.schedules import Schedule
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.wgan import WGAN
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.stabilisers import FeatureMatching, Unrolled


def smooth(kind=VanillaGAN, **options):
    """A game in double precision whose networks have no kinks, so that differences approach slopes."""
    torch.manual_seed(0)
    generator = MLPGenerator([2], latent_dim=2, hidden=(4,), squash=False)
    discriminator = MLPDiscriminator([2], hidden=(5,), dropout=0.0)
    generator.net[1], discriminator.net[2] = nn.Tanh(), nn.Softplus()
    return kind(generator, discriminator, ema=None, **options).double()


def real(n=6):
    return torch.randn(n, 2, dtype=torch.double, generator=torch.Generator().manual_seed(7)) + 1


def g_loss(model, x):
    """The generator's whole loss, with the same noise every time."""
    torch.manual_seed(3)
    return torch.stack(list(in_move(model.g_terms, x, None).values())).sum()


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.double)  # noise is drawn in it
    yield
    torch.set_default_dtype(torch.float)


@pytest.fixture
def single():
    torch.set_default_dtype(torch.float)


@pytest.mark.usefixtures("single")
@pytest.mark.parametrize("make", [lambda **o: conv(DCGAN, dropout=0.3, **o), lambda **o: mlp(n_critic=2, **o)])
def test_with_no_steps_it_is_the_plain_gan_bit_by_bit(tmp_path, make):
    plain, unrolled, stepped = make(), make(stabilisers=[Unrolled(0)]), make(stabilisers=[Unrolled(1)])
    for model in (plain, unrolled, stepped):
        fit(tmp_path, model, digits(batch_size=32) if len(model.generator.shape) == 3 else points(), 5)
    expected, found, other = (model.state_dict() for model in (plain, unrolled, stepped))
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert plain.notes.means() == unrolled.notes.means()
    assert not all(torch.equal(other[name], expected[name]) for name in expected)


class Cut(Unrolled):
    """Forgets how each virtual step came about."""

    def step(self, *arguments):
        return {name: p.detach().requires_grad_() for name, p in super().step(*arguments).items()}


@pytest.mark.parametrize(
    ("steps", "options", "also"),
    [
        (1, {}, []),
        (2, {}, []),
        (3, {}, []),
        (3, {"zero_sum": True}, []),
        (2, {"lr": Schedule([0.3], [0])}, []),
        (2, {}, [FeatureMatching()]),
    ],
)
def test_the_generators_gradient_is_that_of_finite_differences(monkeypatch, steps, options, also):
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)  # double precision to the end
    own, x = {"steps": steps, "lr": 0.5} | options, real()
    model = smooth(stabilisers=[Unrolled(**own), *also])
    weights = list(model.generator.parameters())
    slopes = torch.autograd.grad(g_loss(model, x), weights)
    for weight, slope in zip(weights, slopes, strict=True):
        for i in range(weight.numel()):
            ends = []
            for nudge in (1e-6, -1e-6):
                with torch.no_grad():
                    weight.view(-1)[i] += nudge
                ends.append(g_loss(model, x).item())
                with torch.no_grad():
                    weight.view(-1)[i] -= nudge
            assert slope.view(-1)[i].item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-8)
    cut = smooth(stabilisers=[Cut(**own), *also])  # what runs through the virtual steps is no small part of it
    torch.testing.assert_close(g_loss(cut, x), g_loss(model, x))
    rest = torch.autograd.grad(g_loss(cut, x), list(cut.generator.parameters()))
    assert max((a - b).norm() / b.norm() for a, b in zip(rest, slopes, strict=True)) > 0.01


class Line(nn.Module):
    """f(x) = <w, x>."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, -1.0]))

    def forward(self, x):
        return x @ self.w


class Place(nn.Module):
    """Puts every sample in the same place."""

    latent_dim = 1

    def __init__(self):
        super().__init__()
        self.at = nn.Parameter(torch.tensor([2.0, 3.0]))

    def forward(self, z):
        return self.at.expand(len(z), 2)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_linear_critic_by_hand(steps):
    """K steps on <w, g - x> leave w - K eta (g - x); the generator descends -<that, g>, by g: -w + K eta (2 g - x)."""
    model = WGAN(Place(), Line(), ema=None, stabilisers=[Unrolled(steps, lr=0.1)])
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    w, g, mean = model.discriminator.w.detach().clone(), model.generator.at, x.mean(0)
    loss = in_move(model.g_terms, x, None)["adv"]
    torch.testing.assert_close(loss, -(w - steps * 0.1 * (g - mean)) @ g)
    loss.backward()
    torch.testing.assert_close(g.grad, -w + steps * 0.1 * (2 * g - mean).detach())
    assert torch.equal(model.discriminator.w, w)


def test_each_virtual_step_descends_the_variants_own_loss():
    model, x = smooth(stabilisers=[Unrolled(1, lr=0.3)]), real()
    torch.manual_seed(3)
    terms = in_move(model.d_loss, x, None)
    slopes = torch.autograd.grad(terms["adv"], list(model.discriminator.parameters()))
    torch.manual_seed(3)
    move = model.open_move()
    model.stabilisers[0].before_g(model, x, None, move)
    for (name, parameter), slope in zip(model.discriminator.named_parameters(), slopes, strict=True):
        torch.testing.assert_close(move.critics["discriminator"].parameters[name], parameter - 0.3 * slope)
    move.begin(1.0)
    assert move.critic().parameters is None  # the next chunk begins with the discriminator itself


def test_in_a_zero_sum_game_the_generator_ascends_the_discriminators_loss():
    model, x = smooth(stabilisers=[Unrolled(0, zero_sum=True)]), real()
    torch.manual_seed(3)
    in_move(model.g_loss, x, None)
    expected = -in_move(model.d_loss, x, None)["adv"]
    torch.manual_seed(3)
    model.notes.clear()
    assert in_move(model.g_terms, x, None) == {"adv": expected}
    assert model.notes.means() == {}


class Keeping(DCGAN):
    """Keeps something of each loss for after the step, as BEGAN does."""

    def d_loss(self, x, y, move) -> Terms:
        move.keep("size", torch.tensor(float(len(x))))
        return super().d_loss(x, y, move)


@pytest.mark.parametrize("options", [{"norm": "batch"}, {"norm": "none", "spectral": True}])
def test_virtual_steps_leave_no_trace(options):
    game = Keeping(
        DCGANGenerator(16, 1, 4, 3), DCGANDiscriminator(16, 1, 4, **options), stabilisers=[Unrolled(2, lr=0.5)]
    )
    game.discriminator.requires_grad_(False)  # as in the generator's move
    state, x = deepcopy(game.state_dict()), torch.randn(4, 1, 16, 16)
    move = game.open_move()
    torch.stack(list(game.g_terms(x, None, move).values())).sum().backward()
    kept = [name for name in state if not name.startswith("generator")]
    assert any("running_mean" in name or "_u" in name for name in kept)
    assert all(torch.equal(game.state_dict()[name], state[name]) for name in kept)
    assert (move.notes.totals, move.kept("size"), move.real, len(move.fake)) == ({}, [], [], 1)
    assert all(parameter.grad is None for parameter in game.discriminator.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in game.generator.parameters())


def test_a_variant_that_asks_the_discriminator_behind_its_back_is_refused():
    model = smooth(stabilisers=[Unrolled(1)])
    model.d_loss = lambda x, y, move: {"adv": model.discriminator(model.fake(len(x))).mean()}
    with pytest.raises(GanzooError, match="Unrolled does not suit VanillaGAN"):
        in_move(model.g_terms, real(), None)


@pytest.mark.usefixtures("single")
def test_it_cures_a_generator_that_runs_ahead_and_collapses(tmp_path):
    """On the ring of 8, with a generator ten times as fast: section 3.1 in 150 steps."""

    def spread(*stabilisers):
        """How far samples lie from their mean, over the second half of the run; the data's is 1."""
        torch.manual_seed(0)
        networks = MLPGenerator([2], 4, (32, 32), squash=False), MLPDiscriminator([2], (32, 32), dropout=0.0)
        model = VanillaGAN(*networks, g_lr=5e-3, d_lr=5e-4, ema=None, stabilisers=list(stabilisers))
        seen = []
        look = Each(lambda run, model: seen.append(model.sample(200, seed=0).std(0).norm().item()))
        fit(tmp_path, model, points(batch_size=64, samples=1280), 150, look)
        return sum(seen[75:]) / 75

    assert spread() < 0.7 < spread(Unrolled(2, lr=0.05))
