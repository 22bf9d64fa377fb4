"""StackGAN's networks: the port's outputs on equal weights, published sizes, and conditioning augmentation."""

import pytest
import torch
from official import official
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.stackgan import (
    ConditioningAugmentation,
    StackGANDiscriminator,
    StackGANGenerator,
    StackGANRefiner,
)

LAYERS = (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d)
SMALL = {"condition_dim": 6, "ca_dim": 4, "ported": True}


def fill(network: nn.Module, state: dict[str, torch.Tensor], prefix: str = "", leave: str = "-") -> nn.Module:
    """Copies tensors, in whose names layers are numbered as they follow each other, to a network."""
    state = {name.removeprefix(prefix): x for name, x in state.items() if name.startswith(prefix) and leave not in name}
    ours = [layer for layer in network.modules() if isinstance(layer, LAYERS)]
    theirs = list(dict.fromkeys(name.rpartition(".")[0] for name in state))
    assert len(ours) == len(theirs)
    for layer, name in zip(ours, theirs, strict=True):
        own = {key.rpartition(".")[2]: tensor for key, tensor in state.items() if key.rpartition(".")[0] == name}
        assert set(layer.state_dict()) - {"num_batches_tracked"} == set(own)
        layer.load_state_dict(own, strict=False)
    return network


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_stage_one_computes_what_the_port_does(mode):
    said = official("stackgan_stage1_generator")
    network = fill(StackGANGenerator(latent_dim=4, width=4, **SMALL), said.state).train(mode == "train")
    assert count(network) == said.parameter_count
    y, z = said.x
    with torch.no_grad():
        mu, log_sigma = network.ca.statistics(y)
        said.check(f"{mode}: mu", mu)
        said.check(f"{mode}: logvar", 2 * log_sigma)
        said.check(f"{mode}: image", network(torch.cat([z, z], 1), y))  # their eps follows the same rule


def test_stage_two_computes_what_the_port_does():
    said = official("stackgan_stage2_generator")
    low = fill(StackGANGenerator(latent_dim=4, width=8, **SMALL), said.state, "STAGE1_G.").eval()
    network = fill(StackGANRefiner(width=8, blocks=1, **SMALL), said.state, leave="STAGE1_G").eval()
    assert count(low) + count(network) == said.parameter_count
    y, z = said.x
    with torch.no_grad():
        image = low(torch.cat([z, z], 1), y)
        said.check("stage1_image", image)
        said.check("image", network(image, z, y))
        said.check("mu", network.ca.statistics(y)[0])


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("stage", [1, 2])
def test_discriminators_compute_what_the_port_does(stage, mode):
    said = official(f"stackgan_stage{stage}_discriminator")
    network = StackGANDiscriminator(64 if stage == 1 else 256, 3, 4, 0, 2, ported=True, unconditional=stage == 2)
    fill(network, said.state).train(mode == "train")
    assert count(network) == said.parameter_count
    x, y = said.x
    with torch.no_grad():
        output = network(x, y)
    conditional, *alone = output if stage == 2 else (output,)
    said.check(f"{mode}: conditional", conditional.sigmoid())
    for logits in alone:
        said.check(f"{mode}: unconditional", logits.sigmoid())


def test_published_sizes():
    with torch.device("meta"):
        assert count(StackGANGenerator()) == 14_267_395
        assert count(StackGANDiscriminator()) == 4_032_065
        assert count(StackGANGenerator(ported=True)) == 10_301_248
        assert count(StackGANDiscriminator(condition_dim=128, text_dim=0, ported=True)) == 5_715_713
        assert count(StackGANRefiner(ported=True)) == 26_290_080
        judge = StackGANDiscriminator(256, condition_dim=128, text_dim=0, ported=True, unconditional=True)
        assert count(judge) == 71_269_122


@pytest.mark.parametrize("ported", [False, True])
@pytest.mark.parametrize(("size", "low"), [(32, 16), (64, 32), (64, 64)])
def test_both_stages_fit_together_at_every_size(size, low, ported):
    torch.manual_seed(0)
    y, options = torch.randn(3, 6), {"condition_dim": 6, "ported": ported}
    small = StackGANGenerator(low, 1, ca_dim=5, latent_dim=7, width=4, **options)(torch.randn(3, 12), y)
    assert small.shape == (3, 1, low, low)
    image = StackGANRefiner(size, low, 1, ca_dim=5, width=4, blocks=1, **options)(small, torch.randn(3, 5), y)
    assert image.shape == (3, 1, size, size)
    assert image.abs().max() < 1
    assert StackGANDiscriminator(size, 1, text_dim=4, width=4, **options)(image, y).shape == (3,)


def test_augmentation_with_weights_of_zero_is_standard_normal():
    ca = ConditioningAugmentation(6, 4)
    for parameter in ca.parameters():
        nn.init.zeros_(parameter)
    eps = torch.randn(5, 4)
    assert torch.equal(ca(torch.randn(5, 6), eps), eps)


@pytest.mark.parametrize("size", [8, 48, 100])
def test_sides_that_doubling_does_not_make_are_refused(size):
    for network in (StackGANGenerator, StackGANDiscriminator):
        with pytest.raises(GanzooError, match=rf"^size: {size} given, .* 16, 32, 64 and so on"):
            network(size)
