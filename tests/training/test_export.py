"""Model cards, what a run exports, and what is said at its end."""

import shlex

import pytest
import torch
import yaml
from cards import SCORES, facts, front_matter
from commands import ganzoo
from huggingface_hub import ModelCard
from PIL import Image

import ganzoo as package
from ganzoo.checkpoints import build, folder_format
from ganzoo.checkpoints.card import write_card
from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError
from ganzoo.training import export


def test_the_metadata_block_is_what_the_hub_reads():
    card = ModelCard(write_card(facts()))
    assert (card.data.library_name, card.data.license) == ("ganzoo", "cc-by-sa-3.0")
    assert card.data.tags == ["gan", "wgan-gp"]
    results = {result.metric_name: result for result in card.data.eval_results}
    assert {name: result.metric_value for name, result in results.items()} == pytest.approx(SCORES, rel=1e-2)
    assert {result.metric_type for result in results.values()} == {"fid", "is", "kid"}
    assert {result.dataset_name for result in results.values()} == {"MNIST"}


def test_ganzoo_finds_in_it_what_a_comparison_needs():
    about = front_matter(write_card(facts()))[0]["ganzoo"]
    known = {"recipe": "wgan_gp_mnist", "steps": 8000, "images": 2_560_000, "seconds": 5400, "weights": "best"}
    assert about | known == about


@pytest.mark.parametrize(
    "said",
    [
        "# wgan-gp-mnist",
        "![samples](samples.png)",
        'ganzoo.load("wgan-gp-mnist").sample(16, seed=0)  # (16, 1, 32, 32) in [-1, 1]',
        "Improved Training of Wasserstein GANs",  # the paper
        "licence: CC BY-SA 3.0",
        "seed 3",
        "bf16-mixed",
        "8,000 (the best step",
        "2,560,000 real images",
        "1 h 30 min on an abacus, 2 cores",
        "generator 1,234,567, discriminator 7,654",
        "| `fid[mnist,10k/test]` | 6.28 |",
        "## Intended use and limits",
    ],
)
def test_the_card_says(said):
    assert said in front_matter(write_card(facts()))[1]


def test_the_card_says_no_more_than_is_known():
    bare = write_card(facts())
    assert "Does it copy?" not in bare
    assert "Share of samples" not in bare
    assert "What does a code keep?" not in bare
    told = write_card(
        facts(distances=[0.5, 0.25, 0.75], classifier="mnist", shares={"0": 0.1, "1": 0.9}, redrawn=0.1234)
    )
    assert "smallest 0.250, median 0.500" in told
    assert "![samples above their nearest training images](neighbours.png)" in told
    assert "![held-out images above their reconstructions](reconstructions.png)" in told
    assert "[-1, 1]: 0.123." in told
    assert "Parameters: a 7; stored" in write_card(facts(parameters={"a": 7, "b": 0}))
    assert "| 0 | 1 |\n|---|---|\n| 10.0% | 90.0% |" in told


def test_the_last_weights_are_not_called_the_best():
    assert "8,000 (the last step)" in write_card(facts(weights="last"))


def test_a_licence_without_a_name_on_the_hub_is_other():
    assert front_matter(write_card(facts(licence="no explicit licence")))[0]["license"] == "other"


def test_a_run_ends_with_its_scores_and_commands_that_work(digits_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = {line[:24].strip(): line[25:] for line in digits_run.said.out.splitlines()[1:]}
    metrics = read_metrics(digits_run.folder / "metrics.csv")
    (score,) = [name for name in metrics if name.startswith("swd")]
    before, after = metrics[score].values[[0, -1]]
    assert said[score] == f"{before:.4g} before, {after:.4g} after training"
    assert "6 generator steps (best weights)" in said["time"]
    step = torch.load(digits_run.folder / "best.ckpt", weights_only=True)["global_step"]
    picture, _, about = said["samples"].partition(" (")
    assert about == f"step {step})"  # what is shown is what was exported
    assert picture == str(digits_run.folder / "export" / "samples.png")
    assert Image.open(picture).size[0] > 24
    for command in (said["curves"], said["draw more"]):
        name, *words = shlex.split(command)
        answer = ganzoo(*words)
        assert (name, answer.status) == ("ganzoo", 0), answer.err
        assert Image.open(answer.out.strip()).format == "PNG"


def test_an_export_describes_itself(digits_run):
    folder = digits_run.folder / "export"
    about, body = front_matter((folder / "README.md").read_text())
    assert about["ganzoo"]["recipe"] == "wgan_gp_digits"
    assert about["ganzoo"]["steps"] == 6
    assert about["ganzoo"]["images"] == 6 * 2 * 64  # two critic steps on 64 digits for each of the generator's
    assert about["model-index"][0]["name"] == "wgan-gp-digits-version-0"
    assert "neighbours.png" in body
    pictures = [Image.open(folder / name) for name in ("samples.png", "neighbours.png")]
    assert all(picture.size[0] >= 8 * 8 for picture in pictures)


def test_a_published_recipe_holds_nothing_of_the_machine(digits_run):
    full = yaml.safe_load((digits_run.folder / "recipe.yaml").read_text())
    full["data"]["init_args"]["root"] = "/home/me/pictures.zip"
    published = yaml.safe_load(build.publishable_recipe(full))
    assert published["data"]["init_args"]["root"] is None
    assert set(published) == {"seed_everything", "model", "data", "quality", "trainer"}
    assert set(published["trainer"]) == {"max_steps", "precision", "val_check_interval"}
    assert published["model"] == full["model"]


def test_a_published_recipe_keeps_a_root_that_others_have(digits_run):
    full = yaml.safe_load((digits_run.folder / "recipe.yaml").read_text())
    full["data"]["init_args"]["root"] = "portraits.zip"
    assert yaml.safe_load(build.publishable_recipe(full))["data"]["init_args"]["root"] == "portraits.zip"


def test_last_weights_can_be_exported_and_loaded(digits_run, tmp_path):
    out = tmp_path / "my-digits"
    told = export.export_run(digits_run.folder, out, weights="last", samples=20)
    assert told.weights == "last"
    assert [name.partition("[")[2] for name in told.scores] == ["20/test]"]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*folder_format.FILES, folder_format.CURVES, "neighbours.png"]
    )
    model = package.load(out)
    assert "# my-digits" in model.card
    assert model.sample(5).shape == (5, 1, 8, 8)


def test_a_folder_without_weights_is_no_run(tmp_path):
    with pytest.raises(GanzooError, match=r"is no run with a best\.ckpt"):
        export.export_run(tmp_path, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
