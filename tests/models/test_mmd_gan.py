"""The maximum mean discrepancy against a double loop, and the game that is played for it."""

import math

import pytest
import torch
from moves import in_move
from tiny import digits, fit, points

from ganzoo.common.errors import GanzooError
from ganzoo.games.schedules import Schedule
from ganzoo.losses.kernels import BANDWIDTHS, mmd2, squared_distances
from ganzoo.models.mmd_gan import MMDGAN
from ganzoo.networks.autoencoder import ConvDecoder, ConvEncoder, MLPEncoder
from ganzoo.networks.dcgan import DCGANGenerator
from ganzoo.networks.mlp import MLPGenerator


def small(decoder=True, kind=MMDGAN, **options) -> MMDGAN:
    """A game on points."""
    torch.manual_seed(0)
    generator, encoder = MLPGenerator([2], 4, (16,), squash=False), MLPEncoder([2], 3, (16,))
    return kind(generator, encoder, MLPGenerator([2], 3, (16,), squash=False) if decoder else None, **options)


def kernel(a, b) -> float:
    return sum(math.exp(-sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / (2 * s * s)) for s in BANDWIDTHS)


def double_loop(x, y, biased) -> float:
    """Gretton et al. 2012, equations 3 and 5, term by term."""
    within = 0.0
    for sample in (x, y):
        terms = [
            kernel(sample[i], sample[j]) for i in range(len(sample)) for j in range(len(sample)) if biased or i != j
        ]
        within += sum(terms) / len(terms)
    return within - 2 * sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("sizes", [(5, 5), (4, 7)])
def test_both_estimators_equal_the_double_loop(sizes, biased):
    x, y = torch.randn(sizes[0], 3), 2 * torch.randn(sizes[1], 3) + 1
    expected = double_loop(x.tolist(), y.tolist(), biased)
    assert mmd2(x, y, biased=biased).item() == pytest.approx(expected, abs=2e-6)


def test_of_two_points_it_is_known_in_closed_form():
    for distance in (0.0, 0.5, 3.0, 40.0):
        expected = 2 * sum(1 - math.exp(-(distance**2) / (2 * sigma**2)) for sigma in BANDWIDTHS)
        assert mmd2(torch.zeros(1, 1), torch.full((1, 1), distance)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("biased", [True, False])
def test_it_knows_neither_side_nor_order_nor_place(biased):
    x, y = torch.randn(8, 4), torch.randn(6, 4) + 0.5
    value = mmd2(x, y, biased=biased)
    torch.testing.assert_close(mmd2(y, x, biased=biased), value, rtol=0, atol=2e-6)
    torch.testing.assert_close(mmd2(x.flip(0), y[torch.randperm(6)], biased=biased), value, rtol=0, atol=2e-6)
    torch.testing.assert_close(mmd2(x + 1000, y + 1000, biased=biased), value, rtol=0, atol=1e-3)


def test_the_biased_one_is_never_negative_and_zero_for_the_same_sample():
    for _ in range(20):
        x = torch.randn(5, 2)
        assert mmd2(x, torch.randn(7, 2)) > 0
        assert mmd2(x, x.flip(0)).abs() < 2e-6


def test_for_equal_distributions_the_unbiased_one_is_zero_on_average_and_the_biased_one_is_not():
    x, y = torch.randn(2, 500, 8, 2)
    draws = torch.stack([torch.stack([mmd2(a, b, biased=False), mmd2(a, b)]) for a, b in zip(x, y, strict=True)])
    mean, error = draws.mean(0), draws.std(0) / len(draws) ** 0.5
    assert mean[0].abs() < 3 * error[0]
    assert mean[1] > 10 * error[1]
    apart = torch.stack([mmd2(a, b + 1, biased=False) for a, b in zip(x, y, strict=True)])
    assert apart.mean() > 10 * error[0]


def test_distances_are_computed_in_float32_inside_autocast():
    x, y = torch.randn(5, 3), torch.randn(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        found = squared_distances(x, y)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.cdist(x, y).square())
    assert torch.equal(found, squared_distances(x, y))


@pytest.mark.parametrize("decoder", [True, False])
def test_critic_and_generator_play_for_the_same_distance(decoder):
    model, x = small(decoder), torch.randn(16, 2) + 1
    torch.manual_seed(1)
    fake = model.fake(16)
    codes = [model.discriminator(v) for v in (x, fake)]
    distance = mmd2(*codes).sqrt()
    short = (codes[1].mean(0) - codes[0].mean(0)).clamp_min(0).mean()
    torch.manual_seed(1)
    terms = in_move(model.d_loss, x, None)
    torch.testing.assert_close(terms["adv"], -distance)
    torch.testing.assert_close(terms["rg"], 16 * short)
    if decoder:
        errors = [(model.decoder(h) - v).square().mean() for h, v in zip(codes, (x, fake), strict=True)]
        torch.testing.assert_close(terms["ae"], 8 * sum(errors))
    assert ("ae" in terms) == decoder
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, None), {"adv": distance, "rg": -16 * short})
    assert model.notes.means() == {"d/mmd": pytest.approx(distance.item())}


