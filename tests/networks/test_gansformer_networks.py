"""GANsformer's networks against the authors': outputs, attention, published sizes, and properties of the paper."""

import json

import pytest
import torch
from official import FOLDER, official
from official_gansformer import of_attention, of_generator
from torch import nn
from torch.nn.functional import interpolate, layer_norm
from torch.testing import assert_close

from ganzoo.common.errors import GanzooError
from ganzoo.networks.gansformer import GansformerGenerator
from ganzoo.networks.latent_attention import LatentAttention, assigned, grid_places
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator

LAYERS = {
    "duplex": {"attention": "duplex"},
    "duplex_iterative": {"attention": "carried", "begins": False},
    "simplex": {"attention": "simplex"},
    "simplex_gates_2heads_add": {
        "integration": "add",
        "norm": "none",
        "heads": 2,
        "place_gate": True,
        "latent_gate": True,
    },
}


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def small(components: int = 3, component_dim: int = 8, **options) -> GansformerGenerator:
    """A generator of 16 pixels whose latents decide something, in evaluation mode; the same weights every time."""
    torch.manual_seed(0)
    return GansformerGenerator(16, 3, components, component_dim, 2, base=64, largest=8, **options).eval()


def quiet(network: GansformerGenerator, n: int) -> list[torch.Tensor]:
    """No noise for n images."""
    return [torch.zeros(n, *shape) for shape in network.noise_shapes]


@pytest.mark.parametrize("name", LAYERS)
def test_attention_is_the_authors(name):
    said = official(f"gansformer_attention_{name}")
    network = LatentAttention(8, said.arguments["to_dim"], 3, 4, **LAYERS[name]).eval()
    network.load_state_dict(of_attention(said.state))
    unused = sum(tensor.numel() for key, tensor in said.state.items() if key.startswith("queries2centroids"))
    assert count(network) + unused == said.parameter_count
    x, latents, places, embeddings, *carried = said.x
    with torch.no_grad():
        made = network(x, latents, places, embeddings, *(each.abs() for each in carried))
    said.check("from_tensor", made.x)
    said.check("attention", made.maps.transpose(2, 3))
    assert (made.assignments is None) == (name != "duplex_iterative")
    if "centroid_assignments" in said.output:
        said.check("centroid_assignments", assigned(made.maps))


@pytest.mark.parametrize("name", ["simplex", "duplex"])
def test_the_generator_is_the_authors(name):
    said = official(f"gansformer_generator_{name}")
    options = {each: said.arguments["synthesis_kwargs"][each] for each in ("integration", "norm")}
    network = small(attention=name, self_attention=said.arguments["mapping_kwargs"]["ltnt2ltnt"], **options)
    network.load_state_dict({"w_mean": torch.zeros(32), **of_generator(said.state)})
    assert count(network) == said.parameter_count
    noise = [said.state[key].expand(2, 1, -1, -1) for key in said.state if key.endswith("noise_const")]
    with torch.no_grad():
        styles = network.styles(said.x.flatten(1))
        said.check("ws", styles.unflatten(2, (4, 8)).transpose(1, 2).contiguous())
        said.check("image", network(said.x.flatten(1), noise=noise))
        maps = network.synthesis.attention(styles, noise)
    whole = [interpolate(each.flatten(1, 2), (16, 16)).unflatten(1, (1, 3)) for each in maps]
    said.check("attention", torch.stack(whole, 1).permute(0, 3, 1, 2, 4, 5).contiguous())


@pytest.mark.parametrize("base", [16384, 32768])
def test_published_sizes(base):
    """The authors' default at 256 pixels: 16 components and a global one of 32 numbers, duplex attention."""
    file = json.loads((FOLDER / "gansformer_generator_duplex.json").read_text())
    (sizes,) = (size for text, size in file["published_parameter_counts"].items() if text.endswith(str(base)))
    with torch.device("meta"):
        networks = GansformerGenerator(base=base), StyleGAN2Discriminator(256, base=base)
    assert [count(network) for network in networks] == [sizes["G"], sizes["D"]]


