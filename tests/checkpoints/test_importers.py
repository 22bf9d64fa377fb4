"""Weights that other code has published become ganzoo's models, which compute what the official ones did."""

import argparse
import json
import os
import sys
from io import BytesIO

import pytest
import torch
from nvidia_pickles import filled, module, pickled, plain
from official import FOLDER, official, wave
from projecting import needs_extra

import ganzoo
from ganzoo.checkpoints.importers import ddgan, pickles
from ganzoo.checkpoints.importers import projected_gan as adapter
from ganzoo.checkpoints.importers.reading import Network
from ganzoo.common.errors import GanzooError
from ganzoo.networks import progan
from ganzoo.networks.ddgan import DDGANDiscriminator
from ganzoo.networks.efficientnet import weights_file
from ganzoo.networks.fastgan import FastGANGenerator
from ganzoo.networks.projected import FeatureMixing, MapDiscriminator, ProjectedGANDiscriminator
from ganzoo.tools.convert import convert


def tensors(name):
    """A reference network's tensors by their official names, fixed ones included."""
    said = json.loads((FOLDER / f"{name}.json").read_text())
    return filled(official(name).state, said["state"])


def saved(value):
    """What torch.save writes."""
    file = BytesIO()
    torch.save(value, file)
    return file.getvalue()


def converted(folder, *contents, **options):
    """The model of files with these contents, converted and loaded as if it came from the Hub."""
    files = [folder / f"weights{i}" for i in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    convert(files, out=folder / "out", **options)
    return ganzoo.load(folder / "out", trust_remote_code=False)


def stylegan2(name="stylegan2_discriminator", **changed):
    """A snapshot of stylegan2-ada-pytorch."""
    settings = {"b4.mbstd.group_size": 2, "b4.mbstd.num_channels": 1}
    return {
        "G": None,
        "D": module(tensors(name), "Discriminator", settings=settings),
        "G_ema": module(tensors("stylegan2_generator")),
        "training_set_kwargs": {"class_name": "training.dataset.ImageFolderDataset"},
        "augment_pipe": None,
        **changed,
    }


@pytest.mark.parametrize("protocol", [2, 4])
def test_stylegan2s_snapshots(protocol, tmp_path):
    model = converted(tmp_path, pickled(stylegan2(), protocol), licence="cc-by-nc-4.0")
    said = official("stylegan2_generator")
    with torch.no_grad():
        noise = [value.expand(3, 1, -1, -1) for key, value in said.state.items() if key.endswith("noise_const")]
        said.check("image", model.generator(said.x, noise=noise))
        assert model.averaged("generator").w_mean.equal(said.state["mapping.w_avg"])
        said = official("stylegan2_discriminator")
        said.check("logits", model.discriminator(said.x))
    assert "licence: cc-by-nc-4.0" in model.card
    assert model.sample(2, seed=0, truncation=0.5).shape == (2, 3, 16, 16)


@pytest.mark.parametrize("name", ["_orig", "_skip"])
def test_stylegan2s_discriminators_of_other_shapes(name, tmp_path):
    model = converted(tmp_path, pickled(stylegan2(f"stylegan2_discriminator{name}")))
    said = official(f"stylegan2_discriminator{name}")
    with torch.no_grad():
        said.check("logits", model.discriminator(said.x))


def test_source_in_a_pickle_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plant = "import os\nos.mkdir('planted')\nclass Generator: pass\n"
    before = set(sys.modules)
    model = converted(tmp_path, pickled({"G_ema": module(tensors("stylegan2_generator"), source=plant)}))
    assert not os.path.exists("planted")  # noqa: PTH110
    assert not [name for name in set(sys.modules) - before if name.startswith(("torch_utils", "dnnlib"))]
    assert "begins anew" in model.card


def test_a_pickle_may_not_take_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "OPERATIONS", 50)
    with pytest.raises(GanzooError, match="it takes more than 50 operations"):
        converted(tmp_path, pickled(stylegan2()))


