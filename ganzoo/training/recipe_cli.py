"""LightningCLI with run folders: from a recipe to a run."""

import signal
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import yaml
from jsonargparse import ArgumentError
from lightning.pytorch.callbacks import Callback, Timer
from lightning.pytorch.cli import LightningCLI
from lightning.pytorch.plugins import CheckpointIO
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from ganzoo.common import text, threads
from ganzoo.common.errors import GanzooError
from ganzoo.common.hardware import precision, several_devices
from ganzoo.common.parser_errors import explain, import_class, innermost
from ganzoo.data import DataModule
from ganzoo.drawing.save import write_samples
from ganzoo.games.capabilities import output_of
from ganzoo.games.game import Game
from ganzoo.games.lightning import require_playable
from ganzoo.training import changes, rehearsal, resuming, runs
from ganzoo.training.callbacks.continuing import Continuing
from ganzoo.training.callbacks.keep import AtomicCheckpointIO, Last, Opening, best_keeper
from ganzoo.training.callbacks.progress import Bar, TermLogger
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.follow_data import Following
from ganzoo.training.list_options import as_list, parse_with_lists
from ganzoo.training.loggers import make_loggers
from ganzoo.training.quiet import quieten
from ganzoo.training.rehearsal import rehearse, scoring_rehearsal
from ganzoo.training.replace_model import with_networks
from ganzoo.training.run_options import SECTIONS, add_run_options
from ganzoo.training.start import Start

TRAINER_DEFAULTS: dict[str, Any] = {
    "max_epochs": -1,  # runs are counted in generator updates
    "num_sanity_val_steps": 0,
    "enable_model_summary": False,
    "check_val_every_n_epoch": None,  # `val_check_interval` counts batches over epochs
    "log_every_n_steps": 50,
}


