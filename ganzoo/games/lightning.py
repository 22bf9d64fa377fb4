"""Adapter to Lightning's Trainer: the only place that depends on the inside of its loops.

The players of a game step by themselves, so that clipping, the count of steps and validations that are due are settled
here. What depends on the inside of a version of Lightning stands in this file and in `ganzoo.training.recipe_cli`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from lightning.pytorch.plugins.precision import DoublePrecision, HalfPrecision, TransformerEnginePrecision
from torch.optim import Optimizer

from ganzoo.common.errors import GanzooError

# These change the weights themselves; scores, samples and losses compute with weights of 32 bits.
RECAST = (HalfPrecision, DoublePrecision, TransformerEnginePrecision)


def require_playable(trainer: Any) -> None:
    """Raises GanzooError if a Trainer has settings that no game can be trained with.

    Args:
        trainer: Lightning's.
    """
    if isinstance(trainer.precision_plugin, RECAST):
        raise GanzooError(
            f"trainer.precision: {trainer.precision} changes the weights themselves, which a game keeps in 32 bits; "
            "take bf16-mixed or 16-mixed to compute in 16 bits, else 32-true."
        )
    name, batches = "trainer.accumulate_grad_batches", trainer.accumulate_grad_batches
    scheduled = [c for c in trainer.callbacks if isinstance(c, GradientAccumulationScheduler)]
    if scheduled:
        name, batches = "trainer.callbacks: GradientAccumulationScheduler", max(scheduled[0].scheduling.values())
    if batches != 1:
        raise GanzooError(
            f"{name}: {batches} batches to a step given, but the players of a game step by themselves. "
            f"--model.init_args.accumulate {batches} splits each batch into {batches} parts with one step for all of "
            "them; raise --data.batch_size for more images to a step."
        )


def take_limit(trainer: Any) -> float | None:
    """Removes the gradient limit from a Trainer and returns it, before Lightning refuses it in manual optimisation.

    Args:
        trainer: Lightning's.

    Returns:
        What to put back once Lightning has looked.

    Raises:
        GanzooError: if it is negative.
    """
    limit = trainer.gradient_clip_val
    if limit is not None and limit < 0:
        raise GanzooError(f"trainer.gradient_clip_val: must be at least 0, which clips nothing, not {limit}.")
    trainer.gradient_clip_val = None
    return limit


def clip(optimizer: Optimizer, trainer: Any) -> None:
    """Clips one player's gradients by the Trainer's `gradient_clip_val` and `gradient_clip_algorithm`.

    Args:
        optimizer: the player's; a norm is that of all its gradients together.
        trainer: Lightning's.
    """
    limit = trainer.gradient_clip_val
    if not limit:
        return
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
        scaler.unscale_(optimizer)  # Lightning leaves that to fused optimizers' steps, which come too late
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if trainer.gradient_clip_algorithm == "value":
        torch.nn.utils.clip_grad_value_(parameters, limit)
    else:
        torch.nn.utils.clip_grad_norm_(parameters, limit)


def count_step(trainer: Any) -> None:
    """Counts a step in `trainer.global_step`, which Lightning's manual optimisation leaves to optimizers.

    Args:
        trainer: Lightning's, in `fit`.
    """
    progress = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    progress.increment_ready()
    progress.increment_completed()


def validate_now(trainer: Any) -> None:
    """Runs a validation in the middle of `fit`, where none is running.

    Args:
        trainer: Lightning's, in `fit`.
    """
    validation = trainer.fit_loop.epoch_loop.val_loop
    validation.restarting = False
    trainer.validating = True
    validation.run()
    trainer.training = True


def validation_is_due(trainer: Any) -> bool:
    """Returns whether Lightning validates after the present batch of a run that nobody stops.

    Args:
        trainer: Lightning's, at the end of a batch.
    """
    loop = trainer.fit_loop
    stopping, trainer.should_stop = trainer.should_stop, False  # one that stops validates in any case
    due = loop.epoch_loop._should_check_val_fx(loop._data_fetcher)
    trainer.should_stop = stopping
    return due and not loop.epoch_loop.val_loop.skip


def reopen_batch(checkpoint: Mapping[str, Any]) -> None:
    """Sets a checkpoint's counters to those in the last hook of its batch, where it was written after a validation.

    From others Lightning goes on with one batch of the next epoch and then the epoch after, if the batch ended one.

    Args:
        checkpoint: a training checkpoint's content, which is changed.
    """
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    for counts in (progress["total"], progress["current"]):
        counts["completed"] = max(counts["processed"] - 1, 0)


def loader_states(checkpoint: Mapping[str, Any]) -> list[Any]:
    """Returns the states of the training data's loaders in a checkpoint, one for each loader that has one.

    Args:
        checkpoint: a training checkpoint's content.
    """
    return checkpoint["loops"]["fit_loop"]["state_dict"].get("combined_loader") or []
