"""A property of its paper for every variant, and that each of them pulls its samples to the data."""

import math

import pytest
import torch
from moves import in_move
from tiny import conv, digits, fit, mlp, points
from torch.optim import Adam, RMSprop

from ganzoo.common.errors import GanzooError
from ganzoo.losses import objectives
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.wgan import WGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator


def optimizers(model):
    """The discriminator's and the generator's optimizer and the latter's turn."""
    model.configure_optimizers()
    d, g = model.line_up
    return d.optim(model.discriminator.parameters()), g.optim(model.generator.parameters()), g.every


@pytest.mark.parametrize(
    ("kind", "optimizer", "lr", "betas", "n_critic"),
    [
        (VanillaGAN, Adam, 2e-4, (0.5, 0.999), 1),
        (DCGAN, Adam, 2e-4, (0.5, 0.999), 1),
        (WGAN, RMSprop, 5e-5, None, 5),
        (WGANGP, Adam, 1e-4, (0.0, 0.9), 5),
    ],
)
def test_defaults_are_the_papers_constants(kind, optimizer, lr, betas, n_critic):
    *both, every = optimizers(mlp(kind))
    assert every == n_critic
    for found in both:
        assert type(found) is optimizer
        assert found.param_groups[0]["lr"] == lr
        assert found.param_groups[0].get("betas") == betas


def test_learning_rates_go_to_their_players():
    for kind in (VanillaGAN, DCGAN, WGAN, WGANGP):
        d, g, _ = optimizers(mlp(kind, d_lr=0.4, g_lr=0.1))
        assert (d.param_groups[0]["lr"], g.param_groups[0]["lr"]) == (0.4, 0.1)


@pytest.mark.parametrize(
    ("kind", "options", "d", "g"),
    [
        (VanillaGAN, {}, objectives.logistic_d, objectives.nonsaturating_g),
        (VanillaGAN, {"saturating": True}, objectives.logistic_d, objectives.minimax_g),
        (DCGAN, {}, objectives.logistic_d, objectives.nonsaturating_g),
        (DCGAN, {"objective": "hinge"}, objectives.hinge_d, objectives.hinge_g),
        (WGAN, {}, objectives.wasserstein_d, objectives.wasserstein_g),
        (WGANGP, {}, objectives.wasserstein_d, objectives.wasserstein_g),
    ],
)
def test_each_player_descends_the_papers_objective(kind, options, d, g):
    model, x = mlp(kind, **options), torch.randn(16, 2) + 1
    torch.manual_seed(1)
    fake = model.discriminator(model.fake(16))
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.d_loss, x, None)["adv"], d(model.discriminator(x), fake))
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, None), {"adv": g(fake)})


@pytest.mark.parametrize("kind", [WGAN, WGANGP])
def test_wasserstein_estimate_is_how_much_higher_the_critic_scores_real_data(kind):
    model, x = mlp(kind), torch.randn(16, 2) + 1
    torch.manual_seed(1)
    estimate = (model.discriminator(x).mean() - model.discriminator(model.fake(16)).mean()).item()
    torch.manual_seed(1)
    in_move(model.d_loss, x, None)
    assert model.notes.means() == {"d/wasserstein": pytest.approx(estimate, abs=1e-6)}


@pytest.mark.parametrize("kind", [VanillaGAN, DCGAN])
def test_accuracy_is_the_share_judged_rightly(kind):
    model = mlp(kind)
    model.logits = lambda output, x: torch.tensor([2.0, 1.0, 0.1, -1.0])
    in_move(model.d_loss, torch.zeros(4, 2), None)
    assert model.notes.means() == {"d/acc_real": 0.75, "d/acc_fake": 0.25}


def test_dcgan_judges_real_and_generated_images_as_batches_of_their_own():
    torch.manual_seed(0)
    model = DCGAN(DCGANGenerator(16, 1, 8, 6), DCGANDiscriminator(16, 1, 8))
    sizes = []
    model.discriminator.register_forward_pre_hook(lambda module, arguments: sizes.append(len(arguments[0])))
    in_move(model.d_loss, torch.zeros(5, 1, 16, 16), None)
    assert sizes == [5, 5]


class Clipped(WGAN):
    """Notes the largest weight of the critic before and after each of its moves."""

    def on_fit_start(self):
        self.largest = []

    def move(self, player, x, y):
        super().move(player, x, y)
        if player.name == "d":
            self.largest.append(max(p.abs().max().item() for p in self.discriminator.parameters()))


def test_wgan_clips_the_critic_after_each_of_its_steps_and_it_alone(tmp_path):
    model = mlp(Clipped, clip=0.02, n_critic=3, d_lr=0.01)
    assert max(p.abs().max() for p in model.discriminator.parameters()) > 0.1
    fit(tmp_path, model, points(), 2)
    assert model.largest == pytest.approx([0.02] * 6)
    assert max(p.abs().max() for p in model.generator.parameters()) > 0.1


def test_wgan_gp_penalises_each_sample_with_its_weight():
    model, x = mlp(WGANGP, gp_weight=7.0), torch.randn(8, 2)
    model.fake = lambda n, y=None: x  # between x and x there is only x
    slopes = []
    for sample in x.clone():
        sample.requires_grad_()
        slopes.append(torch.autograd.grad(model.discriminator(sample[None]).sum(), sample)[0].norm())
    torch.testing.assert_close(in_move(model.d_loss, x, None)["gp"], 7 * (torch.stack(slopes) - 1).square().mean())


def test_wgan_gp_refuses_batch_norm_in_the_critic():
    with pytest.raises(GanzooError, match=r"model\.discriminator: .*without BatchNorm"):
        WGANGP(DCGANGenerator(16, 1, 8, 6), DCGANDiscriminator(16, 1, 8))
    for norm in ("layer", "none"):
        WGANGP(DCGANGenerator(16, 1, 8, 6), DCGANDiscriminator(16, 1, 8, norm=norm))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (VanillaGAN, {}),
        (VanillaGAN, {"saturating": True}),
        (DCGAN, {"objective": "hinge"}),
        (WGAN, {"n_critic": 3, "clip": 0.1}),
        (WGANGP, {"n_critic": 3, "gp_weight": 1.0}),
    ],
)
def test_samples_move_to_the_data(tmp_path, kind, options):
    """The data is one blob around (1, 0), the generator begins around the origin."""
    model = mlp(kind, g_lr=0.005, d_lr=0.01, ema=0.9, **options)
    target = torch.tensor([1.0, 0.0])
    assert (model.sample(500, seed=0).mean(0) - target).norm() > 0.8
    fit(tmp_path, model, points(modes=1, std=0.1), 150)
    assert (model.sample(500, seed=0).mean(0) - target).norm() < 0.25


@pytest.mark.parametrize("kind", [VanillaGAN, DCGAN, WGAN, WGANGP])
def test_trains_in_bfloat16(tmp_path, kind):
    model = conv(kind, n_critic=1)
    run = fit(tmp_path, model, digits(), 2, precision="bf16-mixed")
    assert run.global_step == 2
    assert all(map(math.isfinite, model.notes.means().values()))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
