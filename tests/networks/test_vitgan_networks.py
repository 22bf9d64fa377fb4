"""ViTGAN's networks against the authors': outputs, published sizes, and what distances do for attention."""

import re

import pytest
import torch
from official import official, wave
from torch import nn
from torch.nn.functional import layer_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from ganzoo.common.errors import GanzooError
from ganzoo.networks.equalised import EqualLinear
from ganzoo.networks.spectral import HeldSpectralNorm, held_norm
from ganzoo.networks.vitgan import (
    L2Attention,
    ModulatedBlock,
    SelfModulatedLayerNorm,
    ViTGANDiscriminator,
    ViTGANGenerator,
)

# patterns at the beginning of a name's parts, in order
NAMES = {
    r"layers\.(\d)": r"synthesis.blocks.\1",
    r"layernorm\.": "synthesis.norm.",
    r"style\.(\d)": lambda found: f"mapping.layers.{int(found[1]) - 1}",
    r"lff\.ffm": "synthesis.features",
    r"cips\.style\.(\d)": lambda found: f"synthesis.output.mapping.layers.{int(found[1]) - 1}",
    r"cips\.lff\.ffm": "synthesis.output.features",
    r"cips\.conv1": "synthesis.output.layers.0",
    r"cips\.layers\.(\d)": lambda found: f"synthesis.output.layers.{int(found[1]) + 1}",
    r"(cips\.to_rgbs\.0|to_rgb)": "synthesis.output.to_image",
    r"convs": "synthesis.output.layers",
}
PARTS = {
    "layernorm": "norm",
    ".attn.": ".attention.",
    "to_qkv": "inside",
    "to_out.0": "out",
    "ff.net.0": "mlp.0",
    "ff.net.3": "mlp.2",
    "module.weight_bar": "parametrizations.weight.original",
    "module.weight_u": "parametrizations.weight.0.u",
    ".module": "",
    "modulation": "affine",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "temperature": "factor",
}


def renamed(state):
    """The official tensors under our names.

    Both affine maps of a normalisation are one of ours, and modulations' biases begin at 0 there and at 1 here.
    """
    ours = {}
    for key, value in state.items():
        if key.endswith(("blur.kernel", "weight_v")) or ".mlp_beta." in key:
            continue
        name = key
        for pattern, replacement in NAMES.items():
            if re.match(pattern, key):
                name = re.sub(rf"^{pattern}", replacement, key)
                break
        for theirs, part in PARTS.items():
            name = name.replace(theirs, part)
        if ".mlp_gamma." in key:
            name, value = name.replace("mlp_gamma", "affine"), torch.cat([value, state[key.replace("gamma", "beta")]])
        elif key.endswith("modulation.bias"):
            value = value + 1
        elif value.dim() == 5 or key.endswith("noise.weight"):
            value = value[0]
        elif re.search(r"to_rgb(s\.0)?\.bias", key):
            value = value.flatten()
        ours[name] = value
    return ours


def take(network, ours):
    """Gives a network its weights, norms held at 1, and biases of queries, keys and values, of which we have none."""
    for name, layer in network.named_modules():
        if isinstance(layer, HeldSpectralNorm):
            ours[f"{name}.sigma"] = torch.ones(())
        if name.endswith("inside"):
            bias = ours.pop(f"{name}.bias")
            layer.register_forward_hook(lambda module, arguments, output, bias=bias: output + bias)
    network.load_state_dict(ours)
    return network.eval()


def test_a_block_is_the_authors():
    said = official("vitgan_transformer_block")
    options = said.arguments
    block = ModulatedBlock(options["dim"], options["dim"], options["heads"], 2, as_coded=True)
    for layer in block.modules():
        if is_parametrized(layer):
            remove_parametrizations(layer, "weight", leave_parametrized=False)
    state = {f"layers.0.{name}": value for name, value in said.state.items()}
    take(block, {name.removeprefix("synthesis.blocks.0."): value for name, value in renamed(state).items()})
    frozen = options["dim"] * 3  # biases of queries, keys and values
    assert sum(p.numel() for p in block.parameters()) + frozen == said.parameter_count
    with torch.no_grad():
        said.check("output", block(said.x, wave([2, 12]), wave([2, 12])))


