"""The benchmark of domain adaptation: what it writes, on tiny runs."""

import json

import pytest
import yaml
from benchmark import load_benchmark
from idx import write_mnist

adaptation = load_benchmark("adaptation")


def test_the_table_shows_means_spreads_and_the_lift_of_every_seed():
    runs = {
        "source only, as in the paper": [{"target": t, "source": 0.99, "domain": 1.0} for t in (0.55, 0.65)],
        "source only": [{"target": t, "source": 0.99, "domain": 1.0} for t in (0.6, 0.62)],
        "DANN": [{"target": t, "source": 0.98, "domain": 0.7} for t in (0.8, 0.76)],
    }
    text = adaptation.table({"runs": runs, "seeds": [3, 4], "steps": 10, "hardware": "x", "versions": {"torch": "y"}})
    assert "| source only | 61.0 ± 1.4% | 99.0 ± 0.0% | 100.0 ± 0.0% |" in text
    assert "| DANN | 78.0 ± 2.8% |" in text
    assert "by 18.0 points over 'source only, as in the paper' (+25.0, +11.0), and by 17.0 points" in text
    assert "over 'source only' (+20.0, +14.0 with training seeds 3, 4)" in text


def test_all_train_on_the_same_batches_are_scored_and_not_trained_twice(tmp_path, capsys):
    root, readme, out = str(write_mnist(tmp_path, 64, 48)), tmp_path / "README.md", tmp_path / "adaptation.json"
    start, end = "<!-- comparison-adaptation:start -->", "<!-- comparison-adaptation:end -->"
    readme.write_text(f"before\n{start}\n{end}\nafter\n")
    words = ["--seeds", "0", "--runs", tmp_path / "runs", "--out", out, "--readme", readme, "--root", root]
    words += ["--set", "trainer.max_steps=2", "trainer.val_check_interval=2", "data.batch_size=8"]
    words += ["trainer.log_every_n_steps=1", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false"]
    for _ in range(2):
        adaptation.main([str(word) for word in words])
    said = capsys.readouterr().out
    assert said.count("DANN, seed 0") == said.count("source only, seed 0") == 1
    found = json.loads(out.read_text())
    assert found["steps"] == 2
    assert {name: len(runs) for name, runs in found["runs"].items()} == dict.fromkeys(adaptation.VARIANTS, 1)
    assert all(0 <= share <= 1 for runs in found["runs"].values() for run in runs for share in run.values())
    page = readme.read_text()
    assert page.startswith(f"before\n{start}\n| training |")
    assert page.endswith(f"{end}\nafter\n")
    # the strength is 0 at the first step with the reversal, too: the same batch and weights, so the same loss
    folders = [tmp_path / "runs" / "dann_mnist" / name / "metrics.csv" for name in ("DANN_0", "source_only_0")]
    adapted, plain = (adaptation.read_metrics(file)["c/label"].values[0] for file in folders)
    assert adapted == plain
    other = yaml.safe_load((tmp_path / "runs/dann_mnist/source_only_as_in_the_paper_0/recipe.yaml").read_text())[
        "model"
    ]
    assert other["init_args"]["optimizer"] == "torch.optim.SGD"
    assert other["init_args"]["features"]["init_args"]["norm"] == "none"
    assert (other["init_args"]["lr"], other["init_args"]["reversal"]) == (0.01, 0)


def test_a_readme_without_a_place_is_told_before_anything_is_trained(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no markers\n")
    with pytest.raises(SystemExit, match="comparison-adaptation"):
        adaptation.main(["--readme", str(readme), "--runs", str(tmp_path / "runs")])
    assert not (tmp_path / "runs").exists()
