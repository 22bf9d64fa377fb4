"""Recipes read by LightningCLI's parser: model, data and settings.

Networks follow the data, and what does not fit is one line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import yaml
from jsonargparse import ArgumentError
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from ganzoo.common.errors import GanzooError
from ganzoo.common.hardware import precision
from ganzoo.common.parser_errors import explain, import_class, innermost
from ganzoo.data import DataModule
from ganzoo.games.game import Game
from ganzoo.training.follow_data import Following
from ganzoo.training.list_options import parse_with_lists
from ganzoo.training.replace_model import with_networks
from ganzoo.training.run_options import SECTIONS, add_run_options

TRAINER_DEFAULTS: dict[str, Any] = {
    "max_epochs": -1,  # runs are counted in generator updates
    "num_sanity_val_steps": 0,
    "enable_model_summary": False,
    "check_val_every_n_epoch": None,  # `val_check_interval` counts batches over epochs
    "log_every_n_steps": 50,
}


class RecipeParser(LightningCLI):
    """LightningCLI for recipes of games.

    Args:
        arguments: the words after `ganzoo`, the recipe already replaced by `--config FILE`.
        recipe: name of the recipe.
        run: whether the first word is a subcommand, to be run.
    """

    def __init__(self, arguments: list[str], recipe: str, run: bool) -> None:
        self.recipe = recipe
        self._subcommand_parsers: dict[str, Any] = {}
        super().__init__(
            Game,
            pl.LightningDataModule,
            save_config_callback=None,
            trainer_defaults=TRAINER_DEFAULTS,
            seed_everything_default=0,
            parser_kwargs={"exit_on_error": False},
            subclass_mode_model=True,
            subclass_mode_data=True,
            args=arguments,
            run=run,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def add_arguments_to_parser(self, parser: Any) -> None:
        """Adds the sections of a recipe that are ours, and the options beside them."""
        for name, path in SECTIONS.items():
            parser.add_lightning_class_args(import_class(path), name)
        add_run_options(parser)

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Parses, lets networks follow the data, and turns errors into one line."""
        self.config = self._parsed(parser, args)

    def _parsed(self, parser: Any, args: Any) -> Any:
        try:
            args = with_networks(parser, args)
            self.following = Following(parser, args)
            return parse_with_lists(parser, [*args, *self.following.words])
        except ArgumentError as error:
            known = self._parser(args[0] if self._subcommand_parsers else None).get_defaults()
            raise GanzooError(explain(error, known.keys())) from error
        except (ValueError, TypeError) as error:  # the data's
            raise innermost(error) from error

    def _resolved(self, parser: Any, subcommand: str, words: Sequence[str]) -> Any:
        """Returns the whole recipe that the arguments of a subcommand make."""
        config = self._parsed(parser, [subcommand, *words])[subcommand]
        return yaml.safe_load(self._parser(subcommand).dump(config, skip_none=False))

    def _parse_ckpt_path(self) -> None:
        """Takes no model from a checkpoint, unlike Lightning's: a recipe describes it, and a file may be damaged."""

    def instantiate_classes(self) -> None:
        """Makes model, data and trainer; a complaint of theirs comes wrapped in the parser's, and is taken out."""
        data = self.following.datamodule
        if isinstance(data, DataModule):  # looked through already
            self.parser.add_instantiator(lambda *_, **__: data, type(data))
        try:
            super().instantiate_classes()
        except (ValueError, TypeError, MisconfigurationException) as error:
            raise innermost(error) from error

    def before_instantiate_classes(self) -> None:
        """Takes the fastest precision that the device computes natively, where none is stated."""
        config = self._get_config()
        if config.trainer.precision is None:
            config.trainer.precision = precision(str(config.trainer.accelerator))

    def recipe_text(self) -> str:
        """Returns the resolved recipe as YAML: what was stated and every default, ready to be run again."""
        parser = self._parser(self.subcommand)
        config = yaml.safe_load(parser.dump(self._get_config(), skip_none=False))
        for name in ("config", "ckpt_path", "weights_only", "version", "runs", "logger", "threads"):
            config.pop(name, None)
        for name in ("start", "start_networks"):
            if not config.get(name):  # a run from nothing says nothing of it
                config.pop(name, None)
        return yaml.safe_dump(config, sort_keys=False)

    def _get_config(self) -> Any:
        return self.config[self.subcommand] if self.subcommand else self.config


class RecipeReader(RecipeParser):
    """A recipe read as `ganzoo fit` reads it: model, data and settings, without a trainer and a run folder.

    Args:
        file: the recipe.
        overrides: further arguments of `ganzoo fit`.
        name: of the recipe.

    Attributes:
        model: the game.
        datamodule: its data.
        config: the settings, as the parser takes them.
    """

    def __init__(self, file: Path, overrides: Sequence[str], name: str) -> None:
        super().__init__(["--config", str(file), *overrides, "--seed_everything=false"], name, run=False)

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Makes none."""


def asks_help(arguments: Sequence[str]) -> bool:
    """Returns whether arguments ask for a text instead of a run."""
    flags = [word.partition("=")[0] for word in arguments]
    return any(flag in {"-h", "--help", "--print_config"} or flag.endswith(".help") for flag in flags)