@pytest.mark.parametrize(("name", "output"), [("conv", "convolutions"), ("cips", "coordinates")])
def test_the_generator_is_the_authors(name, output):
    said = official(f"vitgan_generator_{name}")
    network = ViTGANGenerator(said.arguments["size"], 3, mapping_layers=1, depth=1, output=output, as_coded=True)
    state = renamed(said.state)
    state["w_mean"] = torch.zeros(384)
    take(network, state)
    assert count(network) == said.parameter_count
    noise = [torch.zeros(2, *shape) for shape in network.noise_shapes]
    with torch.no_grad():
        images = network(said.x, noise=noise)
    if output == "coordinates":  # the code's images lie in [0, 1] in evaluation
        images = (0.5 * images + 0.5).clamp(0, 1)
    said.check("output", images)


def count(network):
    """Number of parameters as the authors' code counts them: with biases and singular vectors that never move.

    Both vectors are as long as a layer's output.
    """
    held = [layer for layer in network.modules() if is_parametrized(layer)]
    frozen = sum(2 * len(layer.weight) + (len(layer.weight) if layer.bias is None else 0) for layer in held)
    return sum(p.numel() for p in network.parameters()) + frozen


def test_published_sizes():
    with torch.device("meta"):
        assert count(ViTGANGenerator(as_coded=True)) == 17_014_667
        assert count(ViTGANGenerator(output="coordinates", as_coded=True)) == 13_020_042
        network = ViTGANGenerator()
    parts = {"mapping": 1_182_720, "synthesis.norm": 295_680, "synthesis.blocks.0": 2_363_137 - 384**2}  # tied keys
    for name, size in parts.items():
        assert sum(p.numel() for p in network.get_submodule(name).parameters()) == size, name


def test_weights_of_attention_do_not_change_when_all_tokens_are_shifted():
    torch.manual_seed(0)
    attention, x = L2Attention(16, 2), torch.randn(3, 10, 16)
    weights = attention.weights(*attention.parts(x)[:2])
    torch.testing.assert_close(weights, attention.weights(*attention.parts(x + 5 * torch.randn(16))[:2]))
    coded = L2Attention(16, 2, as_coded=True)
    query, key, _ = coded.parts(x)
    assert (coded.weights(query, key) - coded.weights(*coded.parts(x + 5)[:2])).abs().max() > 0.1


def test_weights_of_attention_fall_with_the_distance_and_rise_with_it_in_the_authors_code():
    torch.manual_seed(0)
    attention, x = L2Attention(16, 1), torch.randn(1, 10, 16)
    query, key, _ = attention.parts(x)
    assert torch.equal(query, key)
    distances = torch.cdist(query, key).square()
    expected = (-distances / 4).softmax(3)
    torch.testing.assert_close(attention.weights(query, key), expected)
    order = distances[0, 0, 0].argsort()
    assert (attention.weights(query, key)[0, 0, 0][order].diff() <= 0).all()
    coded = L2Attention(4, 1, as_coded=True)
    on_a_line = torch.arange(4.0)[:, None] * torch.ones(1, 1, 1, 1)
    assert coded.weights(on_a_line, on_a_line)[0, 0, 0].argmax() == 3


