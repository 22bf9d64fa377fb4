"""A linear classifier on what a discriminator sees."""

import json

import numpy as np
import pytest
import torch
from commands import ganzoo
from PIL import Image
from tiny import conditional, conv, digits, mlp
from torch.nn.functional import adaptive_max_pool2d, max_pool3d
from torch.testing import assert_close
from voxels import shapes, three_d_gan

from ganzoo import GanzooError
from ganzoo.data.named import find_data
from ganzoo.games.sampler import Sampler
from ganzoo.metrics.probing import _accuracy, activations, discriminated, discriminator_features, linear_probe
from ganzoo.models.began import BEGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.networks.autoencoder import Autoencoder, ConvDecoder, ConvEncoder
from ganzoo.networks.conditional import Projection
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.mlp import MLPDiscriminator
from ganzoo.networks.resnet import ResNetDiscriminator
from ganzoo.networks.three_d_gan import ThreeDGANDiscriminator

IMAGES = torch.linspace(-1, 1, 3 * 16 * 16).view(3, 1, 16, 16).sin()


def model_of(discriminator):
    return VanillaGAN(DCGANGenerator(16, 1, width=4, latent_dim=4), discriminator)


def test_features_are_the_pooled_activations_of_every_convolution_but_the_last():
    network = DCGANDiscriminator(16, 1, width=4, norm="batch").eval()
    model = model_of(network).train()
    statistics = network.net[3].running_mean.clone()
    seen, widths = discriminator_features(model, IMAGES)
    with torch.no_grad():
        first = network.eval().net[:2](IMAGES)
        second = network.net[2:5](first)
    assert widths == [4 * 16, 8 * 16]
    assert_close(seen, torch.cat([adaptive_max_pool2d(first, 4).flatten(1), second.flatten(1)], 1))
    assert network.net[3].running_mean.equal(statistics)
    assert not any(layer._forward_hooks for layer in network.modules())


@pytest.mark.parametrize(
    ("network", "widths"),
    [
        (DCGANDiscriminator(16, 1, width=4, norm="none", spectral=True, dropout=0.5), [64, 128]),
        (DCGANDiscriminator(16, 1, width=4, norm="layer", minibatch="discrimination"), [64, 128]),
        (Projection(DCGANDiscriminator(16, 1, width=4), 3), [64, 128]),
        (MLPDiscriminator([1, 16, 16], hidden=(12, 7)), [12, 7]),
        (Autoencoder(ConvEncoder(16, 1, 4, code_dim=5), ConvDecoder(16, 1, 4, latent_dim=5)), [64, 128]),
        (ResNetDiscriminator(16, 1, width=4), [64] * 7),
    ],
    ids=["spectral", "minibatch", "projection", "perceptron", "autoencoder", "residual"],
)
def test_every_kind_of_discriminator_has_features(network, widths):
    seen, found = discriminator_features(model_of(network), IMAGES)
    assert found == widths
    assert seen.shape == (3, sum(widths))
    assert not seen.requires_grad
    assert_close(
        discriminator_features(model_of(network), IMAGES[1:])[0], seen[1:]
    )  # an image's own, whatever the others are


def test_perceptrons_are_read_behind_their_activations():
    network = MLPDiscriminator([1, 16, 16], hidden=(12, 7)).eval()
    with torch.no_grad():
        first, second = activations(network, IMAGES)
        assert_close(first, network.net[:3](IMAGES))
        assert_close(second, network.features(IMAGES))


def test_a_conditional_discriminator_is_not_told_the_answer():
    model = conditional()
    x = IMAGES[:, :, :8, :8]
    seen, _ = discriminator_features(model, x)
    with torch.no_grad():
        alike = activations(model.discriminator.eval(), x, torch.zeros(3, dtype=torch.long))
    assert_close(seen, torch.cat([adaptive_max_pool2d(maps, 4).flatten(1) for maps in alike], 1))


def test_the_svm_finds_what_is_there_and_nothing_else():
    labels = torch.arange(600) % 3
    x = torch.randn(600, 5)
    told = x + 6 * torch.nn.functional.one_hot(labels, 5)
    assert _accuracy(told[:300], labels[:300], told[300:], labels[300:], 0) > 0.97
    assert abs(_accuracy(x[:300], labels[:300], x[300:], labels[300:], 0) - 1 / 3) < 0.1
    # neither units, nor offsets, nor what never changes matter
    other = torch.cat([told * torch.tensor([1, 10, 100, 0.1, 0.01]) + 7, torch.ones(600, 5)], 1)[:, [0, 1, 2, 3, 4]]
    assert _accuracy(other[:300], labels[:300], other[300:], labels[300:], 0) > 0.97
    constant = torch.cat([told, torch.full((600, 1), 0.1)], 1)
    assert np.isfinite(_accuracy(constant[:300], labels[:300], constant[300:], labels[300:], 0))


