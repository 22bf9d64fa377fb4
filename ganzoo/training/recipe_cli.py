"""Training, scoring and drawing of a recipe in run folders, by LightningCLI."""

import signal
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Timer
from lightning.pytorch.plugins import CheckpointIO
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from ganzoo.common import text, threads
from ganzoo.common.errors import GanzooError
from ganzoo.common.hardware import several_devices
from ganzoo.common.kinds import kind_of
from ganzoo.data import DataModule
from ganzoo.drawing.save import write_samples
from ganzoo.games.capabilities import DrawsSamples, Reconstructs, Translates, output_of
from ganzoo.games.lightning import require_playable
from ganzoo.training import changes, rehearsal, resuming, runs
from ganzoo.training.callbacks.continuing import Continuing
from ganzoo.training.callbacks.keep import AtomicCheckpointIO, Last, Opening, best_keeper
from ganzoo.training.callbacks.progress import Bar, TermLogger
from ganzoo.training.callbacks.quality import Quality
from ganzoo.training.list_options import as_list
from ganzoo.training.loggers import make_loggers
from ganzoo.training.quiet import quieten
from ganzoo.training.recipe_reader import RecipeParser, asks_help
from ganzoo.training.rehearsal import rehearse, scoring_rehearsal
from ganzoo.training.start import Start


class RecipeCLI(RecipeParser):
    """`fit`, `validate`, `test` and `predict` of a recipe, each in a run folder.

    Args:
        arguments: the words after `ganzoo`, the recipe already replaced by `--config FILE`.
        recipe: name of the recipe, which names the run folder.
        run: run the subcommand; otherwise only make model, data and trainer.
    """

    def __init__(self, arguments: list[str], recipe: str, run: bool = True) -> None:
        self.folder: Path | None = None
        self.continued: resuming.Continued | None = None
        self.done = 0  # steps of earlier parts
        self.finished = False  # whether these were all
        self.arguments = arguments
        try:
            super().__init__(arguments, recipe, run)
        except BaseException:
            runs.discard_run_folder(self.folder)
            raise
        if run:
            runs.discard_run_folder(self.folder)  # of a dry run
        elif self.folder:
            weakref.finalize(self.trainer, runs.discard_run_folder, self.folder)  # a notebook may never train

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Parses, lets networks follow the data, and turns errors into one line.

        A run that goes on does so by its own recipe.
        """
        if self._subcommand_parsers and not asks_help(args):
            subcommand, *words = args
            resolve = lambda words: self._resolved(parser, subcommand, words)  # noqa: E731
            self.continued = resuming.find_continued(subcommand, self.recipe, words, resolve)
            args = [subcommand, *self.continued.words] if self.continued else args
        super().parse_arguments(parser, args)

    def before_instantiate_classes(self) -> None:
        """Settles precision, threads and run folder: a new one, or the one whose `last` is continued."""
        super().before_instantiate_classes()
        config = self._get_config()
        if config.threads is not None:
            threads.limit_threads(config.threads)
        name = config.get("data.init_args.root")  # which not all data has
        if name is not None and not isinstance(name, str):
            raise GanzooError(f"data.root: must be a path, not {name!r}.")
        if self.continued is not None:
            config["ckpt_path"], self.folder = str(self.continued.checkpoint), self.continued.folder
            if self.subcommand == "fit":
                state = resuming.read_checkpoint(self.continued.checkpoint)
                changes.require_same_classes(state, self.recipe_text())
                changes.require_same_start(state, config.start)
        if self.folder is None and self.subcommand in {"fit", None}:
            self.folder = runs.make_run_folder(Path(config.runs) / self.recipe, config.version)

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Adds the loggers and callbacks of a run to those that the user gave."""
        config = self._get(self.config_init, "trainer")
        quality: Quality = self._get(self.config_init, "quality")
        callbacks: list[Callback] = [Bar()] if config.enable_progress_bar is not False else []
        if self.subcommand in {"fit", None}:
            start = self._get(self.config, "start")
            self.starting = Start(start, as_list(self._get(self.config, "start_networks")))
            callbacks.append(self.starting)
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

    def before_fit(self) -> None:
        """Keeps the resolved recipe, and prints in one line what is about to run."""
        if self.folder is None or self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self.model.recipe = self.recipe_text()
        if isinstance(self.datamodule, DataModule):
            self.datamodule.inspect()
        self.model.fits(self.datamodule)
        source = None if self.continued else self.starting.find(self.model)
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
            if source is not None:
                print(f"starts from {source['name']}: {', '.join(source['networks'])}", flush=True)
            if self.following.remark:
                print(self.following.remark, flush=True)

    def fit(self, **kwargs: Any) -> None:
        """Trains; what stops it is an error of one line, with what is left to go on from.

        Raises:
            GanzooError: if the disk refuses, or the data is gone.
            SystemExit: if a signal ended the process, with the status that shells give it.
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
        """Returns what a run that was stopped has left, and how to continue it."""
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
        """Exports the best weights as a checkpoint folder, and prints where everything is."""
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
        """Loads the weights, so that what does not fit is an error of one line, and sets the number of threads."""
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
        """Scores the weights and prints a line for each score."""
        self.trainer.validate(**kwargs | {"verbose": False})
        self._print_scores(kwargs["ckpt_path"])

    def test(self, **kwargs: Any) -> None:
        """Scores the weights and prints a line for each score."""
        self.trainer.test(**kwargs | {"verbose": False})
        self._print_scores(kwargs["ckpt_path"])

    def predict(self, **kwargs: Any) -> None:
        """Writes beside the weights as many samples as the reference split holds, or what the model makes of that."""
        if not isinstance(self.model, DrawsSamples | Translates | Reconstructs):
            what = f"{type(self.model).__name__} makes {output_of(self.model)}, no samples to write"
            raise GanzooError(f"ganzoo predict: {what}; `ganzoo validate` scores it.")
        batches = self.trainer.predict(**kwargs | {"return_predictions": True})
        out = Path(kwargs["ckpt_path"]).with_name("predictions.npz")
        write_samples(torch.cat(batches), out, kind=kind_of(self.datamodule))  # type: ignore[arg-type]
        print(out)

    @rank_zero_only
    def _print_scores(self, weights: str) -> None:
        print(weights)
        for name, number in self.trainer.callback_metrics.items():
            if name != "step":
                print(f"{name:24} {float(number):.4g}")


def run_recipe(command: str, arguments: list[str]) -> None:
    """Runs `ganzoo fit|validate|test|predict`."""
    name, arguments = runs.split_recipe(arguments)
    if name is None and not asks_help(arguments):
        raise GanzooError(f"ganzoo {command}: name a recipe with --recipe NAME. `ganzoo list` shows all.")
    quieten()  # devices and seed stand in our own line
    RecipeCLI([command, *arguments], name or command)
