"""The penalties against closed forms: one slope per sample, taken where and in the precision that it should be."""

import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.losses.penalties import dragan_penalty, gradient_penalty, input_gradient, r1_penalty, refuse_mixing
from ganzoo.models.dragan import DRAGAN
from ganzoo.models.r1gan import R1GAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator


def linear(w):
    return lambda x, y: x.flatten(1) @ w


def parabola(x, y):
    """A critic whose slope at x is 2x: another one for every sample."""
    return x.square().flatten(1).sum(1)


@pytest.mark.parametrize("shape", [(5, 3), (5, 1, 2, 2)])
def test_a_linear_critic_has_the_norm_of_its_weights_everywhere(shape):
    w = torch.randn(shape[1:].numel() if isinstance(shape, torch.Size) else torch.Size(shape[1:]).numel())
    real, fake = torch.randn(shape), torch.randn(shape)
    torch.testing.assert_close(input_gradient(linear(w), real), w.expand(5, -1))
    torch.testing.assert_close(gradient_penalty(linear(w), real, fake), (w.norm() - 1).square())
    torch.testing.assert_close(gradient_penalty(linear(w), real, fake, target=3.0), (w.norm() - 3).square())


def test_the_norm_is_taken_per_sample():
    x = torch.randn(6, 1, 4, 4) * torch.arange(1.0, 7).view(6, 1, 1, 1)
    penalty = gradient_penalty(parabola, x, x)  # between x and x there is only x
    alone = torch.stack([gradient_penalty(parabola, x[i : i + 1], x[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(penalty, alone.mean())
    torch.testing.assert_close(penalty, ((2 * x).flatten(1).norm(dim=1) - 1).square().mean())
    assert not torch.isclose(penalty, (2 * x.norm() - 1).square(), rtol=0.1)  # the norm over the batch


def test_every_sample_has_its_own_place_between_real_and_fake():
    seen = []

    def critic(x, y):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    gradient_penalty(critic, torch.ones(50, 1, 3, 3), torch.zeros(50, 1, 3, 3))
    (weights,) = seen
    assert (weights == weights[:, :, :1, :1]).all()  # one weight for all of a sample's pixels
    weights = weights[:, 0, 0, 0]
    assert len(weights.unique()) == 50
    assert 0 <= weights.min() < 0.2
    assert 0.8 < weights.max() <= 1


def test_labels_reach_the_critic():
    y = torch.tensor([1.0, 2.0])
    penalty = gradient_penalty(lambda x, y: x.sum(1) * y, torch.ones(2, 1), torch.zeros(2, 1), y)
    assert penalty == 0.5  # slopes 1 and 2


def test_gradient_of_the_critic_matches_finite_differences():
    """For f(x) = w . tanh(Ax) the slope is A' (w * (1 - tanh(Ax)^2)), so the penalty is known without autograd."""
    generator = torch.Generator().manual_seed(3)
    x, a, w = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in [(4, 3), (5, 3), (5,)])

    def exact(a):
        slopes = (w * (1 - (x @ a.T).tanh().square())) @ a
        return (slopes.norm(dim=1) - 1).square().mean()

    def nudged(i, j, by):
        other = a.clone()
        other[i, j] += by
        return exact(other)

    step = 1e-6
    expected = torch.tensor(
        [[(nudged(i, j, step) - nudged(i, j, -step)) / (2 * step) for j in range(3)] for i in range(5)]
    )
    weight = a.float().requires_grad_()
    penalty = gradient_penalty(lambda x, y: (x @ weight.T).tanh() @ w.float(), x.float(), x.float())
    penalty.backward()
    torch.testing.assert_close(penalty.detach().double(), exact(a), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(weight.grad.double(), expected.double(), rtol=1e-4, atol=1e-5)


PENALTIES = {
    "gradient": lambda critic, x: gradient_penalty(critic, x, x),
    "r1": r1_penalty,
    "dragan": dragan_penalty,
}


class Watched:
    """A small convolutional critic that remembers what kind of logits it gave."""

    def __init__(self):
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1))
        self.kinds = set()

    def __call__(self, x, y=None):
        logits = self.net(x)
        self.kinds.add(logits.dtype)
        return logits

    def penalised(self, penalty):
        """The penalty, and how the critic's weights are to change, in one vector."""
        torch.manual_seed(1)
        loss = penalty(self, torch.randn(32, 1, 4, 4))
        weights = [p for p in self.net.parameters() if p.dim() > 1]  # to the last bias it is all the same
        return loss, torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)])


@pytest.mark.parametrize("name", PENALTIES)
def test_runs_in_bfloat16_inside_its_autocast_with_norms_in_float32(name):
    critic = Watched()
    outside, outside_slopes = critic.penalised(PENALTIES[name])
    critic.kinds.clear()
    with torch.autocast("cpu", torch.bfloat16):
        inside, inside_slopes = critic.penalised(PENALTIES[name])
    assert critic.kinds == {torch.bfloat16}
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, outside, rtol=0.02, atol=0)
    assert (inside_slopes - outside_slopes).norm() < 0.03 * outside_slopes.norm()


@pytest.mark.parametrize("name", PENALTIES)
def test_leaves_a_float16_autocast(name):
    critic = Watched()
    outside, outside_slopes = critic.penalised(PENALTIES[name])
    with torch.autocast("cpu", torch.float16):
        assert critic(torch.randn(2, 1, 4, 4)).dtype == torch.float16
        critic.kinds.clear()
        inside, inside_slopes = critic.penalised(PENALTIES[name])
    assert critic.kinds == {torch.float32}
    assert inside.equal(outside)
    assert (inside_slopes - outside_slopes).norm() < 0.01 * outside_slopes.norm()


