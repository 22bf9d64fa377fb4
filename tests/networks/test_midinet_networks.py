"""MidiNet's networks: published sizes, matrix products in place of convolutions, what each of them sees."""

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu
from tunes import bars_under, midinet

from ganzoo.common.errors import GanzooError
from ganzoo.networks.midinet import (
    BarConditioner,
    MidiNetDiscriminator,
    MidiNetGenerator,
    PatchConv,
    PatchTranspose,
    beside,
    unit,
)


def test_networks_have_the_parameters_of_the_authors_code():
    sizes = [sum(p.numel() for p in network.parameters()) for network in (MidiNetGenerator(), MidiNetDiscriminator())]
    assert sizes == [530_625, 312_703]


def test_the_bar_before_is_seen_at_16_8_4_and_2_steps():
    maps = BarConditioner(128, 16)(torch.zeros(3, 1, 16, 128))
    assert [tuple(x.shape) for x in maps] == [(3, 16, steps, 1) for steps in (16, 8, 4, 2)]


@pytest.mark.parametrize(("channels", "width", "kernel"), [(3, 5, (2, 1)), (3, 5, (1, 6)), (1, 2, (2, 3))])
def test_matrix_products_are_the_convolutions_that_they_stand_for(channels, width, kernel):
    x = torch.randn(2, channels, 4, 6)
    layer = PatchConv(channels, width, kernel)
    torch.testing.assert_close(layer(x), nn.Conv2d.forward(layer, x))
    layer = PatchTranspose(channels, width, kernel)
    torch.testing.assert_close(layer(x), nn.ConvTranspose2d.forward(layer, x))


def test_the_first_map_is_a_convolution_of_bar_and_chord():
    judge, (x, y) = midinet().discriminator, bars_under(3)
    torch.testing.assert_close(judge.maps(x, y), leaky_relu(judge.first(beside(unit(x), y[0])), 0.2))
    assert judge.maps(x, y).shape == (3, 14, 8, 1)


def test_the_generator_follows_chord_and_bar_before_and_the_judge_the_chord_alone():
    model, (x, (chords, before)) = midinet().eval(), bars_under(4)
    draw, judge, z = model.generator, model.discriminator, torch.randn(4, 6)
    other, silence = chords.roll(1, 1), -torch.ones_like(before)
    bars = draw(z, (chords, before))
    assert bars.shape == x.shape
    assert bars.abs().max() < 1
    assert not torch.allclose(bars, draw(z, (other, before)))
    assert not torch.allclose(bars, draw(z, (chords, silence)))
    assert not torch.allclose(judge(x, (chords, before)), judge(x, (other, before)))
    torch.testing.assert_close(judge(x, (chords, before)), judge(x, (chords, silence)))
    assert judge.features(x, (chords, before)).shape == (4, judge.n_features)


def test_silence_before_is_no_condition():
    """The maps of a silent bar are those of the conditioner's biases alone, whatever its weights on pitches are."""
    conditioner = BarConditioner(24, 4).eval()
    silent = conditioner(unit(-torch.ones(1, 1, 16, 24)))
    nn.init.normal_(conditioner.layers[0][0].weight)
    for before, after in zip(silent, conditioner(unit(-torch.ones(1, 1, 16, 24))), strict=True):
        torch.testing.assert_close(before, after)


@pytest.mark.parametrize("shape", [[1, 12, 24], [2, 16, 24], [16, 24]])
def test_bars_that_cannot_be_halved_are_refused(shape):
    for network in (MidiNetGenerator, MidiNetDiscriminator):
        with pytest.raises(GanzooError, match="T divisible by 8"):
            network(shape)
