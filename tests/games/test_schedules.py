import math

import pytest

from ganzoo.common.errors import GanzooError
from ganzoo.games.schedules import EASINGS, Schedule, value


def test_constant_schedule_keeps_a_value_until_the_next_ones_turn():
    schedule = Schedule([30, 15, 5], [0, 0.02, 0.05])
    assert [schedule(p) for p in (0, 0.0199, 0.02, 0.0499, 0.05, 1)] == [30, 30, 15, 15, 5, 5]


def test_linear_schedule_moves_in_straight_lines_and_is_flat_outside():
    schedule = Schedule([2.0, 4.0, 0.0], [0.2, 0.4, 0.8], "linear")
    assert [schedule(p) for p in (0, 0.2, 0.3, 0.4, 0.6, 0.8, 1)] == pytest.approx([2, 2, 3, 4, 2, 0, 0])


def test_the_slowing_kinds_are_their_formulas_and_reach_the_last_value():
    ramp, fall = Schedule([0, 1], [0, 1], "sigmoid"), Schedule([1, 11**-0.75], [0, 1], "power")
    for p in (0, 0.01, 0.25, 0.5, 0.75, 0.999):
        assert ramp(p) == pytest.approx(2 / (1 + math.exp(-10 * p)) - 1)
        assert fall(p) == pytest.approx((1 + 10 * p) ** -0.75)
    assert (ramp(1), fall(1)) == (1, 11**-0.75)
    later = Schedule([4, 8], [0.5, 1], "sigmoid")
    assert [later(p) for p in (0.2, 0.5, 0.75)] == pytest.approx([4, 4, 4 + 4 * ramp(0.5)])


def test_one_value_holds_for_the_whole_run():
    for kind in EASINGS:
        assert {Schedule([7], [0.5], kind)(p) for p in (0, 0.5, 1)} == {7}


def test_a_number_is_its_own_schedule():
    assert value(5, 0.3) == 5
    assert value(Schedule([1, 2], [0, 0.5]), 0.5) == 2


@pytest.mark.parametrize(
    ("values", "at", "complaint"),
    [
        ([], [], "as many"),
        ([1, 2], [0], "as many"),
        ([1, 2], [0.5, 0.5], "increase"),
        ([1, 2], [0.5, 0.1], "increase"),
        ([1], [-0.1], "increase"),
        ([1, 2], [0, 1.5], "increase"),
    ],
)
def test_points_that_make_no_sense_are_refused(values, at, complaint):
    with pytest.raises(GanzooError, match=complaint):
        Schedule(values, at)
