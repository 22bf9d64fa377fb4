"""Chains of denoising steps: the authors' coefficients, and the Gaussians that they stand for."""

import json

import pytest
import torch
from official import FOLDER, wave

from ganzoo.common.errors import GanzooError
from ganzoo.games.denoising import DenoisingChain

SAID = json.loads((FOLDER / "ddgan_coefficients.json").read_text())
CLOSE = {"rtol": 1e-5, "atol": 1e-7}


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_coefficients_are_the_authors(steps):
    said = SAID[f"T = {steps}, beta_min 0.1, beta_max 20"]
    chain = DenoisingChain(steps)
    for ours, theirs in (
        (chain.scales[0], said["a_s_cum"]),
        (chain.scales[1], said["sigmas_cum"]),
        (chain.scales[2], said["a_s"]),
        (chain.noises[1:], said["sigmas"][1:]),  # the first one, of the data, is never used
        (chain.means[0], said["posterior"]["posterior_mean_coef1"]),
        (chain.means[1], said["posterior"]["posterior_mean_coef2"]),
        (chain.spreads.square(), said["posterior"]["posterior_variance"]),
    ):
        torch.testing.assert_close(ours, torch.tensor(theirs), **CLOSE)


def test_the_authors_example():
    said, x, t = SAID["worked_example, T = 4"], wave((4, 1, 2, 2)), torch.arange(4)
    chain = DenoisingChain(4)
    noised = chain.noised(x, t, x.flip(0))
    torch.testing.assert_close(noised.flatten(), torch.tensor(said["q_sample"]), rtol=1e-5, atol=1e-6)
    (back,) = [value for key, value in said.items() if key.startswith("sample_posterior")]
    torch.testing.assert_close(chain.back(x, noised, t, x).flatten(), torch.tensor(back), rtol=1e-5, atol=1e-6)


def test_a_step_back_is_the_gaussian_that_follows_from_both_steps_on():
    """Precisions of two Gaussians add up: of x_t given x_0, and of x_{t+1} given x_t."""
    chain = DenoisingChain(4)
    clean, x = torch.tensor([0.3]), torch.tensor([-0.8])
    for t in range(1, 4):
        scale, noise = chain.scales[0][t].double(), chain.scales[1][t].double()
        step, more = chain.scales[2][t + 1].double(), chain.noises[t + 1].double()
        precision = 1 / noise**2 + step**2 / more**2
        mean = (scale * clean / noise**2 + step * x / more**2) / precision
        one = torch.tensor([t])
        torch.testing.assert_close(chain.back(clean, x, one, torch.zeros(1)), mean.float(), rtol=1e-5, atol=1e-6)
        spread = chain.back(clean, x, one, torch.ones(1)) - mean
        torch.testing.assert_close(spread.float(), precision.rsqrt().float()[None], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 4])
def test_the_last_step_back_is_the_guess_itself_and_the_first_on_is_the_data(steps):
    chain, x, zero = DenoisingChain(steps), torch.randn(5, 3, 2, 2), torch.zeros(5, dtype=torch.long)
    assert torch.equal(chain.back(x, torch.randn_like(x), zero), x)
    assert torch.equal(chain.noised(x, zero), x)


def test_neighbours_are_as_alike_as_the_step_lets_them_be():
    chain, x = DenoisingChain(4), torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    for t in range(4):
        times = torch.full((len(x),), t)
        less = chain.noised(x, times)
        pair = torch.stack([less, chain.onward(less, times)])
        kept = 1 - SAID["T = 4, beta_min 0.1, beta_max 20"]["betas_with_first"][t + 1]
        assert torch.corrcoef(pair)[0, 1].item() == pytest.approx(kept**0.5, abs=0.01)
        assert pair.var(1).tolist() == pytest.approx([1, 1], abs=0.03)  # the variance of such data is kept


def test_the_whole_way_on_is_the_noise_of_a_step():
    """x_t by single steps has the scale and the noise that x_t has at once."""
    chain = DenoisingChain(4)
    scale, variance = 1.0, 0.0
    for t in range(1, 5):
        scale *= chain.scales[2][t].item()
        variance = variance * chain.scales[2][t].item() ** 2 + chain.noises[t].item() ** 2
        assert (scale, variance) == pytest.approx((chain.scales[0][t].item(), chain.scales[1][t].item() ** 2), rel=1e-5)


def test_a_chain_has_a_step():
    with pytest.raises(GanzooError, match=r"model\.steps: must be at least 1, not 0"):
        DenoisingChain(0)
