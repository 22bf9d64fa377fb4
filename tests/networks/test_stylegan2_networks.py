"""StyleGAN2's networks against the authors': outputs, truncation, published sizes, and properties of the paper."""

import pytest
import torch
from official import official
from official_stylegan2 import of_synthesis, renamed
from torch import nn
from torch.nn.functional import conv2d

from ganzoo.common.errors import GanzooError
from ganzoo.networks.minibatch import minibatch_std
from ganzoo.networks.stylegan2 import (
    Mapping,
    ModulatedConv2d,
    StyleGAN2Discriminator,
    StyleGAN2Generator,
    Synthesis,
)


def noise_of(state, n):
    """The constant noise of every layer, in order, for n images."""
    names = [name for name in state if name.endswith("noise_const")]
    return [state[name].expand(n, 1, -1, -1) for name in names]


@pytest.mark.parametrize("name", ["skip", "orig", "resnet"])
def test_the_synthesis_is_the_authors(name):
    said = official("stylegan2_synthesis" if name == "skip" else f"stylegan2_synthesis_{name}")
    network = Synthesis(16, 3, 8, 64, 8, name)
    network.load_state_dict(of_synthesis(said.state))
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    assert network.n_styles == said.x.shape[1]
    noise = noise_of(said.state, len(said.x))
    assert [tuple(each.shape[1:]) for each in noise] == network.noise_shapes
    with torch.no_grad():
        said.check("image_noise_const", network(said.x, noise))
        if "image_noise_none" in said.output:
            said.check("image_noise_none", network(said.x, [torch.zeros_like(each) for each in noise]))


@pytest.mark.parametrize(("name", "layers", "n_classes"), [("", 3, 0), ("_conditional", 2, 3)])
def test_the_mapping_is_the_authors(name, layers, n_classes):
    said = official(f"stylegan2_mapping{name}")
    network = Mapping(8, 8, layers, n_classes)
    state = renamed(said.state)
    mean = state.pop("w_mean")
    network.load_state_dict(state)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        w = network(said.x, *([] if said.labels is None else [said.labels]))[:, None].expand(-1, 5, -1)
        said.check("w", w)
        if not n_classes:
            psi = torch.tensor([0.7, 0.7, 1, 1, 1])[:, None]
            said.check("w_truncated", mean + psi * (w - mean))


def test_the_generator_is_the_authors():
    said = official("stylegan2_generator")
    options = said.arguments
    parts = {name: {} for name in ("synthesis", "mapping")}
    for key, value in said.state.items():
        part, _, rest = key.partition(".")
        parts[part][rest] = value
    layers = len([name for name in parts["mapping"] if name.startswith("fc")]) // 2
    network = StyleGAN2Generator(16, 3, options["z_dim"], options["w_dim"], layers, 64, 8).eval()
    mapping = renamed(parts["mapping"])
    state = {"w_mean": mapping.pop("w_mean")}
    state |= {f"synthesis.{name}": value for name, value in of_synthesis(parts["synthesis"]).items()}
    state |= {f"mapping.{name}": value for name, value in mapping.items()}
    network.load_state_dict(state)
    noise = noise_of(parts["synthesis"], 3)
    with torch.no_grad():
        said.check("image", network(said.x, noise=noise))
        styles = network.w_mean + 0.5 * (network.styles(said.x) - network.w_mean)
        said.check("image_psi_half", network.synthesis(styles, [torch.zeros_like(each) for each in noise]))


@pytest.mark.parametrize("name", ["", "_orig", "_skip", "_conditional"])
def test_the_discriminator_is_the_authors(name):
    said = official(f"stylegan2_discriminator{name}")
    shape = name.removeprefix("_") if name in {"_orig", "_skip"} else "resnet"
    classes = 3 if name == "_conditional" else 0
    network = StyleGAN2Discriminator(16, 3, 64, 8, shape, 2, classes, 2)
    network.load_state_dict(renamed(said.state))
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        said.check("logits", network(said.x, *([] if said.labels is None else [said.labels])))


