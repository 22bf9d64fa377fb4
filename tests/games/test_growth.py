"""Growth: what is shown when, what networks make of it, and that a run stopped in a fade goes on to the bit."""

import itertools
from types import SimpleNamespace

import pytest
import torch
from commands import ganzoo
from equality import alike
from growers import RECIPE, GrowingDiscriminator, GrowingGenerator, grower
from tape import taped
from tiny import Each, digits, fit, mlp, points, trainer
from torch.nn.functional import interpolate

from ganzoo.checkpoints import loading
from ganzoo.common.errors import GanzooError
from ganzoo.games.ema import Averaging
from ganzoo.games.growth import Growth, Stage, as_at
from ganzoo.games.schedules import Schedule
from ganzoo.training.callbacks.keep import Best, Last
from ganzoo.training.rehearsal import Rehearsal, announce

SMALL = Growth([4, 8], fade=400, stable=200, batch_sizes=[50, 25], lr_factors=[1.0, 0.5])


def test_progan_grows_as_its_schedule_says():
    """ProGAN on CIFAR-10: 4x4 for 400k images, then 400k of fading and 400k of training at each doubling."""
    progan = Growth([4, 8, 16, 32])
    table = {
        0: (0, 4, 1.0),
        399_999: (0, 4, 1.0),
        400_000: (1, 8, 0.0),
        500_000: (1, 8, 0.25),
        800_000: (1, 8, 1.0),
        1_199_999: (1, 8, 1.0),
        1_200_000: (2, 16, 0.0),
        1_600_000: (2, 16, 1.0),
        2_000_000: (3, 32, 0.0),
        2_200_000: (3, 32, 0.5),
        2_400_000: (3, 32, 1.0),  # fully in
        20_000_000: (3, 32, 1.0),
    }
    assert {images: tuple(progan.at(images)) for images in table} == table


def test_without_a_fade_sides_follow_at_once_and_one_side_never_grows():
    assert [Growth([4, 8], 0, 10).at(n) for n in (9, 10)] == [Stage(0, 4, 1.0), Stage(1, 8, 1.0)]
    assert {Growth([8], 10, 10).at(n) for n in (0, 10, 15, 100)} == {Stage(0, 8, 1.0)}


def test_batches_and_rates_follow_the_side():
    assert [SMALL.batch_size(n, 7) for n in (0, 199, 200, 10**6)] == [50, 50, 25, 25]
    assert [SMALL.lr_factor(n) for n in (0, 199, 200, 10**6)] == [1, 1, 0.5, 0.5]
    assert Growth([4, 8]).batch_size(0, 7) == 7
    assert SMALL.batches(850, 7) == 4 + 26
    assert Growth([4, 8]).batches(100, 7) == 15


def test_a_stage_shows_box_means_blended_with_their_own_means_while_fading():
    x = torch.randn(3, 1, 16, 16)
    assert torch.equal(as_at(x, Stage(2, 16, 1.0)), x)
    torch.testing.assert_close(as_at(x, Stage(0, 4, 1.0)), x.unflatten(3, (4, 4)).unflatten(2, (4, 4)).mean((3, 5)))
    eight = as_at(x, Stage(1, 8, 1.0))
    coarse = interpolate(as_at(x, Stage(0, 4, 1.0)), scale_factor=2)
    torch.testing.assert_close(as_at(x, Stage(1, 8, 0.0)), coarse)
    torch.testing.assert_close(as_at(x, Stage(1, 8, 0.25)), 0.75 * coarse + 0.25 * eight)


def test_where_layers_come_in_nothing_is_seen_of_them_and_in_the_end_nothing_of_the_old():
    generator, discriminator = GrowingGenerator(16), GrowingDiscriminator(16)
    z = torch.randn(5, 6)
    generator.grow(1, 1.0)
    discriminator.grow(1, 1.0)
    image = generator(z)
    assert image.shape == (5, 1, 8, 8)
    logits = discriminator(image)
    generator.grow(2, 0.0)
    discriminator.grow(2, 0.0)
    larger = interpolate(image, scale_factor=2)
    torch.testing.assert_close(generator(z), larger)
    torch.testing.assert_close(discriminator(larger), logits)
    generator.grow(2, 0.25)
    faded = generator(z)
    generator.grow(2, 1.0)
    torch.testing.assert_close(faded, 0.75 * larger + 0.25 * generator(z))
    assert not torch.allclose(generator(z), larger)


