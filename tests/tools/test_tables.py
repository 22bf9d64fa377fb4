import csv
from pathlib import Path

import pytest
from cells import table

from ganzoo.common.errors import GanzooError
from ganzoo.common.readme import between_markers, markers
from ganzoo.tools.compare import tables
from ganzoo.tools.compare.beside import read_beside
from ganzoo.tools.compare.results import Real, Result
from ganzoo.tools.compare.tables import markdown, spreadsheet

IS, FID, ACCURACY = "is[mnist,10k]", "fid[mnist,10k/test]", "accuracy[mnist,10k]"
START, END = markers()


def result(name="wgan_mnist", title="WGAN", seed: int | None = 0, scores=None, **changed) -> Result:
    conditions = {
        "data": "MNIST",
        "split": "test",
        "items": 10_000,
        "extractor": "mnist",
        "digest": "0123456789ab",
        "samples": 10_000,
        "averaged": True,
        "chosen": "last",
        "machine": "a processor",
        "versions": {"torch": "2.11"},
    }
    facts = {"steps": 5000, "images": 1_600_000, "seconds": 600.0, "hardware": "a processor"}
    facts |= {key: changed.pop(key) for key in facts.keys() & changed.keys()}
    scores = scores or {FID: 10.0, IS: 9.0, "is_std[mnist,10k]": 0.1}
    return Result(name, title, seed, **facts, scores=scores, conditions=conditions | changed, file=Path("last.ckpt"))


def test_mean_and_standard_deviation_over_seeds():
    runs = [result(seed=seed, scores={IS: 9 + seed / 10, FID: fid}) for seed, fid in enumerate([10.0, 12.0, 14.0])]
    row = table(markdown(runs))["WGAN (`wgan_mnist`)"]
    assert row["seeds"] == "3"
    assert row["IS ↑"] == "9.10 ± 0.10"
    assert row["FID ↓"] == "12.0 ± 2.0"
    assert (row["steps"], row["real images seen"], row["wall time"]) == ("5,000", "1.60 M", "10 min")
    assert tables.statistics(runs)[FID] == {"mean": 12, "sd": 2, "runs": 3}


def test_one_seed_has_no_spread():
    text = markdown([result()])
    assert table(text)["WGAN (`wgan_mnist`)"]["FID ↓"] == "10.0"
    assert "±" not in text


def test_numbers_measured_elsewhere_stand_beside_ours_only_where_they_are_asked_for():
    rows = [result("dcgan_mnist", "DCGAN"), result(), result("wgan-gp-mnist", "WGAN-GP"), result("gan_mnist", "GAN")]
    real = [Real("MNIST", "test", 10_000, {IS: 9.8})]
    study = Path(__file__).parents[2] / "docs" / "comparison" / "study.csv"
    text = markdown(rows, real, read_beside(study))
    cells = [(row["IS, 2018 study"], row["FID, 2018 study"]) for row in table(text).values()]
    assert cells == [("1.4837", "203.75"), ("1.5934", "179.76"), ("1.8671", "171.68"), ("", ""), ("", "")]
    assert "cannot be compared" in text
    assert f"--beside {study.relative_to(study.parents[2])}" in (study.parents[2] / "Makefile").read_text()
    assert "study" not in markdown(rows[:3], real)


def test_a_file_of_numbers_that_is_none_is_one_line(tmp_path):
    file = tmp_path / "theirs.csv"
    for text, message in (
        ("name,FID\na,1\n", "must begin with the columns model"),
        ("# only words\n", "must begin with the columns model"),
        ("model,FID\na,1,2\n", "has 2 columns, but the row of 'a' has 3"),
    ):
        file.write_text(text)
        with pytest.raises(GanzooError, match=message):
            read_beside(file)
    with pytest.raises(GanzooError, match="--beside: there is no file"):
        read_beside(tmp_path / "nowhere.csv")


def test_real_images_bound_the_inception_score():
    text = markdown([result()], [Real("MNIST", "test", 10_000, {IS: 9.8})])
    row = table(text)["real test images"]
    assert (row["IS ↑"], row["FID ↓"], row["steps"]) == ("9.80", "", "")
    assert "The 10,000 real test images' own IS is the bound." in text


