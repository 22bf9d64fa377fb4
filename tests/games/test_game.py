"""The loop: who moves when, what stays frozen, what is averaged, and what is random."""

import lightning.pytorch as pl
import pytest
import torch
from tiny import Each, Labelled, Told, conv, digits, fit, mlp, points, trainer
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR

from ganzoo.common.batches import chunks
from ganzoo.common.errors import GanzooError
from ganzoo.games.game import Game
from ganzoo.games.gan import GAN
from ganzoo.games.move import Move
from ganzoo.games.players import Player
from ganzoo.games.schedules import Schedule
from ganzoo.models.gan import VanillaGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


# Turns and players


def test_global_step_counts_generator_updates(tmp_path):
    model = mlp(n_critic=3)
    run = fit(tmp_path, model, points(), 4)
    assert run.global_step == 4
    assert model.batches == 12
    assert model.images == 12 * 32


def test_turns_follow_a_schedule_over_the_runs_progress(tmp_path):
    model, steps = mlp(n_critic=Schedule([3, 1], [0, 0.5])), []
    fit(tmp_path, model, points(), 4, Each(lambda run, _: steps.append(run.global_step)))
    assert steps == [0, 0, 1, 1, 1, 2, 3, 4]


def test_progress_runs_from_0_to_1_over_steps_or_epochs(tmp_path):
    assert mlp().progress == 0
    seen = []
    note = Each(lambda run, model: seen.append(model.progress))
    fit(tmp_path, mlp(), points(), 4, note)
    assert seen == [0.25, 0.5, 0.75, 1]
    seen.clear()
    fit(tmp_path, mlp(), points(samples=64), -1, note, max_epochs=2)
    assert seen == [0.25, 0.5, 0.75, 1]


class Watched(WGANGP):
    """Notes which weights and gradients each move changes, and what the critic is shown."""

    def on_fit_start(self) -> None:
        self.moves: list[tuple] = []

    def _copies(self) -> dict[str, tuple[list, list]]:
        parts = {"g": self.generator, "d": self.discriminator, "average": self.averages}
        return {
            name: (
                [p.detach().clone() for p in part.parameters()],
                [None if p.grad is None else p.grad.clone() for p in part.parameters()],
            )
            for name, part in parts.items()
        }

    def move(self, player, x, y) -> None:
        self.asked: list[tuple[bool, bool]] = []
        before = self._copies()
        super().move(player, x, y)
        after = self._copies()
        moved, touched = (
            {name for name in before if not all(map(same, before[name][kind], after[name][kind]))} for kind in (0, 1)
        )
        self.moves.append((player.name, moved, touched, self.asked))

    def discriminator_view(self, x):
        self.asked.append((x.requires_grad, x.grad_fn is not None))
        return super().discriminator_view(x)


def same(left: Tensor | None, right: Tensor | None) -> bool:
    return left is right if left is None or right is None else torch.equal(left, right)


def test_each_player_moves_alone_and_no_graph_leads_through_the_generator_in_the_critics_move(tmp_path):
    model = mlp(Watched, n_critic=2, g_lr=0.01, d_lr=0.01)
    fit(tmp_path, model, points(), 3)
    assert [name for name, *_ in model.moves] == ["d", "d", "g"] * 3
    for name, moved, touched, shown in model.moves:
        if name == "d":
            assert moved == touched == {"d"}
            real, fake, between = shown
            assert real == fake == (False, False)
            assert between == (True, False)  # differentiated, but a leaf
        else:
            assert moved == {"g", "average"}
            assert touched == {"g"}
            assert shown == [(True, True)]
    assert all(p.requires_grad for player in model.line_up for m in player.modules for p in m.parameters())


class Regularised(VanillaGAN):
    """A third player that moves every other batch with the generator's optimizer."""

    def players(self):
        self.stepped = []
        third = Player(
            "reg", [self.generator], self.reg, None, 2, shares="g", after=lambda move: self.stepped.append("reg")
        )
        return *super().players(), third

    def reg(self, x, y, move):
        return {"size": self.fake(len(x)).square().mean(), "bias": self.generator.net[0].bias.square().mean()}


