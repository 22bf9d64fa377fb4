"""ViTGAN: its terms, what they see, styles, and its settings."""

import math

import pytest
import torch
from moves import in_move
from tiny import digits, fit
from torch.nn.functional import softplus
from transformers import vitgan

from ganzoo.checkpoints.build import build_model
from ganzoo.checkpoints.export_formats import export_generator
from ganzoo.common import registry
from ganzoo.games import adversarial
from ganzoo.games.ema import Averaging
from ganzoo.losses.penalties import input_gradient
from ganzoo.models.vitgan import ViTGAN
from ganzoo.networks.spectral import HeldSpectralNorm
from ganzoo.networks.stylegan2 import StyleGAN2Discriminator
from ganzoo.stabilisers import ADA, R1, SAN, Consistency


def test_the_loss_is_logistic_with_r1_and_consistency_on_both_kinds_of_images(monkeypatch):
    model, x = vitgan(augment=""), torch.rand(6, 1, 8, 8) * 2 - 1
    model.eval()
    model.fake = lambda n, y=None: -x
    monkeypatch.setattr(Consistency, "change", lambda self, x: x.flip(2))
    terms, d = in_move(model.d_terms, x), model.discriminator
    real, fake = d(x), d(-x)
    assert terms.keys() == {"adv", "r1", "cr", "cr_fake"}
    torch.testing.assert_close(terms["adv"], softplus(-real).mean() + softplus(fake).mean())
    slope = input_gradient(lambda x, y: d(x), x).square().sum(1).mean()
    torch.testing.assert_close(terms["r1"], 0.1 / 2 * slope)
    torch.testing.assert_close(terms["cr"], (real - d(x.flip(2))).square().mean())
    torch.testing.assert_close(terms["cr_fake"], (fake - d(-x.flip(2))).square().mean())
    torch.testing.assert_close(in_move(model.g_terms, x)["adv"], softplus(-fake).mean())


def test_images_are_augmented_in_both_moves_whatever_they_are_for(tmp_path, monkeypatch):
    model, seen = vitgan(), []

    def note(x, policy):
        seen.append((policy, x.requires_grad))
        return x

    monkeypatch.setattr(adversarial, "diff_augment", note)
    fit(tmp_path, model, digits(), 1)
    assert {policy for policy, _ in seen} == {"color,translation,cutout"}
    # real, generated; R1's; both changed; the generator's
    assert [grad for _, grad in seen] == [False, False, True, False, False, True]


def test_it_trains_by_the_codes_settings_with_a_warm_up(tmp_path):
    model = vitgan()
    norms = {name: layer for name, layer in model.named_modules() if isinstance(layer, HeldSpectralNorm)}
    assert {name.split(".")[0] for name in norms} == {"generator", "discriminator", "averages"}
    first = {name: layer.sigma.clone() for name, layer in norms.items()}
    run = fit(tmp_path, model, digits(), 3)
    for optimizer in run.optimizers:
        (group,) = optimizer.param_groups
        assert (group["initial_lr"], group["betas"]) == (1e-3, (0.0, 0.99))
        assert {int(state["step"]) for state in optimizer.state.values()} == {3}
    assert model.averages["generator"].by == Averaging(half_life=1_000_000, ramp_up=None)
    assert [type(stabiliser) for stabiliser in model.stabilisers] == [R1, Consistency]
    assert all(torch.equal(layer.sigma, first[name]) for name, layer in norms.items())
    assert all(math.isfinite(number) for number in model.notes.means().values())
    assert [model.lr_factor(at / 800_000) for at in (0, 1500, 3000, 400_000)] == [0, 0.5, 1, 1]
    assert not any(isinstance(stabiliser, Consistency) for stabiliser in vitgan(consistency=0).stabilisers)


def test_samples_are_truncated_towards_the_mean_of_w():
    model = vitgan()
    for network in (model.generator, model.averages["generator"].module):
        network.w_mean.copy_(torch.randn(6, generator=torch.Generator().manual_seed(1)))
    assert model.space.name == "w"
    still = model.sample(4, seed=0, truncation=0.0)
    torch.testing.assert_close(still[1:], still[:1].expand(3, -1, -1, -1))
    assert not torch.allclose(*model.sample(2, seed=0))
    assert still.abs().max() <= 1


def test_the_discriminator_may_be_stylegan2s(tmp_path):
    generator = vitgan().generator
    model = ViTGAN(generator, StyleGAN2Discriminator(8, 1, 64, 8))
    before = [parameter.clone() for parameter in generator.parameters()]
    fit(tmp_path, model, digits(batch_size=8), 2)
    moved = [not torch.equal(a, b) for a, b in zip(before, generator.parameters(), strict=True)]
    assert all(moved)


def test_other_stabilisers_come_after_its_own(tmp_path):
    model = vitgan(stabilisers=[SAN(), ADA(interval=1)], augment="")
    fit(tmp_path, model, digits(batch_size=8), 2)
    assert {"d/san", "d/ada_p", "d/r1", "d/cr", "d/cr_fake"} <= model.notes.means().keys()
    assert all(math.isfinite(number) for number in model.notes.means().values())


@pytest.mark.parametrize(
    ("name", "published"), [("vitgan_cifar10", 17_014_667), ("vitgan_cifar10_transformers", 13_020_042)]
)
def test_published_recipes_have_the_published_generators(name, published):
    file = registry.RECIPES / f"{name}.yaml"
    with torch.device("meta"):
        model = build_model(file.read_text(), file)
    never_moved = 4 * (6912 + 1152)  # the code counts singular vectors and frozen biases
    keys = 4 * 384**2  # here they are the queries
    assert sum(p.numel() for p in model.generator.parameters()) == published - never_moved - keys


@pytest.mark.parametrize("output", ["convolutions", "coordinates"])
def test_its_generator_is_the_same_in_onnx(tmp_path, output):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    model = vitgan(output).eval()
    for layer in model.averages["generator"].module.synthesis.output.layers:
        torch.nn.init.ones_(layer.noise_strength)  # or noise would not show
    about, difference = export_generator(model, tmp_path / "model.onnx", "onnx")
    assert difference < 1e-4
    assert list(about["inputs"]) == ["z", "noise"]
