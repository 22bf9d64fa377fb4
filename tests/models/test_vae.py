"""The bound: its closed forms against torch's distributions, its gradient, and that training raises it."""

import math

import pytest
import torch
from coders import DIM, gaussian_vae, networks, vae
from moves import in_move
from tiny import digits, fit, points
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from ganzoo.common.errors import GanzooError
from ganzoo.games.schedules import Schedule
from ganzoo.models.vae import LIKELIHOODS, VAE, GaussianPosterior


def posterior(n=200, dim=7):
    return GaussianPosterior(3 * torch.randn(n, dim), 2 * torch.randn(n, dim))


def test_kl_equals_that_of_torchs_distributions_and_is_0_at_the_prior_alone():
    q = posterior()
    exact = kl_divergence(Normal(q.mean, (q.log_variance / 2).exp()), Normal(0, 1)).sum(1)
    torch.testing.assert_close(q.kl(), exact, rtol=1e-4, atol=1e-4)
    assert (q.kl() > 0).all()
    assert GaussianPosterior(torch.zeros(2, 7), torch.zeros(2, 7)).kl().abs().max() == 0


def test_kl_equals_the_mean_of_log_ratios_of_draws():
    q = GaussianPosterior(torch.tensor([[0.5, -1.0]]), torch.tensor([[-1.0, 0.7]]))
    z = GaussianPosterior(*(part.expand(200_000, 2) for part in q)).draw(torch.randn(200_000, 2))
    ratio = Normal(q.mean, (q.log_variance / 2).exp()).log_prob(z) - Normal(0, 1).log_prob(z)
    assert ratio.sum(1).mean().item() == pytest.approx(q.kl().item(), rel=0.01)


def test_draws_have_the_posteriors_moments_and_pass_its_gradient_on():
    mean, log_variance = torch.tensor([1.0, -2.0]), torch.tensor([0.4, -1.0])
    leaves = [part.expand(100_000, 2).clone().requires_grad_() for part in (mean, log_variance)]
    noise = torch.randn(100_000, 2)
    z = GaussianPosterior(*leaves).draw(noise)
    torch.testing.assert_close(z.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(0), log_variance.exp(), atol=0, rtol=0.02)
    z.square().sum().backward()
    # d z / d mu = 1, d z / d log sigma^2 = sigma noise / 2; in expectation E z^2 = mu^2 + sigma^2
    torch.testing.assert_close(leaves[0].grad, 2 * z)
    torch.testing.assert_close(leaves[1].grad, z * noise * (log_variance / 2).exp())
    torch.testing.assert_close(leaves[0].grad.mean(0), 2 * mean, atol=0.03, rtol=0)
    torch.testing.assert_close(leaves[1].grad.mean(0), log_variance.exp(), atol=0.03, rtol=0)


def test_likelihoods_equal_torchs_distributions():
    said, x = 3 * torch.randn(5, 1, 4, 4), torch.randn(5, 1, 4, 4)
    binary = (x > 0).float()
    exact = -Bernoulli(logits=said).log_prob(binary).flatten(1).sum(1)
    bernoulli, gaussian = LIKELIHOODS["bernoulli"], LIKELIHOODS["gaussian"]
    torch.testing.assert_close(bernoulli.nll(said, 2 * binary - 1, 1.0), exact)
    torch.testing.assert_close(bernoulli.mean(said), 2 * Bernoulli(logits=said).mean - 1)
    exact = -Normal(said, 0.3).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(gaussian.nll(said, x, 0.3), exact)
    assert torch.equal(gaussian.mean(said), said)


def test_grey_pixels_cost_least_where_the_decoder_says_their_grey():
    grey = torch.tensor([[0.5]])  # 3/4 of the way from black to white
    costs = [LIKELIHOODS["bernoulli"].nll(torch.tensor([[logit]]), grey, 1.0) for logit in (0.9, math.log(3), 1.3)]
    assert costs[1] < min(costs[0], costs[2])


