"""One value where a list belongs."""

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from ganzoo.games.game import Game
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.list_options import listed, parse


@pytest.fixture(scope="module")
def parser():
    parser = ArgumentParser(exit_on_error=False)
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
    assert parse(parser, words).quality.metrics == metrics


def test_single_values_within_classes(parser):
    words = ["--model=ganzoo.models.wgan_gp.WGANGP", "--model.generator=ganzoo.networks.mlp.MLPGenerator"]
    words += ["--model.init_args.generator.init_args.hidden", "16", "--model.compiled=generator"]
    words += ["--model.stabilisers", "ganzoo.stabilisers.ModeSeeking", "--model.generator.shape=[2]"]
    words += ["--model.discriminator=ganzoo.networks.mlp.MLPDiscriminator", "--model.discriminator.shape", "2"]
    model = parse(parser, words).model.init_args
    assert [*model.generator.init_args.hidden] == [16]
    assert [*model.discriminator.init_args.shape] == [2]
    assert model.compiled == ["generator"]
    assert [stabiliser.class_path for stabiliser in model.stabilisers] == ["ganzoo.stabilisers.ModeSeeking"]


def test_other_mistakes_stay_what_they_were(parser):
    with pytest.raises(ArgumentError, match="betas"):
        parse(parser, ["--model=ganzoo.models.wgan_gp.WGANGP", "--model.betas", "0.5"])
    with pytest.raises(ArgumentError, match="Expected a <class 'int'>"):
        parse(parser, ["--quality.samples", "few"])


def test_lists_stay_lists():
    assert (listed(None), listed("swd"), listed(["swd"]), listed(())) == ([], ["swd"], ["swd"], [])
