"""Settings of one recipe in one comparison: what they are called, kept as, and told to each run."""

import json
from pathlib import Path

import pytest
from cells import table
from commands import ganzoo

from ganzoo.common import vary
from ganzoo.common.errors import GanzooError
from ganzoo.tools.compare.comparison import write_comparison
from ganzoo.tools.compare.runs import Contender
from ganzoo.training.runs import read_progress

CLASSES = {"model": "ganzoo.models.wgan_gp.WGANGP", "data": "ganzoo.data.Digits"}


def test_commas_in_brackets_and_quotes_part_nothing():
    assert vary.split_at_commas("1e-4, 2e-4") == ["1e-4", "2e-4"]
    assert vary.split_at_commas("[0,0.9],[0.5,0.999]") == ["[0,0.9]", "[0.5,0.999]"]
    assert vary.split_at_commas("{values: [1, 0], at: [0, 1]},'a,b'") == ["{values: [1, 0], at: [0, 1]}", "'a,b'"]


def test_several_keys_make_every_combination():
    pairs = [{"a": x, "b": y} for x in ("1", "2") for y in ("3", "4")]
    assert vary.setting_combinations(["a=1,2", "b=3,4"]) == pairs
    assert vary.setting_combinations([]) == [{}]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("g_lr", "model.init_args.g_lr"),
        ("generator.hidden", "model.init_args.generator.hidden"),
        ("flip", "data.init_args.flip"),
        ("trainer.precision", "trainer.precision"),
        ("model.init_args.g_lr", "model.init_args.g_lr"),
    ],
)
def test_short_names_are_arguments_of_the_model_or_the_data(key, name):
    assert vary.full_name(key, CLASSES) == name


def test_what_cannot_be_varied_is_refused_in_one_line(recipes, commands):
    wrong = {
        "g_lrr=1,2": "g_lrr is no argument of WGANGP or Digits. Did you mean 'g_lr'",
        "g_lr": "must be of the form KEY=VALUE,VALUE",
        "g_lr=": "must be of the form KEY=VALUE,VALUE",
        "g_lr=1e-4,0.0001": "'digits, g_lr=0.0001' is there twice",
        "g_lr=1e-4,high": r"model.g_lr: must be a float, not high",
        "seed_everything=1,2": "give several with --seeds",
    }
    for text, message in wrong.items():
        assert message in ganzoo("compare", "digits.yaml", "--vary", text).error
    said = ganzoo("compare", "digits.yaml", "--vary", "g_lr=1", "--vary", "g_lr=2")
    assert "g_lr is given twice" in said.error
    said = ganzoo("compare", "digits.yaml", "--vary", "trainer.max_steps=1,2", "--steps", 3)
    assert "give no --steps" in said.error
    assert "trains nothing" in ganzoo("compare", "dcgan-mnist", "--checkpoints", "--vary", "g_lr=1,2").error
    assert not commands


def test_a_folder_is_told_by_its_values_and_can_be_looked_for():
    assert vary.run_folder_name({}, 3) == "seed_3"
    assert vary.run_folder_name({"g_lr": 0.0001, "n_critic": 5}, 0) == "g_lr=0.0001_n_critic=5_seed_0"
    names = [vary.run_folder_name({"betas": betas}, 0) for betas in ([0.0, 0.9], [0.5, 0.9], [0.0, [0.9]])]
    assert len(set(names)) == 3
    assert all(name.startswith("betas=_0.") and name.endswith("_seed_0") for name in names)
    assert not any(set(name) & set("[]*?/ ,") for name in names)
    assert len(vary.run_folder_name({"hidden": list(range(100))}, 0)) < 120


def test_settings_are_trained_apart_reused_and_shown_in_rows(recipes, commands):
    options = {"runs": Path("runs"), "out": Path("out"), "samples": 60}
    text = write_comparison(["digits.yaml"], [0], varied=["g_lr=1e-3,2e-3", "n_critic=1,2"], **options).read_text(
        "utf-8"
    )
    settings = [f"g_lr={rate}, n_critic={n}" for rate in (0.001, 0.002) for n in (1, 2)]
    assert list(table(text)) == [f"WGAN-GP (`digits, {setting}`)" for setting in settings]
    runs = sorted(path.name for path in Path("runs/digits").iterdir())
    assert runs == [f"{setting.replace(', ', '_')}_seed_0" for setting in settings]
    assert "g_lr: 0.002" in Path("runs/digits/g_lr=0.002_n_critic=2_seed_0/recipe.yaml").read_text()
    head, *rows = Path("out/comparison.csv").read_text().splitlines()
    columns = [head.split(",").index(name) for name in ("name", "seed")]
    assert {"g_lr", "n_critic"} <= set(head.split(","))
    assert len(rows) == 4
    assert max(columns) < 5
    numbers = json.loads(Path("out/comparison.json").read_text())
    assert [run["setting"] for run in numbers["runs"]][1] == {"g_lr": 0.001, "n_critic": 2}

    commands.clear()
    write_comparison(["digits.yaml"], [0], varied=["g_lr=0.001", "n_critic=2"], **options)
    assert not commands
    write_comparison(["digits.yaml"], [0], varied=["g_lr=0.001", "n_critic=2"], steps=[6], **options)
    assert [command[-2:] for command in commands] == [["--ckpt_path", "last"]]
    assert read_progress(Path("runs/digits/g_lr=0.001_n_critic=2_seed_0/last.ckpt"))["steps"] == 6


def test_nested_arguments_and_data_are_varied_too(recipes):
    entry = Contender("digits", Path("digits.yaml"), [], 50, {"generator.hidden": "[8, 8]", "batch_size": "32"})
    assert entry.setting == {"generator.hidden": [8, 8], "batch_size": 32}
    assert entry.datamodule.batch_size == 32
    assert [layer.out_features for layer in entry.recipe.model.generator.net if hasattr(layer, "out_features")] == [
        8,
        8,
        64,
    ]
    with pytest.raises(GanzooError, match="no argument"):
        Contender("digits", Path("digits.yaml"), [], 50, {"hidden": "[8]"})
