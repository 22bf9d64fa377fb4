"""Losses computed in a move of their own, as the loop opens one."""

from collections.abc import Callable
from typing import Any

from ganzoo.games.players import Terms


def in_move(loss: Callable[..., Terms], x: Any, y: Any = None) -> Terms:
    """The terms of a game's loss (x, y, move) in a new move, whose notes are the game's, as the loop does it."""
    game = loss.__self__  # type: ignore[attr-defined]
    move = game.open_move()
    terms = loss(x, y, move)
    game.notes.merge(move.notes.totals)
    return terms
