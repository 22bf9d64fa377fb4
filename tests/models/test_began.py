"""BEGAN: its losses by hand, and the control that keeps its players in balance."""

import pytest
import torch
from moves import in_move
from tiny import began, digits, fit, points, trainer
from torch import Tensor, nn

from ganzoo.models.began import BEGAN
from ganzoo.networks.autoencoder import Autoencoder, MLPEncoder
from ganzoo.networks.began import BEGANDecoder, BEGANEncoder
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.training.callbacks.keep import Last


def small(**options) -> BEGAN:
    """A game on points."""
    torch.manual_seed(0)
    discriminator = Autoencoder(MLPEncoder([2], 2, (16,)), MLPGenerator([2], 2, (16,), squash=False))
    return BEGAN(MLPGenerator([2], 4, (16,), squash=False), discriminator, **options)


def judged(model: BEGAN, real: list[float], fake: list[float]) -> BEGAN:
    """Fixes what the discriminator answers."""
    model.logits = lambda output, x: torch.tensor(real if x is DATA else fake)
    return model


def step(model: BEGAN) -> float:
    """Plays the discriminator's move without its step; k before what comes after it."""
    move = model.open_move()
    model.d_loss(DATA, None, move)
    before = model.k.item()
    model.after_d(move)
    return before


DATA = torch.zeros(2, 2)


class Blank(nn.Module):
    """Redraws everything as nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


@pytest.mark.parametrize("shape", [(5, 2), (5, 3, 4, 4)])
def test_the_loss_of_a_sample_is_its_mean_absolute_error(shape):
    x = torch.randn(shape)
    losses = BEGAN(MLPGenerator([2], 4, (8,)), Blank()).open_move().judge(x)
    torch.testing.assert_close(losses, torch.stack([v.abs().mean() for v in x]))


def test_losses_and_convergence_by_hand():
    model = judged(small(gamma=0.5), [0.2, 0.4], [0.5, 0.7])
    model.k.fill_(0.25)
    assert in_move(model.d_loss, DATA, None)["adv"].item() == pytest.approx(0.3 - 0.25 * 0.6)
    assert in_move(model.g_loss, DATA, None)["adv"].item() == pytest.approx(0.6)
    assert model.notes.means() == {"d/convergence": pytest.approx(0.3 + abs(0.5 * 0.3 - 0.6)), "d/k": 0.25}


def test_k_moves_by_the_balance():
    model = judged(small(gamma=0.5, lambda_k=0.1), [0.2, 0.4], [0.05, 0.15])
    assert model.k == 0
    for number in (1, 2, 3):
        assert step(model) == pytest.approx((number - 1) * 0.1 * (0.15 - 0.1))  # only after the step
        assert model.k.item() == pytest.approx(number * 0.1 * (0.15 - 0.1))


def test_k_moves_by_the_balance_of_the_whole_batch_under_accumulation():
    """Chunks of 2 and 1 samples: what the last one alone says is not the batch's balance."""
    ends = []
    for parts in ([[1.0, 1.0, 4.0]], [[1.0, 1.0], [4.0]]):
        model = small(gamma=0.5, lambda_k=0.1)
        move = model.open_move()
        for part in parts:
            x = torch.tensor(part)[:, None].expand(-1, 2)
            model.logits = lambda output, seen, x=x: seen[:, 0] if seen is x else torch.full((len(seen),), 0.25)
            move.begin(len(part) / 3)
            model.d_loss(x, None, move)
        model.after_d(move)
        ends.append(model.k.item())
    assert ends == pytest.approx([0.1 * (0.5 * 2 - 0.25)] * 2)


@pytest.mark.parametrize(("fake", "up"), [(0.0, True), (0.14, True), (0.16, False), (9.0, False)])
def test_k_grows_while_generated_samples_are_redrawn_too_well_and_shrinks_otherwise(fake, up):
    model = judged(small(gamma=0.5), [0.3, 0.3], [fake, fake])
    model.k.fill_(0.5)
    step(model)
    assert (model.k > 0.5) == up
    assert (model.k < 0.5) != up


@pytest.mark.parametrize(("real", "fake", "end"), [(9.0, 0.0, 1.0), (0.0, 9.0, 0.0)])
def test_k_stays_between_0_and_1(real, fake, end):
    model = judged(small(lambda_k=0.4), [real, real], [fake, fake])
    model.k.fill_(0.5)
    for _ in range(3):
        step(model)
        assert 0 <= model.k <= 1
    assert model.k == end


def test_in_a_run_k_follows_the_balance_of_every_batch(tmp_path):
    seen = []

    class Watched(BEGAN):
        def after_d(self, move):
            before, balance = self.k.clone(), move.mean("balance")
            super().after_d(move)
            seen.append((before, balance, self.k.clone()))

    torch.manual_seed(0)
    model = Watched(small().generator, small().discriminator, lambda_k=0.1, n_critic=2)
    fit(tmp_path, model, points(), 3)
    assert len(seen) == 6
    for before, balance, after in seen:
        assert torch.equal(after, (before + 0.1 * balance).clamp(0, 1))
    assert len({balance.item() for _, balance, _ in seen}) == 6


def test_k_is_saved_with_the_training_and_not_exported(tmp_path):
    run = lambda folder, model, steps, **of: trainer(folder, Last(), max_steps=steps).fit(model, digits(), **of)  # noqa: E731
    whole, part, rest = (began(lambda_k=0.5, gamma=1.0) for _ in range(3))
    run(tmp_path / "whole", whole, 6)
    run(tmp_path / "part", part, 3)
    assert 0 < part.k < 1
    rest.k.fill_(0.9)
    run(tmp_path / "rest", rest, 6, ckpt_path=tmp_path / "part" / "last.ckpt")
    assert torch.equal(rest.k, whole.k)
    assert not torch.equal(part.k, whole.k)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(rest.state_dict()[name], tensor), name
    assert torch.load(tmp_path / "part" / "last.ckpt", weights_only=True)["state_dict"]["k"] == part.k
    assert whole.exported().keys() == {"generator", "discriminator"}


def test_trains_in_bfloat16_on_float32_losses(tmp_path):
    model = began()
    assert fit(tmp_path, model, digits(), 3, precision="bf16-mixed").global_step == 3
    assert {"d/adv", "g/adv", "d/k", "d/convergence"} == model.notes.means().keys()
    assert torch.tensor(list(model.notes.means().values())).isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        assert model.open_move().judge(torch.zeros(2, 1, 8, 8)).dtype == torch.float32


def test_samples_move_to_the_data(tmp_path):
    """The data is one blob around (1, 0), the generator begins around the origin."""
    model = small(g_lr=0.005, d_lr=0.01, ema=0.9, gamma=1.0, lambda_k=0.1)
    target = torch.tensor([1.0, 0.0])
    assert (model.sample(500, seed=0).mean(0) - target).norm() > 0.8
    fit(tmp_path, model, points(modes=1, std=0.1), 150)
    assert (model.sample(500, seed=0).mean(0) - target).norm() < 0.25


def test_images_of_a_linear_generator_are_cut_when_they_are_sampled_alone():
    torch.manual_seed(0)
    discriminator = Autoencoder(BEGANEncoder(16, 1, 4, 6), BEGANDecoder(16, 1, 4, 6))
    model = BEGAN(BEGANDecoder(16, 1, 4, 6), discriminator)
    with torch.no_grad():
        model.averaged("generator").net[-1].bias.fill_(3.0)
        model.generator.net[-1].bias.fill_(3.0)
    assert model.sample(2).max() == 1
    assert model.fake(2).max() > 2
