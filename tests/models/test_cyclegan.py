"""CycleGAN: its two pairs, its cycles, its pools and its schedule."""

import pytest
import torch
import yaml
from equality import alike
from idx import write_mnist
from moves import in_move
from PIL import Image
from tape import taped
from tiny import Each, fit, trainer
from torch import Tensor, nn
from translators import Blobs, cyclegan

from ganzoo import from_recipe
from ganzoo.common import registry
from ganzoo.common.errors import GanzooError
from ganzoo.data import DataModule, UnpairedFolder
from ganzoo.games.schedules import Schedule
from ganzoo.models.cyclegan import CycleGAN
from ganzoo.networks.patch import receptive_field
from ganzoo.networks.resnet_translator import ResNetTranslator
from ganzoo.training.callbacks.keep import Last


class Still(nn.Module):
    """Leaves images as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x


class Flat(nn.Module):
    """Gives every image the same score."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self.score = nn.Parameter(torch.tensor(score))

    def forward(self, x: Tensor) -> Tensor:
        return self.score.expand(len(x), 1, 2, 2)


def still(**options) -> CycleGAN:
    return CycleGAN(Still(), Still(), Flat(0.25), Flat(-0.5), **options)


X, Y = torch.rand(2, 5, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def numbers(terms) -> dict[str, float]:
    return {name: term.item() for name, term in terms.items()}


def test_cycle_and_identity_are_nothing_for_generators_that_change_nothing():
    assert numbers(in_move(still().g_loss, X, Y)) == pytest.approx(
        {"adv": 0.75**2, "adv_back": 1.5**2, "cycle": 0, "cycle_back": 0, "identity": 0, "identity_back": 0}
    )


def test_the_terms_have_the_weights_of_the_paper():
    game = still()
    nn.init.constant_(game.generator.scale, 0.5)  # x -> 0.5 x -> 0.5 x, and the same for y
    terms = numbers(in_move(game.g_loss, X, Y))
    assert terms["cycle"] == pytest.approx(10 * 0.5 * float(X.abs().mean()))
    assert terms["cycle_back"] == pytest.approx(10 * 0.5 * float(Y.abs().mean()))
    assert terms["identity"] == pytest.approx(5 * 0.5 * float(Y.abs().mean()))
    assert terms["identity_back"] == 0
    assert in_move(still(identity_weight=0).g_loss, X, Y).keys() == {"adv", "adv_back", "cycle", "cycle_back"}


def test_discriminators_score_real_images_1_and_others_0():
    terms = numbers(in_move(still().d_loss, X, Y))
    assert terms["adv"] == pytest.approx((0.75**2 + 0.25**2) / 2)
    assert terms["adv_back"] == pytest.approx((1.5**2 + 0.5**2) / 2)


def test_either_discriminator_sees_its_own_domain_and_its_own_pool():
    game, seen = still(pool=3), {}
    for name in ("discriminator", "discriminator_back"):
        getattr(game, name).register_forward_pre_hook(
            lambda _, given, name=name: seen.setdefault(name, []).append(given[0])
        )
    nn.init.constant_(game.generator.scale, 2.0)
    nn.init.constant_(game.back.scale, 3.0)
    in_move(game.d_loss, X[:2], Y[:2])
    for name, real, fake in (("discriminator", Y, 2 * X), ("discriminator_back", X, 3 * Y)):
        assert torch.equal(seen[name][0], real[:2])
        torch.testing.assert_close(seen[name][1], fake[:2])
    torch.testing.assert_close(game.pool.images[:2], 2 * X[:2])
    torch.testing.assert_close(game.pool_back.images[:2], 3 * Y[:2])
    assert int(game.pool.filled) == int(game.pool_back.filled) == 2


def test_two_pairs_move_each_while_the_other_is_frozen(tmp_path):
    game, moves = cyclegan(), []
    parts = ("generator", "back", "discriminator", "discriminator_back")
    trains = lambda: {name for name in parts if all(p.requires_grad for p in getattr(game, name).parameters())}  # noqa: E731
    for name in "dg":
        loss = getattr(game, f"{name}_loss")
        watched = lambda *batch, loss=loss, name=name: (moves.append((name, trains())), loss(*batch))[1]  # noqa: E731
        setattr(game, f"{name}_loss", watched)
    weights = {name: [p.detach().clone() for p in getattr(game, name).parameters()] for name in parts}
    run = fit(tmp_path, game, Blobs(), 2)
    assert moves == [("d", set(parts[2:])), ("g", set(parts[:2]))] * 2
    assert run.global_step == 2
    assert len(run.optimizers) == 2
    for name in parts:
        assert not alike([p.detach() for p in getattr(game, name).parameters()], weights[name]), name


def test_the_learning_rate_stays_for_half_of_the_run_and_ends_at_0(tmp_path):
    rates = []
    look = Each(lambda trainer, _: rates.append([o.param_groups[0]["lr"] for o in trainer.optimizers]))
    fit(tmp_path, cyclegan(d_lr=1e-3), Blobs(), 8, look)
    expected = [1, 1, 1, 1, 0.75, 0.5, 0.25, 0]
    assert [d for d, _ in rates] == pytest.approx([1e-3 * factor for factor in expected])
    assert [g for _, g in rates] == pytest.approx([2e-3 * factor for factor in expected])


def test_translation_goes_both_ways_by_the_averaged_generators(tmp_path):
    game = cyclegan(ema=0.9)
    fit(tmp_path, game, Blobs(), 3)
    x = torch.rand(3, 3, 12, 20) * 2 - 1
    there, back = game.translate(x), game.translate(x, back=True)
    assert there.shape == back.shape == x.shape
    torch.testing.assert_close(there, game.averages["generator"].module(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(back, game.averages["back"].module(x), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(there, game.generator(x))
    assert not torch.allclose(there, back)
    torch.testing.assert_close(game.translate(x[:1], back=True), back[:1], rtol=1e-4, atol=1e-4)
    with pytest.raises(GanzooError, match="divisible by 4"):
        game.translate(x[..., :18], back=True)


def test_a_checkpoint_publishes_all_four_networks_and_no_pool():
    assert cyclegan(ema=0.9).exported().keys() == {"generator", "back", "discriminator", "discriminator_back"}
    assert "pool.images" in cyclegan().state_dict()


def run(folder, *callbacks, ckpt_path=None, model=None):
    model = model or cyclegan(pool=6)
    trainer(folder, *callbacks, Last(), max_steps=9).fit(model, Blobs(), ckpt_path=ckpt_path)
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    return {key: checkpoint[key] for key in ("global_step", "state_dict", "optimizer_states", "lr_schedulers", "game")}


@pytest.mark.parametrize("stop", [2, 7])
def test_a_run_that_was_interrupted_resumes_exactly_pools_included(tmp_path, stop):
    whole = run(tmp_path / "whole")
    assert int(whole["state_dict"]["pool.filled"]) == 6

    def interrupt(trainer, model):
        if model.batches == stop:
            trainer.should_stop = True
            trainer.fit_loop.epoch_loop.max_steps = stop

    run(tmp_path / "part", Each(interrupt))
    assert torch.load(tmp_path / "part" / "last.ckpt", weights_only=True)["game"]["batches"] == stop
    strange = cyclegan(pool=6)
    with torch.no_grad():
        for parameter in strange.parameters():
            parameter.add_(1)
    assert alike(run(tmp_path / "rest", ckpt_path=tmp_path / "part" / "last.ckpt", model=strange), whole)


def test_it_learns(tmp_path):
    game, data = cyclegan(g_lr=5e-3, d_lr=1e-3, identity_weight=0), Blobs()
    data.setup()
    x, truth = next(iter(data.val_dataloader()))
    before = (game.translate(x) - truth).abs().mean()
    losses = []
    watch = Each(
        lambda _, model: losses.append(
            sum(float(model.notes.totals[f"g/{name}"][0]) for name in ("cycle", "cycle_back"))
        )
    )
    fit(tmp_path, game, data, 60, watch)
    steps = torch.tensor(losses).diff()  # notes add up
    assert steps[-10:].mean() < 0.5 * steps[:5].mean()
    assert (game.translate(x) - truth).abs().mean() < 0.7 * before


def test_accumulated_chunks_fill_the_pool_as_a_batch_does(tmp_path):
    game = cyclegan(accumulate=2, pool=8)
    fit(tmp_path, game, Blobs(), 1)
    assert int(game.pool.filled) == int(game.pool_back.filled) == 4


def test_recorded_moves_exchange_with_the_pools_as_eager_ones_do(tmp_path, monkeypatch):
    eager, recorded = cyclegan(pool=6), cyclegan(pool=6, capture=True)
    fit(tmp_path / "eager", eager, Blobs(), 8)
    tape = taped(monkeypatch)
    fit(tmp_path / "recorded", recorded, Blobs(), 8)
    assert tape.replayed > 2
    assert alike(dict(recorded.state_dict()), dict(eager.state_dict()))


class Wide(Blobs):
    """A whose images have another size."""

    source_shape = (3, 12, 8)


def test_networks_that_do_not_fit_the_domains_are_refused():
    with pytest.raises(GanzooError, match=r"model\.back.*4xHxW"):
        CycleGAN(
            ResNetTranslator(3, 3, 4, 1), ResNetTranslator(3, 4, 4, 1), Flat(0.0), Flat(0.0), identity_weight=0
        ).fits(Blobs())
    with pytest.raises(GanzooError, match=r"model\.back.*1xHxW"):
        CycleGAN(ResNetTranslator(3, 3, 4, 1), ResNetTranslator(1, 3, 4, 1), Flat(0.0), Flat(0.0)).fits(Blobs())
    with pytest.raises(GanzooError, match=r"model\.identity_weight"):
        cyclegan().fits(Wide())
    cyclegan(identity_weight=0).fits(Wide())
    with pytest.raises(GanzooError, match="translates images"):
        cyclegan().fits(DataModule())


def test_a_schedule_of_ones_own_replaces_the_default(tmp_path):
    rates = []
    look = Each(lambda trainer, _: rates.append(trainer.optimizers[0].param_groups[0]["lr"]))
    fit(tmp_path, cyclegan(lr_factor=Schedule([1], [0]), d_lr=1e-3), Blobs(), 4, look)
    assert rates == pytest.approx([1e-3] * 4)


def test_the_recipe_for_digits_departs_from_the_paper_as_its_header_says(tmp_path):
    game, data, _ = from_recipe("cyclegan_mnist", data__root=write_mnist(tmp_path, 64, 48), runs=tmp_path)
    for part in (game.generator, game.back):  # a quarter of the width, a third of the blocks
        expected = ResNetTranslator(width=64 // 4, blocks=9 // 3).parameters()
        assert sum(p.numel() for p in part.parameters()) == sum(p.numel() for p in expected)
    for part in (game.discriminator, game.discriminator_back):
        assert receptive_field(part) == 16
    assert (game.cycle_weight, game.identity_weight, game.pool.size, game.lr_factor) == (10, 0, 50, None)
    for player in game.players():
        assert player.optim(player.modules[0].parameters()).defaults["lr"] == 5 * 2e-4
    data.setup("fit")
    x, y = next(iter(data.train_dataloader()))
    assert x.shape == y.shape == (16, 3, 32, 32)
    assert (x[:, 0] == x[:, 2]).all()  # white on black
    assert (y[:, 0] - y[:, 2]).mean() > 0.5  # on yellow


def test_the_recipe_for_photographs_has_the_papers_settings(tmp_path):
    for name in ("trainA", "trainB"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "0.png")
    game, *_ = from_recipe("cyclegan_horse2zebra", data__root=tmp_path, runs=tmp_path)
    recipe = yaml.safe_load((registry.RECIPES / "cyclegan_horse2zebra.yaml").read_text())
    for part in (game.generator, game.back):
        assert sum(p.numel() for p in part.parameters()) == sum(
            p.numel() for p in ResNetTranslator(blocks=9).parameters()
        )
    for part in (game.discriminator, game.discriminator_back):
        assert receptive_field(part) == 70
    assert (game.cycle_weight, game.identity_weight, game.pool.size, game.lr_factor(0.75)) == (10, 0.5, 50, 0.5)
    data = UnpairedFolder(**recipe["data"]["init_args"])
    assert (data.size, data.folders["train"][0].size, data.batch_size, data.flip) == (256, 286, 1, True)
    assert recipe["trainer"]["max_steps"] == 200 * 1334