KERNEL = "synthesis.b8.conv0.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({KERNEL: torch.ones(8, 9, 3, 3)}, rf"tensor {KERNEL} is \(8, 9, 3, 3\), but \(8, 8, 3, 3\) was expected"),
        ({KERNEL: torch.ones(8, 8, 3, 3).int()}, rf"tensor {KERNEL} is int32 \(8, 8, 3, 3\), but"),
        ({KERNEL: None}, r"the tensor that generator.synthesis.layers.1.conv.weight \(8, 8, 3, 3\) takes is missing"),
        ({"mapping.fc0.weight": None}, "tensor mapping.fc0.weight is missing"),
        ({"mapping.fc0.weight": torch.ones(3)}, "of stylegan2-ada-pytorch by its names: its shapes make no sense"),
        (
            {f"synthesis.b{'9' * 5000}.conv1.weight": torch.ones(3)},
            r"tensor synthesis.b9+… \(3,\) is not expected",
        ),
        ({"synthesis.b8.odd": torch.ones(3)}, r"tensor synthesis.b8.odd \(3,\) is not expected"),
        ({"synthesis.b8.resample_filter": torch.ones(4, 4)}, "b8.resample_filter has other values than expected"),
        ({"synthesis.b4.const": None}, "no format that ganzoo converts begins with synthesis.b4.resample_filter"),
    ],
)
def test_what_does_not_fit_is_one_line(change, message, tmp_path):
    state = tensors("stylegan2_generator") | change
    with pytest.raises(GanzooError, match=message):
        converted(tmp_path, saved({key: value for key, value in state.items() if value is not None}))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("generator", "discriminator"),
    [
        ("biggan32_generator", "biggan32_discriminator"),
        ("biggan32_generator_shared_hier_attention", "biggan32_discriminator_attention"),
        ("mimicry_sagan32_generator", "mimicry_sagan32_discriminator"),
        ("mimicry_sngan32_generator", "mimicry_sngan32_discriminator"),
        ("mimicry_dcgan32_generator", "mimicry_dcgan32_discriminator"),
        ("mimicry_cgan_pd32_generator", "mimicry_cgan_pd32_discriminator"),
    ],
)
def test_state_dicts_of_both_players(generator, discriminator, tmp_path):
    wrapped = {"model_state_dict": official(discriminator).state, "global_step": 3}
    model = converted(tmp_path, saved(official(generator).state), saved(wrapped))
    for name, reference in (("generator", generator), ("discriminator", discriminator)):
        said = official(reference)
        labels = () if said.labels is None else (said.labels,)
        with torch.no_grad():
            said.check("eval", getattr(model, name)(said.x, *labels))
        count = sum(p.numel() for p in getattr(model, name).parameters())
        assert said.parameter_count in (count, 0)  # 0 where the file does not say
    assert model.averaged("generator").state_dict().keys() == model.generator.state_dict().keys()
    assert model.sample(2, seed=0).shape == (2, 3, 32, 32)
    assert "begins anew" not in model.card


@pytest.mark.parametrize(
    ("discriminator", "model"),
    [(None, "SNGAN"), ("mimicry_sngan32_discriminator", "SNGAN"), ("mimicry_dcgan32_discriminator", "DCGAN")],
)
def test_mimicrys_variants_are_told_apart_by_their_discriminators(discriminator, model, tmp_path):
    files = ["mimicry_sngan32_generator", *([discriminator] if discriminator else [])]
    states = [{f"module.{key}": value for key, value in official(name).state.items()} for name in files]
    made = converted(tmp_path, *map(saved, states))
    assert type(made).__name__ == model
    assert ("whose generators are alike" in made.card) == (discriminator is None)


def checked(network, said, mode, x=None):
    """Compares a network's output in evaluation with the official one."""
    labels = () if said.labels is None else (said.labels,)
    with torch.no_grad():
        said.check(mode, network(said.x if x is None else x, *labels))


def r3gan_state(name):
    """An R3GAN's tensors as its training loop pickles them, filters included."""
    said = json.loads((FOLDER / f"{name}.json").read_text())
    return {f"Model.{key}": value for key, value in filled(official(name).state, said["state"]).items()}


