"""Projected GAN's discriminators against the authors' code, and what is frozen of them."""

import sys

import pytest
import torch
from official import official
from projecting import judges, needs_extra
from torch.nn.functional import interpolate

from ganzoo.common.errors import GanzooError
from ganzoo.networks import efficientnet
from ganzoo.networks.projected import FeatureMixing, MapDiscriminator, ProjectedGANDiscriminator

ENDS = {"weight_orig": "original", "weight_u": "0.u", "weight_v": "0.v"}


def renamed(state, last):
    """A discriminator's official tensors under our names; `last` is the place of its last convolution."""
    ours = {}
    for key, value in state.items():
        *path, end = key.split(".")
        if ".".join(path) == last:
            place = ["last"]
        elif path[0] == "main":
            place = ["blocks", path[1], {"0": "conv", "1": "norm"}[path[3]]]
        else:
            place = ["embed", {"embed": "0", "embed_proj": "1"}[path[0]]]
        ours[".".join([*place, f"parametrizations.weight.{ENDS[end]}" if end in ENDS else end])] = value
    return ours


def test_the_mixing_is_the_authors():
    said = official("projected_gan_feature_mixing")
    network = FeatureMixing(said.arguments["in_channels"], said.arguments["cout"])
    kinds = {"ccm": "across_channels", "csm": "across_scales"}
    ours = {}
    for key, value in said.state.items():
        level, kind = key.split(".")[1].split("_")
        ours[f"{kinds[kind]}.{level[5:]}.{key.rpartition('.')[2]}"] = value
    network.load_state_dict(ours)
    assert sum(buffer.numel() for buffer in network.buffers()) == said.parameter_count
    assert not [*network.parameters()]
    maps = network(said.x)
    assert [each.shape[1] for each in maps] == network.mixed
    for number, each in enumerate(maps):
        said.check(str(number), each)


def test_the_discriminators_are_the_authors():
    said = official("projected_gan_multiscale_discriminator")
    networks = [MapDiscriminator(widths) for widths in ([4, 256, 512], [4, 512], [8])]
    for number, network in enumerate(networks):
        prefix = f"mini_discs.{number}."
        own = {key.removeprefix(prefix): value for key, value in said.state.items() if key.startswith(prefix)}
        missing, unexpected = network.load_state_dict(renamed(own, f"main.{len(network.blocks)}"), strict=False)
        assert not unexpected
        assert all(name.endswith("num_batches_tracked") for name in missing)
    assert sum(p.numel() for network in networks for p in network.parameters()) == said.parameter_count
    for mode in ("eval", "train"):
        with torch.no_grad():
            logits = [network.train(mode == "train")(x) for network, x in zip(networks, said.x, strict=True)]
        said.check(mode, torch.cat(logits, 1))