class DotProduct(L2Attention):
    """Attention by dot products with the same layers."""

    def weights(self, query, key):
        return (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(3)


def steepness(attention, scale):
    """Largest singular value of the attention's Jacobian where one token is 0 and the others grow."""
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
    x[0] = 0
    jacobian = torch.autograd.functional.jacobian(lambda x: attention(x[None])[0], scale * x)
    return torch.linalg.matrix_norm(jacobian.reshape(48, 48), 2).item()


def test_attention_is_as_steep_as_ever_on_larger_inputs_where_dot_products_grow():
    found = {}
    for kind in (L2Attention, DotProduct):
        torch.manual_seed(0)
        attention = kind(8, 1).eval()
        found[kind] = [steepness(attention, scale) for scale in (1, 3, 10, 30, 100)]
    assert max(found[L2Attention]) == found[L2Attention][0] < 3
    assert min(found[DotProduct][1:]) > 10
    assert found[DotProduct][-1] > 5000


def test_the_norm_of_a_weight_stays_at_its_first_value_while_it_trains():
    torch.manual_seed(0)
    layer = held_norm(EqualLinear(12, 20))
    first = torch.linalg.matrix_norm(layer.weight, 2).item()
    assert layer.parametrizations.weight[0].sigma.item() == pytest.approx(first, rel=1e-4)
    raw = layer.parametrizations.weight.original
    optimizer, x = torch.optim.Adam(layer.parameters(), lr=0.05), torch.randn(64, 12)
    for _ in range(60):
        optimizer.zero_grad()
        (layer(x) - 3 * x @ torch.ones(12, 20)).square().mean().backward()
        optimizer.step()
    assert torch.linalg.matrix_norm(raw, 2) > 1.2 * first
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(first, rel=0.02)
    layer.eval()
    with torch.no_grad():
        raw.mul_(2)  # as an average's differ from the weights that the vectors are of
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(first, rel=0.02)


def test_a_self_modulated_norm_without_weights_is_layer_norm():
    torch.manual_seed(0)
    norm, x, w = SelfModulatedLayerNorm(8, 4), torch.randn(2, 5, 8), torch.randn(2, 4)
    assert not torch.allclose(norm(x, w), layer_norm(x, (8,), eps=1e-3))
    nn.init.zeros_(norm.affine.weight)
    assert torch.equal(norm(x, w), layer_norm(x, (8,), eps=1e-3))
    nn.init.ones_(norm.affine.weight[:8])
    half = EqualLinear(4, 8).scale * w.sum(1)
    torch.testing.assert_close(norm(x, w), layer_norm(x, (8,), eps=1e-3) * (1 + half)[:, None, None])


def test_a_token_draws_its_own_patch_from_coordinates():
    torch.manual_seed(0)
    network = ViTGANGenerator(8, 1, 4, 8, 2, dim=8, depth=1, heads=2, side=2, output="coordinates", hidden=8)
    patches, tokens = network.synthesis.output, torch.randn(1, 4, 8)
    noise = [torch.zeros(1, *shape) for shape in network.noise_shapes]
    assert network.noise_shapes == [(1, 8, 8)] * 3
    changed = tokens.clone()
    changed[0, 1] += 1
    differs = (patches(tokens, (), noise) - patches(changed, (), noise)).abs()[0, 0] > 1e-7
    assert differs[:4, 4:].all()
    assert not differs[4:].any()
    assert not differs[:, :4].any()


def test_each_normalisation_and_layer_has_a_style_of_its_own():
    torch.manual_seed(0)
    options = {"dim": 8, "depth": 2, "heads": 2, "side": 4, "base": 64, "largest": 8}
    network = ViTGANGenerator(16, 3, 4, 6, 2, **options).eval()
    assert network.n_styles == len(network.style_affines) == 2 * 2 + 1 + 4 + 1
    assert [tuple(layer.conv.weight.shape[:2]) for layer in network.synthesis.output.layers[:3]] == [
        (8, 8),
        (8, 8),
        (4, 8),
    ]
    styles = network.styles(torch.randn(2, 4))
    noise = [torch.zeros(2, *shape) for shape in network.noise_shapes]
    image = network.synthesis(styles, noise)
    assert image.shape == (2, 3, 16, 16)
    for layer in range(network.n_styles):
        changed = styles.clone()
        changed[:, layer] += 1
        assert not torch.equal(network.synthesis(changed, noise), image), layer


def test_patches_of_the_discriminator_overlap():
    torch.manual_seed(0)
    network, x = ViTGANDiscriminator(8, 1, 8, 1, 2, patch=4, overlap=2), torch.zeros(1, 1, 8, 8)
    seen = []
    network.embed.register_forward_hook(lambda module, arguments, output: seen.append(output))
    for row, column in ((0, 0), (3, 3), (5, 1)):
        image = x.clone()
        image[..., row, column] = 1
        network(image)
    network(x)
    *changed, still = seen
    touched = [((tokens - still).abs().sum(2)[0] > 1e-6).nonzero().flatten().tolist() for tokens in changed]
    assert touched == [[0], [0, 1, 2, 3], [0, 2]]


def test_the_class_token_sees_images_before_it_has_learnt_to():
    torch.manual_seed(0)
    network, images = ViTGANDiscriminator(16, 3, 64, 2, 1), torch.rand(8, 3, 16, 16) * 2 - 1
    assert network(images).std() > 0.01
    for block in network.blocks:
        nn.init.ones_(block.attention.factor)
    assert network(images).std() < 0.001


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ViTGANGenerator(24, dim=8, heads=1), "size: 24 given, which is not 8 tokens times a power of 2"),
        (lambda: ViTGANGenerator(4, dim=8, heads=1), "size: 4 given, which is not 8 tokens times a power of 2"),
        (lambda: ViTGANDiscriminator(30, dim=8, heads=1), "patch: patches of 4 pixels do not divide a side of 30"),
        (lambda: L2Attention(10, 4), "heads: 4 given, which do not divide a width of 10"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(GanzooError, match=message):
        make()
