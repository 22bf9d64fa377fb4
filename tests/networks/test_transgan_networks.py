"""TransGAN's networks against the authors': outputs, published sizes, and where places lie from each other."""

import pytest
import torch
from official import official, wave
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.networks.tokens import as_map, as_tokens, joined_windows, windows
from ganzoo.networks.transgan import RelativeAttention, TransGANDiscriminator, TransGANGenerator, relative_index

RENAMED = {
    "norm1.norm": "norm1",
    "norm2.norm": "norm2",
    "attn.noise_strength_1": "attention.noise_strength",
    "attn.relative_position_bias_table": "attention.bias",
    "attn.qkv": "attention.qkv",
    "attn.proj": "attention.out",
    "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.2",
    "upsample_blocks.0.block.0": "stages.1.0",
    "upsample_blocks.1.block.0": "stages.2.0",
    "blocks.block.0": "stages.0.0",
    "l1": "linear",
    "deconv.0": "to_image",
    "blocks_1": "fine_blocks",
    "blocks_2": "coarse_blocks",
    "last_block.0": "last_block",
    "norm.norm": "norm",
    "head": "linear",
    "fRGB_1": "fine_patches",
    "fRGB_2": "coarse_patches",
}
TOKENS = {
    "generator": {f"pos_embed_{i + 1}": f"positions.{i}" for i in range(3)},
    "discriminator": {
        "cls_token": "class_token",
        "pos_embed_1": "fine_positions",
        "pos_embed_2": "coarse_positions",
    },
}


def renamed(state, network):
    """The official tensors under our names; tokens there have a batch of one, and indices are made anew."""
    ours = {}
    for key, value in state.items():
        if key in TOKENS[network]:
            ours[TOKENS[network][key]] = value[0]
        else:
            for theirs, name in RENAMED.items():
                key = key.replace(theirs, name) if f".{theirs}." in f".{key}." else key
            ours[key] = value
    return ours


def test_the_generator_is_the_authors():
    said = official("transgan_generator")
    network = TransGANGenerator(8, 3, 8, 64, [1, 1, 1])
    network.load_state_dict(renamed(said.state, "generator"))
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check("output", network(said.x))


def test_the_discriminator_is_the_authors_noise_included(monkeypatch):
    said = official("transgan_discriminator")
    network = TransGANDiscriminator(16, 3, 32, 1)
    network.load_state_dict(renamed(said.state, "discriminator"))
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    monkeypatch.setattr(torch, "randn", lambda *shape, device: wave(shape))
    with torch.no_grad():
        said.check("logits", network(said.x))


def test_published_sizes():
    with torch.device("meta"):
        networks = TransGANGenerator(), TransGANDiscriminator()
    assert [sum(p.numel() for p in network.parameters()) for network in networks] == [83_312_495, 10_210_400]


def test_where_a_place_lies_from_another_is_opposite_to_where_that_lies_from_it():
    index = relative_index(5)
    assert (index + index.T == 9**2 - 1).all()
    assert index.unique().numel() == 9**2
    right, below = index[0, 1], index[0, 5]
    for place in range(19):  # the same wherever the two are
        assert place % 5 == 4 or index[place, place + 1] == right
        assert index[place, place + 5] == below


def test_doubling_is_pixel_shuffle_between_stages_and_nothing_else():
    torch.manual_seed(0)
    network = TransGANGenerator(8, 3, 4, 64, [0, 0, 0])
    nn.init.dirac_(network.to_image.weight)
    nn.init.zeros_(network.to_image.bias)
    for positions in network.positions:
        nn.init.zeros_(positions)
    z, shuffle = torch.randn(2, 4), nn.PixelShuffle(2)
    first = network.linear(z).view(2, 4, 64).transpose(1, 2).reshape(2, 64, 2, 2)
    torch.testing.assert_close(network(z), shuffle(shuffle(first))[:, :3])


def test_the_generator_has_no_convolution_but_the_last_of_1x1_and_no_tanh():
    network = TransGANGenerator(8, 3, 8, 64, [1, 1, 1])
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.kernel_size for layer in convolutions] == [(1, 1)]
    nn.init.constant_(network.to_image.bias, 5.0)
    assert network.unbounded
    assert network(torch.randn(2, 8)).max() > 1


def test_windows_are_squares_and_places_see_no_others():
    x = torch.arange(2 * 16).float().view(2, 16, 1)
    parts = windows(x, 4, 2)
    assert parts[1].flatten().tolist() == [2, 3, 6, 7]
    assert torch.equal(joined_windows(parts, 4, 2), x)
    assert torch.equal(as_tokens(as_map(x, 4)), x)
    torch.manual_seed(0)
    attention, x = RelativeAttention(8, 2, 4, 2), torch.randn(1, 16, 8)
    changed = x.clone()
    changed[0, 0] += 1
    moved = (attention(x) - attention(changed)).abs().sum(2)[0] > 1e-6
    assert moved.nonzero().flatten().tolist() == [0, 1, 4, 5]
    whole = RelativeAttention(8, 2, 4)
    assert ((whole(x) - whole(changed)).abs().sum(2) > 1e-6).all()


def test_noise_begins_at_nothing_and_acts_in_evaluation_too():
    torch.manual_seed(0)
    network = TransGANDiscriminator(8, 1, 16, 1).eval()
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(network(x), network(x))
    nn.init.ones_(network.last_block.attention.noise_strength)
    assert not torch.equal(network(x), network(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TransGANGenerator(30), "depths: 3 stages halve a side of 30"),
        (lambda: TransGANGenerator(32, width=72), "depths: 3 stages halve a side of 32 and quarter a width of 72"),
        (lambda: TransGANGenerator(32, width=32), "heads: 4 given, which do not divide a width of 2"),
        (lambda: TransGANGenerator(32, width=64, window=12), "window: 12 given, which does not divide a side of 16"),
        (lambda: TransGANDiscriminator(30), "patch: patches of 2 and 4 pixels do not divide a side of 30"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(GanzooError, match=message):
        make()