def test_a_probe_reports_both_accuracies_and_is_the_same_again(digits_run, tmp_path):
    words = ["probe", digits_run.folder / "export", "--data", "digits", "--train-size", 500]
    said = ganzoo(*words, "--json", tmp_path / "a.json")
    assert (said.status, said.err) == (0, "")
    found = json.loads((tmp_path / "a.json").read_text())
    assert (found["train"], found["test"], found["pixels"], found["features"], found["layers"]) == (500, 297, 64, 16, 1)
    assert found["pixels_accuracy"] > 0.9
    assert 0.2 < found["features_accuracy"] < 1
    assert {"scikit-learn", "torch"} <= set(found["versions"])
    for name in ("pixels", "features"):
        assert f"{found[f'{name}_accuracy']:.2%}" in said.out
    assert ganzoo(*words, "--json", tmp_path / "b.json").out == said.out
    assert json.loads((tmp_path / "b.json").read_text()) == found
    ganzoo(*words, "--seed", 1, "--json", tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text())["pixels_accuracy"] != found["pixels_accuracy"]


def test_convolutions_see_digits_even_before_training():
    found = linear_probe(conv(), digits(), train_size=400)
    assert found.features == 8 * 16
    assert found.features_accuracy > 0.8


def test_a_folder_gives_a_fifth_of_its_pictures_to_the_test(tmp_path):
    for number, shade in enumerate((30, 200)):
        (tmp_path / "p" / f"class {number}").mkdir(parents=True)
        for i in range(20):
            noise = np.random.default_rng(100 * number + i).integers(0, 40, (12, 9, 3))
            Image.fromarray((noise + shade).astype(np.uint8)).save(tmp_path / "p" / f"class {number}" / f"{i}.png")
    model = mlp()
    model.discriminator = MLPDiscriminator([3, 8, 8], hidden=(6,))
    data = find_data(str(tmp_path / "p"), discriminated(model))
    found = linear_probe(model, data)
    assert (found.train, found.test, found.features_accuracy, found.pixels_accuracy) == (32, 8, 1.0, 1.0)
    with pytest.raises(GanzooError, match="has no labels"):
        linear_probe(model, find_data(str(tmp_path / "p" / "class 0"), (3, 8, 8)))
    with pytest.raises(GanzooError, match="one class"):
        linear_probe(model, data, train_size=1)


class Silent(Sampler):
    """Draws samples with nobody to judge them."""

    def players(self):
        return ()


def test_what_has_no_discriminator_of_images_is_not_probed(digits_run, tmp_path):
    with pytest.raises(GanzooError, match="Silent has no discriminator"):
        discriminated(Silent())
    with pytest.raises(GanzooError, match=r"takes samples of shape \(2,\), no images"):
        discriminated(mlp())
    assert discriminated(conv()) == (1, 8, 8)
    autoencoder = Autoencoder(ConvEncoder(8, 1, 4, code_dim=5), ConvDecoder(8, 1, 4, latent_dim=5))
    assert discriminated(BEGAN(DCGANGenerator(8, 1, width=4), autoencoder)) == (1, 8, 8)
    with pytest.raises(GanzooError, match=r"CIFAR-10 has shape \(3, 8, 8\), the discriminator takes \(1, 8, 8\)"):
        linear_probe(conv(), find_data("cifar10", (1, 8, 8)))
    for words, told in (
        (["--data", "mnsit"], "Did you mean 'mnist'?"),
        (["--data", "digits", "--train-size", "0"], "--train-size"),
        ([], "--data"),
    ):
        assert told in ganzoo("probe", digits_run.folder / "export", *words).error


def test_solids_are_read_at_the_papers_layers():
    """The second to fourth one, max-pooled by 8, 4 and 2: 7,168 numbers at the published size."""
    model = three_d_gan()
    model.discriminator = ThreeDGANDiscriminator(64, widths=(2, 4, 8, 16)).eval()
    x = next(iter(shapes(size=64, samples=2, batch_size=2).train_dataloader()))[0]
    seen, widths = discriminator_features(model, x)
    assert [32 * width for width in widths] == [1024, 2048, 4096]  # published: 32 times as wide
    net, maps = model.discriminator.net, [(x + 1) / 2]
    with torch.no_grad():
        for layers in (net[:2], net[2:5], net[5:8], net[8:11]):
            maps.append(layers(maps[-1]))
    pooled = [max_pool3d(layer, by).flatten(1) for layer, by in zip(maps[2:], (8, 4, 2), strict=True)]
    assert_close(seen, torch.cat(pooled, 1))


def test_solids_are_probed_beside_raw_voxels():
    lines = []
    found = linear_probe(three_d_gan(), shapes(samples=80), tell=lines.append)
    assert (found.train, found.test, found.layers, found.features, found.pixels) == (80, 600, 1, 64, 4096)
    assert lines[0].startswith("raw voxels")
    assert "of 600 test solids" in lines[0]
    assert found.features_accuracy > 0.3  # of eight classes, before any training
    assert isinstance(find_data("shapes", (1, 16, 16, 16)), type(shapes()))
    with pytest.raises(GanzooError, match=r"there is no 'shape'; it must be one of shapes, solids, .* Did you mean"):
        find_data("shape", (1, 16, 16, 16))
