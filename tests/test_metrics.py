import sys
from pathlib import Path
from types import ModuleType

import pytest
import tiny
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from ganzoo.data.mnist import MNIST
from ganzoo.errors import GanzooError
from ganzoo.metrics.extractors import count_classes, get_extractor
from ganzoo.metrics.mnist import MNISTClassifier, distort, load_classifier, save_classifier
from ganzoo.metrics.points import PointScores, wasserstein
from ganzoo.metrics.scores import choose, key, taught_classes


class Data:
    """What scores ask of a data module."""

    def __init__(self, shape=(1, 28, 28), reference="test", centres=None):
        self.shape, self.reference, self.centres = shape, reference, centres


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Names and keys


def test_keys_carry_extractor_counts_and_split():
    digits, faces = Data(), Data((1, 64, 64), "train")
    assert key("fid", "mnist", 10_000, digits) == "fid[mnist,10k/test]"
    assert key("is", "mnist", 10_000, digits) == "is[mnist,10k]"
    assert key("is_std", "mnist", 10_000, digits) == "is_std[mnist,10k]"
    assert key("kid", "some/where/clothes.safetensors", 500, digits) == "kid[clothes,500/test]"
    assert key("accuracy", "mnist", 10_000, digits) == "accuracy[mnist,10k]"
    assert key("swd", None, 813, faces) == "swd[813/train]"
    assert key("modes", None, 2000, Data((2,), centres=torch.zeros(1, 2))) == "modes[2k]"
    assert key("good", None, 2500, Data((2,))) == "good[2500/test]"


def test_default_scores_suit_the_data():
    assert choose(None, "mnist", Data()) == ["fid", "is", "kid"]
    assert choose(None, None, Data()) == ["swd"]
    assert choose(None, None, Data((2,), centres=torch.zeros(1, 2))) == ["modes", "good", "wasserstein"]
    assert choose(None, None, Data((2,))) == ["good", "wasserstein"]


def test_accuracy_is_for_models_whose_classes_the_extractor_knows():
    assert choose(None, "mnist", Data(), classes=10) == ["fid", "is", "kid", "accuracy"]
    assert choose(None, "mnist", Data(), classes=7) == choose(None, "inception", Data(), classes=10)
    assert choose(["accuracy"], "mnist", Data(), classes=10) == ["accuracy"]
    for classes in (0, 7):
        with pytest.raises(GanzooError, match=f"10 classes apart, and the model has learnt {classes}"):
            choose(["accuracy"], "mnist", Data(), classes)
    with pytest.raises(GanzooError, match="needs an extractor"):
        choose(["accuracy"], None, Data(), classes=10)
    found, told = tiny.conv(), tiny.conv()
    found.n_classes = told.n_classes = 10
    found.supervised = False  # like InfoGAN's codes
    assert [taught_classes(model) for model in (tiny.conv(), found, told, nn.Identity())] == [0, 0, 10, 0]


@pytest.mark.parametrize(
    ("metrics", "features", "shape", "message"),
    [
        (["fdi"], "mnist", (1, 28, 28), "Did you mean 'fid'"),
        (["fid"], None, (1, 28, 28), "needs an extractor"),
        (["good"], None, (1, 28, 28), "the data are images"),
        (["swd"], None, (2,), "the data are points"),
        (["modes"], None, (2,), "no centres"),
        (None, "mnist", (2,), "no extractor"),
    ],
)
def test_scores_that_do_not_fit_are_one_clear_line(metrics, features, shape, message):
    with pytest.raises(GanzooError, match=message) as error:
        choose(metrics, features, Data(shape))
    assert "\n" not in str(error.value)


# Extractors


def test_shipped_classifier_is_small_frozen_and_always_the_same():
    extractor = get_extractor("mnist")
    assert Path(sys.modules["ganzoo.metrics.mnist"].__file__).with_name("mnist.safetensors").stat().st_size < 2**20
    assert extractor.name == "mnist"
    assert extractor.digest == get_extractor("mnist").digest
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


