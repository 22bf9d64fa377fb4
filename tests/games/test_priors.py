"""Priors of codes: what noise becomes, that it does not matter how much is drawn, and what a mixture is fitted to."""

import math
import warnings

import pytest
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.games.latent_space import Codes
from ganzoo.games.priors import Flower, Gaussian, GaussianMixture, SwissRoll

PRIORS = {
    "gaussian": lambda: Gaussian(5.0),
    "flower": Flower,
    "flower in 5 dimensions": lambda: Flower(5),
    "swiss roll": SwissRoll,
    "mixture": lambda: GaussianMixture(3, 4),
}
CPU = torch.device("cpu")


def drawn(prior, n=4000, seed=0, **options):
    return Codes(prior, prior.dim or 3, CPU, prior).draw(n, seed, **options)


@pytest.mark.parametrize("name", PRIORS)
def test_a_code_depends_on_the_seed_and_its_place_alone(name):
    prior = PRIORS[name]()
    codes = drawn(prior, 200)
    assert codes.shape == (200, prior.dim or 3)
    for n in (0, 1, 63, 64, 65):
        torch.testing.assert_close(drawn(prior, n), codes[:n])
    assert not torch.equal(drawn(prior, 5, seed=1), codes[:5])
    assert not torch.equal(drawn(prior, 5, seed=None), drawn(prior, 5, seed=None))


@pytest.mark.parametrize("name", PRIORS)
def test_it_is_made_of_nothing_but_noise_in_any_precision(name):
    prior = PRIORS[name]()
    dim = prior.dim or 3
    for uniform in (torch.zeros(4), torch.ones(4)):  # both ends are parts of it
        assert prior(torch.randn(4, dim), uniform).isfinite().all()
    assert not list(prior.parameters())


def test_a_gaussian_has_its_standard_deviation():
    codes = drawn(Gaussian(5.0))
    torch.testing.assert_close(codes.std(0), torch.full((3,), 5.0), rtol=0.05, atol=0)
    assert codes.mean(0).abs().max() < 0.3


@pytest.mark.parametrize("dim", [2, 5])
def test_petals_are_alike_and_stretch_outwards(dim):
    flower = Flower(dim, petals=4, radius=9.0, along=0.8, across=0.2)
    codes = drawn(flower)
    torch.testing.assert_close(flower.directions.norm(dim=1), torch.ones(4))
    petal = (codes @ flower.directions.T).argmax(1)
    torch.testing.assert_close(petal.bincount() / 4000, torch.full((4,), 0.25), atol=0.03, rtol=0)
    for k, direction in enumerate(flower.directions):
        mine = codes[petal == k]
        outwards = mine @ direction
        assert outwards.mean() == pytest.approx(9, abs=0.1)
        assert outwards.std() == pytest.approx(0.8, rel=0.1)
        sideways = mine - outwards[:, None] * direction
        assert sideways.square().sum(1).mean().item() == pytest.approx((dim - 1) * 0.2**2, rel=0.1)


def test_petals_lie_evenly_in_the_plane():
    x, y = Flower(petals=8).directions.T
    angles = torch.atan2(y, x) % (2 * math.pi)
    torch.testing.assert_close(angles.diff(), torch.full((7,), math.pi / 4))


def test_a_swiss_roll_lies_on_its_spiral_evenly_along_its_length():
    roll = SwissRoll(turns=2.0, radius=4.0, width=0.0)
    codes = drawn(roll)
    radius = codes.norm(dim=1)
    angle = torch.atan2(codes[:, 1], codes[:, 0])
    turned = (math.pi * radius - angle) / (2 * math.pi)  # radius 4 after two turns: pi for every unit
    torch.testing.assert_close(turned, turned.round(), atol=1e-3, rtol=0)
    share = (radius / 4).square()
    torch.testing.assert_close(
        share.quantile(torch.tensor([0.25, 0.5, 0.75])), torch.tensor([0.25, 0.5, 0.75]), atol=0.03, rtol=0
    )
    noisy = drawn(SwissRoll(2.0, 4.0, width=0.3))
    assert (noisy - codes).std().item() == pytest.approx(0.3, rel=0.05)


def test_truncation_brings_codes_to_the_middles_of_the_parts():
    assert drawn(Gaussian(), truncation=0.0).abs().max() == 0
    flower = Flower(petals=3, radius=2.0)
    middles = drawn(flower, truncation=0.0)
    assert torch.cdist(middles, 2 * flower.directions).amin(1).max() < 1e-5
    full, half = drawn(flower), drawn(flower, truncation=0.5)
    torch.testing.assert_close(half, (full + middles) / 2)


def test_a_mixture_is_standard_normal_before_and_like_its_codes_after():
    mixture = GaussianMixture(2, 2)
    before = drawn(mixture)
    torch.testing.assert_close(before.T.cov(), torch.eye(2), atol=0.1, rtol=0)
    source = torch.Generator().manual_seed(1)
    factors = torch.tensor([[[1.0, 0.0], [0.8, 0.3]], [[0.2, 0.0], [0.0, 2.0]]])
    means = torch.tensor([[5.0, 0.0], [-5.0, 1.0]])
    component = (torch.rand(3000, generator=source) > 0.25).long()
    codes = means[component] + (factors[component] @ torch.randn(3000, 2, 1, generator=source))[..., 0]
    mixture.fit(codes)
    order = mixture.means[:, 0].argsort(descending=True)
    torch.testing.assert_close(mixture.weights[order], torch.tensor([0.25, 0.75]), atol=0.02, rtol=0)
    torch.testing.assert_close(mixture.means[order], means, atol=0.15, rtol=0)
    torch.testing.assert_close(mixture.factors[order], factors, atol=0.1, rtol=0)
    again = drawn(mixture)
    left = again[:, 0] < 0
    assert left.float().mean().item() == pytest.approx(0.75, abs=0.03)
    torch.testing.assert_close(again[left].T.cov(), codes[component == 1].T.cov(), atol=0.2, rtol=0.1)


def test_the_same_codes_give_the_same_mixture_whatever_was_there_before():
    codes = torch.randn(300, 3)
    one, other = GaussianMixture(3, 4), GaussianMixture(3, 4)
    other.fit(torch.rand(50, 3))
    state = torch.get_rng_state()
    for mixture in (one, other):
        mixture.fit(codes)
    assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("codes", [torch.randn(2, 3), torch.zeros(40, 3), torch.randn(40, 1).repeat(1, 3)])
def test_few_or_poor_codes_make_a_smaller_mixture_without_a_word(codes):
    mixture = GaussianMixture(3, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mixture.fit(codes)
    assert (mixture.weights > 0).sum() <= max(1, len(codes) // 6)
    again = drawn(mixture)
    assert again.isfinite().all()
    assert (again.mean(0) - codes.mean(0)).abs().max() < 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Flower(1), "dim 2 or more"),
        (lambda: Flower(2, petals=0), "at least one petal"),
        (lambda: GaussianMixture(2, 0), "at least 1"),
    ],
)
def test_priors_that_make_no_sense_are_refused(make, message):
    with pytest.raises(GanzooError, match=message):
        make()