def test_places_of_a_grid_are_the_authors():
    places = grid_places(4, 8)
    first = [-0.841471, -0.009999833, 0.5403023, 0.99995]
    assert_close(places[0], torch.tensor(2 * first))
    assert_close(places[1], torch.tensor([-0.3271947, -0.003333327, 0.944957, 0.9999945, *first]))  # one to the right
    assert places.sum().item() == pytest.approx(55.76326, rel=1e-5)


@pytest.mark.parametrize("attention", ["simplex", "duplex", "carried"])
def test_each_place_divides_its_attention_among_the_latents(attention):
    network = small(attention=attention)
    styles = network.styles(torch.randn(2, 32))
    maps = network.synthesis.attention(styles, quiet(network, 2))
    assert [tuple(each.shape) for each in maps] == [(2, 1, 3, side, side) for side in (4, 8, 8, 16, 16)]
    for each in maps:
        assert_close(each.sum(2), torch.ones_like(each[:, :, 0]))
        assert each.std() > 0


@pytest.mark.parametrize("self_attention", [False, True])
def test_simplex_attention_does_not_know_an_order_of_latents(self_attention):
    order = torch.tensor([2, 0, 1])
    network = small(attention="simplex", self_attention=self_attention)
    z, noise = torch.randn(2, 4, 8), quiet(network, 2)
    with torch.no_grad():
        image, styles = network(z.flatten(1), noise=noise), network.styles(z.flatten(1))
        maps = network.synthesis.attention(styles, noise)
        moved = torch.cat([z[:, order], z[:, 3:]], 1).flatten(1)
        assert not torch.allclose(network(moved, noise=noise), image, atol=1e-3)  # each has its own name
        network.mapping.embeddings.copy_(network.mapping.embeddings[order])
        assert_close(network(moved, noise=noise), image, atol=1e-5, rtol=1e-4)
        again = network.synthesis.attention(network.styles(moved), noise)
    for each, other in zip(maps, again, strict=True):
        assert_close(other, each[:, :, order], atol=1e-5, rtol=1e-4)


def test_duplex_attention_knows_its_latents_by_their_centroids():
    order = torch.tensor([2, 0, 1])
    network = small(attention="duplex", self_attention=False)
    z, noise = torch.randn(2, 4, 8), quiet(network, 2)
    with torch.no_grad():
        image = network(z.flatten(1), noise=noise)
        moved = torch.cat([z[:, order], z[:, 3:]], 1).flatten(1)
        network.mapping.embeddings.copy_(network.mapping.embeddings[order])
        assert not torch.allclose(network(moved, noise=noise), image, atol=1e-3)
        for layer in network.synthesis.layers:
            layer.attention.centroids.copy_(layer.attention.centroids[:, :, order])
        assert_close(network(moved, noise=noise), image, atol=1e-5, rtol=1e-4)