def test_r3gans_snapshots(tmp_path):
    buffers = ("Kernel",)
    made = {"G_ema": module(r3gan_state("r3gan_generator"), buffers=buffers)}
    made["D"] = module(r3gan_state("r3gan_discriminator"), "Discriminator", buffers)
    model = converted(tmp_path, pickled(made))
    checked(model.generator, official("r3gan_generator"), "image")
    checked(model.discriminator, official("r3gan_discriminator"), "logits")


def test_r3gans_classes_are_embedded_as_one_hot_labels_are_by_a_linear_layer(tmp_path):
    state = official("r3gan_generator").state
    state["MainLayers.0.Layers.0.LinearLayer.weight"] = torch.randn(12, 8 + 5)
    state["EmbeddingLayer.weight"] = torch.randn(5, 3)
    model = converted(tmp_path, saved(state))
    assert model.generator.embed(torch.tensor([2])).flatten().equal(state["EmbeddingLayer.weight"][:, 2])
    assert (model.generator.latent_dim, model.discriminator.n_classes) == (8, 3)


def test_diffusion_gans_snapshots_take_the_step_of_a_diffusion(tmp_path):
    said = official("stylegan2_discriminator_conditional")
    state = tensors("stylegan2_discriminator_conditional")
    state["mapping.embed.weight"] = state["mapping.embed.weight"][:, :1]
    model = converted(tmp_path, pickled(stylegan2(D=module(state, "Discriminator"))))
    assert type(model).__name__ == "DiffusionGAN"
    with torch.no_grad():
        assert (model.discriminator(said.x, t=torch.full((4,), 9)) - model.discriminator(said.x)).abs().min() > 1e-4


def test_pytorch_gan_zoos_progan(tmp_path, monkeypatch):
    widths = {4: 8, 8: 6, 16: 4}  # which no base leads to
    monkeypatch.setattr(progan, "channels_at", lambda side, base, largest: widths[side])
    state = {"avgG": official("pgan_generator").state, "netD": official("pgan_discriminator").state}
    model = converted(tmp_path, saved(state))
    checked(model.generator, official("pgan_generator"), "image, alpha 0")
    checked(model.discriminator, official("pgan_discriminator"), "logits, alpha 0")


def test_cyclegans_generators_and_discriminators(tmp_path):
    there, judge = official("cyclegan_resnet_generator"), official("patchgan70_discriminator_instance")
    model = converted(tmp_path, *map(saved, (there.state, there.state, judge.state, judge.state)))
    for network in (model.generator, model.back):
        checked(network, there, "output")
    for network in (model.discriminator, model.discriminator_back):
        checked(network, judge, "eval")
    assert model.translate(there.x).shape == there.x.shape
    assert "begins anew" not in model.card
    alone = tmp_path / "alone"
    alone.mkdir()
    assert "the way back, which no file here holds" in converted(alone, saved(there.state)).card


def test_pix2pixs_generator_and_discriminator(tmp_path):
    there, judge = official("pix2pix_unet32_generator"), official("patchgan70_discriminator_batch")
    model = converted(tmp_path, saved(there.state), saved(judge.state))
    checked(model.generator, there, "eval")
    checked(model.discriminator, judge, "eval")


@pytest.mark.parametrize("name", ["msrresnet_x2", "msrresnet_x3", "msrresnet_x4", "rrdbnet_x4"])
def test_basicsrs_generators(name, tmp_path):
    said = official(f"basicsr_{name}")
    model = converted(tmp_path, saved({"params_ema": said.state, "params": {"conv_first.weight": torch.ones(1)}}))
    with torch.no_grad():
        said.check("output", (model.generator(2 * said.x - 1) + 1) / 2)
    assert model.generator.factor == int(name[-1])
    assert sum(p.numel() for p in model.generator.parameters()) == said.parameter_count


