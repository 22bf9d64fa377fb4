"""Generators in other runtimes: run there by themselves, they draw and translate what the model does."""

import json
import sys

import onnxruntime
import pytest
import torch
from clips import video_prediction
from coded import latent_gan, vqgan
from coders import autoencoder, networks, vae
from commands import ganzoo
from enlargers import srgan
from streams import vgan
from tiny import conditional, conv, mlp, recolour
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.testing import assert_close

from ganzoo import GanzooError, load
from ganzoo.checkpoints import export_formats
from ganzoo.games.latent import draw_latent
from ganzoo.games.priors import Flower
from ganzoo.models.aae import AAE
from ganzoo.models.cyclegan import CycleGAN
from ganzoo.models.dann import DANN
from ganzoo.models.infogan import InfoGAN
from ganzoo.models.pix2pix import Pix2Pix
from ganzoo.models.sagan import SAGAN
from ganzoo.models.sngan import SNGAN
from ganzoo.networks.conditional import Projection
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator
from ganzoo.networks.resnet_translator import ResNetTranslator
from ganzoo.networks.sagan import SAGANDiscriminator, SAGANGenerator
from ganzoo.networks.unet import UNet

CLOSE = {"atol": 1e-4, "rtol": 0}
SUFFIX = {"onnx": ".onnx", "torch_export": ".pt2"}


def infogan():
    generator = MLPGenerator([1, 8, 8], latent_dim=9, hidden=(16,))
    return InfoGAN(generator, MLPDiscriminator([1, 8, 8], hidden=(16,)), categories=4, codes=2)


def projection():
    """Labels go into conditional BatchNorm."""
    return SNGAN(ResNetGenerator(16, 1, 4, 6, n_classes=3), Projection(ResNetDiscriminator(16, 1, 4), 3))


def attention():
    """A place of a map attends to the others, by a gamma that has left 0."""
    model = SAGAN(SAGANGenerator(width=8, latent_dim=6, n_classes=3), SAGANDiscriminator(width=8, n_classes=3))
    nn.init.ones_(model.generator.attention.gamma)
    return model


def flower():
    discriminator = MLPDiscriminator([4], (32,), dropout=0.0)
    return AAE(*networks([1, 8, 8]), discriminator, Flower(4, petals=5))


def mixture():
    model = autoencoder(components=3, keep=100)
    model.remember(torch.cat([torch.randn(40, 4) - 5, torch.randn(60, 4) * 0.3 + 5]))
    return model


def spectral():
    model = conv(ema=None)
    for layer in list(model.generator.modules()):
        if isinstance(layer, nn.ConvTranspose2d | nn.Linear):
            spectral_norm(layer)
    return model


def unet(norm="instance"):
    return Pix2Pix(UNet(32, 1, 1, width=2, norm=norm), adv_weight=0.0)


def cyclegan():
    discriminators = DCGANDiscriminator(8, 1, 4), DCGANDiscriminator(8, 1, 4)
    there, back = (ResNetTranslator(1, 1, width=4, blocks=1) for _ in range(2))
    return CycleGAN(there, back, *discriminators)


DRAWING = {
    "points": mlp,
    "batch norm": conv,
    "labels": conditional,
    "conditional batch norm": projection,
    "spectral norm": spectral,
    "attention": attention,
    "infogan": infogan,
    "vae": vae,
    "mixture": mixture,
    "flower": flower,
    "latents": latent_gan,
    "clips": vgan,
}
BY_TORCH = ("points", "labels", "mixture", "latents", "dropout", "any size")
TRANSLATING = {
    "any size": recolour,
    "dropout": unet,
    "cyclegan": cyclegan,
    "enlarging": srgan,
    "frames": video_prediction,
}


def lived_in(make):
    """Makes a model whose normalisations have seen something, so that leaving them out shows."""
    torch.manual_seed(1)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def run(file, inputs):
    """Runs a file by what people run it by, and returns what it makes, and what it says of itself."""
    if file.suffix == ".onnx":
        session = onnxruntime.InferenceSession(file)
        (made,) = session.run(None, {name: x.numpy() for name, x in inputs.items()})
        return torch.from_numpy(made), json.loads(session.get_modelmeta().custom_metadata_map["ganzoo"])
    extra = {"ganzoo.json": ""}
    program = torch.export.load(file, extra_files=extra)
    return program.module()(**inputs), json.loads(extra["ganzoo.json"])