class RecipeCLI(LightningCLI):
    """`fit`, `validate`, `test` and `predict` of a recipe, each in a run folder.

    Args:
        arguments: what follows `ganzoo`, the recipe already replaced by `--config FILE`.
        recipe: name of the recipe, which names the run folder.
        run: run the subcommand; otherwise only make model, data and trainer.
    """

    def __init__(self, arguments: list[str], recipe: str, run: bool = True) -> None:
        self.recipe = recipe
        self.folder: Path | None = None
        self.continued: resuming.Continued | None = None
        self.done = 0  # steps of earlier parts
        self.finished = False  # whether these were all
        self.arguments = arguments
        self._subcommand_parsers: dict[str, Any] = {}
        try:
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
        except BaseException:
            runs.discard_run_folder(self.folder)
            raise
        if run:
            runs.discard_run_folder(self.folder)  # of a dry run
        elif self.folder:
            weakref.finalize(self.trainer, runs.discard_run_folder, self.folder)  # a notebook may never train

    def add_arguments_to_parser(self, parser: Any) -> None:
        """Adds the sections of a recipe that are ours, and the options beside them."""
        for name, path in SECTIONS.items():
            parser.add_lightning_class_args(import_class(path), name)
        add_run_options(parser)

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Parses, lets networks follow the data, and says what is wrong in one line.

        A run that goes on does so by its own recipe.
        """
        if self._subcommand_parsers and not asks_help(args):
            subcommand, *words = args
            resolve = lambda words: self._resolved(parser, subcommand, words)  # noqa: E731
            self.continued = resuming.find_continued(subcommand, self.recipe, words, resolve)
            args = [subcommand, *self.continued.words] if self.continued else args
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
        """Chooses the run folder: a new one, or the one whose `last` is continued."""
        config = self.config[self.subcommand] if self.subcommand else self.config
        self.settle_precision()
        if config.threads is not None:
            threads.limit_threads(config.threads)
        name = config.get("data.init_args.root")  # which not all data has
        if name is not None and not isinstance(name, str):
            raise GanzooError(f"data.root: must be a path, not {name!r}.")
        if self.continued is not None:
            config["ckpt_path"], self.folder = str(self.continued.checkpoint), self.continued.folder
            if self.subcommand == "fit":
                changes.require_same_classes(resuming.read_checkpoint(self.continued.checkpoint), self.recipe_text())
        if self.folder is None and self.subcommand in {"fit", None}:
            self.folder = runs.make_run_folder(Path(config.runs) / self.recipe, config.version)

    def settle_precision(self) -> None:
        """Takes the fastest precision that the device computes natively, where none was asked for."""
        config = self._get_config()
        if config.trainer.precision is None:
            config.trainer.precision = precision(str(config.trainer.accelerator))

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Adds the loggers and callbacks of a run to those that the user gave."""
        config = self._get(self.config_init, "trainer")
        quality: Quality = self._get(self.config_init, "quality")
        callbacks: list[Callback] = [Bar()] if config.enable_progress_bar is not False else []
        if self.subcommand in {"fit", None}:
            callbacks.append(Start())
        training = self.subcommand in {"fit", None} and not config.fast_dev_run
        if training:
            assert self.folder is not None
            # the last checkpoint knows what the best one is: it is written after it
            last = Last(self._get(self.config, "save_every"))
            callbacks += [Opening(last), Continuing(), TermLogger()]
            callbacks += [best_keeper(self.folder, quality, self.datamodule, self.model), last]
        config.callbacks = [*as_list(config.callbacks), *callbacks]
        if not training:
            config.logger = config.logger or False
        else:
            config.logger = make_loggers(self.folder, as_list(self._get(self.config, "logger")), config.logger)  # type: ignore[arg-type]
        if config.strategy == "auto" and (several_devices(config.devices) or config.num_nodes > 1):
            # D's move leaves G's parameters without gradients and the reverse
            config.strategy = "ddp_find_unused_parameters_true"
        config.plugins = as_list(config.plugins)
        if not any(isinstance(plugin, CheckpointIO) for plugin in config.plugins):
            config.plugins.append(AtomicCheckpointIO())
        trainer = super().instantiate_trainer(default_root_dir=str(self.folder or Path.cwd()), **kwargs)
        if config.sync_batchnorm and trainer.strategy.root_device.type == "cpu" and trainer.world_size > 1:
            raise GanzooError("trainer.sync_batchnorm: PyTorch synchronises BatchNorm on GPUs alone, not on the CPU.")
        require_playable(trainer)
        return trainer

    def recipe_text(self) -> str:
        """Returns the resolved recipe as YAML: what was asked for and every default, ready to be run again."""
        parser = self._parser(self.subcommand)
        config = yaml.safe_load(parser.dump(self._get_config(), skip_none=False))
        for name in ("config", "ckpt_path", "weights_only", "version", "runs", "logger", "threads"):
            config.pop(name, None)
        return yaml.safe_dump(config, sort_keys=False)

    def _get_config(self) -> Any:
        return self.config[self.subcommand] if self.subcommand else self.config

    def before_fit(self) -> None:
        """Keeps the resolved recipe and says in one line what is about to run."""
        if self.folder is None or self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self.model.recipe = self.recipe_text()
        if isinstance(self.datamodule, DataModule):
            self.datamodule.inspect()
        self.model.fits(self.datamodule)
        state = resuming.read_checkpoint(self.continued.checkpoint) if self.continued else None
        if state is not None:
            self.done = state["global_step"]
            changes.require_steps_left(state, self.trainer)
        config = self._get_config()
        free = threads.settle_threads(config.threads, config.ckpt_path, self.trainer)
        if self.trainer.global_rank == 0:  # the others would download beside it; Lightning lets them wait
            self.datamodule.prepare_data()
            self.datamodule.setup("fit")
            if state is not None:
                changes.require_continuable(state, self.model.recipe, self.model, self.datamodule)
            self.model.data_digest = changes.fingerprint(self.datamodule)
        if self.continued is not None and state is not None:
            self.finished = changes.is_finished(state, self.trainer, self.folder)
            lines = [self.continued.note, *changes.note_changes(state, self.model, self.trainer, self.folder)]
            if self.trainer.global_rank == 0:
                print("".join(f"{line}\n" for line in lines if line), end="", flush=True)
        if self.trainer.global_rank == 0 and not self.finished:
            seconds = rehearse(self.model, self.datamodule, self.trainer, free)
            print(rehearsal.announce(self.model, self.trainer, self.folder, seconds, self.done), flush=True)
            if self.following.remark:
                print(self.following.remark, flush=True)

    def fit(self, **kwargs: Any) -> None:
        """Trains; says in one line what stopped it, and what is left to go on from.

        Raises:
            GanzooError: if the disk refuses, or the data is gone.
            SystemExit: if the process was asked to leave, with what shells say of the signal.
        """
        if self.finished:
            return
        try:
            self.trainer.fit(**kwargs)
        except SIGTERMException:
            with suppress(OSError):  # a terminal that was closed
                self._print_kept()
            ended = [callback.ended for callback in self.trainer.callbacks if isinstance(callback, Last)]  # type: ignore[attr-defined]
            raise SystemExit(128 + (next(filter(None, ended), None) or signal.SIGTERM)) from None
        except OSError as error:
            raise GanzooError(f"{text.os_error_text(error)}: training stopped; {self._kept()}") from error
        except MisconfigurationException as error:  # Lightning's word for options that do not go together
            raise GanzooError(f"trainer: {error}") from error
        callbacks = self.trainer.callbacks  # type: ignore[attr-defined]
        late = any(isinstance(timer, Timer) and (timer.time_remaining() or 1) <= 0 for timer in callbacks)
        if late and self.trainer.global_step == self.done:
            raise GanzooError("trainer.max_time: the run's earlier parts have used it up; give more, or leave it out.")

    def _kept(self) -> str:
        """Says what a run that was stopped has left."""
        last = self.folder / "last.ckpt" if self.folder else None
        if last is None or not last.is_file():
            return "nothing was saved yet."
        return f"{last} holds step {runs.steps_done(str(last)):,}; continue with: {self._go_on()}"

    def _go_on(self) -> str:
        """Returns the command that continues this run."""
        assert self.folder is not None
        config, source = self._get_config(), self._source()
        options = {word.partition("=")[0] for word in self.arguments if word.startswith("-")}
        changed = bool(options - {"--config", "--ckpt_path", "--runs", "--version"})
        return runs.continue_command(self.folder, source, config.runs, changed, bool(config.trainer.max_time))

    def _source(self) -> list[str]:
        return runs.recipe_words(resuming.split_configs(self.arguments)[0], self.recipe)

    @rank_zero_only
    def _print_kept(self) -> None:
        print(f"stopped by a signal; {self._kept()}", flush=True)

    @rank_zero_only
    def after_fit(self) -> None:
        """Exports the best weights as a checkpoint folder and says where everything is."""
        if self.folder is None or self.finished or self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        if not (self.folder / "last.ckpt").is_file():
            print("Nothing was trained.")
            return
        from ganzoo.training.export import finish_run

        finish_run(self.folder, self.datamodule, self.recipe)
        if self.trainer.global_step < self.trainer.max_steps:
            print(f"{'stopped early':24} continue with: {self._go_on()}")

    def before_validate(self) -> None:
        """Takes the weights, so that what does not fit is told in a line, and sets the number of threads that score."""
        if self.continued is not None:
            state = resuming.read_checkpoint(self.continued.checkpoint)
            changes.load_weights(state, self.model, changes.recipe_changes(state, self.recipe_text()))
        if self.trainer.strategy.root_device.type == "cpu" and self.trainer.world_size == 1:
            if not isinstance(self.datamodule, DataModule):
                return
            self.datamodule.inspect()
            quality: Quality = self._get(self.config_init, "quality")
            threads.adapt_threads(
                scoring_rehearsal(self.model, self.datamodule), quality.samples or 10_000, self._get_config().threads
            )

    before_test = before_predict = before_validate

    def validate(self, **kwargs: Any) -> None:
        """Scores the weights and says the scores in one line each."""
        self.trainer.validate(**kwargs | {"verbose": False})
        self._print_scores(kwargs["ckpt_path"])

    def test(self, **kwargs: Any) -> None:
        """Scores the weights and says the scores in one line each."""
        self.trainer.test(**kwargs | {"verbose": False})
        self._print_scores(kwargs["ckpt_path"])

    def predict(self, **kwargs: Any) -> None:
        """Draws as many samples as the reference split holds and writes them beside the weights, if the model draws."""
        if (makes := output_of(self.model)) == "classes":
            what = f"{type(self.model).__name__} makes {makes}, no samples to write"
            raise GanzooError(f"ganzoo predict: {what}; `ganzoo validate` scores it.")
        batches = self.trainer.predict(**kwargs | {"return_predictions": True})
        out = Path(kwargs["ckpt_path"]).with_name("predictions.npz")
        write_samples(torch.cat(batches), out)  # type: ignore[arg-type]
        print(out)

    @rank_zero_only
    def _print_scores(self, weights: str) -> None:
        print(weights)
        for name, number in self.trainer.callback_metrics.items():
            if name != "step":
                print(f"{name:24} {float(number):.4g}")


class RecipeReader(RecipeCLI):
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

    def before_instantiate_classes(self) -> None:
        """Settles what a training settles, but chooses no run folder."""
        self.settle_precision()

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Makes none."""


def asks_help(arguments: Sequence[str]) -> bool:
    """Returns whether arguments ask for a text instead of a run."""
    flags = [word.partition("=")[0] for word in arguments]
    return any(flag in {"-h", "--help", "--print_config"} or flag.endswith(".help") for flag in flags)


def run_recipe(command: str, arguments: list[str]) -> None:
    """Runs `ganzoo fit|validate|test|predict`."""
    name, arguments = runs.split_recipe(arguments)
    if name is None and not asks_help(arguments):
        raise GanzooError(f"ganzoo {command}: name a recipe with --recipe NAME. `ganzoo list` shows all.")
    quieten()  # devices and seed stand in our own line
    RecipeCLI([command, *arguments], name or command)
