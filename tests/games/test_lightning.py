"""Lightning's Trainer in a game: gradients clipped for each player, and one line for what no game can have."""

import pytest
import torch
from commands import DIGITS, ganzoo
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from lightning.pytorch.plugins.precision import MixedPrecision
from tiny import conv, digits, fit, mlp, points, trainer
from torch.nn.utils import parameters_to_vector
from torch.optim import SGD

from ganzoo.common.errors import GanzooError
from ganzoo.models.dcgan import DCGAN
from ganzoo.models.gan import VanillaGAN

LIMIT = 1e-3


def scaling():
    """Lightning's 16-mixed, which it does not give to a CPU by itself, with losses that are scaled."""
    return MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=1024.0))


def moves(folder, steps=1, accumulate=1, **options):
    """How far plain gradient descent with rate 1 has moved each network."""
    model = mlp(optimizer=SGD, g_lr=1.0, d_lr=1.0, accumulate=accumulate, ema=None)
    before = [parameters_to_vector(network.parameters()).detach() for network in (model.generator, model.discriminator)]
    fit(folder, model, points(), steps, **options)
    after = [parameters_to_vector(network.parameters()).detach() for network in (model.generator, model.discriminator)]
    return [new - old for new, old in zip(after, before, strict=True)]


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("scaled", [False, True])
def test_each_player_is_clipped_by_its_own_norm(tmp_path, accumulate, scaled):
    plugins = lambda: [scaling()] if scaled else []  # noqa: E731  # one for each run
    clipped = moves(tmp_path, accumulate=accumulate, plugins=plugins(), gradient_clip_val=LIMIT)
    free = moves(tmp_path, accumulate=accumulate, plugins=plugins())
    for ours, theirs in zip(clipped, free, strict=True):
        assert theirs.norm() > 10 * LIMIT
        assert float(ours.norm()) == pytest.approx(LIMIT, rel=1e-2)
    # the discriminator moves first, from the same weights: in the same direction
    torch.testing.assert_close(clipped[1] / LIMIT, free[1] / free[1].norm(), rtol=0.05, atol=1e-3)


def test_values_are_clipped_one_by_one(tmp_path):
    clipped = moves(tmp_path, gradient_clip_val=LIMIT, gradient_clip_algorithm="value")
    assert all(float(change.abs().max()) == pytest.approx(LIMIT, rel=1e-3) for change in clipped)


def test_a_limit_that_nothing_reaches_changes_no_bit(tmp_path):
    for ours, theirs in zip(moves(tmp_path, 3, gradient_clip_val=1e6), moves(tmp_path, 3), strict=True):
        assert torch.equal(ours, theirs)


class Watched(DCGAN):
    """Keeps the norms of the gradients that its optimizers step with."""

    norms: tuple[float, ...] = ()

    def on_before_optimizer_step(self, optimizer):
        super().on_before_optimizer_step(optimizer)
        gradients = [p.grad.flatten() for group in optimizer.param_groups for p in group["params"]]
        self.norms = (*self.norms, float(torch.cat(gradients).norm()))


def test_fused_optimizers_are_clipped_after_unscaling(tmp_path):
    model = conv(Watched)
    before = model.generator.state_dict()["net.0.weight"].clone()
    run = fit(tmp_path, model, digits(), 2, plugins=[scaling()], gradient_clip_val=LIMIT)
    assert all(optimizer._step_supports_amp_scaling for optimizer in run.optimizers)
    assert model.norms == pytest.approx([LIMIT] * 4, rel=1e-2)
    change = model.generator.state_dict()["net.0.weight"] - before
    assert 0 < float(change.abs().max()) < 1e-2


def test_a_trainer_keeps_its_limit_from_one_fit_to_the_next(tmp_path):
    run = trainer(tmp_path, max_steps=1, gradient_clip_val=LIMIT)
    for model in (mlp(), mlp()):
        run.fit(model, points())
        assert run.gradient_clip_val == LIMIT


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"accumulate_grad_batches": 2}, ["trainer.accumulate_grad_batches: 2", "--model.init_args.accumulate 2"]),
        ({"callbacks": [GradientAccumulationScheduler({0: 4})]}, ["Scheduler: 4", "--model.init_args.accumulate 4"]),
        ({"precision": "64-true"}, ["trainer.precision: 64-true", "32-true"]),
        ({"precision": "bf16-true"}, ["trainer.precision: bf16-true", "bf16-mixed"]),
        ({"gradient_clip_val": -1.0}, ["trainer.gradient_clip_val: ", "at least 0", "-1.0"]),
    ],
)
def test_what_no_game_can_have_is_refused(tmp_path, options, parts):
    with pytest.raises(GanzooError) as error:
        trainer(tmp_path, **{"max_steps": 1} | options).fit(mlp(VanillaGAN), points())
    assert [part for part in parts if part not in str(error.value)] == []


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("--trainer.accumulate_grad_batches 2", ["trainer.accumulate_grad_batches: 2", "--model.init_args.accumulate"]),
        ("--trainer.precision 16-true", ["trainer.precision: 16-true", "16-mixed"]),
        ("--trainer.precision 64", ["trainer.precision: 64-true", "32-true"]),
        ("--trainer.callbacks LearningRateMonitor --trainer.logger false", ["LearningRateMonitor", "no logger"]),
        ("--trainer.logger false --logger tensorboard", ["logger: tensorboard given", "trainer.logger is false"]),
    ],
)
def test_the_command_refuses_it_in_one_line(tmp_path, words, parts):
    error = ganzoo("fit", *DIGITS, "--runs", tmp_path, "--trainer.max_steps", 2, *words.split()).error
    assert [part for part in parts if part not in error] == [], error
    assert not list(tmp_path.rglob("*.ckpt"))


def test_the_command_clips_and_takes_one_callback_and_one_metric(tmp_path):
    words = ["--trainer.gradient_clip_val", 0.1, "--trainer.callbacks", "LearningRateMonitor"]
    words += [
        "--quality.metrics",
        "swd",
        "--model.compiled=[]",
        "--trainer.max_steps",
        2,
        "--runs",
        tmp_path / "my runs",
    ]
    said = ganzoo("fit", *DIGITS, *words)
    assert said.status == 0, said.err
    run = tmp_path / "my runs" / "wgan_gp_digits" / "version_0"
    assert f"ganzoo plot '{run}'" in said.out
    assert f"ganzoo sample '{run / 'export'}'" in said.out
    assert "lr-Adam" in (run / "metrics.csv").read_text()


def test_a_run_without_a_logger_trains_and_exports(tmp_path):
    words = ["--trainer.logger", "false", "--trainer.max_steps", 3, "--runs", tmp_path]
    said = ganzoo("fit", *DIGITS, *words)
    assert said.status == 0, said.err
    run = tmp_path / "wgan_gp_digits" / "version_0"
    assert "ganzoo plot" not in said.out
    assert (run / "export" / "README.md").is_file()
    assert (run / "last.ckpt").is_file()
    assert not (run / "metrics.csv").exists()
