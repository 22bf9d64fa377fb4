"""SAGAN's networks at 32 pixels against mimicry's: outputs, statistics after a pass, and published sizes."""

import torch
from official import official
from torch import nn

from ganzoo.networks.sagan import SAGANDiscriminator, SAGANGenerator

LAYERS = {"c1": "conv1", "c2": "conv2", "c_sc": "shortcut", "b1": "norm1", "b2": "norm2", "bn": "norm"}
ATTENTION = {"theta": "query", "phi": "key", "g": "value", "o": "out"}
ENDS = {"weight_orig": "original", "weight_u": "0.u", "weight_v": "0.v"}


def renamed(state, first_block):
    """The official tensors under our names."""
    ours = {}
    for key, value in state.items():
        first, *path, last = key.split(".")
        if first.startswith("block"):
            place = ["blocks", str(int(first[5:]) - first_block), *(LAYERS.get(part, part) for part in path)]
        elif first == "attn_block":
            place = ["attention", *(ATTENTION[part] for part in path)]
        else:
            place = [{"l1": "linear", "l5": "linear", "l_y": "embed", "b5": "norm", "c5": "last"}[first]]
        ours[".".join([*place, f"parametrizations.weight.{ENDS[last]}" if last in ENDS else last])] = value
    return ours


def compare(said, network, first_block):
    missing, unexpected = network.load_state_dict(renamed(said.state, first_block), strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check("eval", network.eval()(said.x, said.labels))
        said.check("train", network.train()(said.x, said.labels))
    after = network.state_dict()
    names = [name for name in said.output if name.startswith("after training forward: ")]
    assert len(names) == 2
    for name in names:
        (ours,) = renamed({name.removeprefix("after training forward: "): None}, first_block)
        said.check(name, after[ours])


def test_the_generator_is_mimicrys():
    compare(official("mimicry_sagan32_generator"), SAGANGenerator(3, 8, 8, 3), 2)


def test_the_discriminator_is_mimicrys():
    compare(official("mimicry_sagan32_discriminator"), SAGANDiscriminator(3, 8, 3), 1)


def test_published_sizes():
    def count(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    assert count(SAGANGenerator()) == 4_386_308
    assert count(SAGANDiscriminator()) == 1_075_586


def test_both_networks_begin_without_attention():
    torch.manual_seed(0)
    generator, discriminator = SAGANGenerator(3, 8, 8, 3).eval(), SAGANDiscriminator(3, 8, 3).eval()
    z, x, y = torch.randn(2, 8), torch.randn(2, 3, 32, 32), torch.tensor([0, 2])
    before = generator(z, y), discriminator(x, y)
    for network in (generator, discriminator):
        nn.init.normal_(network.attention.out.parametrizations.weight.original)
    assert torch.equal(generator(z, y), before[0])
    assert torch.equal(discriminator(x, y), before[1])