def drawn(model, n):
    """Draws a sampler's inputs, and what it makes of them by itself."""
    codes, inputs = getattr(model, "code_prior", None), {}
    if codes is None:
        inputs["z"] = z = model.latent(n, seed=5)
    else:
        inputs["z"], inputs["u"] = torch.randn(n, model.dim), torch.rand(n)
        z = codes(inputs["z"], inputs["u"])
    labels = torch.randint(model.n_classes, (n,)) if model.n_classes else None
    return inputs | ({} if labels is None else {"labels": labels}), model.render(z, labels)


def cases(makes):
    """Returns (model, format) pairs: ONNX of all but points, and exported programs of some."""
    return [
        (name, kind) for name in makes for kind in SUFFIX if (name in BY_TORCH if kind != "onnx" else name != "points")
    ]


@pytest.mark.parametrize(("name", "kind"), cases(DRAWING))
def test_what_draws_draws_the_same_elsewhere(name, kind, tmp_path):
    model = lived_in(DRAWING[name])
    file = tmp_path / f"model{SUFFIX[kind]}"
    about, difference = export_formats.export_generator(model, file, kind, "mine")
    assert difference < 1e-5
    for n in (1, 7):
        inputs, expected = drawn(model, n)
        made, said = run(file, inputs)
        assert_close(made, expected, **CLOSE)
        assert made.dtype == torch.float32
    assert said == about
    assert (said["name"], list(said["inputs"])) == ("mine", list(inputs))
    for key, x in inputs.items():
        assert said["inputs"][key]["shape"] == ["N", *x.shape[1:]]
        assert said["inputs"][key]["type"] == str(x.dtype).removeprefix("torch.")
    ((key, output),) = said["outputs"].items()
    kind = {"points": "points", "clips": "video"}.get(name, "images")
    assert (key, output["shape"]) == (kind, ["N", *made.shape[1:]])


@pytest.mark.parametrize(("name", "kind"), cases(TRANSLATING))
def test_what_translates_translates_the_same_elsewhere(name, kind, tmp_path):
    model = lived_in(TRANSLATING[name])
    file = tmp_path / f"model{SUFFIX[kind]}"
    export_formats.export_generator(model, file, kind)
    for n, side in ((1, 32), (3, 32), *([(2, 40)] if name != "dropout" else [])):
        inputs = {"x": torch.rand(n, 4 if name == "frames" else 1, side, 32) * 2 - 1}
        if name == "dropout":
            torch.manual_seed(4)
            inputs["noise"] = draw_latent(n, model.noise_dim, "uniform", torch.device("cpu"))
        made, said = run(file, inputs)
        assert_close(made, model.translate(inputs["x"], seed=4), **CLOSE)
    if name == "dropout":  # by which alone translations of one image differ
        assert (run(file, inputs | {"noise": inputs["noise"].roll(1, 0)})[0] - made).abs().max() > 1e-3
    assert list(said["inputs"]) == list(inputs)
    free = {"any size": ["N", 1, "2*H", "2*W"], "cyclegan": ["N", 1, "4*H", "4*W"], "enlarging": ["N", 1, "H", "W"]}
    free["frames"] = ["N", 4, "2*H", "2*W"]
    assert said["inputs"]["x"]["shape"] == free.get(name, ["N", 1, 32, 32])
    made = {"enlarging": ["N", 1, "4*H", "4*W"], "frames": ["N", 1, "2*H", "2*W"]}
    assert said["outputs"]["images"]["shape"] == made.get(name, free.get(name, ["N", 1, 32, 32]))


@pytest.mark.parametrize("kind", SUFFIX)
def test_what_reconstructs_reconstructs_the_same_elsewhere(kind, tmp_path):
    model, file = vqgan().eval(), tmp_path / f"model{SUFFIX[kind]}"
    about, difference = export_formats.export_generator(model, file, kind)
    assert difference < 1e-5
    for n in (1, 3):
        inputs = {"x": torch.rand(n, 1, 8, 8) * 2 - 1}
        made, said = run(file, inputs)
        assert_close(made, model.reconstruct(inputs["x"]), **CLOSE)
    assert said == about
    assert said["inputs"]["x"]["shape"] == said["outputs"]["images"]["shape"] == ["N", 1, 8, 8]


def test_the_model_is_left_as_it_was(tmp_path):
    model = lived_in(spectral)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    expected = model.sample(3, seed=0)
    export_formats.export_generator(model, tmp_path / "model.pt2", "torch_export")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model.sample(3, seed=0), expected)


