"""3D-GAN's networks: a re-implementation's outputs on equal weights, published sizes, and ranges."""

import pytest
import torch
from official import official
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.three_d_gan import ThreeDGANDiscriminator, ThreeDGANGenerator

LAYERS = (nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d)


def fill(network: nn.Module, state: dict[str, torch.Tensor]) -> nn.Module:
    """Copies tensors, in whose names layers are numbered as they follow each other, to a network."""
    ours = [layer for layer in network.modules() if isinstance(layer, LAYERS)]
    theirs = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    assert len(ours) == len(theirs)
    for layer, name in zip(ours, theirs, strict=True):
        own = {key.rpartition(".")[2]: tensor for key, tensor in state.items() if key.rpartition(".")[0] == name}
        left = set(layer.state_dict()) - {"num_batches_tracked"}
        assert left == set(own)
        layer.load_state_dict(own, strict=False)
    return network


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_generator_computes_what_the_port_does(mode):
    said = official("gan3d_generator_32")
    network = fill(ThreeDGANGenerator(32, latent_dim=8, widths=(256, 128, 64, 32)), said.state)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check(mode, (network.train(mode == "train")(said.x) + 1) / 2)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_discriminator_computes_what_the_port_does(mode):
    said = official("gan3d_discriminator_32")
    network = fill(ThreeDGANDiscriminator(32, widths=(32, 64, 128, 256), first_norm=True), said.state)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check(mode, network.train(mode == "train")(2 * said.x - 1).sigmoid())


def test_published_sizes():
    with torch.device("meta"):
        networks = ThreeDGANGenerator(), ThreeDGANDiscriminator(), ThreeDGANDiscriminator(first_norm=True)
        counts = [sum(p.numel() for p in network.parameters()) for network in networks]
        assert counts == [17_569_664, 11_048_704, 11_048_832]
        assert networks[0](torch.empty(2, 200)).shape == (2, 1, 64, 64, 64)
        assert networks[1](torch.empty(2, 1, 64, 64, 64)).shape == (2,)
        assert networks[1].features(torch.empty(2, 1, 64, 64, 64)).shape == (2, 512, 4, 4, 4)
        assert networks[1].n_features == 512 * 4**3
    assert not any(
        name.endswith("bias")
        for layer in networks[0].net
        for name, _ in layer.named_parameters()
        if not isinstance(layer, nn.BatchNorm3d)
    )


@pytest.mark.parametrize(("size", "widths"), [(8, (4,)), (16, (8, 4)), (16, (8, 6, 4)), (32, (8, 6, 4))])
def test_voxels_lie_between_empty_and_full_at_every_size(size, widths):
    torch.manual_seed(0)
    solids = ThreeDGANGenerator(size, 2, 5, widths)(torch.rand(3, 5))
    assert solids.shape == (3, 2, size, size, size)
    assert -1 < solids.min() < 0 < solids.max() < 1
    assert ThreeDGANDiscriminator(size, 2, widths[::-1])(solids).shape == (3,)


@pytest.mark.parametrize("network", [ThreeDGANGenerator, ThreeDGANDiscriminator])
@pytest.mark.parametrize(
    ("size", "widths", "words"),
    [(48, (8, 4), "2 of them make 8 or 16"), (32, (4,), "1 of them make 4 or 8"), (32, (), "at least one")],
)
def test_widths_that_do_not_lead_to_the_side_are_refused(network, size, widths, words):
    with pytest.raises(GanzooError, match=f"^widths: .* of {size} voxels a side, but .*{words}"):
        network(size=size, widths=widths)
