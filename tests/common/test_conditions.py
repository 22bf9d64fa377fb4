"""Conditions: what is admitted, served and drawn in turn, and what errors say."""

import pytest
import torch

from ganzoo.common.conditions import (
    Classes,
    Images,
    Sequences,
    Several,
    Vectors,
    condition_of,
    count_values,
    join_values,
    require_condition,
    serve_values,
    take_values,
)
from ganzoo.common.errors import GanzooError

CPU = torch.device("cpu")
EVERY = [
    Classes(3),
    Vectors(4),
    Images((1, 2, 2)),
    Sequences(3, ("a", "red", "hat")),
    Several((Classes(2), Vectors(1))),
]


@pytest.mark.parametrize("condition", EVERY, ids=lambda of: type(of).__name__)
def test_examples_are_admitted_and_checked_as_they_are(condition):
    example = condition.example(5)
    assert count_values(example) == 5
    assert condition.admits(example)
    checked = condition.checked(example, 5, CPU)
    assert join_values([checked, checked])[0].shape is not None
    assert count_values(take_values(checked, slice(1, 3))) == 2
    with pytest.raises(GanzooError):
        condition.checked(example, 4, CPU)


def test_classes_alone_take_turns():
    assert Classes(3).in_turn(5).tolist() == [0, 1, 2, 0, 1]
    assert [condition.in_turn(2) for condition in EVERY[1:4]] == [None] * 3
    assert Several((Classes(2), Classes(3))).in_turn(4)[1].tolist() == [0, 1, 2, 0]
    assert EVERY[4].in_turn(2) is None


def test_floats_stay_floats_and_whole_numbers_become_indices():
    assert serve_values(torch.tensor([0.25, 0.75])).tolist() == [0.25, 0.75]
    assert serve_values(torch.tensor([1, 2], dtype=torch.uint8)).dtype == torch.int64
    vectors = torch.randn(2, 4)
    assert Vectors(4).served(vectors) is vectors
    assert Images((1, 1, 2)).served(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).tolist() == [[[[-1, 1]]]]


@pytest.mark.parametrize(
    ("condition", "values", "words"),
    [
        (Classes(3), torch.tensor([0, 3]), "labels: 2 whole numbers from 0 to 2 are wanted, not 3"),
        (Classes(3), torch.tensor([0.0, 1.0]), r"not a tensor of shape \(2,\) and type torch.float32"),
        (Vectors(4), torch.zeros(2, 3), r"condition: 2 vectors of 4 floats are wanted, not a tensor of shape \(2, 3\)"),
        (Vectors(4), torch.zeros(2, 4, dtype=torch.long), "vectors of 4 floats are wanted"),
        (Images((1, 2, 2)), torch.zeros(2, 2, 2), r"floats of shape \(1, 2, 2\) are wanted"),
        (Sequences(2, ("a",)), torch.tensor([[1, 2], [0, 0]]), "sequences of 2 whole numbers from 0 to 1 are wanted"),
        (Several((Classes(2), Vectors(1))), torch.zeros(2), "a tuple of 2 is wanted"),
    ],
)
def test_what_does_not_fit_is_named(condition, values, words):
    with pytest.raises(GanzooError, match=words):
        condition.checked(values, 2, CPU)


def test_words_are_numbers_of_the_vocabulary():
    sequences = Sequences(3, ("a", "red", "hat"))
    assert sequences.from_words(["a red hat", "Hat", ""]).tolist() == [[1, 2, 3], [3, 0, 0], [0, 0, 0]]
    with pytest.raises(GanzooError, match=r"has not learnt the word 'hot'.*'hat'"):
        sequences.from_words(["a hot"])
    with pytest.raises(GanzooError, match="at most 3 words are taken, not the 4"):
        sequences.from_words(["a a a a"])
    with pytest.raises(GanzooError, match="not under words"):
        Vectors(2).from_words(["a"])


def test_classes_are_short_for_their_condition():
    class Labelled:
        n_classes = 10

    class Described:
        n_classes = 0
        condition = Vectors(3)

    assert condition_of(Labelled()) == Classes(10)
    assert condition_of(Described()) == Vectors(3)
    assert condition_of(object()) is None
    require_condition("model.generator", None, Vectors(3))
    require_condition("model.generator", Vectors(3), Vectors(3))
    with pytest.raises(GanzooError, match=r"model\.generator: it takes vectors of 3 floats as a condition, but"):
        require_condition("model.generator", Vectors(3), Vectors(2))
    with pytest.raises(GanzooError, match="has none"):
        require_condition("model.generator", Vectors(3), None)
