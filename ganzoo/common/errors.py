"""Errors of one line for what the user can mend, and text that is safe to print."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_MESSAGE = 2000  # characters of a message


class GanzooError(Exception):
    """A mistake of the user's, in one line.

    The message names the field, what was given, what is allowed and, where there is one, the nearest right name.
    The command line prints it on stderr and exits with status 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))

    def of(self, field: str) -> "GanzooError":
        """Returns this error about another field, in place of the one that its message begins with."""
        return GanzooError(f"{field}: {str(self).partition(': ')[2]}")

    def of_worker(self) -> "GanzooError":
        """Returns the error that a worker process raised, without its traceback, which PyTorch puts in front."""
        return GanzooError(str(self).rpartition(f"{type(self).__name__}: ")[2])


def require_at_least(field: str, value: float, least: float) -> None:
    """Raises GanzooError if the value of a field is below the least that is allowed."""
    if value < least:
        raise GanzooError(f"{field}: {value} given, but it must be at least {least}.")


def one_line(text: str) -> str:
    """Returns text as one printable line of a sensible length."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 1]}…"


def printable(text: str) -> str:
    """Returns text that may be a stranger's without what would command the terminal that shows it."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def nearest(word: str, choices: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the closest of `choices`, or an empty string when nothing is close."""
    close = get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""
