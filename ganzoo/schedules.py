"""Face of `ganzoo.games.schedules`: the path by which recipes name a schedule."""

from ganzoo.games.schedules import Schedule

__all__ = ["Schedule"]
