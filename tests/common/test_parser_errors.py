"""What the parser's complaints become: one line with the field, what was given, what is allowed, the nearest name."""

import lightning.pytorch as pl
import pytest
from jsonargparse import ArgumentError, ArgumentParser

import ganzoo.data  # noqa: F401  # so that the parser knows its classes by name
from ganzoo.common.parser_errors import accepted, explain
from ganzoo.games.game import Game

WGANGP = "--model=ganzoo.models.wgan_gp.WGANGP"
MLP = "--model.generator=ganzoo.networks.mlp.MLPGenerator"
TOY = "--data=ganzoo.data.Toy2D"
CLASS = "it must be the import path of a class."


@pytest.fixture(scope="module")
def parser():
    """A parser of the command line's sections."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_argument("--seed_everything", type=bool | int)
    parser.add_subclass_arguments(Game, "model", required=False)
    parser.add_subclass_arguments(pl.LightningDataModule, "data", required=False)
    parser.add_class_arguments(pl.Trainer, "trainer", instantiate=False)
    return parser


def said(parser, *arguments):
    with pytest.raises(ArgumentError) as error:
        parser.parse_args(arguments)
    return explain(error.value, parser.get_defaults().keys())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        # the wrong type: of a plain value, in a class, in a class in a class, in a list
        (["--trainer.max_steps=abc"], "trainer.max_steps: must be an int, not abc."),
        ([WGANGP, "--model.gp_weight=abc"], "model.gp_weight: must be a float, not abc."),
        ([WGANGP, MLP, "--model.generator.shape=x"], "model.generator.shape: must be a list, not x."),
        ([WGANGP, "--model.betas=[0.5]"], "model.betas: must be a tuple with 2 elements, not [0.5]."),
        # one of several types
        ([WGANGP, "--model.ema=two"], "model.ema: must be float or Averaging or null, not two."),
        ([WGANGP, "--model.n_critic=x"], "model.n_critic: must be int or Schedule, not x."),
        (["--seed_everything=x"], "seed_everything: must be bool or int, not x."),
        ([WGANGP, '--model.n_critic={"values": [2], "at": ["x"]}'], "model.n_critic.at: must be a float, not x."),
        # one of several words
        (
            [TOY, "--data.kind=rong"],
            "data.kind: must be one of ['sine', 'swiss_roll', 'ring', 'grid'], not rong. Did you mean 'ring'?",
        ),
        # a misspelt name: of an option, of a class's argument, of a class
        (["--trainer.max_stepz=3"], "trainer.max_stepz: there is no such option. Did you mean 'trainer.max_steps'?"),
        (
            [WGANGP, MLP, "--model.generator.hiden=[8]"],
            "model.generator.hiden: ganzoo.networks.mlp.MLPGenerator has no such argument. Did you mean 'hidden'? "
            "It takes hidden, latent_dim, shape, slope, squash.",
        ),
        (
            [WGANGP, '--model.n_critic={"valeus": [2], "at": [0]}'],
            "model.n_critic.valeus: ganzoo.games.schedules.Schedule has no such argument. Did you mean 'values'? "
            "It takes at, kind, values.",
        ),
        (["--data=MNITS"], "data: must be LightningDataModule or null, not MNITS. Did you mean 'MNIST'?"),
        (["--data=ganzoo.data.MNITS"], f"data: cannot find ganzoo.data.MNITS; {CLASS} Did you mean 'MNIST'?"),
        (["--data=nowhere.Data"], f"data: cannot find nowhere; {CLASS}"),
        (
            [WGANGP, "--model.optimizer=torch.optim.Adm"],
            f"model.optimizer: cannot find torch.optim.Adm; {CLASS} Did you mean 'Adam'?",
        ),
        ([WGANGP, "--model.optimizer=Adm"], f"model.optimizer: cannot find Adm; {CLASS}"),
        ([WGANGP, "--model.generator=MLPGen"], f"model.generator: cannot find MLPGen; {CLASS}"),
        # a class of the wrong kind
        (
            [WGANGP, "--model.optimizer=torch.nn.Linear"],
            "model.optimizer: must be an import path corresponding to a type[torch.optim.optimizer.Optimizer], "
            "not torch.nn.Linear.",
        ),
        (
            ["--data=ganzoo.models.dcgan.DCGAN"],
            "data: Import path does not correspond to a subclass of LightningDataModule",
        ),
        # a section that is a value
        (["--trainer=3"], 'trainer: Unable to load config "3"'),
    ],
)
def test_a_complaint_in_one_line(parser, arguments, line):
    assert said(parser, *arguments) == line


def test_a_long_choice_names_the_nearest(parser):
    line = said(parser, "--trainer.precision=bf17")
    assert line.startswith("trainer.precision: must be one of ")
    assert line.endswith(" or null, not bf17. Did you mean 'bf16'?")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("model: {class_path: [\n", ["--config: ", "line 2"]),
        ("hello\n", ["--config: ", "hello"]),
        ("trainer: {max_stepz: 3}\n", ["trainer.max_stepz: ", "'trainer.max_steps'"]),
        ("data: {class_path: ganzoo.data.Toy2D, init_args: {std: [1]}}\n", ["data.std: ", "float"]),
        (
            "model: {class_path: ganzoo.models.wgan_gp.WGANGP, init_args: {gp_wieght: 3}}\n",
            ["model.gp_wieght: ", "'gp_weight'", "n_critic"],
        ),
    ],
)
def test_the_same_from_a_file(parser, tmp_path, text, parts):
    file = tmp_path / "more.yaml"
    file.write_text(text)
    line = said(parser, "--config", str(file))
    assert "\n" not in line
    assert [part for part in parts if part not in line] == [], line


def test_arguments_that_a_class_passes_on_are_accepted():
    names = accepted("ganzoo.models.wgan_gp.WGANGP")
    assert {"gp_weight", "ema", "augment", "accumulate"} <= set(names)
    assert "kwargs" not in names
