"""TransGAN: its loss, a larger batch for the generator, augmentation in front of the penalty, its settings."""

import math

import pytest
import torch
import yaml
from moves import in_move
from tiny import digits, fit
from torch import nn
from transformers import transgan

from ganzoo.checkpoints.build import build_model
from ganzoo.checkpoints.export_formats import export_generator
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.games import adversarial
from ganzoo.games.ema import Averaging
from ganzoo.models.transgan import TransGAN


class Slope(nn.Module):
    """Scores whose gradient is `by` at every pixel."""

    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x):
        return self.by * x.flatten(1).sum(1)


def judged_by(discriminator, **options):
    """A game whose generated images are half as bright as the real ones of the same batch."""
    model, x = transgan(augment="", **options), torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model.discriminator = discriminator
    model.fake = lambda n, y=None: x / 2
    return model, x


def test_the_loss_is_the_codes_wgangp_eps():
    model, x = judged_by(Slope(0.5))
    terms = in_move(model.d_loss, x)
    real = 0.5 * x.flatten(1).sum(1)
    assert terms["adv"].item() == pytest.approx((real / 2 - real).mean().item(), rel=1e-5)
    assert terms["gp"].item() == pytest.approx(10 * (0.5 * 8 - 1) ** 2, rel=1e-5)
    assert terms["drift"].item() == pytest.approx(1e-3 * real.mean().item() ** 2, rel=1e-5)  # of the mean
    assert real.square().mean() > 1.001 * real.mean().square()
    assert in_move(model.g_loss, x)["adv"].item() == pytest.approx(-real.mean().item() / 2, rel=1e-5)
    aimed, _ = judged_by(Slope(0.5), gp_target=2.0)
    assert in_move(aimed.d_loss, x)["gp"].item() == pytest.approx(10 / 4 * (0.5 * 8 - 2) ** 2, rel=1e-5)


def test_the_penalty_is_computed_through_the_augmentation():
    model, x = judged_by(Slope(0.5))
    model.discriminator_view = lambda images: 3 * images
    assert in_move(model.d_loss, x)["gp"].item() == pytest.approx(10 * (3 * 0.5 * 8 - 1) ** 2, rel=1e-5)


def test_images_are_augmented_in_both_moves_and_the_generator_draws_twice_as_many(tmp_path, monkeypatch):
    model, seen = transgan(), []

    def note(x, policy):
        seen.append((len(x), policy, x.requires_grad))
        return x

    monkeypatch.setattr(adversarial, "diff_augment", note)
    run = fit(tmp_path, model, digits(), 1)
    assert {policy for _, policy, _ in seen} == {"translation,cutout,color"}
    sizes = [size for size, *_ in seen]
    assert sizes == [150] * 3 * 4 + [300]  # real, generated, between them, four times; the generator's
    assert [grad for *_, grad in seen] == [False, False, True] * 4 + [True]
    d, g = run.optimizers
    assert [(o.param_groups[0]["lr"], o.param_groups[0]["betas"]) for o in (d, g)] == [(1e-4, (0.0, 0.99))] * 2
    steps = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in (d, g)]
    assert steps == [{4}, {1}]
    assert model.averages["generator"].by == Averaging(half_life=500_000, ramp_up=0.1)
    assert all(math.isfinite(number) for number in model.notes.means().values())


def test_classes_of_a_batch_are_repeated_for_the_generators_larger_one():
    model, seen = transgan(augment="", g_batch=3), []
    model.fake = lambda n, y=None: seen.append((n, y.tolist())) or torch.zeros(n, 1, 8, 8)
    in_move(model.g_loss, torch.zeros(2, 1, 8, 8), torch.tensor([4, 7]))
    assert seen == [(6, [4, 7, 4, 7, 4, 7])]


def test_the_published_recipe_has_the_published_sizes_and_clips_gradients():
    file = registry.RECIPES / "transgan_cifar10.yaml"
    with torch.device("meta"):
        model = build_model(file.read_text(), file)
    sizes = [sum(p.numel() for p in network.parameters()) for network in (model.generator, model.discriminator)]
    assert sizes == [83_312_495, 10_210_400]
    recipe = yaml.safe_load(file.read_text())
    assert recipe["trainer"]["gradient_clip_val"] == 5
    assert recipe["data"]["init_args"]["batch_size"] * model.g_batch == 128


def test_gradients_of_both_players_are_clipped_to_a_norm(tmp_path):
    model, norms = transgan(gp_weight=1e5, n_critic=1), []
    step = TransGAN.on_before_optimizer_step

    def note(self, optimizer):
        step(self, optimizer)
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norms.append(torch.stack([gradient.norm() for gradient in gradients]).norm().item())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransGAN, "on_before_optimizer_step", note)
        fit(tmp_path, model, digits(), 2, gradient_clip_val=5)
    assert norms[0] == pytest.approx(5, rel=1e-3)
    assert max(norms) < 5.01


def test_its_generator_is_the_same_in_onnx(tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    _, difference = export_generator(transgan().eval(), tmp_path / "model.onnx", "onnx")
    assert difference < 1e-4


def test_what_does_not_fit_is_refused():
    with pytest.raises(GanzooError, match=r"model\.g_batch: must be at least 1, not 0"):
        transgan(g_batch=0)
    with pytest.raises(GanzooError, match="a gradient penalty needs one without BatchNorm"):
        TransGAN(transgan().generator, nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 1)))