def test_equal_codes_leave_the_gradient_finite():
    codes = torch.ones(4, 3, requires_grad=True)
    small().distance(codes, codes.detach())["adv"].backward()
    assert not codes.grad.isnan().any()


class Clipped(MMDGAN):
    """Notes the largest weight of encoder and decoder after each move."""

    def on_fit_start(self):
        self.largest = []

    def move(self, player, x, y):
        super().move(player, x, y)
        parts = (self.discriminator, self.decoder)
        self.largest.append((player.name, *(max(p.abs().max().item() for p in part.parameters()) for part in parts)))


def test_the_encoder_is_clipped_after_each_of_its_steps_and_the_decoder_learns_unclipped(tmp_path):
    model = small(kind=Clipped, n_critic=2, clip=0.02)
    before = [p.clone() for p in model.decoder.parameters()]
    fit(tmp_path, model, points(), 3)
    assert [name for name, *_ in model.largest] == ["d", "d", "g"] * 3
    assert [encoder for _, encoder, _ in model.largest] == pytest.approx([0.02] * 9)
    assert min(decoder for *_, decoder in model.largest) > 0.1
    assert not any(torch.equal(p, q) for p, q in zip(before, model.decoder.parameters(), strict=True))


def test_a_decoder_that_does_not_fit_is_refused():
    with pytest.raises(GanzooError, match=r"decoder: .*length 4"):
        MMDGAN(MLPGenerator([2], 4, (8,)), MLPEncoder([2], 3, (8,)), MLPGenerator([2], 4, (8,)))


def test_trains_in_bfloat16(tmp_path):
    torch.manual_seed(0)
    encoder, decoder = ConvEncoder(8, 1, 8, 6), ConvDecoder(8, 1, 8, 6)
    model = MMDGAN(DCGANGenerator(8, 1, 8, 5), encoder, decoder, n_critic=Schedule([2, 1], [0, 0.5]))
    assert fit(tmp_path, model, digits(), 3, precision="bf16-mixed").global_step == 3
    assert {"d/adv", "d/rg", "d/ae", "d/mmd", "g/adv", "g/rg"} == model.notes.means().keys()
    assert torch.tensor(list(model.notes.means().values())).isfinite().all()
    assert model.exported().keys() == {"generator", "discriminator", "decoder"}


def test_samples_move_to_the_data(tmp_path):
    """The data is one blob around (1, 0), the generator begins around the origin."""
    model = small(g_lr=0.005, d_lr=0.01, ema=0.9, n_critic=1, clip=0.3, rg_weight=1.0)
    target = torch.tensor([1.0, 0.0])
    assert (model.sample(500, seed=0).mean(0) - target).norm() > 0.8
    fit(tmp_path, model, points(modes=1, std=0.1), 150)
    assert (model.sample(500, seed=0).mean(0) - target).norm() < 0.25