def test_the_conditional_discriminator_is_the_authors():
    said = official("projected_gan_single_discriminator_conditional")
    network = MapDiscriminator([4, 8], n_classes=3, projected_dim=6, embed_dim=5)
    missing, unexpected = network.load_state_dict(renamed(said.state, "cls"), strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    for mode in ("eval", "train"):
        with torch.no_grad():
            said.check(mode, network.train(mode == "train")(said.x, said.labels))


def test_published_sizes():
    def counts(**options):
        judges = ProjectedGANDiscriminator(**options).discriminators
        return [sum(p.numel() for p in judge.parameters()) for judge in judges]

    with torch.device("meta"):
        assert counts() == [2_829_120, 2_763_392, 2_631_936, 2_106_880]
        assert counts(size=32) == counts()  # small images are enlarged to 224 pixels
        assert sum(counts(separable=True)) == 696_512


def test_logits_of_all_scales_are_joined_and_small_images_enlarged():
    network, seen = judges(size=32, resolution=96), []
    network.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    assert network(x).shape == (2, 36)  # four maps of 3x3
    assert seen[0].equal(interpolate(x, (96, 96), mode="bilinear", align_corners=False))
    assert judges(size=128, resolution=96)(torch.rand(2, 3, 128, 128)).shape == (2, 100)


def test_grey_images_are_repeated():
    network = judges().eval()
    x = torch.rand(2, 1, 64, 64)
    assert network(x).equal(network(x.expand(-1, 3, -1, -1)))


def test_images_too_small_are_refused():
    with pytest.raises(GanzooError, match="judged at 80 pixels"):
        ProjectedGANDiscriminator(64, resolution=80)
    with pytest.raises(GanzooError, match="judged at 32 pixels"):
        ProjectedGANDiscriminator(32, resolution=32)


def test_the_frozen_network_is_no_part_of_the_model():
    network = judges()
    before = {name: tensor.clone() for name, tensor in network.backbone.state_dict().items()}
    names = set(network.state_dict())
    assert not any("backbone" in name for name in names)
    assert not any(module is network.backbone for module in network.modules())
    network.train()
    x = torch.rand(4, 3, 64, 64).requires_grad_()
    network(x).sum().backward()
    assert x.grad.abs().amin((1, 2, 3)).min() >= 0
    assert x.grad.abs().mean() > 0
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in network.backbone.parameters())
    assert not any(module.training for module in network.backbone.modules())
    assert all(tensor.equal(before[name]) for name, tensor in network.backbone.state_dict().items())
    assert set(network.state_dict()) == names
    assert network.double().backbone.stem.weight.dtype == torch.float64  # but it moves along


def test_saved_and_loaded_it_gives_equal_logits():
    one, other = (judges(seed=seed).eval() for seed in (1, 2))
    x = torch.rand(3, 3, 64, 64)
    assert not one(x).allclose(other(x))
    other.mixing.load_state_dict(one.mixing.state_dict())  # the random projections are in it
    other.load_state_dict(one.state_dict())
    assert one(x).equal(other(x))


def test_projections_are_neither_trained_nor_drawn_again():
    network = judges()
    before = [buffer.clone() for buffer in network.mixing.buffers()]
    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    network(torch.rand(2, 3, 64, 64)).square().sum().backward()
    optimizer.step()
    assert all(a.equal(b) for a, b in zip(before, network.mixing.buffers(), strict=True))
    assert len(before) == 16


@needs_extra
def test_maps_are_timms():
    import timm

    file = efficientnet.weights_file("test")
    whole = timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4))
    state = efficientnet.load_efficientnet(file).state_dict()
    whole.load_state_dict({name: state[name] for name in whole.state_dict()})
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        expected = whole.eval()(x)
        pyramid = efficientnet.EfficientNetPyramid(efficientnet.load_efficientnet(file))
        maps = pyramid(x)
    assert not any(module.training for module in pyramid.train().modules())
    assert [each.shape[1] for each in maps] == [*efficientnet.EfficientNetPyramid.channels]
    for ours, theirs in zip(maps, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4 * theirs.std().item())


@needs_extra
def test_the_frozen_network_is_built_without_random_numbers_and_lets_gradients_pass_later():
    network = ProjectedGANDiscriminator(64, resolution=64, mixing=4, width=8)
    before = torch.get_rng_state()
    with torch.inference_mode():
        assert network.backbone.channels == (24, 40, 112, 320)
    assert torch.get_rng_state().equal(before)
    x = torch.rand(2, 3, 64, 64).requires_grad_()
    network(x).sum().backward()
    assert (x.grad != 0).float().mean() > 0.9


def test_without_the_packages_one_line_names_the_extra(monkeypatch):
    network = ProjectedGANDiscriminator(64, resolution=64, mixing=4, width=8)  # a checkpoint still loads
    for module in efficientnet.PACKAGES:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(GanzooError, match=r"^model.discriminator needs timm and .*: pip install 'ganzoo-l") as raised:
        network(torch.rand(2, 3, 64, 64))
    assert "\n" not in str(raised.value)
