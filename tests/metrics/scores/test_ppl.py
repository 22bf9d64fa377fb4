"""Perceptual path length: a score that looks at the model."""

import pytest
import styled
import tiny
import torch
from scored import Data, Model
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.latent_space import Latents
from ganzoo.metrics import evaluation
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.scores import ppl
from ganzoo.metrics.scoring import score


class Flat(nn.Module):
    """Features are the pixels."""

    def forward(self, x):
        return x.flatten(1), x.flatten(1)


class Unit(Latents):
    """Vectors uniform on [0, 1], in float64."""

    def place(self, raw, truncation=1.0, y=None):
        return (raw["z"].double() + 1) / 2


class Line(Model):
    """Draws `scale` times its latent vector, uniform on [0, 1], as an image of one row."""

    def __init__(self, scale=1.0):
        super().__init__((1, 1, 4))
        self.scale = scale

    @property
    def space(self):
        return Unit(((4, "uniform"),), self.device, self.render)

    def render(self, z, y=None):
        return (self.scale * z).view(-1, 1, 1, 4)


@pytest.fixture
def flat(monkeypatch):
    network = Flat()
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(network, name, 4, channels=1))
    monkeypatch.setattr(ppl, "STEP", 0.1)  # of float32 images, in which a smaller one is rounding
    return network


def length(model, samples=2000):
    (item,) = score(model, Data(), "flat", ["ppl"], samples=samples, cache=False).items()
    assert item[0] == f"ppl[flat,{samples // 1000}k]" if samples >= 1000 else f"ppl[flat,{samples}]"
    return item[1]


def test_on_a_straight_way_it_is_the_mean_squared_distance_of_the_ends(flat):
    # of two uniform numbers the squared difference is 1/6 on the mean; 1% of the longest ways are left out
    assert length(Line()) == pytest.approx(4 / 6, rel=0.06)
    assert length(Line(3.0)) == pytest.approx(9 * length(Line()), rel=1e-4)
    assert length(Line(0.0)) == 0


def test_it_draws_no_samples_and_is_the_same_each_time(flat):
    model = Line()
    state = torch.get_rng_state()
    assert length(model, 60) == length(model, 60)
    assert torch.get_rng_state().equal(state)
    assert model.asked == []


def test_games_are_measured_with_their_classes_on_the_sphere(monkeypatch):
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(Flat(), name, 64, channels=1))
    found = score(tiny.conv(), tiny.digits(), "flat", ["ppl"], samples=30, cache=False)
    assert found["ppl[flat,30]"] > 0
    a, b = ppl.path_steps(tiny.conv().space, 50, seed=1)
    norms = a.norm(dim=1)
    assert (a - b).norm(dim=1).max() < 1e-2 * norms.min()
    assert norms.mean() == pytest.approx(6**0.5, rel=0.1)  # a straight way would lead through the inside


def test_extremes_are_left_out():
    lengths = torch.cat([torch.ones(98), torch.tensor([1000.0, 0.0])]).double()
    assert ppl.trimmed(lengths[:99]).max() == 1000  # the 99th percentile of so few is the largest
    assert set(ppl.trimmed(torch.cat([lengths, torch.ones(150)])).tolist()) == {1.0}


def test_what_has_no_latent_vectors_or_no_smooth_features_is_refused(flat):
    with pytest.raises(GanzooError, match="ppl given, but Model has no latent space"):
        score(Model(), Data(), "flat", ["ppl"], samples=30, cache=False)
    with pytest.raises(GanzooError, match="ppl needs an extractor"):
        score(Line(), Data(), None, ["ppl"], samples=30)
    flat.unrounded = None
    with pytest.raises(GanzooError, match="flat rounds pixels"):
        score(Line(), Data(), "flat", ["ppl"], samples=30, cache=False)


def test_a_style_based_model_is_walked_in_w_with_its_noise_held(monkeypatch):
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(Flat(), name, 64, channels=1))
    model = styled.styled()
    a, _ = ppl.path_steps(model.space, 5, seed=1)
    assert a.shape == model.space.draw(5, seed=1).shape  # styles
    one = score(model, tiny.digits(), "flat", ["ppl"], samples=20, cache=False)["ppl[flat,20]"]
    silent = score(styled.styled(noise=False), tiny.digits(), "flat", ["ppl"], samples=20, cache=False)["ppl[flat,20]"]
    assert 0 < one < 100 * silent  # noise drawn afresh would be 10^8 times a step
