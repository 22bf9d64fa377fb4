"""Metrics of one's own: named by import path, keyed, monitored, tabled and described like ganzoo's."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from commands import DIGITS, ganzoo
from own_metrics import Brightness, MeanGap
from scored import Data, Model
from tiny import Negatives, recolour

from ganzoo.checkpoints.origin import Origin
from ganzoo.common.errors import GanzooError
from ganzoo.metrics import own
from ganzoo.metrics.evaluation import Evaluation
from ganzoo.metrics.scoring import score
from ganzoo.tools.evaluate.subjects import recipe_quality
from ganzoo.training.callbacks.quality import Quality

GAP = "own_metrics.MeanGap"
BRIGHT = {"class_path": "own_metrics.Brightness", "init_args": {"times": 2.0}}
WRONG = {
    "own_metrics.Brigthness": "cannot find own_metrics.Brigthness; .* Did you mean 'Brightness'",
    "own_metrix.Brightness": "cannot import own_metrix.Brightness .*No module named 'own_metrix'",
    "own_metrics.NoMetric": "NoMetric given, but it must be the import path of a torchmetrics Metric",
    "own_metrics.Undecided": "set higher_is_better to True or False",
    "own_metrics.Fid": "has the name fid, which another score has",
    "own_metrics.Loud": "has the name 'LOUD', which must consist of",
    "own_metrics.Deviation": "not end in _std",
    "own_metrics.Pairwise": r"takes \(preds, target\), but it must take \(samples\) or \(samples, real\)",
}


def scores(metrics, **options):
    return score(Model(), Data(), metrics=metrics, samples=40, batch_size=16, cache=False, **options)


def test_samples_are_compared_with_all_real_data_as_often_as_asked():
    data, model = Data(), Model()
    evaluation = Evaluation(data, metrics=[GAP, BRIGHT, "swd"], samples=40, batch_size=16)
    collected = evaluation.collect()
    first = evaluation.scores(model, collected)
    assert list(first) == ["gap[40/test]", "brightness[40]", "swd[40/test]"]
    drawn = torch.cat([Model().sample(n, seed) for n, seed in model.asked])
    assert first["brightness[40]"] == pytest.approx(2 * float(drawn.mean()))
    real = data.dataset.tensors[0].mean()
    assert first["gap[40/test]"] == pytest.approx(float((real - drawn.mean()).abs()), abs=1e-3)
    state = torch.get_rng_state()
    assert evaluation.scores(model, collected) == first
    assert torch.get_rng_state().equal(state)


def test_alone_it_asks_for_real_data_only_where_it_compares():
    assert Evaluation(Data(), metrics=[GAP], samples=40).compares
    assert not Evaluation(Data(), metrics=[BRIGHT], samples=40).compares


def test_points_and_objects_are_taken_and_an_object_is_left_as_it_was():
    mine = Brightness(times=3.0)
    found = score(Model((2,)), Data(points=True), metrics=["good", mine, MeanGap()], samples=40, batch_size=16)
    assert set(found) == {"good[40]", "brightness[40]", "gap[40/test]"}
    assert mine.count == 0


def test_translations_are_compared_with_the_truth():
    model = recolour()
    found = score(model, Negatives(), metrics=[GAP, BRIGHT], samples=50)
    assert set(found) == {"gap[50/test]", "brightness[50]"}
    assert score(model, Negatives(), metrics=[GAP], samples=50)["gap[50/test]"] == found["gap[50/test]"]


@pytest.mark.parametrize("path", WRONG)
def test_what_is_no_metric_is_refused_in_one_line(path):
    with pytest.raises(GanzooError, match=WRONG[path]) as refusal:
        Quality(metrics=[path])
    assert "\n" not in str(refusal.value)


def test_other_mistakes():
    with pytest.raises(GanzooError, match="gap, which another score has"):
        Quality(metrics=[GAP, MeanGap()])
    with pytest.raises(GanzooError, match="times"):
        Quality(metrics=[{"class_path": "own_metrics.Brightness", "init_args": {"tims": 2}}])
    with pytest.raises(GanzooError, match="hold a class_path"):
        Quality(metrics=[{"path": "own_metrics.Brightness"}])
    with pytest.raises(GanzooError, match="monitor: swd given, but it is not computed; choose among gap, brightness"):
        Quality(metrics=[GAP, BRIGHT], monitor="swd")
    with pytest.raises(GanzooError, match=r"many\.compute\(\) must return one number, not \(3,\)"):
        scores(["own_metrics.Many"])


def test_a_strangers_recipe_names_none():
    section = {"quality": {"metrics": [GAP], "seed": 3}}
    ours, theirs = (Origin(Path("it"), "", (), own=own) for own in (True, False))
    assert recipe_quality(ours, section)["metrics"] == [GAP]
    assert recipe_quality(theirs, section) == {"seed": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of 4 generator updates that monitors the mean of its samples' pixels, and also looks at the gap."""
    runs = tmp_path_factory.mktemp("own") / "runs"
    words = ["--quality.metrics", json.dumps([GAP, BRIGHT]), "--quality.monitor", "brightness"]
    steps = ["--trainer.max_steps", 4, "--trainer.val_check_interval", 2, "--runs", runs]
    said = ganzoo("fit", *DIGITS, *words, *steps)
    assert said.status == 0, said.err
    assert "gap[60/test]" in said.out
    return runs / "wgan_gp_digits" / "version_0"


