"""What ganzoo says when something the user gave does not fit: one line, no traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class GanzooError(Exception):
    """A mistake in what was asked for, told in one line.

    The message names the field, what was given, what is allowed and, where there is one, the nearest right name.
    The command line prints it on stderr and exits with status 2.
    """


def nearest(word: str, choices: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the closest of `choices`, or an empty string when nothing is close."""
    close = get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
