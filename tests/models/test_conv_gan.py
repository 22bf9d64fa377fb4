"""ConvGAN: the updates that Keras's RMSprop takes, on gradients clipped by their values."""

import pytest
import torch
from tiny import Each, fit, mlp, points

from ganzoo.models.conv_gan import ConvGAN

CLIP = 0.01


class Taped(ConvGAN):
    """Keeps the discriminator's gradients as its optimizer sees them."""

    def on_fit_start(self):
        super().on_fit_start()
        self.taped = []

    def on_before_optimizer_step(self, optimizer):
        super().on_before_optimizer_step(optimizer)
        if optimizer is self.trainer.optimizers[0]:
            self.taped.append([p.grad.clone() for p in self.discriminator.parameters()])


def test_updates_are_those_of_keras(tmp_path):
    """a = rho a + (1 - rho) g^2, w = w - lr / (1 + decay * n) * g / (sqrt(a) + 1e-8), with g in [-1, 1] * CLIP."""
    model = mlp(Taped, d_lr=0.02, rho=0.8, lr_decay=0.5)
    weights = [p.detach().clone() for p in model.discriminator.parameters()]
    squares = [torch.zeros_like(w) for w in weights]
    fit(tmp_path, model, points(), 5, gradient_clip_val=CLIP, gradient_clip_algorithm="value")
    for n, gradients in enumerate(model.taped):
        for w, a, g in zip(weights, squares, gradients, strict=True):
            a.mul_(0.8).add_(0.2 * g**2)
            w.sub_(0.02 / (1 + 0.5 * n) * g / (a.sqrt() + 1e-8))
    largest = [max(g.abs().max().item() for g in gradients) for gradients in model.taped]
    assert largest == [pytest.approx(CLIP)] * 5
    torch.testing.assert_close([*model.discriminator.parameters()], weights, rtol=1e-5, atol=1e-6)


def test_both_rates_decay_on_top_of_the_recipes_factor(tmp_path):
    rates = []
    look = Each(lambda run, _: rates.append([o.param_groups[0]["lr"] for o in run.optimizers]))
    fit(tmp_path, mlp(ConvGAN, d_lr=0.4, g_lr=0.1, lr_decay=1.0), points(), 3, look)
    assert rates == [pytest.approx([0.4 / n, 0.1 / n]) for n in (2, 3, 4)]


def test_defaults_are_the_courses():
    model = mlp(ConvGAN)
    model.configure_optimizers()
    for player in model.line_up:
        (group,) = player.optim(player.modules[0].parameters()).param_groups
        assert (group["lr"], group["alpha"], group["eps"], group["momentum"]) == (1e-4, 0.9, 1e-8, 0)
    assert model.lr_decay == 1e-8
