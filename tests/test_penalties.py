"""The gradient penalty against closed forms: one norm and one mixing weight per sample."""

import pytest
import torch
from torch import nn

from ganzoo.penalties import gradient_penalty, input_gradient


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


def test_runs_in_float32_inside_autocast():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(1, 8, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(32, 1))
    x = torch.randn(4, 1, 4, 4)
    kinds = set()

    def watched(x, y):
        logits = critic(x)
        kinds.add(logits.dtype)
        return logits

    outside = gradient_penalty(watched, x, x)
    with torch.autocast("cpu", torch.bfloat16):
        assert critic(x).dtype == torch.bfloat16
        inside = gradient_penalty(watched, x.bfloat16(), x.bfloat16())
        exactly = gradient_penalty(watched, x, x)
    assert kinds == {torch.float32}
    assert torch.equal(exactly, outside)
    torch.testing.assert_close(inside, outside, rtol=0.05, atol=0.01)  # the input alone was rounded


def test_neither_generator_nor_real_data_is_differentiated():
    real, fake = torch.randn(3, 2), torch.randn(3, 2, requires_grad=True)
    w = torch.randn(2, requires_grad=True)
    gradient_penalty(linear(w), real, fake).backward()
    assert fake.grad is None
    assert not real.requires_grad
    assert w.grad.abs().sum() > 0
