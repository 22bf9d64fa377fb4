"""FastGAN's generator against Projected GAN's code: outputs, published sizes, and where it ends."""

import pytest
import torch
from official import official, wave
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.fastgan import FastGANGenerator

# places in the code's sequences: of convolutions, noises and norms
SEQUENCE = {"1": "convs.0", "2": "noise.0", "3": "norms.0", "5": "convs.1", "6": "noise.1", "7": "norms.1"}
LITE = {"1": "convs.0", "2": "norms.0"}
CONDITIONAL = {"conv1": "convs.0", "conv2": "convs.1", "bn1": "norms.0", "bn2": "norms.1", "noise": "noise.0"}
ENDS = {"weight_orig": "original", "weight_u": "0.u", "weight_v": "0.v"}


def renamed(state, places):
    """The official tensors under our names; the code makes layers for 256 pixels that 128 do not use, left out."""
    ours, noise = {}, {}
    for key, value in state.items():
        first, *path, last = key.removeprefix("synthesis.").split(".")
        if last == "num_batches_tracked" or first.endswith("_256"):
            continue
        if first == "init":
            place = [{"0": "first", "1": "norm"}[path[1]]]
        elif first.startswith("feat_"):
            block = f"blocks.{int(first[5:]).bit_length() - 4}"
            place = [block, places[path[0]], *path[1:]]
            if place[1].startswith("noise"):
                noise.setdefault(f"{block}.strength", []).append(value)
                continue
        elif first.startswith("se_"):
            place = ["gates", first[3:], {"1": "conv1", "3": "conv2"}[path[1]]]
        else:
            place = [{"to_big": "to_image", "embed": "embed"}[first]]
        if last.startswith("stored"):
            place, last = [*place, "norm"], last.replace("stored", "running")
        ours[".".join([*place, f"parametrizations.weight.{ENDS[last]}" if last in ENDS else last])] = value
    return ours | {name: torch.cat(values) for name, values in noise.items()}


def unused(said):
    """Parameters of the layers for 256 pixels."""
    return sum(
        value.numel()
        for key, value in said.state.items()
        if "_256." in key and not key.endswith(("_u", "_v", "_mean", "_var", "tracked"))
    )


@pytest.mark.parametrize(
    ("name", "places", "options"),
    [("", SEQUENCE, {}), ("_lite", LITE, {"lite": True}), ("_conditional", CONDITIONAL, {"n_classes": 3})],
)
def test_the_generator_is_the_codes(name, places, options):
    said = official(f"fastgan_generator{name}")
    network = FastGANGenerator(128, 3, 8, 4, **options)
    missing, unexpected = network.load_state_dict(renamed(said.state, places), strict=False)
    assert not unexpected
    assert all(each.endswith("num_batches_tracked") for each in missing)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count - unused(said)
    noise = [wave((2, *shape)) for shape in network.noise_shapes]
    with torch.no_grad():
        said.check("eval", network.eval()(said.x, said.labels, noise))
        said.check("train", network.train()(said.x, said.labels, noise))


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 105_684_175),
        ({"lite": True}, 79_354_307),
        ({"size": 32}, 91_124_489),  # Diffusion-GAN's for CIFAR-10
        ({"size": 1024}, 105_884_483),
    ],
)
def test_published_sizes(options, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in FastGANGenerator(**options).parameters()) == count


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_it_ends_after_any_side_without_a_squashing(size):
    torch.manual_seed(0)
    network = FastGANGenerator(size, 3, 4, 4).eval()
    nn.init.constant_(network.to_image.bias, 5.0)
    images = network(torch.randn(2, 4))
    assert images.shape == (2, *network.shape)
    assert images.mean() > 2  # no tanh
    assert network.unbounded


def test_other_sides_are_refused():
    with pytest.raises(GanzooError, match="size: 48 given"):
        FastGANGenerator(48)


def test_length_of_a_latent_vector_does_not_matter_and_noise_only_with_its_strength():
    torch.manual_seed(0)
    network = FastGANGenerator(32, 3, 4, 8).eval()
    z = torch.randn(2, 4)
    torch.testing.assert_close(network(z), network(3 * z))
    for block in network.blocks:
        nn.init.ones_(block.strength)
    assert not network(z).allclose(network(z))
    noise = [torch.randn(2, *shape) for shape in network.noise_shapes]
    assert network(z, noise=noise).equal(network(z, noise=noise))
