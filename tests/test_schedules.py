import pytest

from ganzoo.errors import GanzooError
from ganzoo.schedules import Schedule, value


def test_constant_schedule_keeps_a_value_until_the_next_ones_turn():
    schedule = Schedule([30, 15, 5], [0, 0.02, 0.05])
    assert [schedule(p) for p in (0, 0.0199, 0.02, 0.0499, 0.05, 1)] == [30, 30, 15, 15, 5, 5]


def test_linear_schedule_moves_in_straight_lines_and_is_flat_outside():
    schedule = Schedule([2.0, 4.0, 0.0], [0.2, 0.4, 0.8], "linear")
    assert [schedule(p) for p in (0, 0.2, 0.3, 0.4, 0.6, 0.8, 1)] == pytest.approx([2, 2, 3, 4, 2, 0, 0])


def test_one_value_holds_for_the_whole_run():
    for kind in ("constant", "linear"):
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