def test_a_single_latent_is_one_style_for_all_places():
    torch.manual_seed(0)
    layer = LatentAttention(8, 6, 1, 4).eval()
    x, latents = torch.randn(2, 16, 8), torch.randn(2, 1, 6)
    made = layer(x, latents, torch.randn(16, 4), torch.randn(1, 4))
    assert (made.maps == 1).all()
    gain = made.x / (x * x.square().mean(2, keepdim=True).rsqrt())
    assert_close(gain, gain[:, :1].expand(-1, 16, -1), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(gain[0, 0], gain[1, 0], atol=1e-2)  # of another latent


def test_a_latent_changes_places_by_how_much_they_attend_to_it():
    torch.manual_seed(0)
    layer = LatentAttention(8, 6, 3, 4, attention="duplex").eval()  # whose maps do not depend on latents
    x, latents, more = torch.randn(2, 16, 8), torch.randn(2, 3, 6), torch.randn(2, 6)
    changed = torch.stack([latents[:, 0], latents[:, 1] + more, latents[:, 2]], 1)
    made, other = (layer(x, each, grid_places(4, 4), torch.randn(3, 4)) for each in (latents, changed))
    assert torch.equal(made.maps, other.maps)
    scale = x * x.square().mean(2, keepdim=True).rsqrt()
    step = more @ layer.value.weight.T * layer.value.scale @ layer.modulation.weight.T * layer.modulation.scale
    assert_close(other.x - made.x, scale * made.maps[:, 0, :, 1:2] * step[:, None], atol=1e-5, rtol=1e-4)


def test_both_scales_and_adds_after_layer_normalisation():
    torch.manual_seed(0)
    layer = LatentAttention(8, 6, 3, 4, integration="both").eval()
    inputs = torch.randn(2, 16, 8), torch.randn(2, 3, 6), torch.randn(16, 4), torch.randn(3, 4)
    made = layer(*inputs)
    read = (made.maps[:, 0] @ layer.value(inputs[1])) @ layer.modulation.weight.T * layer.modulation.scale
    gain, bias = read.chunk(2, 2)
    assert_close(made.x, layer_norm(inputs[0], (8,), eps=1e-8) * (1 + gain) + bias)


def test_carried_centroids_are_means_of_what_was_assigned():
    torch.manual_seed(0)
    layer = LatentAttention(8, 6, 3, 4, attention="carried", begins=False)
    inputs = torch.randn(2, 16, 8), torch.randn(2, 3, 6), torch.randn(16, 4), torch.randn(3, 4)
    made = layer.eval()(*inputs, torch.full((2, 1, 3, 16), 1 / 16))
    assert_close(made.maps, torch.full((2, 1, 16, 3), 1 / 3))  # all latents have the same centroid
    assert_close(made.assignments.sum(3), torch.ones(2, 1, 3))
    with pytest.raises(GanzooError, match="the assignments of another layer"):
        layer(*inputs)
    learnt = [layer.attention.centroids is not None for layer in small(attention="carried").synthesis.layers]
    assert learnt == [True, False, False, False, False]


def test_attention_drops_in_training_what_it_has_on_average():
    torch.manual_seed(0)
    layer = LatentAttention(8, 6, 3, 4, rate=0.5)
    one = torch.randn(1, 4, 8), torch.randn(1, 3, 6), torch.randn(4, 4), torch.randn(3, 4)
    whole = layer.eval()(*one).maps
    many = layer.train()(one[0].expand(4000, -1, -1), one[1].expand(4000, -1, -1), *one[2:]).maps
    assert_close(many.mean(0, keepdim=True), whole, atol=0.05, rtol=0)
    dropped = (many == 0).all(2).float().mean()  # of latents, for all places: by a quarter, and by chance
    assert dropped.item() == pytest.approx(0.25 + 0.75 * 0.25**4, abs=0.02)


def test_without_a_style_only_local_components_decide():
    network = small(style=False)
    assert (network.latent_dim, network.n_styles, network.n_styles) == (24, 5, len(network.style_affines))
    noise = quiet(network, 1)
    one, other = network(torch.randn(1, 24), noise=noise), network(torch.randn(1, 24), noise=noise)
    assert not torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("style", [False, True])
def test_style_affines_are_affine_maps_of_w(style):
    network = small(style=style)
    w = torch.randn(3, network.w_dim)
    for affine in network.style_affines:
        a, b, middle = affine(torch.cat([w[:2], w[:2].mean(0, keepdim=True)]))
        assert_close(middle, (a + b) / 2, atol=1e-5, rtol=1e-4)
        assert not torch.allclose(a, b, atol=1e-3)


def test_maps_above_a_side_do_not_attend():
    network = small(last=8)
    assert [layer.attention is not None for layer in network.synthesis.layers] == [True, True, True, False, False]
    maps = network.synthesis.attention(network.styles(torch.randn(2, 32)))
    assert [each.shape[-1] for each in maps] == [4, 8, 8]


def test_both_networks_have_the_same_names_of_latents():
    network = small()
    assert network.mapping.embeddings is network.synthesis.embeddings
    assert [name for name, _ in network.named_parameters() if "embeddings" in name] == ["mapping.embeddings"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 0}, "components: 0 of 8 numbers given"),
        ({"heads": 3}, "heads: 3 given, but 8 channels are to be divided"),
        ({"component_dim": 6}, "components: 3 of 6 numbers given"),
    ],
)
def test_what_cannot_be_built(options, message):
    with pytest.raises(GanzooError, match=message):
        small(**options)