def test_denoising_diffusion_gans_generator(tmp_path):
    said = official("ddgan_ncsnpp_generator")
    model = converted(tmp_path, saved(dict(reversed(said.state.items()))))
    with torch.no_grad():
        said.check("output", model.generator(said.x, torch.tensor([0, 3]), wave((2, 6))))
    assert "the side of its images: 32 here" in model.card


@pytest.mark.parametrize("name", ["", "_lite", "_conditional"])
def test_projected_gans_generators(name, tmp_path):
    said = official(f"fastgan_generator{name}")
    made = adapter.convert([Network("G_ema", said.state)]).parts["generator"]
    network = FastGANGenerator(**made.arguments)
    missing, unexpected = network.load_state_dict(made.tensors, strict=False)
    assert not unexpected
    assert all(each.endswith("num_batches_tracked") for each in missing)
    with torch.no_grad():
        said.check("eval", network.eval()(said.x, said.labels, [wave((2, *shape)) for shape in network.noise_shapes]))


@pytest.mark.parametrize("name", ["small", "large"])
def test_denoising_diffusion_gans_discriminators(name):
    said = official(f"ddgan_discriminator_{name}")
    made = ddgan.discriminator(Network("netD_dict", said.state), said.x.shape[-1])
    network = DDGANDiscriminator(**made.arguments)
    network.load_state_dict(made.tensors)
    assert sum(p.numel() for p in network.parameters()) == said.parameter_count
    with torch.no_grad():
        pair = torch.cat([said.x, -0.7 * said.x.flip(3)], 1)
        said.check("logits", network(pair, torch.tensor([0, 3, 1, 2])))


def test_what_denoising_diffusion_gan_keeps_to_go_on_from(tmp_path):
    states = (official(name).state for name in ("ddgan_ncsnpp_generator", "ddgan_discriminator_small"))
    live, judge = ({f"module.{key}": value for key, value in state.items()} for state in states)
    settings = argparse.Namespace(num_timesteps=2, image_size=32, exp="mine", use_ema=True)
    content = {"epoch": 3, "args": settings, "netG_dict": live, "netD_dict": judge, "optimizerG": {"state": {}}}
    averaged = {key: value / 2 for key, value in official("ddgan_ncsnpp_generator").state.items()}
    model = converted(tmp_path, saved(content), saved(averaged))
    assert (model.chain.steps, model.generator.shape) == (2, (3, 32, 32))
    weights = dict(model.averaged("generator").named_parameters())
    assert any(value.equal(averaged["all_modules.2.weight"]) for value in weights.values())
    assert model.discriminator.linear.weight.equal(judge["module.end_linear.weight"])
    for unknown in ("begins anew", "the side of its images", "the number of its steps", "its average"):
        assert unknown not in model.card
    alone = tmp_path / "alone"
    alone.mkdir()
    assert "its average, which netG_*.pth holds" in converted(alone, saved(content)).card


def of_mini(state, number=0):
    """A single discriminator's tensors as they are called in a snapshot."""
    return {f"discriminator.mini_discs.{number}.{key}": value for key, value in state.items()}


def test_projected_gans_discriminators_keep_their_meaning():
    said = official("projected_gan_multiscale_discriminator")
    networks = torch.nn.ModuleDict({"discriminators": torch.nn.ModuleList()})
    networks["discriminators"].extend(MapDiscriminator(widths) for widths in ([4, 256, 512], [4, 512], [8]))
    state = {f"discriminator.{key}": value for key, value in said.state.items()}
    last = adapter.last_places(Network("D", state))
    assert last == ["2", "1", "0"]
    names = {key: adapter.discriminator_name(key, last) for key in state}
    assert adapter.discriminator_name("discriminator.mini_discs.0.main.0.main.1.num_batches_tracked", last) is None
    missing = networks.load_state_dict({name: state[key] for key, name in names.items()}, strict=False)
    assert not missing.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys)
    with torch.no_grad():
        logits = [network.eval()(x) for network, x in zip(networks["discriminators"], said.x, strict=True)]
    said.check("eval", torch.cat(logits, 1))

    said = official("projected_gan_single_discriminator_conditional")
    network = MapDiscriminator([4, 8], n_classes=3, projected_dim=6, embed_dim=5)
    state = of_mini(said.state)
    names = {key: adapter.discriminator_name(key, adapter.last_places(Network("D", state))) for key in state}
    ours = {name.removeprefix("discriminators.0."): state[key] for key, name in names.items()}
    assert not network.load_state_dict(ours, strict=False).unexpected_keys
    with torch.no_grad():
        said.check("eval", network.eval()(said.x, said.labels))

    said = official("projected_gan_feature_mixing")
    mixing = FeatureMixing(said.arguments["in_channels"], said.arguments["cout"])
    names = {key: adapter.discriminator_name(f"feature_network.{key}", []) for key in said.state}
    mixing.load_state_dict({name.removeprefix("mixing."): said.state[key] for key, name in names.items()})
    for number, each in enumerate(mixing(said.x)):
        said.check(str(number), each)


