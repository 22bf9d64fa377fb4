"""Scores of a model while it is trained, validated and tested."""

import time
from typing import Any

import lightning.pytorch as pl
import torch

from ganzoo.common.errors import GanzooError
from ganzoo.games.capabilities import output_of, taught_classes
from ganzoo.metrics import own
from ganzoo.metrics.collection import Collected
from ganzoo.metrics.evaluation import Collector, Evaluation
from ganzoo.metrics.scoring import evaluation_of
from ganzoo.metrics.selection import choose_scores, expand, require_known, too_few
from ganzoo.training.callbacks.monitors import set_monitors


class Quality(pl.Callback):
    """Scores what the model makes or answers after each validation and test epoch, and logs the scores.

    The reference is whatever the data module's validation loader serves. Its features are extracted once and cached
    by content under `$XDG_CACHE_HOME/ganzoo/features` (default `~/.cache`). Training does not notice: the random state
    is left alone, and models are asked by `sample`, `translate`, `reconstruct` or `classify`. A training logs as
    `time_quality` the seconds that it has spent here, which `time` contains.

    Args:
        features: Extractor for fid, is, kid, accuracy and kept: mnist, fashion, cifar10, inception, imagenet, or the
            path of a classifier's .safetensors file.
        metrics: Names of scores, such as fid, kid, prdc (precision, recall, density, coverage), swd and memorisation,
            for translations psnr and ssim, for points wasserstein; `ganzoo list --scores` shows all. And import paths
            of your own, such as my_package.metrics.Sharpness, see `ganzoo.metrics.own`. Default: what suits data and
            model, see `ganzoo.metrics.selection.DEFAULTS`.
        samples: Number of generated samples, over all processes; of images to be translated, if the reference has more.
            None: as many as the reference holds, at most 10,000.
        batch_size: Samples generated and scored at a time.
        seed: Of the samples and of all that is random in a score.
        monitor: The metric that chooses the best checkpoint, by its short name. Default: the first one.
        cache: Whether real features are read from and written to the disk.

    Raises:
        GanzooError: A metric is unknown or needs an extractor, or `monitor` is not among the metrics.
    """

    def __init__(
        self,
        features: str | None = None,
        metrics: list[own.Request] | None = None,
        samples: int | None = 10_000,
        batch_size: int = 500,
        seed: int = 0,
        monitor: str | None = None,
        cache: bool = True,
    ):
        self.metrics = None if metrics is None else own.resolve(metrics)
        self.known = own.known(own.by_name(self.metrics or []))
        names = None if self.metrics is None else own.names(self.metrics)
        require_known(names or [], features, self.known)
        if monitor is not None:
            require_known([monitor], features, self.known)
            if names is not None and monitor not in expand(names):
                computed = ", ".join(expand(names))
                raise GanzooError(f"monitor: {monitor} given, but it is not computed; choose among {computed}.")
        self.features = features
        self.samples = samples
        self.batch_size = batch_size
        self.seed = seed
        self.monitor = monitor
        self.cache = cache
        self.seconds = 0.0  # spent on scores in this run, over all its processes in time
        self._since = 0.0
        self._evaluation: Evaluation | None = None
        self._collector: Collector | None = None
        self._collected: Collected | None = None

    def key(self, name: str) -> str:
        """Returns how the score with this short name is logged, such as `fid[mnist,10k/test]`; known after `setup`."""
        assert self._evaluation is not None, "the trainer calls setup first"
        return self._evaluation.key(name)

    def higher_is_better(self, name: str) -> bool:
        """Returns whether a higher value of the score with this short name is better."""
        return self.known[name].higher

    def monitored(self, datamodule: Any, model: Any) -> str:
        """Returns the short name of the score that chooses the best checkpoint of this model on this data.

        Raises:
            GanzooError: `monitor` is not computed for them.
        """
        requested = None if self.metrics is None else own.names(self.metrics)
        names = choose_scores(
            requested, self.features, datamodule, taught_classes(model), output_of(model), self.known, model
        )
        name = self.monitor or names[0]
        if name not in names:
            raise GanzooError(f"monitor: {name} given, but it is not computed; choose among {', '.join(names)}.")
        return name

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Builds extractor and scores before anything runs, so that a mistake shows before the training.

        Callbacks that monitor a score by its short name learn how it is logged.
        """
        if stage not in ("fit", "validate", "test"):
            return
        datamodule = trainer.datamodule  # type: ignore[attr-defined]
        if datamodule is None:
            raise GanzooError(
                "data: none given, but quality scores need a data module; pass datamodule= to the trainer."
            )
        self._evaluation = evaluation_of(
            pl_module,
            datamodule,
            features=self.features,
            metrics=self.metrics,
            samples=self.samples,
            batch_size=self.batch_size,
            seed=self.seed,
            cache=self.cache,
            device=trainer.strategy.root_device,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )
        self._collected = None
        for name in self._evaluation.names:
            if why := too_few(name, self._evaluation.samples, datamodule, self._evaluation.k, self.known):
                raise GanzooError(f"quality.metrics: {name} {why}; leave it out, or give more.")
        keys = {name: self.key(name) for name in self._evaluation.names}
        set_monitors(trainer.callbacks, pl_module, keys, self.higher_is_better)  # type: ignore[attr-defined]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Scores the untrained model, so that every curve has a beginning."""
        if self._evaluation is None or trainer.global_step or not trainer.loggers:
            return
        self._begin()
        self._collected = self._evaluation.collect(pl_module, self._collected)
        self._end(trainer, self._evaluation.scores(pl_module, self._collected))

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Looks for the real features of an earlier epoch or run."""
        if self._evaluation is not None and not trainer.sanity_checking:
            self._begin()
            self._collector = self._evaluation.collector(self._collected)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collects real data, unless it is there, or what the model makes of it."""
        if self._collector is not None and not self._collector.done and not trainer.sanity_checking:
            self._collector.add(batch, pl_module)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Scores, and logs the scores."""
        if not trainer.sanity_checking:
            self._log(trainer, pl_module, trainer.num_val_batches, trainer.val_dataloaders)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Logs the time that scores have taken."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._end(trainer, {})

    on_test_start = on_validation_start
    on_test_batch_end = on_validation_batch_end

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Scores, and logs the scores."""
        self._log(trainer, pl_module, trainer.num_test_batches, trainer.test_dataloaders)

    def _log(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batches: list[int | float], loader: Any) -> None:
        assert self._evaluation is not None, "the trainer calls setup first"
        assert self._collector is not None, "the trainer says when validation starts"
        self._collected, self._collector = self._collector.finish(whole=batches[0] == len(loader)), None
        scores = self._evaluation.scores(pl_module, self._collected)
        # The same on all processes. `step` makes the loggers' x-axis count generator updates.
        pl_module.log_dict({**scores, "step": float(trainer.global_step)}, sync_dist=False)

    def state_dict(self) -> dict[str, Any]:
        """Returns the time spent so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the time spent so far."""
        self.seconds = state_dict["seconds"]

    def _begin(self) -> None:
        assert self._evaluation is not None
        if self._evaluation.device.type == "cuda":
            torch.cuda.synchronize(self._evaluation.device)  # steps that wait there are none of the scores' time
        self._since = time.perf_counter()

    def _end(self, trainer: pl.Trainer, scores: dict[str, float]) -> None:
        self.seconds += time.perf_counter() - self._since
        for logger in trainer.loggers:
            logger.log_metrics({**scores, "time_quality": self.seconds}, step=trainer.global_step)