def test_class_accuracy_has_a_column_where_it_is_measured():
    told = result("cgan_mnist", "CGAN", scores={FID: 10.0, IS: 9.0, ACCURACY: 0.974})
    text = markdown([told], [Real("MNIST", "test", 10_000, {IS: 9.8, ACCURACY: 0.9962})])
    rows = table(text)
    assert list(rows["CGAN (`cgan_mnist`)"])[-3:] == ["IS ↑", "FID ↓", "class accuracy ↑"]
    assert [row["class accuracy ↑"] for row in rows.values()] == ["0.974", "0.996"]
    assert f"class accuracy is `{ACCURACY}`" in text
    assert "takes for the class they were asked for" in text
    assert "own IS and class accuracy are the bounds" in text
    assert "accuracy" not in markdown([result()])


def test_caption_states_the_conditions():
    text = markdown([result(seed=0), result(seed=5)])
    for words in (
        "2 training seeds (0, 5)",
        "at its last step, never at its best",
        "averaged generator",
        f"IS is `{IS}`, FID is `{FID}`",
        "extractor mnist (0123456789ab), 10,000 samples against the 10,000 items of the test split of MNIST",
        "on a processor",
        "with torch 2.11",
    ):
        assert words in text
    assert "hardware that was not recorded" in markdown([result(hardware=None)])


def test_columns_follow_the_scores():
    points = {"wasserstein[50/test]": 0.0123, "modes[50]": 7.0, "good[50]": 0.9}
    toy = result("gan_toy", "GAN", scores=points, data="ring", extractor=None, digest=None)
    rows = table(markdown([toy]))
    assert list(rows["GAN (`gan_toy`)"])[-3:] == ["modes ↑", "good ↑", "wasserstein ↓"]
    assert rows["GAN (`gan_toy`)"]["wasserstein ↓"] == "0.0123"
    mixed = table(markdown([toy, result()]))
    assert mixed["GAN (`gan_toy`)"]["data"] == "ring"
    assert mixed["GAN (`gan_toy`)"]["FID ↓"] == "—"
    other = result("other", "Other", scores={"fid[inception,50k/test]": 3.0})
    assert {f"`{FID}` ↓", "`fid[inception,50k/test]` ↓"} <= table(markdown([result(), other]))["Other (`other`)"].keys()


def test_what_a_checkpoint_does_not_say_is_left_out():
    text = markdown([result(seed=None, steps=None, images=None, seconds=None, hardware=None)])
    assert list(table(text)["WGAN (`wgan_mnist`)"])[:3] == ["model", "IS ↑", "FID ↓"]
    assert "published weights" in text
    assert "`wgan_mnist`: of the last step" in text
    assert "Wall time" not in text


def test_spreadsheet_has_a_row_per_run_and_every_condition():
    rows = list(csv.DictReader(spreadsheet([result(seed=0), result(seed=1)]).splitlines()))
    assert [row["seed"] for row in rows] == ["0", "1"]
    assert rows[0][FID] == "10.0"
    assert (rows[0]["digest"], rows[0]["torch"], rows[0]["hardware"]) == ("0123456789ab", "2.11", "a processor")


def test_readme_changes_between_its_markers_only(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title ±\n{START}\nold\n{END}\nrest\n", encoding="utf-8")
    for _ in range(2):
        between_markers(readme, "| new |\n")
        assert readme.read_text(encoding="utf-8") == f"# Title ±\n{START}\n| new |\n{END}\nrest\n"


def test_tables_with_a_name_have_markers_of_their_own(tmp_path):
    readme = tmp_path / "README.md"
    start, end = markers("all")
    readme.write_text(f"{START}\nold\n{END}\n{start}\n{end}\n")
    between_markers(readme, "new", "all")
    assert readme.read_text() == f"{START}\nold\n{END}\n{start}\nnew\n{end}\n"
    with pytest.raises(GanzooError, match="comparison-conditional:start"):
        between_markers(readme, None, "conditional")