def theirs(key, blocks):
    """The code's name of a tensor of our discriminators, which have so many blocks each."""
    room, number, *path = key.split(".")
    if room == "mixing":
        level, last = path
        return f"feature_network.scratch.layer{level}_{'ccm' if number == 'across_channels' else 'csm.out_conv'}.{last}"
    before = f"discriminator.mini_discs.{number}"
    ends = {"original": "weight_orig", "u": "weight_u", "v": "weight_v"}
    end = ends.get(path[-1], path[-1])
    if path[0] == "last":
        return f"{before}.main.{blocks[int(number)]}.{end}"
    inside = {"conv": "0", "norm": "1"}[path[2]]
    separable = [{"0": "depthwise", "1": "pointwise"}[path[3]]] if path[2] == "conv" and path[3] in "01" else []
    return ".".join([f"{before}.main.{path[1]}.main.{inside}", *separable, end])


@pytest.mark.parametrize("separable", [False, True])
def test_projected_gans_snapshots(separable, tmp_path, monkeypatch):
    made = ProjectedGANDiscriminator(128, mixing=4, width=32, separable=separable)
    blocks = [len(one.blocks) for one in made.discriminators]
    state = {theirs(key, blocks): torch.rand_like(value) for key, value in made.state_dict().items() if value.dim()}
    state[adapter.STEM] = torch.rand(32, 3, 3, 3)
    settings = {"interp224": True, "diffaug": False}
    generator = plain(official("fastgan_generator").state)
    snapshot = pickled({"G": None, "D": plain(state, settings), "G_ema": generator})
    monkeypatch.setattr(adapter, "same_stem", lambda network: True)
    monkeypatch.setattr("ganzoo.tools.convert.SAMPLES", 4)
    model = converted(tmp_path, snapshot)
    assert "begins anew" not in model.card
    own = model.discriminator.state_dict()
    assert all(own[key].equal(state[theirs(key, blocks)]) for key in own if own[key].dim())
    assert (model.discriminator.resolution, model.augment) == (224, "")
    monkeypatch.setattr(adapter, "same_stem", lambda network: False)
    networks = [Network("D", state, settings), Network("G_ema", official("fastgan_generator").state)]
    other = adapter.convert(networks)
    assert not other.parts["discriminator"].tensors
    assert "begins anew: its frozen network has other weights" in other.unknown[-1]


@needs_extra
def test_projected_gans_frozen_network_is_told_from_another():
    first = next(iter(torch.load(weights_file("test"), weights_only=True).values()))
    assert adapter.same_stem(Network("D", {adapter.STEM: first.half()}))
    assert not adapter.same_stem(Network("D", {adapter.STEM: first.flip(3)}))
    assert not adapter.same_stem(Network("D", {adapter.STEM: first[:8]}))


def test_published_discriminators_count_their_blocks_from_256_pixels():
    with torch.device("meta"):
        judges = ProjectedGANDiscriminator(1024, counted=256).discriminators
        assert [len(one.blocks) for one in judges] == [4, 3, 2, 1]
        assert [len(one.blocks) for one in ProjectedGANDiscriminator(1024).discriminators] == [6, 5, 4, 3]