@pytest.mark.parametrize("side", [8, 16])
def test_networks_made_anew_are_grown_and_weights_bring_their_stage(side):
    small, grown = GrowingGenerator(side), GrowingGenerator(side)
    assert grown(torch.randn(2, 6)).shape[-1] == side
    small.grow(1, 0.5)
    grown.load_state_dict(small.state_dict())
    assert (grown.level, grown.fading) == (1, True)
    z = torch.randn(2, 6)
    assert torch.equal(grown(z), small(z))


def watched(folder, steps, *, growth=SMALL, model=None, data=None, **options):
    """Trains and returns the model, and for each batch its stage, size, rates and the optimizers' steps."""
    rows = []

    def look(trainer, model):
        steps = [{int(state["step"]) for state in optimizer.state.values()} for optimizer in trainer.optimizers]
        rates = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]
        rows.append((model.images, model.stage, rates, steps))

    model = model or grower(growth)
    fit(folder, model, data or digits(batch_size=100), steps, Each(look), **options)
    return model, rows


def test_a_run_grows_batch_by_batch(tmp_path):
    shapes = []
    model = grower(SMALL)
    judge = model.discriminator.forward
    model.discriminator.forward = lambda image: shapes.append(tuple(image.shape)) or judge(image)
    model, rows = watched(tmp_path, 30, model=model)
    sizes = [b - a for a, b in itertools.pairwise([0, *(row[0] for row in rows)])]
    assert sizes == [50] * 4 + [25] * 26
    assert [row[1] for row in rows] == [SMALL.at(n) for n in itertools.accumulate(sizes[:-1], initial=0)]
    assert shapes == [(50, 1, 4, 4)] * 4 * 3 + [(25, 1, 8, 8)] * 26 * 3  # real, generated, and generated again
    assert (model.generator.level, model.averaged("generator").level) == (1, 1)


def test_epochs_and_progress_stay_what_they_are_while_batches_shrink(tmp_path):
    seen = []
    look = Each(lambda trainer, model: seen.append((trainer.num_training_batches, model.progress)))
    model = grower(SMALL)
    run = trainer(tmp_path, look, max_epochs=2)
    run.fit(model, digits(batch_size=100))
    assert seen == [(15, pytest.approx(n / 30)) for n in range(1, 31)]
    assert (run.current_epoch, model.images) == (2, 4 * 50 + 26 * 25)


def test_moments_start_afresh_where_layers_come_in_and_where_they_are_in(tmp_path):
    _, rows = watched(tmp_path, 30)
    steps = [[*range(1, 5)], [*range(1, 17)], [*range(1, 11)]]  # 4x4, fading to 8x8, 8x8
    for own in zip(*(row[3] for row in rows), strict=True):
        assert [*own] == [{step} for part in steps for step in part]


def test_rates_follow_the_level_and_the_schedule_of_the_game(tmp_path):
    _, rows = watched(tmp_path / "level", 8)
    assert [row[2] for row in rows] == [[2e-4] * 2] * 3 + [[1e-4] * 2] * 5  # a row shows the next batch's
    fall = Schedule([1, 0], [0, 1], "linear")
    _, rows = watched(tmp_path / "both", 8, model=grower(SMALL, lr_factor=fall, d_lr=1e-3))
    assert rows[5][2] == pytest.approx([1e-3 * 0.5 * 0.25, 2e-4 * 0.5 * 0.25])
    _, rows = watched(tmp_path / "ahead", 4, model=grower(SMALL, n_critic=3))
    assert [row[2][0] for row in rows] == [2e-4] * 4 + [1e-4] * 8  # before the first batch of the new level moves


def test_samples_are_of_the_present_side_and_a_new_run_begins_at_the_first(tmp_path):
    seen = []
    model = grower(Growth([4, 8, 16], fade=200, stable=100), side=16)
    assert model.sample(2).shape == (2, 1, 16, 16)
    look = Each(lambda trainer, model: seen.append(model.sample(1).shape[-1]))
    fit(tmp_path, model, digits(size=16, batch_size=100), 6, look)
    assert seen == [4, 8, 8, 8, 16, 16]


