"""The progress bar: one line that fits the terminal, whatever a game's losses are called."""

import re

import pytest
from commands import DIGITS, ganzoo
from tqdm import tqdm

from ganzoo.training.callbacks import progress
from ganzoo.training.callbacks.progress import losses_text

# What the games log, in the order in which they do.
CRITIC = {"d/wasserstein": 3.4, "d/adv": -3.4, "d/gp": 9.1764, "g/adv": -0.1234}
CODES = {"d/adv": 0.1, "d/category": 0.2, "d/codes": 3.0, "g/adv": 10.55, "g/category": -0.2, "g/codes": -3.0}
CYCLE = {"d/adv": 1, "d/adv_back": 2, "g/adv": 3, "g/adv_back": 4, "g/cycle": 5, "g/cycle_back": 6, "g/identity": 7}
PAIRS = {"d/adv": 0.3, "g/adv": 0.7, "g/l1": 123456.7}


def test_all_losses_are_shown_where_there_is_room():
    for room in (None, 58):
        assert losses_text(CRITIC, room) == "d/wasserstein 3.400 d/adv -3.400 d/gp 9.176 g/adv -0.123"
    assert losses_text(PAIRS, None) == "d/adv 0.300 g/adv 0.700 g/l1 123457"


@pytest.mark.parametrize(
    ("losses", "line"),
    [
        (CRITIC, "d/adv -3.400 g/adv -0.123 …"),  # the adversaries', not what comes first or is shortest
        (CODES, "d/adv 0.100 g/adv 10.550 …"),
        (CYCLE, "d/adv 1.000 g/adv 3.000 …"),
        (PAIRS, "d/adv 0.300 g/adv 0.700 …"),
        ({"ae/elbo": 103.2, "ae/kl": 12.1, "ae/nll": 100.3}, "ae/elbo 103.20 ae/kl 12.100 …"),
    ],
)
def test_where_there_is_little_each_player_has_one(losses, line):
    assert losses_text(losses, 33) == line


@pytest.mark.parametrize("losses", [CRITIC, CODES, CYCLE, PAIRS])
def test_no_line_is_longer_than_its_room(losses):
    lines = [losses_text(losses, room) for room in range(-5, 100)]
    assert [(room, line) for room, line in zip(range(-5, 100), lines, strict=True) if len(line) > max(room, 0)] == []
    assert lines[0] == ""
    assert "…" not in lines[-1] or len(losses) > 6


def test_the_choice_does_not_depend_on_the_numbers():
    for number in (0.0, -9.9996, 99.999, -99999.6, 1e9, -1e-9, float("inf")):
        losses = dict.fromkeys(CODES, number)
        assert re.findall(r"\w+/\w+", losses_text(losses, 50)) == ["d/adv", "d/category", "g/adv"]
        assert len(losses_text(losses, 50)) <= 50


@pytest.mark.parametrize("columns", [60, 80])
def test_a_run_keeps_to_one_line_of_a_terminal(columns, tmp_path, monkeypatch):
    class Terminal(tqdm):
        def __init__(self, **options):
            super().__init__(**options | {"dynamic_ncols": False, "ncols": columns, "ascii": False})

    monkeypatch.setattr(progress, "tqdm", Terminal)
    said = ganzoo("fit", *DIGITS, "--trainer.max_steps", 4, "--runs", tmp_path)
    assert said.status == 0
    lines = [line.rstrip() for line in re.split(r"[\r\n]", said.err) if "%|" in line]
    assert max(map(len, lines)) <= columns
    assert re.fullmatch(r"100%\|█{5,}\| 4/4 \[00:00 left, +[\d.]+/s\](, .*)?", lines[-1]), lines
    if columns == 80:
        assert re.search(r"d/adv -?[\d.]+ .*g/adv", said.err)
