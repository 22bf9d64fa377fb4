import lightning.pytorch as pl
import pytest
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger
from scored import FID, Data, Model, Reader, Told

from ganzoo.common.errors import GanzooError
from ganzoo.metrics import evaluation
from ganzoo.metrics.extractors import Extractor
from ganzoo.metrics.scoring import score
from ganzoo.training.callbacks.quality import Quality


def cached(tmp_path):
    return list((tmp_path / "cache" / "ganzoo" / "features").glob("*"))


def trainer(tmp_path, quality, **options):
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        default_root_dir=tmp_path,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"callbacks": [quality], "enable_checkpointing": False, "logger": False} | options,
    )


def quality(**options):
    return Quality(**{"samples": 40, "batch_size": 16, **options})


def test_callback_and_function_give_the_same_scores(tiny, tmp_path):
    data, model = Data(), Model()
    (logged,) = trainer(tmp_path, quality(features="tiny")).validate(model, data, verbose=False)
    alone = score(model, data, "tiny", samples=40, batch_size=16, cache=False)
    assert logged.pop("step") == 0
    assert set(logged) == {FID, "is[tiny,40]", "is_std[tiny,40]", "kid[tiny,40/test]"}
    assert logged == pytest.approx(alone)
    assert alone[FID] > 0
    assert trainer(tmp_path, quality(features="tiny")).test(model, data, verbose=False) == [{**logged, "step": 0}]


def test_cache_hit_extracts_no_real_image_and_changes_no_bit(tiny, tmp_path):
    data, model = Data(), Model()
    first = score(model, data, "tiny", samples=40)
    assert tiny.seen == 48 + 40
    assert len(cached(tmp_path)) == 1
    assert score(model, data, "tiny", samples=40) == first
    assert tiny.seen == 48 + 40 + 40
    trainer(tmp_path, quality(features="tiny")).validate(model, data, verbose=False)
    assert tiny.seen == 48 + 3 * 40


def test_part_of_a_split_is_not_cached_and_a_broken_file_is_replaced(tiny, tmp_path):
    trainer(tmp_path, quality(features="tiny"), limit_val_batches=1).validate(Model(), Data(), verbose=False)
    assert cached(tmp_path) == []
    first = score(Model(), Data(), "tiny", samples=40)
    (file,) = cached(tmp_path)
    file.write_bytes(b"half a file")
    assert score(Model(), Data(), "tiny", samples=40) == first
    assert file.stat().st_size > 100


def test_training_collects_once_skips_the_sanity_check_and_logs_the_step(tiny, tmp_path):
    data, model, steps = Data(), Model(), []

    class Watch(pl.Callback):
        def on_validation_end(self, trainer, pl_module):
            if not trainer.sanity_checking:
                steps.append((trainer.callback_metrics["step"].item(), trainer.callback_metrics[FID].item()))
                assert trainer.callback_metrics["swd[40/test]"] > 0

    run = trainer(
        tmp_path, quality(features="tiny", metrics=["fid", "swd"], cache=False), max_epochs=2, num_sanity_val_steps=2
    )
    run.callbacks.append(Watch())
    run.fit(model, data)
    assert [step for step, _ in steps] == [3, 6]
    assert steps[0][1] == steps[1][1]
    assert tiny.seen == 48 + 2 * 40
    assert cached(tmp_path) == []
    assert [n for n, _ in model.asked] == [16, 16, 8] * 2


def test_training_logs_the_time_that_scores_take(tiny, tmp_path):
    logged = []

    class Notes(Logger):
        name = version = "notes"

        def log_hyperparams(self, *args, **kwargs):
            pass

        def log_metrics(self, metrics, step=None):
            logged.extend((step, metrics["time_quality"]) for name in metrics if name == "time_quality")

    first = quality(features="tiny")
    run = trainer(tmp_path, first, max_epochs=2, num_sanity_val_steps=1, logger=Notes())
    run.fit(Model(), Data())
    assert [step for step, _ in logged] == [0, 3, 6]
    seconds = [seconds for _, seconds in logged]
    assert 0 < seconds[0] < seconds[1] < seconds[2] == first.seconds
    again = quality(features="tiny")
    again.load_state_dict(first.state_dict())
    assert again.seconds == first.seconds
    run.validate(Model(), Data(), verbose=False)  # no part of a training
    assert len(logged) == 3


def test_monitor_names_and_direction():
    digits, points = Data(), Data(points=True)
    model = Model()
    assert quality(features="tiny").monitored(digits, model) == "fid"
    assert quality().monitored(digits, model) == "swd"
    assert quality(monitor="wasserstein").monitored(points, model) == "wasserstein"
    assert quality(features="mnist", monitor="accuracy").monitored(digits, Told()) == "accuracy"
    assert [quality().higher_is_better(name) for name in ("fid", "is", "kid", "swd", "modes", "good")] == [
        False,
        True,
        False,
        False,
        True,
        True,
    ]


def test_a_checkpoint_may_monitor_a_score_by_its_short_name(tiny, tmp_path):
    keeper = ModelCheckpoint(tmp_path, monitor="kid")
    callbacks = {"callbacks": [quality(features="tiny"), keeper], "enable_checkpointing": True}
    trainer(tmp_path, None, **callbacks).validate(Model(), Data(), verbose=False)
    assert keeper.monitor == "kid[tiny,40/test]"


def test_mistakes_show_before_the_training(tiny, tmp_path):
    with pytest.raises(GanzooError, match="Did you mean 'kid'"):
        quality(features="tiny", metrics=["kdi"])
    with pytest.raises(GanzooError, match="monitor: fid given"):
        quality(features="tiny", metrics=["kid"], monitor="fid")
    with pytest.raises(GanzooError, match="monitor: swd given"):
        quality(features="tiny", monitor="swd").monitored(Data(), Model())
    with pytest.raises(GanzooError, match="monitor: accuracy given"):
        quality(features="mnist", monitor="accuracy").monitored(Data(), Model())
    with pytest.raises(GanzooError, match="samples: 1 given"):
        trainer(tmp_path, quality(samples=1)).fit(Model(), Data())
    with pytest.raises(GanzooError, match="data: none given"):
        trainer(tmp_path, quality()).validate(Model(), Data().val_dataloader(), verbose=False)


def test_models_that_have_learnt_classes_are_scored_by_them(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "get_extractor", lambda name: Extractor(Reader(), name, 4, channels=1))
    (logged,) = trainer(tmp_path, quality(features="mnist", batch_size=20, cache=False)).validate(
        Told(), Data(), verbose=False
    )
    assert logged["accuracy[mnist,40]"] == pytest.approx(0.9)
