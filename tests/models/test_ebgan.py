"""EBGAN: its energy, its margin and the pulling-away term against values worked out by hand."""

import pytest
import torch
from moves import in_move
from tiny import digits, fit, points
from torch import Tensor, nn

from ganzoo.games.move import Critic
from ganzoo.games.schedules import Schedule
from ganzoo.models.ebgan import EBGAN, pulling_away
from ganzoo.networks.autoencoder import Autoencoder, ConvDecoder, ConvEncoder, MLPEncoder
from ganzoo.networks.dcgan import DCGANGenerator
from ganzoo.networks.mlp import MLPGenerator


def small(**options) -> EBGAN:
    """A game on points."""
    torch.manual_seed(0)
    discriminator = Autoencoder(MLPEncoder([2], 2, (16,)), MLPGenerator([2], 2, (16,), squash=False))
    return EBGAN(MLPGenerator([2], 4, (16,), squash=False), discriminator, **options)


class Scaled(nn.Module):
    """Redraws everything smaller, so that every energy is known."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


@pytest.mark.parametrize("shape", [(5, 2), (5, 3, 4, 4)])
def test_the_energy_is_each_samples_root_mean_square_error(shape):
    x = torch.randn(shape)
    energies = EBGAN(MLPGenerator([2], 4, (8,)), Scaled(0.5)).open_move().judge(x)
    assert energies.shape == (5,)
    torch.testing.assert_close(energies, torch.stack([(0.5 * v).square().mean().sqrt() for v in x]))


def test_what_is_redrawn_all_but_perfectly_can_still_be_pushed_away():
    slopes = []
    for factor in (0.5, 0.999):
        model = EBGAN(MLPGenerator([2], 4, (8,)), Scaled(factor))
        (slope,) = torch.autograd.grad(model.open_move().judge(torch.ones(1, 2)).sum(), model.discriminator.factor)
        slopes.append(slope.item())
    assert slopes == pytest.approx([-1, -1], rel=0.01)


def test_a_perfect_redrawing_has_a_finite_slope():
    model = EBGAN(MLPGenerator([2], 4, (8,)), Scaled(1.0))
    (slope,) = torch.autograd.grad(model.open_move().judge(torch.ones(1, 2)).sum(), model.discriminator.factor)
    assert slope.isfinite()


def test_the_margin_by_hand():
    model = small(margin=2.0)
    model.logits = lambda output, x: torch.tensor([0.5, 3.0, 1.0, 0.0])
    fake = (1.5 + 0 + 1 + 2) / 4
    assert in_move(model.d_loss, torch.zeros(4, 2), None)["adv"].item() == pytest.approx(4.5 / 4 + fake)
    assert in_move(model.g_loss, torch.zeros(4, 2), None)["adv"].item() == pytest.approx(4.5 / 4)
    assert model.notes.means() == {"d/real": pytest.approx(4.5 / 4), "d/fake": pytest.approx(4.5 / 4)}


def test_energies_beyond_the_margin_are_not_pushed_further():
    model = small(margin=1.0)
    energies = torch.tensor([0.5, 1.5], requires_grad=True)
    answers = iter([torch.zeros(2), energies])
    model.logits = lambda output, x: next(answers)
    (slope,) = torch.autograd.grad(in_move(model.d_loss, torch.zeros(2, 2), None)["adv"], energies)
    assert slope.tolist() == [-0.5, 0]


def test_the_margin_may_follow_a_schedule():
    model = small(margin=Schedule([3, 1], [0, 1]))
    model.logits = lambda output, x: torch.zeros(4)
    assert in_move(model.d_loss, torch.zeros(4, 2), None)["adv"] == 3
    next(iter(model.levels.values())).fill_(1)  # as the loop does at the end of a run
    assert in_move(model.d_loss, torch.zeros(4, 2), None)["adv"] == 1


def test_pulling_away_by_hand():
    codes = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    assert pulling_away(codes).item() == pytest.approx(0.5)  # the cosine of 45 degrees, squared
    codes = torch.randn(6, 2, 3)
    cosines = [
        torch.cosine_similarity(codes[i].flatten(), codes[j].flatten(), 0) for i in range(6) for j in range(6) if i != j
    ]
    torch.testing.assert_close(pulling_away(codes), torch.stack(cosines).square().mean())


def test_pulling_away_runs_from_0_for_orthogonal_codes_to_1_for_parallel_ones():
    torch.testing.assert_close(pulling_away(torch.randn(1, 5).expand(8, 5)), torch.tensor(1.0))
    torch.testing.assert_close(pulling_away(torch.tensor([[1.0, 2], [-2, -4], [0.5, 1]])), torch.tensor(1.0))
    torch.testing.assert_close(pulling_away(3 * torch.eye(7)), torch.tensor(0.0))
    assert pulling_away(torch.randn(1, 5)) == 0


def test_pulling_away_ignores_length_and_order():
    codes = torch.randn(9, 4)
    torch.testing.assert_close(pulling_away(codes[torch.randperm(9)] * torch.rand(9, 1)), pulling_away(codes))


def test_the_generator_pays_for_parallel_codes_where_asked_to():
    x = torch.zeros(16, 2)
    assert in_move(small().g_loss, x, None).keys() == {"adv"}
    model = small(pt_weight=0.3)
    torch.manual_seed(1)
    codes = model.discriminator.encode(model.fake(16))
    torch.manual_seed(1)
    torch.testing.assert_close(in_move(model.g_loss, x, None)["pt"], 0.3 * pulling_away(codes))


def test_energies_are_those_of_the_critic_of_the_move():
    model = EBGAN(MLPGenerator([2], 4, (8,)), Scaled(0.5))
    move = model.open_move().scratch(discriminator=Critic(model.discriminator, {"factor": torch.tensor(1.0)}))
    assert move.judge(torch.randn(3, 2)).tolist() == pytest.approx([0, 0, 0], abs=1e-3)


def test_trains_in_bfloat16_on_float32_energies(tmp_path):
    torch.manual_seed(0)
    discriminator = Autoencoder(ConvEncoder(8, 1, 8, 6), ConvDecoder(8, 1, 8, 6))
    model = EBGAN(DCGANGenerator(8, 1, 8, 6), discriminator, pt_weight=0.1)
    assert fit(tmp_path, model, digits(), 3, precision="bf16-mixed").global_step == 3
    assert {"d/adv", "g/adv", "g/pt"} <= model.notes.means().keys()
    assert torch.tensor(list(model.notes.means().values())).isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        assert model.open_move().judge(torch.zeros(2, 1, 8, 8)).dtype == torch.float32


def test_samples_move_to_the_data(tmp_path):
    """The data is one blob around (1, 0), the generator begins around the origin."""
    model = small(g_lr=0.005, d_lr=0.01, ema=0.9, margin=0.5)
    target = torch.tensor([1.0, 0.0])
    assert (model.sample(500, seed=0).mean(0) - target).norm() > 0.8
    fit(tmp_path, model, points(modes=1, std=0.1), 150)
    assert (model.sample(500, seed=0).mean(0) - target).norm() < 0.25