@pytest.mark.parametrize("beta", [1.0, 4.0, Schedule([0, 2], [0, 1], "linear")])
def test_the_loss_is_the_negative_bound_with_its_kl_weighted(beta):
    model, x = vae(beta=beta), torch.rand(6, 1, 8, 8) * 2 - 1
    q = model.posterior(model.encoder, x)
    torch.manual_seed(1)
    nll = LIKELIHOODS["bernoulli"].nll(model.decoder(q.draw(torch.randn(6, DIM))), x, 1.0).mean()
    torch.manual_seed(1)
    weight = 0 if isinstance(beta, Schedule) else beta
    torch.testing.assert_close(in_move(model.loss, x, None), {"nll": nll, "kl": weight * q.kl().mean()})
    assert model.notes.means()["ae/elbo"] == pytest.approx(-(nll + q.kl().mean()).item(), rel=1e-5)


class Exact(nn.Module):
    """The posterior of x = 2 z + N(0, 0.5^2) for z from N(0, 1): its mean is 2 x / 4.25, its variance 0.25 / 4.25."""

    shape, n_features = (1,), 2

    def forward(self, x):
        return torch.cat([2 * x / 4.25, torch.full_like(x, math.log(0.25 / 4.25))], 1)


class Twice(nn.Module):
    shape, latent_dim = (1,), 1

    def forward(self, z):
        return 2 * z


def test_the_bound_is_tight_where_the_posterior_is_exact_and_below_where_it_is_not():
    model = VAE(Exact(), Twice(), likelihood="gaussian", std=0.5)
    x = torch.tensor([[0.3], [-2.0]]).repeat_interleave(20_000, 0)
    bound = model.elbo(x, seed=0).view(2, -1).mean(1)
    evidence = Normal(0.0, 4.25**0.5).log_prob(torch.tensor([0.3, -2.0]))
    torch.testing.assert_close(bound, evidence, atol=0.02, rtol=0)
    model.std = 1.0  # now the posterior is not its own
    assert (model.elbo(x, seed=0).view(2, -1).mean(1) < Normal(0.0, 5**0.5).log_prob(torch.tensor([0.3, -2.0]))).all()


def test_the_bound_of_an_image_depends_on_the_seed_and_its_place_alone():
    model, x = vae(), torch.rand(70, 1, 8, 8) * 2 - 1
    torch.testing.assert_close(model.elbo(x, seed=1)[:3], model.elbo(x[:3], seed=1))
    assert not torch.allclose(model.elbo(x, seed=1), model.elbo(x, seed=2))


def test_codes_are_means_or_with_a_seed_draws():
    model, x = vae(), torch.rand(1, 1, 8, 8).expand(4000, -1, -1, -1) * 2 - 1
    q = model.inferred(x[:1])
    assert torch.equal(model.encode(x[:1]), q.mean)
    drawn = model.encode(x, seed=1)
    torch.testing.assert_close(drawn.mean(0), q.mean[0], atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.var(0), q.log_variance[0].exp(), atol=0, rtol=0.1)


def test_training_raises_the_bound_on_held_out_images(tmp_path):
    data = digits(batch_size=100)
    data.setup()
    x, bounds = data.split("test")[0].float() / 127.5 - 1, []
    model = vae(lr=1e-2)
    for steps in (0, 15, 60):
        if steps:
            fit(tmp_path, model, data, steps)
        bounds.append(model.elbo(x).mean().item())
    assert bounds[1] > bounds[0] + 5
    assert bounds[2] > bounds[1] + 2


def test_points_are_modelled_with_a_gaussian_likelihood(tmp_path):
    model = gaussian_vae(std=0.1, lr=1e-2)
    fit(tmp_path, model, points(modes=1, std=0.1), 150)
    samples = model.sample(500, seed=0)
    assert (samples.mean(0) - torch.tensor([1.0, 0.0])).norm() < 0.15


def test_what_makes_no_sense_is_refused():
    with pytest.raises(GanzooError, match=r"model\.std: it must be positive, not 0"):
        gaussian_vae(std=0)
    with pytest.raises(GanzooError, match=r"model\.decoder: .*squash: false"):
        VAE(*networks([1, 8, 8], 2, squash=True))
    VAE(*networks([1, 8, 8], 2, squash=True), likelihood="gaussian")