def run(folder, steps, ckpt_path=None, growth=SMALL, **options):
    """Trains digits at 16 pixels with everything that a run has to remember, and returns what `last.ckpt` holds."""
    model = grower(growth, ema=Averaging(half_life=100), lr_factor=Schedule([1, 0], [0, 1], "linear"), n_critic=2)
    if ckpt_path is not None:
        model.generator.grow(0, 1.0)  # so that nothing fits that is not restored
    data = digits(batch_size=500, flip=True)  # three batches in an epoch of the trainer's
    trainer(folder, Last(), **{"max_steps": steps} | options).fit(model, data, ckpt_path=ckpt_path)
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    loops = checkpoint["loops"]["fit_loop"]["state_dict"]["combined_loader"]
    parts = ("global_step", "state_dict", "optimizer_states", "lr_schedulers", "game")
    return {"loader": loops, **{key: checkpoint[key] for key in parts}}


# stopped before the new layers, at their very first batch's end, in the fade, at its end, and in the second order
@pytest.mark.parametrize("batches", [3, 4, 5, 12, 19, 20, 70])
def test_a_run_that_was_stopped_anywhere_ends_in_the_very_same_weights(tmp_path, batches, whole):
    def stop(trainer, model):
        trainer.should_stop = model.batches == batches

    model = grower(SMALL, ema=Averaging(half_life=100), lr_factor=Schedule([1, 0], [0, 1], "linear"), n_critic=2)
    trainer(tmp_path, Each(stop), Last(), max_steps=40).fit(model, digits(batch_size=500, flip=True))
    part = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert part["game"]["batches"] == batches
    rest = run(tmp_path / "rest", 40, tmp_path / "last.ckpt")
    assert rest["game"]["stage"] == [1, 8, 1.0]
    assert alike(rest, whole)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an uninterrupted run of 40 updates holds: 80 batches, past the end of the first order."""
    whole = run(tmp_path_factory.mktemp("whole"), 40)
    assert whole["game"]["images"] == 4 * 50 + 76 * 25
    assert whole["loader"][0]["order"] == 1
    return whole


def test_growth_is_recorded_and_replayed_as_it_is_played(tmp_path, monkeypatch):
    growth = Growth([4, 8], fade=400, stable=300, batch_sizes=[50, 25])
    eager, _ = watched(tmp_path / "eager", 40, growth=growth)
    tape = taped(monkeypatch)
    recorded = grower(growth, capture=True)
    fit(tmp_path / "recorded", recorded, digits(batch_size=100), 40)
    assert tape.recorded == 2 * 3  # two players at 4x4, fading, and at 8x8
    assert tape.replayed > 40
    for name, tensor in eager.state_dict().items():
        assert torch.equal(recorded.state_dict()[name], tensor), name


def test_a_rehearsal_is_of_the_last_stage_and_says_so(tmp_path):
    model, data = grower(SMALL), digits(batch_size=100)
    data.setup("fit")
    run = trainer(tmp_path, max_steps=30)
    for network in (model.generator, model.discriminator):
        network.grow(0, 1.0)  # as in a run that goes on from its first side
    rehearsal = Rehearsal(model, data, run)
    assert (rehearsal.model.discriminator.level, model.discriminator.level) == (1, 0)
    assert rehearsal.x.shape == (25, 1, 8, 8)
    assert len(rehearsal.y) == 25
    assert rehearsal.seconds() > 0
    assert "about 30 s at the pace of its last 8 pixels" in announce(model, run, tmp_path, 1.0)


def test_the_best_of_a_larger_side_is_kept_whatever_score_a_smaller_one_had(tmp_path):
    keeper = Best(tmp_path, "best", monitor="swd", mode="min")
    keeper.best_k_models, keeper.kth_best_model_path = {"best.ckpt": torch.tensor(1.0)}, "best.ckpt"
    model = SimpleNamespace(stage=Stage(0, 4, 1.0))
    strategy = SimpleNamespace(reduce_boolean_decision=lambda decision, all=True: decision)
    trainer = SimpleNamespace(lightning_module=model, strategy=strategy)
    better = [keeper.check_monitor_top_k(trainer, torch.tensor(score)) for score in (2.0, 0.5)]
    model.stage = Stage(1, 8, 0.5)
    better += [keeper.check_monitor_top_k(trainer, torch.tensor(2.0)) for _ in range(2)]
    assert better == [False, True, True, False]
    resumed = Best(tmp_path, "best", monitor="swd", mode="min")
    resumed.load_state_dict(keeper.state_dict())
    assert resumed.level == 1


def test_data_serve_a_plan_only_as_long_as_a_game_has_one(tmp_path):
    data = digits(batch_size=100)
    watched(tmp_path / "planned", 2, data=data)
    _, rows = watched(tmp_path / "plain", 2, model=grower(Growth([4, 8], 400, 200)), data=data)
    assert [row[0] for row in rows] == [100, 200]
    assert len(data.train_dataloader()) == 15


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"sides": []}, "twice the one before"),
        ({"sides": [4, 12]}, "twice the one before"),
        ({"sides": [4, 8], "batch_sizes": [4]}, r"growth\.batch_sizes: one for each of 2 sides"),
        ({"sides": [4, 8], "lr_factors": [1, 0]}, r"growth\.lr_factors: one for each of 2 sides, above 0"),
        ({"sides": [4, 8], "fade": -1}, r"growth\.fade: must be at least 0"),
        ({"sides": [4, 8], "stable": 0}, r"growth\.stable: must be at least 1"),
    ],
)
def test_schedules_that_make_no_sense_are_refused(options, complaint):
    with pytest.raises(GanzooError, match=complaint):
        Growth(**options)


def test_networks_and_data_have_to_grow_in_the_same_steps():
    with pytest.raises(GanzooError, match="end at 16 pixels, but the data has shape"):
        grower(Growth([4, 8, 16])).fits(digits())
    with pytest.raises(GanzooError, match=r"\[8\] given, but those of model\.generator are \[4, 8\]"):
        grower(Growth([8])).fits(digits())
    with pytest.raises(GanzooError, match="the data has shape"):
        mlp(growth=Growth([4])).fits(points())
    data = digits()
    data.setup("fit")
    data.plan_batches(Growth([4, 8], batch_sizes=[50, 2000]))
    with pytest.raises(GanzooError, match=r"batch_sizes: 2000 on 1 process\(es\) is more than the 1500 images"):
        data.train_dataloader()


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A function that trains the recipe by the real command line, and what it left after all its steps."""
    home = tmp_path_factory.mktemp("grown")
    (home / "grow.yaml").write_text(RECIPE)

    def train(runs, *more):
        answer = ganzoo("fit", "--recipe", home / "grow.yaml", "--runs", home / runs, *more)
        assert answer.status == 0, answer.err
        return home / runs / "grow" / "version_0"

    return train, train("whole")