def test_it_chooses_the_best_weights_and_stands_in_recipe_and_card(run):
    state = torch.load(run / "best.ckpt", weights_only=True)["callbacks"]
    (kept,) = [value for value in state.values() if "best_model_score" in value]
    rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    column = rows[0].index("brightness[60]")
    values = [float(row[column]) for row in rows[1:] if len(row) > column and row[column]]
    assert kept["monitor"] == "brightness[60]"
    assert float(kept["best_model_score"]) == pytest.approx(max(values[1:]))  # the untrained model is not kept
    assert yaml.safe_load((run / "recipe.yaml").read_text())["quality"]["metrics"] == [GAP, BRIGHT]
    card = (run / "export" / "README.md").read_text()
    assert "| `gap[60/test]` |" in card
    assert "`gap` is `own_metrics.MeanGap`, no score of ganzoo's (lower is better)." in card


def test_evaluate_says_what_it_was_computed_by(run, tmp_path):
    said = ganzoo("evaluate", run, "--samples", 60, "--metrics", "swd", GAP, "-o", tmp_path / "scores.json")
    assert said.status == 0, said.err
    assert [line.split()[-3:] for line in said.out.splitlines() if line.startswith("gap")] == [
        ["lower", "is", "better"]
    ]
    report = json.loads((tmp_path / "scores.json").read_text())
    assert list(report["scores"]) == ["swd[60/test]", "gap[60/test]"]
    assert report["conditions"]["settings"]["gap"] == own.origin(MeanGap())
    assert ganzoo("evaluate", run, "--samples", 60, "-o", tmp_path / "all.json").status == 0
    again = json.loads((tmp_path / "all.json").read_text())["scores"]
    assert next(iter(again)) == "swd[60/test]"
    assert list(again)[-2:] == ["gap[60/test]", "brightness[60]"]


def test_compare_tables_it_last_with_its_arrow(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = run / "export"
    out = ganzoo("compare", folder, "--checkpoints", "--samples", 60)
    assert out.status == 0, out.err
    head = Path("comparison/comparison.md").read_text(encoding="utf-8").splitlines()[0]
    assert head.endswith("| gap ↓ | brightness ↑ |")


def test_plot_draws_it(run, tmp_path):
    said = ganzoo("plot", run, "-o", tmp_path / "plot.svg")
    assert said.status == 0, said.err
