"""R3GAN's networks and losses against the authors': outputs, penalties, gradients and published sizes."""

import json
import math

import numpy as np
import pytest
import torch
from official import FOLDER, official
from torch import nn
from torch.nn.functional import interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.losses.objectives import OBJECTIVES, relativistic_d
from ganzoo.losses.penalties import input_gradient
from ganzoo.networks.r3gan import R3GANDiscriminator, R3GANGenerator, Resample, ResidualBlock

BLOCK = {
    "LinearLayer1.Layer.weight": "expand.weight",
    "LinearLayer2.Layer.weight": "grouped.weight",
    "LinearLayer3.Layer.weight": "reduce.weight",
    "NonLinearity1.Bias": "act1.bias",
    "NonLinearity2.Bias": "act2.bias",
}
ENDS = {
    "Basis": "basis",
    "Basis.weight": "basis.weight",
    "LinearLayer.weight": "linear.weight",
    "AggregationLayer.Layer.weight": "to_image.weight",
    "ExtractionLayer.Layer.weight": "from_image.weight",
}


def renamed(state, network):
    """The official tensors under our names; the filter, which is fixed, left out."""
    ours = {}
    for key, value in state.items():
        if key in ENDS:
            ours[ENDS[key]] = value
            continue
        _, stage, _, layer, *rest = key.split(".")
        name, layers = ".".join(rest), network.stages[int(stage)]
        places = [i for i, each in enumerate(layers) if isinstance(each, ResidualBlock)]
        # a transition is one layer there and two here; a generator's stage begins with one
        first = int(layer) - (isinstance(network, R3GANGenerator))
        if name in BLOCK:
            ours[f"stages.{stage}.{places[first]}.{BLOCK[name]}"] = value
        elif name == "LinearLayer.Layer.weight":
            (place,) = [i for i, each in enumerate(layers) if isinstance(each, nn.Conv2d)]
            ours[f"stages.{stage}.{place}.weight"] = value
        elif name in ENDS:
            ours[ENDS[name]] = value
        else:
            assert name == "Resampler.Kernel"
    return ours


def generator():
    said = official("r3gan_generator")
    network = R3GANGenerator(16, 3, 8, [12, 8, 8], [3, 4, 2], [1, 2, 1])
    network.load_state_dict(renamed(said.state, network))
    return said, network


def discriminator():
    said = official("r3gan_discriminator")
    network = R3GANDiscriminator(16, 3, [8, 8, 12], [2, 4, 3], [1, 2, 1])
    network.load_state_dict(renamed(said.state, network))
    return said, network


@pytest.mark.parametrize(("make", "output"), [(generator, "image"), (discriminator, "logits")])
def test_it_is_the_authors(make, output):
    said, network = make()
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check(output, network(said.x))


LOSSES = json.loads((FOLDER / "r3gan_losses.json").read_text())


def test_losses_are_the_authors():
    said = LOSSES["on_fixed_logits"]
    real, fake = torch.tensor(said["real"]), torch.tensor(said["fake"])
    objective = OBJECTIVES["relativistic"]
    assert objective.d(real, fake).item() == pytest.approx(said["D_mean"], rel=1e-6)
    assert objective.g(real, fake).item() == pytest.approx(said["G_mean"], rel=1e-6)
    assert relativistic_d(real, real).item() == pytest.approx(math.log(2))


def test_losses_penalties_and_gradients_on_the_networks_are_the_authors():
    said = LOSSES["on_networks"]
    (_, g), (_, d) = generator(), discriminator()
    wave = lambda *shape: torch.from_numpy(np.sin(0.3 * np.arange(math.prod(shape)) + 1).astype(np.float32)).view(shape)  # noqa: E731
    z, real = wave(3, 8), wave(3, 3, 16, 16)
    objective = OBJECTIVES["relativistic"]
    fake = g(z)
    loss = objective.g(d(real), d(fake))
    assert loss.item() == pytest.approx(np.mean(said["G"]["losses"]), rel=1e-5)
    gradients = torch.autograd.grad(loss, list(g.parameters()))
    compare(renamed(dict.fromkeys(official("r3gan_generator").state), g), g, gradients, said["G"]["gradient_norms"])
    fake = fake.detach()
    r1, r2 = (input_gradient(lambda x, y: d(x), x).square().sum(1) for x in (real, fake))
    weight = 0.1 / 2
    found = torch.cat([r1, r2]).tolist()
    assert found == pytest.approx([*said["D"]["r1"], *said["D"]["r2"]], rel=1e-4)
    whole = objective.d(d(real), d(fake)) + weight * (r1.mean() + r2.mean())
    gradients = torch.autograd.grad(whole, list(d.parameters()))
    names = renamed(dict.fromkeys(official("r3gan_discriminator").state), d)
    compare(names, d, gradients, said["D"]["gradient_norms_of_the_whole_loss"])


def compare(names, network, gradients, norms):
    """Compares the norms of gradients, ours by name, with the official ones, theirs by name."""
    ours = {name: float(g.norm()) for (name, _), g in zip(network.named_parameters(), gradients, strict=True)}
    for theirs, norm in norms.items():
        (name,) = renamed({theirs: None}, network)
        assert name in names
        assert ours[name] == pytest.approx(norm, rel=1e-3, abs=1e-5), theirs


def test_published_sizes():
    def count(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    with torch.device("meta"):
        assert count(R3GANGenerator(n_classes=10)) == 20_781_952
        assert count(R3GANDiscriminator(n_classes=10)) == 21_280_512
        assert (count(R3GANGenerator()), count(R3GANDiscriminator())) == (20_732_160, 20_683_776)
        widths, groups, blocks = [768] * 4 + [384], [96] * 4 + [48], [2] * 5
        assert count(R3GANGenerator(64, 3, 64, widths, groups, blocks)) == 22_429_824
        assert count(R3GANDiscriminator(64, 3, widths[::-1], groups[::-1], blocks)) == 22_381_440


def test_a_block_begins_as_the_identity_and_signals_keep_their_scale():
    torch.manual_seed(0)
    block, x = ResidualBlock(8, 2), torch.randn(2, 8, 4, 4)
    network = R3GANGenerator(16, 3, 8, [16] * 3, [2] * 3, [1] * 3)
    assert torch.equal(network.stages[0][0](torch.ones(1, 16, 4, 4)), torch.ones(1, 16, 4, 4))
    assert not torch.equal(block(x), x)  # before it is initialised as a part of a network
    logits = R3GANDiscriminator(16, 3, [16] * 3, [2] * 3, [1] * 3)(torch.randn(64, 3, 16, 16))
    assert 0.01 < logits.std() < 10


def test_resampling_keeps_constants_and_the_mean():
    x = torch.randn(1, 2, 8, 8)
    for up in (True, False):
        flat = Resample(up)(torch.ones(1, 2, 8, 8))
        torch.testing.assert_close(flat[..., 2:-2, 2:-2], torch.ones_like(flat[..., 2:-2, 2:-2]))
    inside = Resample(True)(x)[..., 2:-2, 2:-2]
    torch.testing.assert_close(inside, interpolate(x, scale_factor=2, mode="bilinear")[..., 2:-2, 2:-2])


def test_stages_must_lead_to_the_side():
    with pytest.raises(GanzooError, match=r"^groups: 3 given, which do not divide 32 channels"):
        R3GANGenerator(4, widths=[16], groups=[3], blocks=[1])
    with pytest.raises(GanzooError, match="size: 64 given, but 4 stages make images of 32 pixels"):
        R3GANGenerator(64)
