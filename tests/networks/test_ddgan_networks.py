"""Denoising diffusion GAN's networks against the authors': outputs and published sizes."""

import pytest
import torch
from official import official, wave
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.ddgan import DDGANDiscriminator
from ganzoo.networks.ncsnpp import NCSNppGenerator, embedded_time, groups_of


def take(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Gives a network the authors' tensors, which come in the same order; theirs of 1x1 layers are (in, out)."""
    own = network.state_dict()
    for (name, tensor), (key, value) in zip(own.items(), state.items(), strict=True):
        value = value.T[:, :, None, None] if key.endswith(".W") else value
        assert tensor.shape == value.shape, (name, key)
        tensor.copy_(value)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(scope="module")
def generator():
    """The authors' generator and what is said of it."""
    said = official("ddgan_ncsnpp_generator")
    network = NCSNppGenerator(16, 3, 8, (1, 2), 1, (8,), 6, 8, 1)
    take(network, said.state)
    return network, said


def test_the_generator_is_the_authors(generator):
    network, said = generator
    assert count(network) == said.parameter_count
    with torch.no_grad():
        said.check("output", network(said.x, torch.tensor([0, 3]), wave((2, 6))))


@pytest.mark.parametrize(
    ("name", "arguments"), [("small", (16, 3, 4)), ("large", (64, 3, 2, (4, 8, 8, 8, 8, 8), True))]
)
def test_the_discriminators_are_the_authors(name, arguments):
    said = official(f"ddgan_discriminator_{name}")
    network = DDGANDiscriminator(*arguments, time_dim=8)
    take(network, said.state)
    assert count(network) == said.parameter_count
    with torch.no_grad():
        said.check("logits", network(torch.cat([said.x, -0.7 * said.x.flip(3)], 1), torch.tensor([0, 3, 1, 2])))


def test_published_sizes():
    """Those of CIFAR-10 and, for faces of 256 pixels, with two steps."""
    with torch.device("meta"):
        assert (count(NCSNppGenerator()), count(DDGANDiscriminator())) == (48_432_515, 12_741_633)
        faces = NCSNppGenerator(256, 3, 64, (1, 1, 2, 2, 4, 4), mapping_layers=3)
        large = DDGANDiscriminator(256, 3, 64, (4, 8, 8, 8, 8, 8), halve_first=True)
        assert (count(faces), count(large)) == (39_726_979, 27_737_217)


def test_latent_vectors_and_steps_change_the_guess(generator):
    network, said = generator
    x, t = said.x[:1].expand(3, -1, -1, -1), torch.tensor([3, 3, 1])
    z = torch.tensor([[1.0, 2, 3, 4, 5, 6], [6.0, -5, 4, -3, 2, 1], [1.0, 2, 3, 4, 5, 6]])
    with torch.no_grad():
        one, other, earlier = network(x, t, z)
    assert (one - other).abs().max() > 1e-3
    assert (one - earlier).abs().max() > 1e-3


def test_a_new_generator_guesses_grey_and_a_new_discriminator_knows_nothing():
    torch.manual_seed(0)
    x, t = torch.randn(4, 3, 16, 16), torch.arange(4)
    with torch.no_grad():
        assert NCSNppGenerator(16, 3, 8, (1, 2), 1, (8,), 6, 8, 1)(x, t, torch.randn(4, 6)).abs().max() < 1e-3
        assert DDGANDiscriminator(16, 3, 4, time_dim=8)(torch.cat([x, x], 1), t).abs().max() < 1e-2


def test_times_are_told_apart_by_waves():
    waves = embedded_time(torch.tensor([0, 1, 3]), 8)
    torch.testing.assert_close(waves[0], torch.tensor([0.0] * 4 + [1.0] * 4))
    torch.testing.assert_close(waves[1:, 0], torch.tensor([1.0, 3.0]).sin())
    torch.testing.assert_close(waves[1:, 7], (torch.tensor([1.0, 3.0]) / 10_000).cos())


def test_groups_divide_the_channels():
    assert [groups_of(channels) for channels in (3, 8, 24, 128, 256, 144)] == [1, 2, 6, 32, 32, 24]


@pytest.mark.parametrize("make", [lambda: NCSNppGenerator(20), lambda: DDGANDiscriminator(20)])
def test_sides_that_leave_a_remainder_are_refused(make):
    with pytest.raises(GanzooError, match="size: 20 given, which cannot be halved 3 times"):
        make()


@pytest.mark.parametrize("dim", [2, 5])
def test_steps_that_cannot_be_embedded_are_refused(dim):
    with pytest.raises(GanzooError, match=rf"^width: {dim} given, but steps are embedded in an even number"):
        NCSNppGenerator(8, 1, dim, (1,), 1, (), 4, 8, 1)
    with pytest.raises(GanzooError, match=rf"^time_dim: {dim} given, but steps are embedded"):
        DDGANDiscriminator(8, 1, 4, (2,), time_dim=dim)
