"""Sums over the processes of a distributed run, and what its first one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def sum_over_processes(x: Tensor) -> Tensor:
    """Returns the sum of a tensor over all processes; itself where there is one."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(x := x.clone())
    return x


def of_first_process(x: Tensor) -> Tensor:
    """Returns a tensor of the first process on all of them."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.broadcast(x := x.clone(), 0)
    return x