def test_shipped_classifier_reads_digits():
    try:
        data = MNIST(size=32, download=False)
        data.setup("validate")
    except GanzooError:
        pytest.skip("MNIST is not here")
    right = total = 0
    extractor = get_extractor("mnist")
    for x, y in data.val_dataloader():
        right, total = right + (extractor(x)[1].argmax(1) == y).sum().item(), total + len(y)
        if total >= 1000:
            break
    assert right / total >= 0.99


def test_a_classifier_of_ones_own_is_an_extractor_by_its_path(tmp_path):
    model = MNISTClassifier(width=4, num_features=8, num_classes=3).eval()
    save_classifier(model, tmp_path / "clothes.safetensors", {"dataset": "FashionMNIST"})
    extractor = get_extractor(str(tmp_path / "clothes.safetensors"))
    assert (extractor.name, extractor.num_features) == ("clothes", 8)
    assert count_classes(str(tmp_path / "clothes.safetensors")) == 3
    assert extractor.digest != get_extractor("mnist").digest
    x = randn(2, 1, 28, 28)
    torch.testing.assert_close(extractor(x)[1], model(x)[1], atol=1e-2, rtol=1e-2)


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
    with pytest.raises(GanzooError, match=r"pip install 'ganzoo\[inception\]'"):
        get_extractor("inception")


def test_distortion_keeps_the_background_and_the_digit_inside():
    torch.manual_seed(0)
    x = -torch.ones(50, 1, 28, 28)
    assert distort(x).equal(x)
    x[..., 10:18, 12:16] = 1
    y = distort(x)
    assert y.min() == -1
    assert not y.equal(x)
    # Mass changes with the scale only, by at most 1 / 0.88 squared.
    mass = ((y + 1).sum((1, 2, 3)) / (x + 1).sum((1, 2, 3))).tolist()
    assert all(0.7 < m < 1.4 for m in mass)


def test_saved_classifier_is_half_precision_and_loads_in_eval_mode(tmp_path):
    path = tmp_path / "small.safetensors"
    save_classifier(MNISTClassifier(width=4, num_features=8), path, {})
    model = load_classifier(path)
    assert not model.training
    assert model.head.weight.dtype == torch.float32
    assert model.head.weight.equal(model.head.weight.half().float())


# Points


def test_point_scores_on_points_made_by_hand():
    metric = PointScores(centres=torch.tensor([[0.0, 0], [10, 0], [20, 0]]), std=1.0)
    metric.update(torch.tensor([[0.0, 0], [10, 0], [20, 0], [20, 0]]), real=True)
    # Good: two at the first mode, one just inside the second. Bad: one just outside it, none at the third.
    metric.update(torch.tensor([[0.0, 0], [0, 2], [10, 2.9]]), real=False)
    metric.update(torch.tensor([[10, -3.1]]), real=False)
    scores = metric.compute()
    assert scores["modes"] == 2
    assert scores["good"] == 0.75
    # The cheapest assignment: (0, 0) stays, and (0, 2), (10, 2.9), (10, -3.1) go to (10, 0) and twice to (20, 0).
    best = (0 + 104**0.5 + 108.41**0.5 + 109.61**0.5) / 4
    assert scores["wasserstein"].item() == pytest.approx(best, rel=1e-5)


def test_points_without_centres_are_good_near_a_real_one():
    metric = PointScores(centres=None, std=0.1)
    metric.update(torch.tensor([[0.0, 0], [1, 1]]), real=True)
    metric.update(torch.tensor([[0.0, 0.2], [1, 1.2], [0.5, 0.5], [1, 0.9]]), real=False)
    assert metric.compute()["good"] == 0.75
    assert "modes" not in metric.compute()


def test_wasserstein_distance_is_that_of_a_shift_and_zero_on_equal_sets():
    x = randn(1500, 2)
    assert wasserstein(x, x) == 0
    assert wasserstein(x[:300], x[:300].flip(0) + torch.tensor([3.0, 4.0])).item() == pytest.approx(5)


def test_points_without_noise_cannot_be_scored():
    with pytest.raises(GanzooError, match=r"data.std: 0"):
        PointScores(None, std=0)