def test_only_the_averaged_generator_is_in_the_file(tmp_path):
    model = conv()
    for parameter in model.averaged("generator").parameters():
        parameter.data *= 0.5
    export_formats.export_generator(model, tmp_path / "model.pt2", "torch_export")
    kept = torch.export.load(tmp_path / "model.pt2").state_dict
    assert {name.removeprefix("network.") for name in kept} == {
        name for name, _ in model.generator.state_dict().items()
    }
    for name, parameter in model.averaged("generator").named_parameters():
        assert torch.equal(kept[f"network.{name}"], parameter)


def test_export_writes_a_bundled_checkpoint(tmp_path):
    said = ganzoo("export", "wgan-gp-mnist", "--format", "onnx", "-o", tmp_path / "digits.onnx")
    assert (said.status, said.err) == (0, "")
    first, z, images = said.out.splitlines()
    assert first.startswith(f"{tmp_path / 'digits.onnx'}  differs from the model by ")
    assert float(first.split()[-3]) < 1e-4
    assert z.split() == ["z", "float32", "(N,", "100),", "standard", "normal"]
    assert images.split() == ["images", "float32", "(N,", "1,", "32,", "32),", "in", "[-1,", "1]"]
    model = load("wgan-gp-mnist")
    assert_close(run(tmp_path / "digits.onnx", {"z": model.latent(3, seed=0)})[0], model.sample(3, seed=0), **CLOSE)


def test_export_writes_a_run(digits_run, tmp_path):
    words = ["--weights", "last", "--format", "torch_export", "-o", tmp_path / "digits.pt2"]
    assert ganzoo("export", digits_run.folder, *words).status == 0
    model = load(digits_run.folder / "last.ckpt")
    made, said = run(tmp_path / "digits.pt2", {"z": model.latent(3, seed=0)})
    assert_close(made, model.sample(3, seed=0), **CLOSE)
    assert said["name"] == digits_run.folder.name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--format onnx -o digits", ["-o: ", ".onnx", "digits"]),
        ("--format torch_export -o digits.onnx", ["-o: ", ".pt2"]),
        ("--format onnx -o digits.onnx --samples 5", ["--samples: 5", "no scores"]),
        ("--format onx -o digits.onnx", ["--format", "onnx"]),
    ],
)
def test_options_that_do_not_fit_are_told(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = ganzoo("export", "wgan-gp-mnist", *words.split()).error
    assert all(part in error for part in told), error
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_told():
    assert "wgan-gp-mnist" in ganzoo("export", "wgan-gp-mnst", "--format", "onnx", "-o", "x.onnx").error


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_told(package, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(GanzooError, match=rf"onnx needs {package}: pip install 'ganzoo-lightning\[onnx\]'\."):
        export_formats.export_generator(conv(), tmp_path / "model.onnx")


def refused(model, folder, kind="torch_export"):
    """Returns what is said, after making sure that it is a line, and that nothing was left."""
    with pytest.raises(GanzooError) as error:
        export_formats.export_generator(model, folder / f"model{SUFFIX[kind]}", kind)
    assert list(folder.iterdir()) == []
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_classifier_is_refused(tmp_path):
    model = DANN(nn.Flatten(), nn.Linear(4, 2), nn.Linear(4, 1))
    assert "DANN makes classes" in refused(model, tmp_path)


def test_a_translator_of_what_nobody_says_is_refused(tmp_path):
    model = Pix2Pix(nn.Conv2d(1, 1, 3), adv_weight=0.0)
    assert "source_shape" in refused(model, tmp_path)


class Branching(DCGANGenerator):
    def forward(self, z):
        return super().forward(z) if z.mean() > 0 else -super().forward(z)


def test_what_pytorch_cannot_write_is_told(tmp_path):
    model = conv()
    model.averages.clear()
    model.generator = Branching(8, 1, width=8, latent_dim=6)
    assert "PyTorch cannot write this model as torch_export" in refused(model, tmp_path)


@pytest.mark.parametrize("wrong", [0.01, float("nan")])
def test_a_file_that_does_something_else_is_not_left(wrong, monkeypatch, tmp_path):
    form = export_formats.FORMATS["torch_export"]
    other = form._replace(run=lambda file: lambda inputs: form.run(file)(inputs) + wrong)
    monkeypatch.setitem(export_formats.FORMATS, "torch_export", other)
    assert "differs from the model" in refused(conv(), tmp_path)
