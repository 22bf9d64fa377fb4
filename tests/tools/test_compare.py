import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from cells import table
from short_recipes import AUTOENCODER

from ganzoo.common.curves import Curve
from ganzoo.common.errors import GanzooError
from ganzoo.common.readme import markers
from ganzoo.tools.compare import figures, runs
from ganzoo.tools.compare.comparison import write_comparison
from ganzoo.tools.compare.runs import Contender, train
from ganzoo.training.runs import read_progress

FID = "fid[mnist,10k/test]"
START, END = markers()


def curve(values, steps=None) -> Curve:
    return Curve(np.arange(1, len(values) + 1) if steps is None else np.array(steps), np.array(values, float))


@pytest.mark.parametrize("text", ["no markers", START, f"{END}\n{START}", f"{START}\n{END}\n{START}\n{END}"])
def test_readme_without_markers_is_refused_before_anything_is_trained(tmp_path, recipes, commands, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(GanzooError, match="comparison:start"):
        write_comparison(recipes, [0], readme=readme)
    assert readme.read_text() == text
    assert not commands


def test_tracking_is_a_rank_correlation():
    falling = curve([5, 4, 3, 2, 1])
    run = {"d/wasserstein": falling, FID: curve([250, 80, 40, 30, 29])}
    fit = figures.tracking(run)
    assert fit is not None
    assert (fit["score"], fit["points"], fit["spearman"]) == (FID, 5, pytest.approx(1))
    assert 0 < fit["pearson"] < 1
    assert figures.tracking({"d/wasserstein": falling, FID: curve([3, 1], [1, 5])}) is None
    # the untrained model is scored, too, but there is no estimate yet
    assert figures.tracking({"d/wasserstein": falling, FID: curve([9, 3, 2, 1], [0, 1, 3, 5])})["points"] == 3
    assert figures.tracking({FID: falling}) is None


def test_curves_have_a_panel_per_quantity():
    critic = {"d/wasserstein": curve([1, 2, 3]), FID: curve([3, 2, 1])}
    models = {"DCGAN": [{"d/acc_real": curve([0, 1]), FID: curve([3, 2])}], "WGAN": [critic, critic], "WGAN-GP": []}
    figure = figures.draw_curves(models)
    assert figure is not None
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["real samples judged rightly by D", "Wasserstein estimate, WGAN", FID]
    assert [line.get_ydata().tolist() for line in figure.axes[2].lines][-1] == [3, 2, 1]
    assert figure.axes[1].get_xlabel() == "rank correlation with FID: -1.00"
    assert figures.draw_curves({"GAN": []}) is None


def test_many_models_are_named_at_the_ends_of_their_curves():
    models = {f"GAN {n}": [{FID: curve([9, n + 1])}] for n in range(8)}
    figure = figures.draw_curves(models)
    assert figure is not None
    assert {text.get_text() for text in figure.axes[0].texts} == {f"{n + 1}  GAN {n}" for n in range(8)}
    heights = [text.get_position()[1] for text in figure.axes[0].texts]
    assert max(heights) <= 1.01
    assert len({line.get_color() for line in figure.axes[0].lines}) == 8


def test_runs_are_trained_continued_and_reused(recipes, commands, tmp_path):
    out = write_comparison(recipes, [0, 1], runs=Path("runs"), out=Path("out"), samples=60)
    assert out == Path("out/comparison.md")
    assert [command[command.index("--version") + 1] for command in commands] == ["seed_0", "seed_0", "seed_1", "seed_1"]
    assert read_progress(Path("runs/toy/seed_1/last.ckpt"))["steps"] == 4
    first = {file.name: file.read_bytes() for file in sorted(Path("out").iterdir())}
    assert list(first) == ["comparison.csv", "comparison.json", "comparison.md", "comparison.png", "curves.png"]
    rows = table(out.read_text(encoding="utf-8"))
    assert [row["steps"] for row in rows.values()] == ["4", "4"]
    assert "±" in rows["WGAN-GP (`digits`)"]["SWD ↓"]
    assert "±" in rows["GAN (`toy`)"]["modes ↑"] + rows["GAN (`toy`)"]["wasserstein ↓"]
    numbers = json.loads(first["comparison.json"])
    assert numbers["models"]["digits"]["scores"]["swd[60/test]"]["runs"] == 2
    assert [(fit["name"], fit["seed"], fit["points"]) for fit in numbers["tracking"]] == [
        ("digits", 0, 4),
        ("digits", 1, 4),
    ]
    scored = json.loads(Path("runs/digits/seed_0/scores.json").read_text())
    assert scored["conditions"]["samples"] == 60

    commands.clear()
    times = {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*") if file.is_file()}
    write_comparison(recipes, [0, 1], runs=Path("runs"), out=Path("out"), samples=60)
    assert not commands
    assert times == {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*") if file.is_file()}
    assert first == {file.name: file.read_bytes() for file in sorted(Path("out").iterdir())}

    write_comparison(["toy.yaml"], [1], steps=[6], runs=Path("runs"), out=Path("out"), samples=60)
    assert [command[-2:] for command in commands] == [["--ckpt_path", "last"]]
    assert read_progress(Path("runs/toy/seed_1/last.ckpt"))["steps"] == 6

    shutil.copytree("runs/digits/seed_0/export", "checkpoints/my-digits")
    text = write_comparison(["checkpoints/my-digits"], [], out=Path("shelf"), samples=60, checkpoints=True).read_text(
        "utf-8"
    )
    assert "WGAN-GP (`my-digits`)" in table(text)
    assert "seeds" not in text.splitlines()[0]
    assert {file.name for file in Path("shelf").iterdir()} >= {"comparison.png", "comparison.csv"}


def test_a_budget_of_images_is_the_same_for_every_discriminator(recipes, commands):
    critic = "--model.init_args.n_critic={values: [4, 2], at: [0, 0.5]}"
    options = {"overrides": [critic, "--trainer.val_check_interval=60"], "images": 60 * 64, "samples": 60}
    text = write_comparison(["digits.yaml"], [0], runs=Path("runs"), out=Path("out"), **options).read_text("utf-8")
    (row,) = table(text).values()
    # 60 batches, 3 to a generator update
    assert (row["steps"], row["real images seen"]) == ("20", "3,840")
    for wrong in ({"steps": [4]}, {"checkpoints": True}):
        with pytest.raises(GanzooError, match="how long to train"):
            write_comparison(["digits.yaml"], [0], images=3600, **wrong)
    with pytest.raises(GanzooError, match="10 are less than 'digits' takes"):
        write_comparison(["digits.yaml"], [0], images=10)


def test_an_autoencoder_stands_beside_gans(recipes, commands):
    Path("autoencoder.yaml").write_text(AUTOENCODER)
    names = ["digits.yaml", "autoencoder.yaml"]
    options = {"overrides": ["--model.init_args.ema=0.9"], "images": 640, "samples": 60}
    text = write_comparison(names, [0], runs=Path("runs"), out=Path("out"), **options).read_text("utf-8")
    rows = table(text)
    assert [row["real images seen"] for row in rows.values()] == ["640", "640"]
    assert float(rows["Autoencoder (`autoencoder`)"]["SWD ↓"]) > 0
    assert "Samples come from the averaged generator." in text
    assert {file.name for file in Path("runs/autoencoder/seed_0/export").iterdir()} >= {"reconstructions.png"}


def test_further_extractors_have_columns_and_conditions_of_their_own(recipes, commands):
    size = [f"--model.init_args.{network}.init_args.shape=[1,32,32]" for network in ("generator", "discriminator")]
    size += ["--data.init_args.size=32"]
    options = {"overrides": size, "steps": [2], "runs": Path("runs"), "out": Path("out"), "samples": 60}
    text = write_comparison(["digits.yaml"], [0], features=["mnist"], **options).read_text("utf-8")
    (row,) = table(text).values()
    assert float(row["FID ↓"]) > 0
    assert "FID is `fid[mnist,60/test]`: extractor mnist (" in text
    assert "SWD is `swd[60/test]`: 60 samples against" in text
    stored = json.loads(Path("runs/digits/seed_0/scores.json").read_text())["conditions"]
    assert stored["extractor"] is None
    assert list(stored["further"]) == ["mnist"]


def test_a_run_that_is_there_must_be_the_same_run(recipes, commands):
    digits = Contender("digits", Path("digits.yaml"), ["--trainer.max_steps=2"], 50)
    train(digits, 0, Path("runs"))
    train(digits, 0, Path("runs"))
    assert len(commands) == 1
    with pytest.raises(GanzooError, match=r"trained with model\.init_args\.n_critic = 1, not 2"):
        train(Contender("digits", Path("digits.yaml"), ["--model.init_args.n_critic=2"], 50), 0, Path("runs"))
    with pytest.raises(GanzooError, match="has taken 2 steps already, more than the 1 asked for"):
        train(Contender("digits", Path("digits.yaml"), ["--trainer.max_steps=1"], 50), 0, Path("runs"))
    Path("runs/digits/seed_0/last.ckpt").write_bytes(b"half")
    with pytest.raises(GanzooError, match=r"last\.ckpt' is damaged"):
        train(digits, 0, Path("runs"))


def test_a_failing_training_names_run_and_log(recipes, commands, monkeypatch):
    monkeypatch.setattr(runs, "_run", lambda command, log: log.write_text("ganzoo: error: the disk is full.\n"))
    toy = Contender("toy", Path("toy.yaml"), [], 50)
    with pytest.raises(GanzooError, match=r"'runs/toy/seed_0' failed: .*disk is full.*fit\.log"):
        train(toy, 0, Path("runs"))


def test_mistakes_show_before_anything_is_trained(recipes, commands):
    with pytest.raises(GanzooError, match="twice"):
        write_comparison(["toy.yaml", "./toy.yaml"], [0])
    with pytest.raises(GanzooError, match="sets no number of steps"):
        write_comparison(recipes, [0], overrides=["--trainer.max_steps=-1"])
    with pytest.raises(GanzooError, match="no such argument"):
        write_comparison(recipes, [0], overrides=["--model.init_args.n_critik=2"])
    with pytest.raises(GanzooError, match="no checkpoint 'nothing'"):
        write_comparison(["nothing"], [], checkpoints=True)
    assert not commands


def test_trains_in_a_process_of_its_own(recipes):
    train(Contender("digits", Path("digits.yaml"), ["--trainer.max_steps=1"], 50), 3, Path("runs"))
    assert read_progress(Path("runs/digits/seed_3/last.ckpt"))["steps"] == 1
    assert "1 generator steps" in Path("runs/digits/seed_3/fit.log").read_text()


def test_ctrl_c_waits_for_the_training_to_save(tmp_path, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.time, "sleep", interrupt)
    saved = tmp_path / "saved"
    slow = f"import time, pathlib; time.sleep(0.3); pathlib.Path({str(saved)!r}).touch()"
    with pytest.raises(KeyboardInterrupt):
        runs._run([sys.executable, "-c", slow], tmp_path / "fit.log")
    assert saved.exists()
