"""Networks and penalties against the numbers of official implementations, weights mapped over."""

import json

import pytest
import torch
from official import FOLDER, official
from torch import nn

from ganzoo.networks.conditional import Projection
from ganzoo.networks.patch import PatchGAN
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator
from ganzoo.stabilisers.orthogonal import OrthogonalRegularisation, correlation

BLOCK = {"c1": "conv1", "c2": "conv2", "c_sc": "shortcut", "b1": "norm1", "b2": "norm2"}


def of_generator(state, width):
    """SNGAN's tensors under our names; ours lays the linear layer's output out channels last."""
    renamed = {}
    for key, value in state.items():
        first, *middle, last = key.split(".")
        if first == "l1":
            renamed[f"project.{last}"] = value.unflatten(0, (width, 4, 4)).movedim(0, 2).flatten(0, 2)
        elif first in {"b5", "c5"}:
            renamed[f"{'norm' if first == 'b5' else 'last'}.{last}"] = value
        else:
            layer, *inner = middle
            inner = ["norm" if name == "bn" else name for name in inner]
            renamed[".".join([f"blocks.{int(first[-1]) - 2}", BLOCK[layer], *inner, last])] = value
    return renamed


def of_discriminator(state):
    """SNGAN's tensors under our names, singular vectors included."""
    ending = {"weight_orig": "weight.original", "weight_u": "weight.0._u", "weight_v": "weight.0._v", "bias": "bias"}
    renamed = {}
    for key, value in state.items():
        *path, last = key.split(".")
        layer = "linear" if path == ["l5"] else f"blocks.{int(path[0][-1]) - 1}.{BLOCK[path[1]]}"
        renamed[f"{layer}.{'' if last == 'bias' else 'parametrizations.'}{ending[last]}"] = value
    return renamed


def load(network, state):
    """Takes all parameters and statistics from `state`; a count of batches alone may be missing."""
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)


@pytest.mark.parametrize("name", ["authors_sngan32_generator", "authors_cgan_pd32_generator"])
def test_the_residual_generator_is_the_authors(name):
    said = official(name)
    n_classes = said.arguments.get("num_classes", 0)
    network = ResNetGenerator(32, 3, width=8, latent_dim=8, n_classes=n_classes)
    load(network, of_generator(said.state, width=8))
    labels = () if said.labels is None else (said.labels,)
    with torch.no_grad():
        said.check("eval", network.eval()(said.x, *labels))
        said.check("train", network.train()(said.x, *labels))


def test_the_residual_discriminator_is_the_authors_and_not_mimicrys():
    network = ResNetDiscriminator(32, 3, width=8)
    said, mimicry = official("authors_sngan32_discriminator"), official("mimicry_sngan32_discriminator")
    load(network, of_discriminator(said.state))
    with torch.no_grad():
        found = network.eval()(said.x)
        said.check("eval", found)
        with pytest.raises(AssertionError):  # whose ReLUs in place change what shortcuts see
            mimicry.check("eval", found)
        said.check("train", network.train()(said.x))


def test_the_projection_discriminator_is_the_authors():
    said = official("authors_cgan_pd32_discriminator")
    network = Projection(ResNetDiscriminator(32, 3, width=8), n_classes=3)
    blocks = {key: value for key, value in said.state.items() if key.startswith("block")}
    state = {f"network.{key}": value for key, value in of_discriminator(blocks).items()}
    for layer, ours in (("l5", "network.linear"), ("l_y", "embed")):  # one iteration from u, in evaluation, too
        weight, u = said.state[f"{layer}.weight"], said.state[f"{layer}.sn_u"][0]
        v = nn.functional.normalize(weight.T @ u, dim=0)
        vectors = {"original": weight, "0._u": nn.functional.normalize(weight @ v, dim=0), "0._v": v}
        state |= {f"{ours}.parametrizations.weight.{key}": value for key, value in vectors.items()}
    load(network, state | {"network.linear.bias": said.state["l5.bias"]})
    with torch.no_grad():
        said.check("eval", network.eval()(said.x, said.labels))


def test_patches_under_bare_instance_normalisation_are_the_authors():
    said = official("patchgan70_discriminator_instance")
    network = PatchGAN(3, width=4, norm="instance", affine=False)
    ours = iter([layer for layer in network.net if isinstance(layer, nn.Conv2d)])
    for number in (0, 2, 5, 8, 11):
        layer = next(ours)
        layer.weight.data = said.state[f"model.{number}.weight"]
        if layer.bias is not None:  # the others are subtracted again
            layer.bias.data = said.state[f"model.{number}.bias"]
    assert sum(p.numel() for p in PatchGAN(3, width=4, norm="instance").parameters()) == 2 * (8 + 16 + 32) + sum(
        p.numel() for p in network.parameters()
    )
    with torch.no_grad():
        said.check("eval", network.eval()(said.x))
        said.check("train", network.train()(said.x))


def test_orthogonal_regularisation_pulls_twice_as_hard_as_the_authors_code_at_its_strength():
    said = json.loads((FOLDER / "biggan_orthogonal.json").read_text())
    rows = torch.tensor(said["matrix"], requires_grad=True)
    penalty = correlation(rows)
    torch.testing.assert_close(penalty.item(), said["sum_of_squared_off_diagonal"], rtol=1e-6, atol=0)
    layer = nn.Linear(4, 3)
    layer.weight.data = rows.detach()
    terms = OrthogonalRegularisation().terms(said["strength"] / 2, layer)
    (slope,) = torch.autograd.grad(terms["ortho"], layer.weight)
    torch.testing.assert_close(slope, torch.tensor(said["gradient"]), rtol=1e-5, atol=1e-9)
