"""Equality of nested structures of tensors, bit by bit."""

from typing import Any

import torch
from torch import Tensor


def alike(left: Any, right: Any) -> bool:
    """Whether two nested structures are equal, tensors bit by bit."""
    if isinstance(left, Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    return left == right
