"""One value where a list belongs."""

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from ganzoo.games.game import Game
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.list_options import as_list, parse_with_lists


@pytest.fixture(scope="module")
def parser():
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(Quality, "quality")
    parser.add_subclass_arguments(Game, "model", required=False)
    return parser


@pytest.mark.parametrize(
    ("words", "metrics"),
    [
        (["--quality.metrics", "swd"], ["swd"]),
        (["--quality.metrics=swd"], ["swd"]),
        (["--quality.metrics", "swd,ms_ssim"], ["swd", "ms_ssim"]),
        (["--quality.metrics", "[swd]"], ["swd"]),
        (["--quality.metrics+=swd"], ["swd"]),
        (["--quality.metrics", "null"], None),
    ],
)
def test_a_single_score(parser, words, metrics):
    assert parse_with_lists(parser, words).quality.metrics == metrics


def test_single_values_within_classes(parser):
    words = ["--model=ganzoo.models.wgan_gp.WGANGP", "--model.generator=ganzoo.networks.mlp.MLPGenerator"]
    words += ["--model.init_args.generator.init_args.hidden", "16", "--model.compiled=generator"]
    words += ["--model.stabilisers", "ganzoo.stabilisers.ModeSeeking", "--model.generator.shape=[2]"]
    words += ["--model.discriminator=ganzoo.networks.mlp.MLPDiscriminator", "--model.discriminator.shape", "2"]
    model = parse_with_lists(parser, words).model.init_args
    assert [*model.generator.init_args.hidden] == [16]
    assert [*model.discriminator.init_args.shape] == [2]
    assert model.compiled == ["generator"]
    assert [stabiliser.class_path for stabiliser in model.stabilisers] == ["ganzoo.stabilisers.ModeSeeking"]


@pytest.mark.parametrize(
    ("recipe", "metrics"),
    [
        ("quality: {metrics: swd, samples: 10}", ["swd"]),
        ("quality:\n  metrics: swd, ms_ssim  # two of them\n  samples: 10", ["swd", "ms_ssim"]),
        ("quality: {metrics: 'swd', samples: 10}", ["swd"]),
        ("quality: {metrics: [swd, kid], samples: 10}", ["swd", "kid"]),
    ],
)
def test_a_single_score_in_a_recipe(parser, recipe, metrics, tmp_path):
    (tmp_path / "mine.yaml").write_text(recipe)
    quality = parse_with_lists(parser, ["--config", str(tmp_path / "mine.yaml")]).quality
    assert (quality.metrics, quality.samples) == (metrics, 10)
    words = [f"--config={tmp_path / 'mine.yaml'}", "--quality.metrics", "prdc"]
    assert parse_with_lists(parser, words).quality.metrics == ["prdc"]


def test_single_values_within_the_classes_of_a_recipe(parser, tmp_path):
    recipe = """
quality: {metrics: swd}
model:
  class_path: ganzoo.models.wgan_gp.WGANGP
  init_args:
    g_lr: 1e-4
    compiled: generator
    stabilisers: {class_path: ganzoo.stabilisers.ModeSeeking, init_args: {weight: 2.0}}
    generator: {class_path: ganzoo.networks.mlp.MLPGenerator, init_args: {hidden: 16, shape: 2}}
    discriminator: {class_path: ganzoo.networks.mlp.MLPDiscriminator, init_args: {shape: [2]}}
"""
    (tmp_path / "mine.yaml").write_text(recipe)
    config = parse_with_lists(parser, ["--config", str(tmp_path / "mine.yaml")])
    model = config.model.init_args
    assert config.quality.metrics == ["swd"]
    assert ([*model.generator.init_args.hidden], [*model.generator.init_args.shape]) == ([16], [2])
    assert (model.compiled, model.g_lr) == (["generator"], 1e-4)
    assert [stabiliser.init_args.weight for stabiliser in model.stabilisers] == [2.0]


def test_other_mistakes_stay_what_they_were(parser):
    with pytest.raises(ArgumentError, match="betas"):
        parse_with_lists(parser, ["--model=ganzoo.models.wgan_gp.WGANGP", "--model.betas", "0.5"])
    with pytest.raises(ArgumentError, match="Expected a <class 'int'>"):
        parse_with_lists(parser, ["--quality.samples", "few"])
    with pytest.raises(ArgumentError, match="nowhere"):
        parse_with_lists(parser, ["--config", "nowhere.yaml"])


def test_lists_stay_lists():
    assert (as_list(None), as_list("swd"), as_list(["swd"]), as_list(())) == ([], ["swd"], ["swd"], [])