@pytest.mark.parametrize("name", PENALTIES)
def test_inputs_of_half_the_width_are_widened(name):
    critic, x = Watched(), torch.randn(4, 1, 4, 4).bfloat16()
    assert PENALTIES[name](critic, x).dtype == torch.float32
    assert critic.kinds == {torch.float32}


@pytest.mark.parametrize("name", PENALTIES)
def test_leaves_the_data_as_it_is(name):
    x = torch.randn(4, 3)
    before = x.clone()
    PENALTIES[name](linear(torch.ones(3)), x)
    assert x.equal(before)
    assert not x.requires_grad


def test_r1_is_half_the_mean_squared_slope_of_each_sample():
    w = torch.randn(3)
    torch.testing.assert_close(r1_penalty(linear(w), torch.randn(5, 3)), w.square().sum() / 2)
    x = torch.randn(6, 1, 4, 4)
    torch.testing.assert_close(r1_penalty(parabola, x), 2 * x.square().flatten(1).sum(1).mean())
    assert r1_penalty(lambda x, y: 0 * x.sum(1) + 5, torch.randn(6, 3)) == 0  # flat at the data: nothing to pay
    assert r1_penalty(lambda x, y: x.sum(1) * y, torch.ones(2, 1), torch.tensor([1.0, 3.0])) == 2.5


def test_r1_descends_to_a_flat_critic():
    w = torch.tensor([3.0, -4.0], requires_grad=True)
    r1_penalty(linear(w), torch.randn(5, 2)).backward()
    torch.testing.assert_close(w.grad, w.detach())  # of half its square


def test_dragan_aims_at_a_slope():
    w, x = torch.randn(4), torch.randn(7, 1, 2, 2)
    torch.testing.assert_close(dragan_penalty(linear(w), x), (w.norm() - 1).square())
    torch.testing.assert_close(dragan_penalty(linear(w), x, target=0.0), w.square().sum())
    exact = ((2 * x).flatten(1).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(dragan_penalty(parabola, x, noise=0.0), exact)
    assert dragan_penalty(lambda x, y: x.sum(1) * y, torch.ones(2, 1), torch.tensor([1.0, 3.0])) == 2  # slopes 1 and 3


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_dragan_looks_around_real_data_as_far_as_the_noise_reaches(noise):
    seen, real = [], 3 * torch.randn(400, 1, 3, 3)

    def critic(x, y):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    dragan_penalty(critic, real, noise=noise)
    (away,) = (x - real for x in seen)
    reach = noise * real.std(correction=0)
    assert away.min() >= -1e-5
    assert 0.8 * reach < away.max() <= reach + 1e-5
    torch.testing.assert_close(away.mean(), reach / 4, rtol=0.1, atol=0)  # u v, both uniform in [0, 1)
    assert len(away.flatten(1).unique(dim=1).T) == 9  # every pixel has its own


def test_batch_norm_is_refused_wherever_it_hides():
    refuse_mixing(nn.Sequential(nn.Linear(2, 2), nn.GroupNorm(1, 2), nn.LayerNorm(2)))
    for norm in (nn.BatchNorm1d(2), nn.BatchNorm2d(2), nn.SyncBatchNorm(2)):
        with pytest.raises(GanzooError, match=r"model\.discriminator: .*without BatchNorm"):
            refuse_mixing(nn.Sequential(nn.Linear(2, 2), nn.Sequential(norm)))


@pytest.mark.parametrize("kind", [WGANGP, DRAGAN, R1GAN])
@pytest.mark.parametrize("layer", ["discrimination", "stddev"])
def test_minibatch_layers_are_refused_since_a_samples_gradient_would_hold_its_neighbours(kind, layer):
    torch.manual_seed(0)
    discriminator = MLPDiscriminator([2], hidden=(16,), dropout=0.0, minibatch=layer)
    x = torch.randn(8, 2, requires_grad=True)
    own = torch.stack([torch.autograd.grad(discriminator(x)[i], x)[0][i] for i in range(len(x))])
    mixed = input_gradient(lambda x, y: discriminator(x), x)
    assert ((mixed - own).norm(dim=1) / own.norm(dim=1)).max() > 0.02  # what the refusal is for
    with pytest.raises(GanzooError, match=r"model\.discriminator: .*without Minibatch") as error:
        kind(MLPGenerator([2], latent_dim=2, hidden=(4,)), discriminator)
    assert "\n" not in str(error.value)
    kind(MLPGenerator([2], latent_dim=2, hidden=(4,)), MLPDiscriminator([2], hidden=(16,), dropout=0.0))


def test_a_layer_of_ones_own_may_say_that_it_mixes_samples():
    class Centred(nn.Module):
        mixes_samples = True

    with pytest.raises(GanzooError, match="without Centred"):
        refuse_mixing(nn.Sequential(nn.Linear(2, 2), Centred()))


def test_neither_generator_nor_real_data_is_differentiated():
    real, fake = torch.randn(3, 2), torch.randn(3, 2, requires_grad=True)
    w = torch.randn(2, requires_grad=True)
    gradient_penalty(linear(w), real, fake).backward()
    assert fake.grad is None
    assert not real.requires_grad
    assert w.grad.abs().sum() > 0