def test_a_player_may_share_anothers_optimizer(tmp_path):
    model = mlp(Regularised)
    run = fit(tmp_path, model, points(), 6)
    assert run.global_step == 6
    updates = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in run.optimizers]
    assert updates == [{6}, {6 + 3}]
    assert model.stepped == ["reg"] * 3
    assert {"d/adv", "g/adv", "reg/size", "reg/bias"} <= model.notes.means().keys()


class Alone(Game):
    """One player, whose two terms pull its weight to 1 and its bias to 3."""

    def __init__(self, counted: int = 1) -> None:
        super().__init__()
        self.net, self.counted = nn.Linear(1, 1), counted
        self.average("net", 0.5)

    def players(self):
        def player(number: int) -> Player:
            return Player(
                f"p{number}",
                [self.net],
                lambda x, y, move: {
                    "weight": (self.net.weight - 1).square().sum(),
                    "bias": (self.net.bias - 3).square().sum(),
                },
                lambda parameters: SGD(parameters, 0.25),
                scheduler=lambda optimizer: StepLR(optimizer, 10, 0.1),
                counted=number < self.counted,
            )

        return tuple(player(number) for number in range(max(self.counted, 1)))


def test_a_game_of_one_player_descends_the_sum_of_its_terms(tmp_path):
    model = Alone()
    run = fit(tmp_path, model, points(), 12)
    assert run.global_step == 12
    assert run.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.025)
    for net in (model.net, model.averaged("net")):
        assert net.weight.item() == pytest.approx(1, abs=0.05)
        assert net.bias.item() == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("counted", [0, 2])
def test_exactly_one_player_must_be_counted(tmp_path, counted):
    with pytest.raises(ValueError, match="Alone: exactly one player must be counted"):
        fit(tmp_path, Alone(counted), points(), 1)


def test_a_factor_decays_both_learning_rates(tmp_path):
    model, rates = mlp(g_lr=0.1, d_lr=0.4, n_critic=2, lr_factor=Schedule([1, 0], [0, 1], "linear")), []
    fit(
        tmp_path,
        model,
        points(),
        4,
        Each(lambda run, _: rates.append([o.param_groups[0]["lr"] for o in run.optimizers])),
    )
    d, g = zip(*rates, strict=True)
    assert g == pytest.approx([0.1, 0.075, 0.075, 0.05, 0.05, 0.025, 0.025, 0])
    assert d == pytest.approx([4 * rate for rate in g])


@pytest.mark.parametrize("accumulate", [2, 4])
def test_accumulated_chunks_take_the_step_of_the_whole_batch(tmp_path, accumulate):
    options = {"optimizer": SGD, "g_lr": 0.5, "d_lr": 0.5}
    whole, parts, sizes = mlp(Told, **options), mlp(Told, accumulate=accumulate, **options), set()
    start = weights(whole)
    parts.generator.register_forward_pre_hook(lambda module, arguments: sizes.add(len(arguments[0])))
    for model in (whole, parts):
        fit(tmp_path, model, Labelled(batch_size=32), 4)
    assert sizes == {32 // accumulate}
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-4, atol=1e-6)
    assert any((whole.state_dict()[name] - tensor).abs().max() > 0.02 for name, tensor in start.items())


@pytest.mark.parametrize("field", ["n_critic", "ema"])
def test_turns_below_1_and_averages_that_never_forget_are_refused(field):
    with pytest.raises(GanzooError, match=rf"model\.{field}: must be"):
        mlp(**{"n_critic": {"n_critic": 0}, "ema": {"ema": 1.0}}[field])


