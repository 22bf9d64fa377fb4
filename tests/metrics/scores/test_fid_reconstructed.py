"""FID of training images that a model has encoded and decoded."""

import pytest
import torch
from coded import latent_gan
from scored import Model
from tiny import digits
from torch import nn
from torch.nn.functional import avg_pool2d

from ganzoo.common.errors import GanzooError
from ganzoo.metrics import evaluation
from ganzoo.metrics.distances import Reference
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.scores.fid_reconstructed import chosen_images
from ganzoo.metrics.scoring import score


class Coarse(nn.Module):
    """Features are the brightness of 16 squares."""

    def forward(self, x):
        features = avg_pool2d(x, 2).flatten(1)
        return features, features


@pytest.fixture
def coarse(monkeypatch):
    network = Coarse()
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(network, name, 16, channels=1))
    return lambda x: network(x)[0].double()


def test_it_is_the_distance_of_reconstructed_training_images(coarse):
    data, model = digits(), latent_gan().eval()
    held_out = data.split("test")[0].float() / 127.5 - 1
    x = torch.cat([*chosen_images(data, 300, 0)])
    wanted = Reference(coarse(held_out)).frechet_distance(coarse(model.reconstruct(x)))

    def measured():
        return score(model, data, "coarse", ["fid_reconstructed"], samples=300, cache=False)

    assert measured() == {f"fid_reconstructed[coarse,300/{len(held_out)} test]": pytest.approx(wanted.item(), rel=1e-5)}
    model.reconstruct = lambda x: x
    kept = Reference(coarse(held_out)).frechet_distance(coarse(x)).item()
    assert [*measured().values()] == [pytest.approx(kept, rel=1e-5)]
    assert kept < wanted


def test_training_images_are_chosen_once_each(coarse):
    data = digits()
    everything = torch.cat([*chosen_images(data, 10**6, 0)])
    stored = data.split("train")[0]
    assert everything.shape == stored.shape
    assert everything.sum().item() == pytest.approx((stored.float() / 127.5 - 1).sum().item(), rel=1e-4)
    some, same, others = (torch.cat([*chosen_images(data, 20, seed)]) for seed in (1, 1, 2))
    assert some.equal(same)
    assert not some.equal(others)


def test_a_model_that_reconstructs_nothing_is_refused(coarse):
    with pytest.raises(GanzooError, match="Model reconstructs nothing"):
        score(Model((1, 8, 8)), digits(), "coarse", ["fid_reconstructed"], samples=20)