def test_a_diffusions_step_is_embedded_as_one_more_class_would_be():
    """With two classes and the step 0 it is the official discriminator of three, for the samples of those two."""
    said = official("stylegan2_discriminator_conditional")
    network = StyleGAN2Discriminator(16, 3, 64, 8, "resnet", 2, 2, 2, timed=True)
    three = StyleGAN2Discriminator(16, 3, 64, 8, "resnet", 2, 3, 2)
    for judge in (network, three):
        judge.load_state_dict(renamed(said.state))
    y, t = said.labels.clamp(max=1), torch.arange(len(said.x))
    with torch.no_grad():
        torch.testing.assert_close(network(said.x, y, 0 * t), three(said.x, y))
        torch.testing.assert_close(network(said.x, y), three(said.x, y))
        assert (network(said.x, y, 5 + t) - three(said.x, y)).abs().min() > 1e-3
        alone = StyleGAN2Discriminator(16, 3, 64, 8, "resnet", 2, 0, 2, timed=True)
        state = renamed(said.state)
        alone.load_state_dict(state | {"mapping.embed.weight": state["mapping.embed.weight"][:, :1] * 3**-0.5})
        torch.testing.assert_close(alone(said.x, None, torch.ones_like(y)), three(said.x, 0 * y))


def test_published_sizes():
    """The authors' configuration `cifar`, without and with classes."""

    def count(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    with torch.device("meta"):
        for classes, sizes in ((0, (19_947_539, 20_720_641)), (10, (20_215_315, 23_089_664))):
            generator = StyleGAN2Generator(mapping_layers=2, n_classes=classes)
            discriminator = StyleGAN2Discriminator(architecture="orig", group=32, n_classes=classes)
            assert (count(generator), count(discriminator)) == sizes


def test_scaling_activations_is_scaling_weights():
    torch.manual_seed(0)
    layer, x, w = ModulatedConv2d(6, 5, 4), torch.randn(3, 6, 8, 8), torch.randn(3, 4)
    style = layer.affine(w)
    for i in range(3):
        weight = layer.weight * style[i][None, :, None, None]
        weight = weight * (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()
        torch.testing.assert_close(layer(x, w)[i], conv2d(x[i : i + 1], weight, padding=1)[0], rtol=1e-4, atol=1e-5)


def test_demodulation_keeps_the_variance_of_unit_input():
    torch.manual_seed(0)
    layer = ModulatedConv2d(64, 64, 8)
    out = layer(torch.randn(8, 64, 16, 16), 5 * torch.randn(8, 8))
    assert out[..., 1:-1, 1:-1].var().item() == pytest.approx(1, rel=0.05)


def test_images_do_not_depend_on_noise_at_the_start_and_do_later():
    torch.manual_seed(0)
    network = StyleGAN2Generator(8, 1, 4, 4, 2, 32, 8).eval()
    z = torch.randn(2, 4)
    assert torch.equal(network(z), network(z))
    nn.init.ones_(network.synthesis.layers[0].noise_strength)
    assert not torch.equal(network(z), network(z))


def test_the_standard_deviation_of_equal_images_is_none():
    x = torch.randn(1, 3, 4, 4).expand(4, -1, -1, -1)
    assert minibatch_std(x, 2)[:, 3].max() < 1e-3
    pairs = torch.cat([torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 2.0)])
    torch.testing.assert_close(minibatch_std(pairs, 2)[:, 3], torch.ones(4, 4, 4))  # the first with the third
    assert minibatch_std(pairs[:1], 4).shape == (1, 4, 4, 4)


def test_only_powers_of_two_are_made():
    with pytest.raises(GanzooError, match="size: 48 given, but StyleGAN2 is for powers of 2"):
        StyleGAN2Generator(48)
