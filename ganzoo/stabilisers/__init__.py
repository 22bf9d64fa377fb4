"""Stabilisers: one file each, switched on by a recipe's `stabilisers` list."""

from ganzoo.stabilisers.base import Shown, Stabiliser

__all__ = ["Shown", "Stabiliser"]
