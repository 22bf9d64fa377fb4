"""The networks that judge images: those shipped, those of one's own, and Inception as it would be called."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from idx import write_cifar10, write_mnist
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.data.mnist import MNIST, FashionMNIST
from ganzoo.metrics import cifar10_classifier, mnist_classifier
from ganzoo.metrics.extractors import count_classes, get_extractor
from ganzoo.metrics.mnist_classifier import DISTORTIONS, Distortion
from ganzoo.networks.classifiers import CIFAR10Classifier, MNISTClassifier, load_classifier, save_classifier, shipped

SPLITS = {"train": 128, "test": 20}


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_shipped_classifier_is_small_frozen_and_always_the_same(name):
    extractor = get_extractor(name)
    assert shipped(name).stat().st_size < 2**20
    assert extractor.name == name
    assert extractor.digest == get_extractor(name).digest
    assert len(extractor.digest) == 12
    assert not any(p.requires_grad for p in extractor.parameters())
    assert not extractor.train().training
    features, logits = extractor(torch.zeros(3, 1, 32, 32))
    assert features.shape == (3, extractor.num_features)
    assert logits.shape == (3, 10)


def test_classifier_sees_the_centre_only():
    extractor, x = get_extractor("mnist"), randn(2, 1, 28, 28).tanh()
    for one, other in zip(extractor(x), extractor(F.pad(x, (2, 2, 2, 2), value=-1)), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("kind", "name", "least"), [(MNIST, "mnist", 0.99), (FashionMNIST, "fashion", 0.91)])
def test_shipped_classifier_reads_digits_and_clothes(kind, name, least):
    try:
        data = kind(size=32, download=False)
        data.setup("validate")
    except GanzooError:
        pytest.skip(f"{kind.title} is not here")
    right = total = 0
    extractor = get_extractor(name)
    assert extractor.class_names == data.class_names
    for x, y in data.val_dataloader():
        right, total = right + (extractor(x)[1].argmax(1) == y).sum().item(), total + len(y)
        if total >= 1000:
            break
    assert right / total >= least


def test_a_classifier_of_ones_own_is_an_extractor_by_its_path(tmp_path):
    model = MNISTClassifier(width=4, num_features=8, num_classes=3).eval()
    save_classifier(model, tmp_path / "clothes.safetensors", {"dataset": "FashionMNIST"})
    extractor = get_extractor(str(tmp_path / "clothes.safetensors"))
    assert (extractor.name, extractor.num_features) == ("clothes", 8)
    assert count_classes(str(tmp_path / "clothes.safetensors")) == 3
    assert extractor.digest != get_extractor("mnist").digest
    x = randn(2, 1, 28, 28)
    torch.testing.assert_close(extractor(x)[1], model(x)[1], atol=1e-2, rtol=1e-2)


def test_the_classifier_of_photographs_takes_any_size_from_32_in_colour_or_grey():
    extractor = get_extractor("cifar10")
    assert shipped("cifar10").stat().st_size < 2**20
    assert len({extractor.digest, get_extractor("cifar10").digest, get_extractor("mnist").digest}) == 2
    assert count_classes("cifar10") == 10
    for shape in [(3, 32, 32), (1, 64, 64), (3, 45, 61)]:
        extractor.check(shape)
        features, logits = extractor(randn(2, *shape).tanh())
        assert (features.shape, logits.shape) == ((2, extractor.num_features), (2, 10))
    grey = randn(2, 1, 32, 32).tanh()
    torch.testing.assert_close(extractor(grey), extractor(grey.expand(-1, 3, -1, -1)))
    with pytest.raises(GanzooError, match="cifar10 takes grey or RGB images of at least 32x32"):
        extractor.check((3, 28, 28))


def test_the_classifier_of_photographs_averages_over_places():
    network = CIFAR10Classifier(width=4, num_features=8).eval()
    tile = randn(1, 3, 32, 32)
    maps = network.convolutions(tile.repeat(1, 1, 3, 3))
    torch.testing.assert_close(maps[..., 8:16, 8:16], network.convolutions(tile.repeat(1, 1, 5, 5))[..., 16:24, 16:24])
    torch.testing.assert_close(network(tile)[0], network.convolutions(tile).mean((2, 3)))


@pytest.mark.parametrize(("family", "least"), [("mnist", 0.99), ("fashion", 0.92), ("cifar10", 0.8)])
def test_what_is_known_of_a_shipped_classifier_stands_beside_it(family, least):
    about = json.loads(shipped(family).with_suffix(".json").read_text())
    assert about["test_accuracy"] >= least
    assert about["parameters"] == sum(p.numel() for p in load_classifier(shipped(family)).parameters())


def test_a_classifier_of_photographs_is_trained_by_one_command(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    arrays = {f"x_{split}": rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for split, n in SPLITS.items()}
    arrays |= {f"y_{split}": np.arange(n) % 10 for split, n in SPLITS.items()}
    np.savez(tmp_path / "cifar10.npz", **arrays)
    out = tmp_path / "own.safetensors"
    given = ["--root", str(tmp_path / "cifar10.npz"), "--out", str(out), "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["cifar10", *given])
    cifar10_classifier.main()
    assert "test accuracy" in capsys.readouterr().out
    assert {"test_accuracy", "test_accuracy_grey"} <= json.loads(out.with_suffix(".json").read_text()).keys()
    assert get_extractor(str(out)).channels == 3


def test_photographs_come_from_an_archive_of_arrays_or_from_torchvisions_files(tmp_path, monkeypatch):
    root = write_cifar10(tmp_path, 40, monkeypatch)
    images, labels = cifar10_classifier.read(root, train=True)
    np.savez(tmp_path / "a.npz", x_train=images.permute(0, 2, 3, 1).numpy(), y_train=labels.numpy())
    for one, other in zip(cifar10_classifier.read(tmp_path / "a.npz", train=True), (images, labels), strict=True):
        assert one.equal(other)


def test_photographs_are_shifted_mirrored_and_drained_whole():
    torch.manual_seed(0)
    x = randn(200, 3, 8, 8).tanh()
    y = cifar10_classifier.distort(x, shift=0, drained=0.3)
    mirrored = (y.mean(1) - x.flip(-1).mean(1)).abs().amax((1, 2)) < 1e-6
    kept, drained = (y == x).flatten(1).all(1), (y[:, 0] == y[:, 2]).flatten(1).all(1)
    assert 60 < drained.sum() * 1.6 < 140
    assert (kept | mirrored | drained).all()
    assert 0.3 < kept.sum() / (~drained).sum() < 0.7
    moved, padded = cifar10_classifier.distort(x, shift=1, drained=0), F.pad(x, (1, 1, 1, 1), mode="reflect")
    windows = [padded[..., i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    found = torch.stack([(moved == w).flatten(1).all(1) for x in windows for w in (x, x.flip(-1))])
    assert (found.sum(0) == 1).all()  # each image is one window onto itself, and
    assert (found.sum(1) > 0).all()  # every window is taken by some


def test_grey_is_luminance():
    x = torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]).view(4, 3, 1, 1)
    assert cifar10_classifier.grey(x)[:, 1, 0, 0].tolist() == pytest.approx([0.299, 0.587, 0.114, 1])


def test_unusable_extractors_are_one_clear_line(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    for name, message in [
        ("mnits", "Did you mean 'mnist'"),
        (str(tmp_path / "none.safetensors"), "no file"),
        (str(tmp_path / "other.safetensors"), "was not written by"),
        (str(tmp_path / "broken.safetensors"), "was not written by"),
    ]:
        with pytest.raises(GanzooError, match=message) as error:
            get_extractor(name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (2,)])
def test_extractor_refuses_images_it_cannot_read(shape):
    with pytest.raises(GanzooError, match=r"mnist takes grey images of at least 28x28"):
        get_extractor("mnist").check(shape)


class FakeInception(nn.Module):
    """Stands in for torch-fidelity's network: 2048 copies of each channel's mean, summed; remembers its input."""

    def __init__(self, name, features_list):
        super().__init__()
        assert features_list == ["2048", "logits_unbiased"]
        self.weight = nn.Parameter(torch.ones(2048))
        self.batches = []

    def forward(self, x):
        assert x.dtype == torch.uint8
        assert x.shape[1] == 3
        self.batches.append(x)
        features = x.float().sum(1).mean((1, 2))[:, None] * self.weight
        return features, features[:, :1008]


def pretend_fidelity(monkeypatch, extractor):
    module = ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.FeatureExtractorInceptionV3 = extractor
    monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_inception_gets_bytes_in_rgb(monkeypatch):
    pretend_fidelity(monkeypatch, FakeInception)
    extractor = get_extractor("inception")
    x = torch.tensor([-1.0, 0.0, 1.0, 1.5]).view(4, 1, 1, 1).expand(-1, -1, 8, 8).repeat(30, 1, 1, 1)
    features, logits = extractor(x)
    assert (extractor.name, extractor.num_features) == ("inception", 2048)
    assert features.shape == (120, 2048)
    assert logits.shape == (120, 1008)
    assert features[:4, 0].tolist() == [0, 3 * 128, 3 * 255, 3 * 255]
    assert [len(batch) for batch in extractor.network.network.batches] == [100, 20]


def test_inception_without_package_or_internet_is_one_clear_line(monkeypatch):
    def offline(*args):
        raise OSError("no route to host\nmore")

    pretend_fidelity(monkeypatch, offline)
    with pytest.raises(GanzooError, match=r"could not be fetched \(no route to host\)"):
        get_extractor("inception")
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(GanzooError, match=r"pip install torch-fidelity"):
        get_extractor("inception")


def test_distortion_keeps_the_background_and_the_digit_inside():
    torch.manual_seed(0)
    x = -torch.ones(50, 1, 28, 28)
    assert Distortion()(x).equal(x)
    x[..., 10:18, 12:16] = 1
    y = Distortion()(x)
    assert y.min() == -1
    assert not y.equal(x)
    # Mass changes with the scale only, by at most 1 / 0.88 squared.
    mass = ((y + 1).sum((1, 2, 3)) / (x + 1).sum((1, 2, 3))).tolist()
    assert all(0.7 < m < 1.4 for m in mass)


def test_clothes_are_mirrored_and_digits_are_not():
    torch.manual_seed(0)
    x = -torch.ones(200, 1, 28, 28)
    x[..., 6:22, 18:22] = 1  # right of the middle
    for name, least, most in (("MNIST", 0, 0), ("FashionMNIST", 0.35, 0.65)):
        y = DISTORTIONS[name](x) + 1
        left = y[..., :14].sum((1, 2, 3)) > y[..., 14:].sum((1, 2, 3))
        assert least <= left.float().mean() <= most


def test_a_classifier_of_clothes_is_trained_by_the_command_of_the_digits(tmp_path, monkeypatch, capsys):
    root, out = write_mnist(tmp_path, 128, 40, fashion=True), tmp_path / "own.safetensors"
    words = ["--root", str(root), "--out", str(out), "--epochs", "1", "--dataset", "FashionMNIST"]
    monkeypatch.setattr(sys, "argv", ["mnist", *words])
    mnist_classifier.main()
    assert "test accuracy" in capsys.readouterr().out
    about = json.loads(out.with_suffix(".json").read_text())
    assert (about["dataset"], about["epochs"]) == ("FashionMNIST", 1)
    assert get_extractor(str(out)).channels == 1


def test_saved_classifier_is_half_precision_and_loads_in_eval_mode(tmp_path):
    path = tmp_path / "small.safetensors"
    save_classifier(MNISTClassifier(width=4, num_features=8), path, {})
    model = load_classifier(path)
    assert not model.training
    assert model.head.weight.dtype == torch.float32
    assert model.head.weight.equal(model.head.weight.half().float())
