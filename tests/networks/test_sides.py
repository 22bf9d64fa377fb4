"""Networks for images of any side, and what is cut off or put around where halving leaves a remainder."""

import pytest
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator, ends, sides
from ganzoo.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from ganzoo.networks.resnet import ResNetDiscriminator
from ganzoo.networks.sides import channels_at, crop_or_pad, halvings
from ganzoo.networks.srresnet import SRGANDiscriminator
from ganzoo.networks.unet import UNet


def test_a_side_is_halved_until_less_than_twice_the_smallest_is_left():
    for size in range(8, 300):
        times = halvings(size, 4, "it")
        assert 4 <= size >> times <= 7
        assert (ends(size), sides(size)[1]) == ((size >> times, times), times)
        assert 4 <= sides(size)[0] <= 8
        assert size <= sides(size)[0] << times < size + 2**times  # nothing that a smaller start would reach is cut
    with pytest.raises(GanzooError, match="size: 7 given, but it takes images of 8 pixels or more"):
        halvings(7, 4, "it")


def test_sides_that_were_there_before_start_where_they_did():
    before = {8: (4, 1), 16: (4, 2), 28: (7, 2), 32: (4, 3), 64: (4, 4), 128: (4, 5), 256: (4, 6)}
    assert {size: sides(size) for size in before} == {size: ends(size) for size in before} == before


def test_the_middle_stays_and_what_was_cut_off_is_put_back_as_zeros():
    x = torch.arange(1.0, 50.0).view(1, 1, 7, 7)
    assert crop_or_pad(x, 7) is x
    for size in (4, 5, 6):
        before = (7 - size) // 2
        cut = crop_or_pad(x, size)
        assert torch.equal(cut, x[..., before : before + size, before : before + size])
        back = crop_or_pad(cut, 7)
        assert torch.equal(back[back != 0], cut.flatten())
        assert torch.equal(back.ne(0) * x, back)  # each where it was


@pytest.mark.parametrize("size", [9, 28, 30, 63])
def test_infogans_and_srgans_networks_take_any_side(size):
    images = InfoGANGenerator(size, 2, width=2, hidden=3, latent_dim=5)(torch.randn(2, 5))
    assert images.shape == (2, 2, size, size)
    assert InfoGANDiscriminator(size, 2, width=2, hidden=3)(images).shape == (2,)
    if size >= 16:
        assert SRGANDiscriminator(size, 2, width=2, hidden=3)(images).shape == (2,)


@pytest.mark.parametrize("network", [DCGANDiscriminator, ResNetDiscriminator], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("size", [27, 50])
def test_discriminators_see_every_pixel_and_generators_make_every_one(network, size):
    torch.manual_seed(0)
    x = torch.randn(2, 1, size, size, requires_grad=True)
    network(size, 1, width=4, **({"norm": "none"} if network is DCGANDiscriminator else {}))(x).sum().backward()
    assert x.grad.ne(0).all()
    images = DCGANGenerator(size, 1, width=4, latent_dim=5).eval()(torch.randn(3, 5))
    assert images.std(0).gt(0).all()


def test_a_u_net_of_an_odd_side_draws_as_much_noise_as_it_drops():
    network = UNet(50, 1, 1, width=2)
    x, noise = torch.randn(2, 1, 50, 50), torch.rand(2, network.noise_dim) * 2 - 1
    assert network(x, noise).shape == x.shape
    assert network.noises == [16 * 3**2, 8 * 6**2, 4 * 12**2]  # 50 is halved to 25, 12, 6, 3, 1
    assert not torch.equal(network.eval()(x, noise), network(x, -noise))


def test_maps_have_channels_at_every_side():
    assert [channels_at(side, 64, 32) for side in (1, 2, 4, 64)] == [32, 32, 16, 1]
    with pytest.raises(
        GanzooError, match=r"^base: 64 given, at most 32, which leaves no channels to maps of 128 pixels"
    ):
        channels_at(128, 64, 32)