def test_chunks_split_whatever_a_batch_is():
    x, y = torch.arange(6), torch.arange(6.0).view(6, 1)
    assert [part.tolist() for part in chunks(x, 3)] == [[0, 1], [2, 3], [4, 5]]
    assert list(chunks(None, 3)) == [None] * 3
    pairs = list(chunks((x, y, None), 2))
    assert [(a.tolist(), len(b), c) for a, b, c in pairs] == [([0, 1, 2], 3, None), ([3, 4, 5], 3, None)]
    with pytest.raises(GanzooError, match=r"accumulate: cannot split a batch of 6 into 7"):
        list(chunks(x, 7))
    with pytest.raises(GanzooError, match=r"accumulate: must be at least 1, not 0"):
        mlp(accumulate=0)


def test_what_is_noted_is_averaged_until_it_is_cleared():
    model, move = mlp(), Move()
    for number in (1.0, 2.0):
        move.note("d/adv", torch.tensor(number, requires_grad=True))
    model.notes.merge(move.notes.totals)
    model.notes.add("d/adv", torch.tensor(6.0))
    assert model.notes.means() == {"d/adv": 3}
    model.notes.clear()
    assert model.notes.means() == {}


# Averages


def test_average_follows_its_closed_form_and_copies_buffers(tmp_path):
    model = conv(ema=0.6, g_lr=0.05, n_critic=2)
    expected = [p.detach().clone() for p in model.generator.parameters()]

    def follow(run: pl.Trainer, model: GAN) -> None:
        n = run.global_step
        if n == 0 or model.waited["g"]:
            return
        decay = min(0.6, (1 + n) / (10 + n))
        for ours, live in zip(expected, model.generator.parameters(), strict=True):
            ours.mul_(decay).add_(live.detach(), alpha=1 - decay)
        averaged = model.averaged("generator")
        torch.testing.assert_close(list(averaged.parameters()), expected, check_layout=False)
        assert all(map(torch.equal, averaged.buffers(), model.generator.buffers()))

    run = fit(tmp_path, model, digits(), 14, Each(follow))
    assert run.global_step == 14
    average, live = model.averaged("generator"), model.generator
    assert not equal(weights(average), weights(live))
    assert {b.tolist() for b in average.buffers() if b.dtype == torch.long} == {2 * 14 + 14}


def test_average_is_frozen_in_evaluation_mode_and_in_no_optimizer(tmp_path):
    model = conv()
    run = fit(tmp_path, model, digits(), 1)
    optimized = {id(p) for optimizer in run.optimizers for group in optimizer.param_groups for p in group["params"]}
    average = model.averaged("generator")
    model.train()
    assert model.generator.training
    assert not any(module.training for module in average.modules())
    assert not any(p.requires_grad or id(p) in optimized for p in average.parameters())
    assert optimized == {id(p) for part in (model.generator, model.discriminator) for p in part.parameters()}


def test_export_holds_averaged_weights_where_there_are_some():
    model, plain = mlp(), mlp(ema=None)
    assert model.exported() == {"generator": model.averages["generator"].module, "discriminator": model.discriminator}
    assert plain.exported() == {"generator": plain.generator, "discriminator": plain.discriminator}


# Randomness


