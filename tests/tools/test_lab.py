"""The toy laboratory: every method runs on the common networks, and the sheet says what came out."""

import csv
import json
from dataclasses import replace

import pytest
import torch

from ganzoo.cli import main
from ganzoo.tools.lab import figure, laboratory
from ganzoo.tools.lab.laboratory import METHODS, build_game, mean_and_deviation, results_table, slug, train_method
from ganzoo.tools.lab.results import LabResult


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_on_points(name, monkeypatch):
    monkeypatch.setattr(laboratory, "BATCH", 32)
    monkeypatch.setattr(laboratory, "SAMPLES", 64)
    result = train_method(name, "ring", seed=0, steps=2)
    assert result.scores.keys() == {"modes", "good", "wasserstein"}
    assert torch.tensor(result.points).shape == (1000, 2)
    assert torch.tensor(result.points).isfinite().all()


def test_methods_share_one_generator():
    generators = [build_game(method).generator for method in METHODS.values()]
    assert len({str(generator) for generator in generators}) == 1


def test_the_command_trains_only_what_is_missing_and_writes_table_and_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(laboratory, "SAMPLES", 64)
    command = [
        "lab",
        "--methods",
        "vanilla",
        "WGAN-GP",
        "--data",
        "ring",
        "swiss_roll",
        "--steps",
        "2",
        "-o",
        str(tmp_path),
        "--readme",
        str(tmp_path / "page.md"),
    ]
    (tmp_path / "page.md").write_text("above\n<!-- comparison-lab:start -->\n<!-- comparison-lab:end -->\nbelow\n")
    main(command)
    file = tmp_path / "runs" / "vanilla_ring_2_0.json"
    kept = json.loads(file.read_text())
    kept["scores"]["modes"] = 5.0
    file.write_text(json.dumps(kept))
    main(command)
    rows = list(csv.DictReader((tmp_path / "lab.csv").open()))
    assert [(row["method"], row["data"]) for row in rows] == [
        (name, kind) for name in ("vanilla", "WGAN-GP") for kind in ("ring", "swiss_roll")
    ]
    assert float(rows[0]["modes"]) == 5
    assert rows[1]["modes"] == ""
    assert "| vanilla | 0.002, 0.0002 | 1 | 5.0 |" in (tmp_path / "lab.md").read_text()
    page = (tmp_path / "page.md").read_text()
    assert (tmp_path / "lab.md").read_text().strip() in page
    assert page.startswith("above\n")
    assert page.endswith("below\n")
    assert (tmp_path / "lab.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "lab.png") in capsys.readouterr().out


def test_a_run_with_other_settings_is_trained_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(laboratory, "SAMPLES", 64)
    laboratory.run_laboratory(tmp_path, ["vanilla"], ["ring"], steps=1)
    file = tmp_path / "runs" / "vanilla_ring_1_0.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"scores": {"modes": 5.0, "good": 1, "wasserstein": 1}}))
    assert laboratory.run_laboratory(tmp_path, ["vanilla"], ["ring"], steps=1)[0].scores["modes"] == 5
    monkeypatch.setitem(METHODS, "vanilla", METHODS["vanilla, even rates"])
    assert laboratory.run_laboratory(tmp_path, ["vanilla"], ["ring"], steps=1)[0].scores["modes"] < 5
    assert "0.001" in json.loads(file.read_text())["settings"]


def test_cures_play_at_vanillas_very_rates_and_objectives_at_these_and_at_even_ones():
    for name in laboratory.CURES:
        tenfold = name.endswith("10:1") or (name.startswith("vanilla") and name != "vanilla, even rates")
        assert METHODS[name].rates == ((2e-3, 2e-4) if tenfold else (1e-3, 1e-3))
    for name in laboratory.RIVALS:
        pair = [build_game(METHODS[one]) for one in (name, f"{name}, 10:1")]
        rates = [[p.optim([torch.zeros(1)]).param_groups[0]["lr"] for p in model.players()] for model in pair]
        assert rates == [[1e-3, 1e-3], [2e-4, 2e-3]]
        assert pair[0].n_critic == pair[1].n_critic


def test_what_is_named_twice_counts_once(tmp_path, monkeypatch):
    monkeypatch.setattr(laboratory, "SAMPLES", 64)
    results = laboratory.run_laboratory(tmp_path, ["vanilla", "vanilla"], ["ring", "ring"], [0, 0], steps=1)
    assert len(results) == 1
    assert "±" not in (tmp_path / "lab.md").read_text()


def test_a_misspelt_method_is_one_line(tmp_path, capsys):
    assert main(["lab", "--methods", "vanila", "-o", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "'vanila'" in said
    assert "vanilla" in said


def test_data_that_is_not_there_is_refused_before_anything_is_made(tmp_path, capsys):
    assert main(["lab", "--data", "rnig", "-o", str(tmp_path / "lab")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--data: invalid choice: 'rnig'" in said
    assert not (tmp_path / "lab").exists()


def test_the_table_gives_mean_and_deviation_over_seeds():
    results = [
        LabResult("vanilla", "ring", seed, 10, 1.0, {"modes": modes, "good": 0.5, "wasserstein": 0.25}, [])
        for seed, modes in enumerate((6.0, 8.0))
    ]
    assert "| vanilla | 0.002, 0.0002 | 1 | 7.0 ± 1.4 | 50% ± 0% | 0.250 ± 0.000 |" in results_table(
        results, ["vanilla"], ["ring"]
    )
    assert mean_and_deviation([3.0], "{:.1f}") == "3.0"
    assert slug("f-GAN, reverse KL") == "f_gan_reverse_kl"


def test_captions_count_modes_where_there_are_any_and_say_how_far_off_a_roll_is():
    scores = {"modes": 7.0, "good": 0.815, "wasserstein": 0.804}
    result = LabResult("vanilla", "ring", 0, 10, 1.0, scores, [])
    assert figure.cell_caption(result) == "7/8 modes, 82% good"
    assert figure.cell_caption(replace(result, kind="swiss_roll")) == "82% good, W₁ 0.80"


def test_long_names_break_before_what_they_add():
    assert figure.wrap_name("hinge + SN") == "hinge + SN"
    assert figure.wrap_name("vanilla + minibatch discrimination") == "vanilla\n+ minibatch\ndiscrimination"
