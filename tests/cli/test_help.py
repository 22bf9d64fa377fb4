"""Help of `ganzoo fit` and its like: our options first, a recipe's arguments with their values, lines that fit."""

import re

import pytest
from commands import ganzoo

from ganzoo import cli
from ganzoo.common import registry
from ganzoo.common.recipe_files import load_recipe

OWN = """
from ganzoo.models.gan import GAN

class Mine(GAN):
    '''All mine: 100%.

    Args:
        luck: 50% of it.
    '''

    def __init__(self, *args, luck: float = 0.5, **kwargs):
        super().__init__(*args, **kwargs)
"""


@pytest.fixture(autouse=True)
def _columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def options(text):
    """Returns the options that a help shows, with what follows each: a value or a placeholder."""
    return dict(re.findall(r"^  (?:-\w(?: \w+)?, )?(--[\w.-]+)(?: (.+?))?(?:  .*)?$", text, re.M))


def sections(text):
    """Returns the titles of a help's sections with their lines."""
    parts = re.split(r"^(\S.*):$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_help_begins_with_the_recipe_and_our_own_options():
    text = ganzoo("fit", "--help").out
    assert [*options(text)][:3] == ["--recipe", "--ckpt_path", "--runs"]
    titles = [title.partition(",")[0] for title in sections(text)]
    assert titles == ["examples", "options", "data", "trainer", "model", "quality", "grid", "collapse"]
    shown = options(text)
    assert {"--data.root", "--trainer.devices", "--trainer.precision", "--model.ema", "--help-all"} <= {*shown}
    assert (shown["--save_every"], shown["--quality.samples"], shown["--grid.every"]) == ("500", "10000", "500")
    assert len(text.splitlines()) < 200
    assert ganzoo("fit", "-h").out == text


def test_every_option_of_ours_stands_in_the_short_help_and_lightnings_in_the_long_one():
    """An option that is added to the parser alone, and not where the help finds it, fails here."""
    everything = ganzoo("fit", "--help-all").out
    ours = {flag for flag in options(everything) if not flag.startswith(("--trainer", "--model", "--data"))}
    ours = {flag for flag in ours if not flag.endswith(".help")}
    ours -= {"--quality", "--grid", "--collapse", "--weights_only"}  # files for sections; PyTorch's
    assert ours - {*options(ganzoo("fit", "--help").out)} == set()
    assert len(ours) > 20
    assert {"--trainer.gradient_clip_val", "--trainer.limit_val_batches"} <= {*options(everything)}
    assert everything.startswith("`--recipe NAME` stands for")


def test_examples_are_of_recipes_that_are_there():
    for command in cli.TRAINING:
        text = sections(ganzoo(command, "--help").out)["examples"]
        named = re.findall(r"--recipe (\S+)", text)
        assert len(named) > 2
        assert {*named} <= {*registry.list_recipes()}


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_lines_fit_the_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    recipes = [["--recipe", name] for name in (registry.list_recipes() if columns == 80 else ["pix2pix_facades"])]
    for words in ([], ["fit"], ["predict"], *(["fit", *recipe] for recipe in recipes)):
        lines = ganzoo(*words, "--help").out.splitlines()
        examples = [line for line in lines if line.startswith("  ganzoo ")]  # commands are not broken
        assert [line for line in lines if len(line) > columns and line not in examples] == []
        assert max(map(len, examples), default=0) <= 80


@pytest.mark.parametrize("command", [*cli.commands()])
def test_other_commands_fit_80_columns(command):
    assert [line for line in ganzoo(command, "--help").out.splitlines() if len(line) > 80] == []


def test_a_recipe_shows_its_classes_with_its_values_and_their_meaning():
    text = ganzoo("fit", "--recipe", "cgan_mnist", "--help").out
    assert "CGAN: both networks are told the class." in text
    assert "https://arxiv.org/abs/1411.1784" in text
    parts = sections(text)
    assert "model, ganzoo.models.cgan.CGAN" in parts
    network = " ".join(parts["model.discriminator.network, ganzoo.networks.dcgan.DCGANDiscriminator"].split())
    assert "--model.discriminator.network.width 32 channels of the first hidden layer" in network
    assert "norm batch normalisation of the hidden layers" in network
    assert "(batch or layer or none)" in network  # the recipe gives the default
    shown = options(text)
    recipe = load_recipe(registry.find_recipe("cgan_mnist"))
    assert float(shown["--model.g_lr"]) == recipe["model"]["init_args"]["g_lr"]
    assert shown["--model.lr_factor"] == "{values: [1, 1, 0], at: [0, 0.35, 1], kind: linear}"
    assert shown["--model.betas"] == "[0.5, 0.999]"  # of the class, which the recipe leaves
    assert shown["--model.generator"] == "ganzoo.networks.conditional.LabelledGenerator"
    assert (shown["--trainer.max_steps"], shown["--quality.monitor"], shown["--data.size"]) == ("6000", "fid", "32")


def test_what_is_given_beside_the_recipe_is_shown():
    words = ["--recipe", "cgan_mnist", "--data=ganzoo.data.ImageFolder", "--data.root", "my pictures"]
    words += ["--model.init_args.generator.init_args.network.init_args.width=48", "--trainer.max_steps", "7"]
    words += ["--model.discriminator.network", "ganzoo.networks.mlp.MLPDiscriminator", "--model.ema", "null"]
    text = ganzoo("fit", "--help", *words).out
    shown = options(text)
    assert "data, ganzoo.data.ImageFolder" in sections(text)
    assert (shown["--data.root"], shown["--data.held_out"]) == ("my pictures", "0.0")
    assert (shown["--model.generator.network.width"], shown["--trainer.max_steps"]) == ("48", "7")
    assert shown["--model.generator.network.latent_dim"] == "200"
    assert shown["--model.ema"] == "null"
    assert "--model.discriminator.network.hidden" in shown
    assert "--model.discriminator.network.spectral" not in shown


def test_what_follows_the_data_is_said_so_unless_it_is_stated():
    words = ["--recipe", "cgan_mnist", "--model.generator.network.size", "48"]
    text = " ".join(ganzoo("fit", *words, "--help").out.split())
    size = "size INT side of the images in pixels, at least 8 (int; follows the data)"
    assert f"--model.discriminator.network.{size}" in text
    assert "--model.generator.n_classes INT number of classes (int; follows the data)" in text
    assert "--model.generator.network.size 48 side of the images in pixels, at least 8 (int" in text
    assert "--data.size 32 height and width of the images in pixels (int)" in text  # which does not follow itself


def test_classes_in_a_list_are_named(tmp_path):
    entry = "[{class_path: ganzoo.stabilisers.ADA, init_args: {flips: false}}]"
    shown = options(ganzoo("fit", "--recipe", "gan_mnist", "--model.stabilisers", entry, "-h").out)
    assert shown["--model.stabilisers"] == "[ganzoo.stabilisers.ADA]"


def test_a_recipe_of_ones_own_is_described(tmp_path, monkeypatch):
    (tmp_path / "games.py").write_text(OWN)
    file = tmp_path / "mine.yaml"
    file.write_text("model: {class_path: games.Mine, init_args: {luck: 0.7}}\ndata: MNIST\n")
    monkeypatch.syspath_prepend(tmp_path)
    text = ganzoo("fit", "--config", file, "--help").out
    assert "All mine: 100%." in text
    assert re.search(r"--model.luck 0.7 +50% of it \(float; default 0.5\)\n", text)
    assert "--model.generator" in options(text)
    assert "data, ganzoo.data.MNIST" in sections(text)
    assert "--model.luck" in options(ganzoo("fit", "--recipe", file, "--help").out)

    file.write_text("model: {class_path: nowhere.Mine}\n")
    text = " ".join(ganzoo("fit", "--recipe", file, "--help").out.split())
    assert "model, nowhere.Mine: Its source cannot be found; --model.help nowhere.Mine shows what it takes." in text


def test_who_scores_or_draws_is_told_no_options_of_training():
    shown = {command: options(ganzoo(command, "--help").out) for command in cli.TRAINING}
    assert shown["validate"] == shown["test"]
    assert {"--ckpt_path", "--version", "--quality.metrics", "--trainer.devices"} <= {*shown["validate"]}
    for command in ("validate", "predict"):
        assert {"--save_every", "--grid.every", "--trainer.max_steps", "--model.g_lr"} & {*shown[command]} == set()
    assert "--quality.metrics" not in shown["predict"]
    assert "--model.generator.width" in options(ganzoo("predict", "--recipe", "dcgan_faces", "--help").out)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--recipe", "cgan_mnits"], ["'cgan_mnits'", "'cgan_mnist'"]),
        (["--recipe", "mine.yaml"], ["'mine.yaml'"]),
        (["--config", "mine.yaml"], ["--config", "'mine.yaml'"]),
        (["--recipe"], ["--recipe"]),
    ],
)
def test_a_recipe_that_is_not_there_is_one_line(words, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = ganzoo("fit", "--help", *words).error
    assert [part for part in parts if part not in error] == []


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "\x00"])
def test_a_file_that_is_no_recipe_is_one_line(text, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert str(file) in ganzoo("fit", "--recipe", file, "--help").error


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--model.help", "ganzoo.models.wgan_gp.WGANGP"], "--model.gp_weight"),
        (["--data.help=ganzoo.data.MNIST"], "--data.download"),
        (["--trainer.strategy.help", "DDPStrategy"], "--trainer.strategy.timeout"),
    ],
)
def test_the_parsers_own_help_of_a_class_needs_no_recipe(words, option):
    said = ganzoo("fit", *words)
    assert (said.status, option in said.out) == (0, True), said.err