def test_a_recipe_grows_and_resumes_and_its_checkpoint_draws_at_its_full_side(grown):
    train, whole = grown
    rows = (whole / "metrics.csv").read_text().splitlines()
    assert {"growth/side", "growth/alpha"} <= {*rows[0].split(",")}
    model = loading.load(str(whole / "export"))
    assert model.sample(3).shape == (3, 1, 8, 8)
    assert "still growing" not in (whole / "export" / "README.md").read_text()
    train("part", "--trainer.max_steps=8", "--trainer.val_check_interval=4")
    half = loading.load(str(train("part", "--ckpt_path=last", "--trainer.max_steps=8") / "export"))
    assert half.sample(1).shape[-1] in (4, 8)
    rest = train("part", "--ckpt_path=last", "--trainer.max_steps=30", "--trainer.val_check_interval=10")
    last = [torch.load(run / "last.ckpt", weights_only=True) for run in (whole, rest)]
    assert last[0]["game"]["stage"] == [1, 8, 1.0]
    for key in ("state_dict", "optimizer_states", "global_step"):
        assert alike(last[0][key], last[1][key]), key


def test_a_run_that_ends_while_it_grows_draws_what_it_has(grown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where scores are written
    train, _ = grown
    run = train("small", "--trainer.max_steps=3", "--trainer.val_check_interval=1")
    model = loading.load(str(run / "export"))
    assert model.sample(2).shape == (2, 1, 4, 4)
    card = (run / "export" / "README.md").read_text()
    assert "The generator was still growing: it was at 4 of 8 pixels." in card
    answer = ganzoo("evaluate", run, "--samples", 60)
    assert answer.status == 0, answer.err
    answer = ganzoo("plot", run)
    assert answer.status == 0, answer.err


def test_networks_that_had_not_grown_are_trained_at_their_full_side_without_growth(grown):
    train, _ = grown
    small = train("begun", "--trainer.max_steps=3", "--trainer.val_check_interval=1")
    words = [
        f"--start={small / 'export'}",
        "--model.growth=null",
        "--trainer.max_steps=2",
        "--trainer.val_check_interval=1",
    ]
    model = loading.load(str(train("tuned", *words) / "export"))
    assert model.sample(2).shape == (2, 1, 8, 8)
