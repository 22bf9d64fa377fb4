"""Errors of one line: their fields, and those that a worker process raises."""

import pytest

from ganzoo.common.errors import GanzooError, require_at_least


def test_an_error_can_be_about_another_field():
    error = GanzooError("data.root: no pictures in a: they end in .jpg.")
    assert str(error.of("--data")) == "--data: no pictures in a: they end in .jpg."


def test_a_workers_error_is_what_it_raised():
    error = GanzooError(
        "Caught GanzooError in worker 0.\nTraceback:\n  raise GanzooError\nganzoo.GanzooError: data: gone."
    )
    assert str(error.of_worker()) == "data: gone."
    assert str(GanzooError("data: gone.").of_worker()) == "data: gone."  # of this process


def test_the_least_is_allowed_and_less_is_not():
    require_at_least("--steps", 1, 1)
    with pytest.raises(GanzooError, match=r"^--steps: 0 given, but it must be at least 1\.$"):
        require_at_least("--steps", 0, 1)