class Noisy(pl.Callback):
    """Draws from the global random state while validating."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        torch.rand(7)
        pl_module.sample(5)


def test_weights_do_not_depend_on_validation_or_on_the_random_state(tmp_path, monkeypatch):
    def trained(*callbacks, **options):
        model = conv(WGANGP, dropout=0.3, n_critic=2)
        fit(tmp_path, model, digits(flip=True), 4, *callbacks, **options)
        return weights(model)

    alone = trained()
    torch.rand(3)
    validated = trained(Noisy(), limit_val_batches=2, val_check_interval=2, check_val_every_n_epoch=None)
    assert equal(alone, validated)
    monkeypatch.setenv("PL_GLOBAL_SEED", "1")
    assert not equal(alone, trained())


@pytest.mark.parametrize(("prior", "variance"), [("normal", 1), ("uniform", 1 / 3)])
@pytest.mark.parametrize("seed", [None, 7])
def test_latent_vectors_follow_the_prior(prior, variance, seed):
    z = mlp(prior=prior).latent(4000, seed)
    assert z.shape == (4000, 4)
    assert z.mean().item() == pytest.approx(0, abs=0.03)
    assert z.var().item() == pytest.approx(variance, rel=0.05)
    assert (z.abs().max() <= 1) == (prior == "uniform")
    assert len(z.unique(dim=0)) == 4000


# Sampling


@pytest.mark.parametrize("make", [conv, mlp])
def test_a_sample_depends_on_the_seed_and_its_place_alone(make):
    model = make()
    many = model.sample(600, seed=3)
    assert many.shape == (600, *model.generator.shape)
    for n in (4, 64, 65):
        torch.testing.assert_close(model.sample(n, seed=3), many[:n])
    assert not torch.allclose(model.sample(4, seed=4), many[:4])
    assert not torch.allclose(model.sample(4), model.sample(4))


def test_sampling_leaves_no_trace():
    model = conv(ema=None)
    before, state = weights(model), torch.get_rng_state()
    images = model.sample(3, seed=0)
    assert not images.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert equal(weights(model), before)  # statistics of BatchNorm included
    assert model.generator.training
    model.eval()
    model.sample(3)
    assert not model.generator.training


def test_samples_are_the_averaged_generators_and_truncation_scales_its_input():
    model = mlp()
    with torch.no_grad():
        for parameter in model.averaged("generator").parameters():
            parameter.mul_(2)
        z = model.latent(5, seed=1)
        expected = model.averaged("generator")(0.3 * z)
    torch.testing.assert_close(model.sample(5, seed=1, truncation=0.3), expected)
    assert not torch.allclose(expected, model.generator(0.3 * z))
    assert len(model.sample(5, truncation=0).unique(dim=0)) == 1


def test_no_samples_are_fine_and_fewer_are_not():
    assert mlp().sample(0).shape == (0, 2)
    assert conv().sample(0, seed=1).shape == (0, 1, 8, 8)
    with pytest.raises(GanzooError, match=r"n: .*at least 0, not -1"):
        mlp().sample(-1)
    with pytest.raises(GanzooError, match=r"labels: VanillaGAN is unconditional"):
        mlp().sample(1, torch.zeros(1, dtype=torch.long))


def test_prediction_draws_another_sample_for_every_item(tmp_path):
    batches = trainer(tmp_path).predict(mlp(), Labelled(batch_size=24))
    assert [len(batch) for batch in batches] == [24, 24, 16]
    assert len(torch.cat(batches).unique(dim=0)) == 64


# Mistakes


def test_networks_that_do_not_fit_the_data_are_refused(tmp_path):
    data = digits(size=16)
    generator, discriminator = MLPGenerator([1, 16, 16], 4, (8,)), MLPDiscriminator([1, 16, 16], (8,))
    fit(tmp_path, VanillaGAN(generator, discriminator), data, 1)
    small = conv()
    for model, part in (
        (VanillaGAN(small.generator, discriminator), "generator"),
        (VanillaGAN(generator, small.discriminator), "discriminator"),
    ):
        with pytest.raises(GanzooError, match=rf"model\.{part}: .*shape \(1, 8, 8\), but the data gives \(1, 16, 16\)"):
            fit(tmp_path, model, data, 1)
    with pytest.raises(GanzooError, match=r"model\.augment: 'cutout' is for images"):
        fit(tmp_path, mlp(augment="cutout"), points(), 1)


def test_networks_of_the_users_own_need_not_say_their_shape(tmp_path):
    class Own(nn.Sequential):
        latent_dim = 3

    model = VanillaGAN(Own(nn.Linear(3, 2)), nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)))
    assert fit(tmp_path, model, points(), 2).global_step == 2
