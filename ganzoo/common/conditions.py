"""Conditions that samples are drawn under: classes, vectors, images, sequences of words, and several of them at once.

A network says its `condition`; an `n_classes` is short for `Classes`. Data says the condition of its batches. What is
passed around is a tensor with one row for each sample, or a tuple of such tensors for `Several`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.common.errors import GanzooError, nearest

Values = Any  # a tensor (N, ...), a tuple of these, or None


class Condition(ABC):
    """Base of conditions: what the values of n samples are like, and where they come from.

    Attributes:
        field: what errors name.
    """

    field: ClassVar[str] = "condition"

    @property
    @abstractmethod
    def text(self) -> str:
        """What is wanted for n samples, in words, such as `whole numbers (n,) from 0 to 9`."""

    @abstractmethod
    def admits(self, values: Tensor) -> bool:
        """Returns whether values (N, ...) are such as `text` says."""

    @abstractmethod
    def example(self, n: int) -> Values:
        """Returns n values that are admitted, for measuring and exporting."""

    def arguments(self) -> dict[str, Any]:
        """Returns the values of networks' arguments that follow the data's condition, by their names."""
        return {}

    def served(self, stored: Any) -> Values:
        """Returns stored values (N, ...) as batches have them; by default as `serve_values` does."""
        return serve_values(stored)

    def in_turn(self, n: int) -> Values:
        """Returns n values that take turns, or None where there is no natural order of all there are."""
        return None

    def checked(self, values: Any, n: int, device: torch.device) -> Values:
        """Returns the values of n samples as tensors on a device.

        Args:
            values: a tensor, or what makes one.
            n: how many samples.
            device: where they are wanted.

        Raises:
            GanzooError: if they are not n, or not of this condition.
        """
        tensor = torch.as_tensor(values, device=device)
        if len(tensor.shape) == 0 or len(tensor) != n or not self.admits(tensor):
            raise GanzooError(f"{self.field}: {n} {self.text} are wanted, not {self.describe(tensor)}.")
        return self.served(tensor)

    def describe(self, values: Tensor) -> str:
        """Returns what is wrong with values, for an error."""
        return f"a tensor of shape {tuple(values.shape)} and type {values.dtype}"

    def from_words(self, words: Sequence[str]) -> Values:
        """Returns the values (len(words), ...) that texts stand for.

        Raises:
            GanzooError: if texts stand for nothing here.
        """
        raise GanzooError(f"--text: the model is drawn from under {self.text}, not under words.")


@dataclass(frozen=True)
class Classes(Condition):
    """One of n classes for each sample: whole numbers (N,).

    Args:
        n: number of classes.
    """

    n: int
    field = "labels"

    @property
    def text(self) -> str:
        """What is wanted, in words."""
        return f"whole numbers from 0 to {self.n - 1}"

    def admits(self, values: Tensor) -> bool:
        """Returns whether these are numbers (N,) of classes."""
        if values.dim() != 1 or values.is_floating_point():
            return False
        return not len(values) or bool((values >= 0).all() & (values < self.n).all())

    def describe(self, values: Tensor) -> str:
        """Returns the first number that is none of a class, or the tensor's shape and type."""
        if values.dim() == 1 and not values.is_floating_point():
            strange = values[(values < 0) | (values >= self.n)]
            if len(strange):
                return str(int(strange[0]))
        return super().describe(values)

    def example(self, n: int) -> Tensor:
        """Returns the classes in turn."""
        return torch.arange(n) % self.n

    in_turn = example


@dataclass(frozen=True)
class Vectors(Condition):
    """A vector for each sample, such as the embedding of a text: floats (N, dim).

    Args:
        dim: length of a vector.
    """

    dim: int

    @property
    def text(self) -> str:
        """What is wanted, in words."""
        return f"vectors of {self.dim} floats"

    def arguments(self) -> dict[str, Any]:
        """Returns the value of `condition_dim`."""
        return {"condition_dim": self.dim}

    def admits(self, values: Tensor) -> bool:
        """Returns whether these are floats (N, dim)."""
        return values.is_floating_point() and tuple(values.shape[1:]) == (self.dim,)

    def example(self, n: int) -> Tensor:
        """Returns zeros."""
        return torch.zeros(n, self.dim)


@dataclass(frozen=True)
class Images(Condition):
    """An image, or another array in [-1, 1], for each sample: floats (N, *shape).

    Args:
        shape: of one.
    """

    shape: tuple[int, ...]

    @property
    def text(self) -> str:
        """What is wanted, in words."""
        return f"arrays of floats of shape {self.shape}"

    def admits(self, values: Tensor) -> bool:
        """Returns whether these are floats (N, *shape)."""
        return values.is_floating_point() and tuple(values.shape[1:]) == self.shape

    def served(self, stored: Any) -> Values:
        """Returns stored values as floats, bytes in [-1, 1]."""
        return stored.float().div(127.5).sub(1) if stored.dtype == torch.uint8 else stored

    def example(self, n: int) -> Tensor:
        """Returns zeros."""
        return torch.zeros(n, *self.shape)


@dataclass(frozen=True)
class Sequences(Condition):
    """A sequence of words for each sample: whole numbers (N, length), 0 for nothing, i + 1 for the i-th word.

    Args:
        length: number of places; shorter sequences end in zeros.
        vocabulary: the words that there are.
    """

    length: int
    vocabulary: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is wanted, in words."""
        return f"sequences of {self.length} whole numbers from 0 to {len(self.vocabulary)}"

    def arguments(self) -> dict[str, Any]:
        """Returns the values of `condition_length` and `vocabulary`."""
        return {"condition_length": self.length, "vocabulary": [*self.vocabulary]}

    def admits(self, values: Tensor) -> bool:
        """Returns whether these are numbers (N, length) of words."""
        if values.is_floating_point() or tuple(values.shape[1:]) != (self.length,):
            return False
        return not len(values) or bool((values >= 0).all() & (values <= len(self.vocabulary)).all())

    def example(self, n: int) -> Tensor:
        """Returns empty sequences."""
        return torch.zeros(n, self.length, dtype=torch.long)

    def from_words(self, words: Sequence[str]) -> Tensor:
        """Returns texts, whose words are separated by spaces, as numbers (len(words), length).

        Raises:
            GanzooError: if a word is not in the vocabulary, or there are too many.
        """
        rows = torch.zeros(len(words), self.length, dtype=torch.long)
        for row, text in zip(rows, words, strict=True):
            parts = text.lower().split()
            if len(parts) > self.length:
                raise GanzooError(f"--text: at most {self.length} words are taken, not the {len(parts)} of '{text}'.")
            for place, word in enumerate(parts):
                if word not in self.vocabulary:
                    hint = nearest(word, self.vocabulary)
                    raise GanzooError(f"--text: the model has not learnt the word '{word}'.{hint}")
                row[place] = self.vocabulary.index(word) + 1
        return rows


@dataclass(frozen=True)
class Several(Condition):
    """Several conditions at once: a tuple of values, one of each.

    Args:
        parts: the conditions.
    """

    parts: tuple[Condition, ...]

    @property
    def text(self) -> str:
        """What is wanted, in words."""
        return " with ".join(part.text for part in self.parts)

    def admits(self, values: Any) -> bool:
        """Returns whether these are as many as there are parts, each admitted."""
        return len(values) == len(self.parts) and all(
            part.admits(each) for part, each in zip(self.parts, values, strict=True)
        )

    def checked(self, values: Any, n: int, device: torch.device) -> tuple[Values, ...]:
        """Returns the values of n samples as tensors on a device; see `Condition.checked`."""
        if not isinstance(values, tuple | list) or len(values) != len(self.parts):
            raise GanzooError(f"{self.field}: a tuple of {len(self.parts)} is wanted: {self.text}.")
        return tuple(part.checked(each, n, device) for part, each in zip(self.parts, values, strict=True))

    def served(self, stored: Any) -> Values:
        """Returns stored values of every part as batches have them."""
        return tuple(part.served(each) for part, each in zip(self.parts, stored, strict=True))

    def in_turn(self, n: int) -> Values:
        """Returns n values that take turns, if all parts have such."""
        values = tuple(part.in_turn(n) for part in self.parts)
        return None if any(each is None for each in values) else values

    def example(self, n: int) -> Values:
        """Returns examples of every part."""
        return tuple(part.example(n) for part in self.parts)


def condition_of(owner: Any) -> Condition | None:
    """Returns the condition of a network, a model or data: its `condition`, or classes by its `n_classes`.

    Args:
        owner: whatever may have one; None where it has neither.
    """
    condition = getattr(owner, "condition", None)
    if condition is not None:
        return condition
    classes = getattr(owner, "n_classes", 0)
    return Classes(classes) if classes else None


def map_values(change: Callable[[Tensor], Any], values: Values) -> Any:
    """Returns values with each of their tensors changed; None stays None."""
    if values is None:
        return None
    if isinstance(values, tuple | list):
        return tuple(map_values(change, each) for each in values)
    return change(values)


def serve_values(stored: Values, condition: Condition | None = None) -> Values:
    """Returns stored values as batches have them: as their condition says, else whole numbers as int64, floats as is.

    Args:
        stored: a tensor (N, ...), a tuple of these, or None.
        condition: what they are; None where that is not known.
    """
    if stored is None or condition is not None:
        return None if stored is None else condition.served(stored)  # type: ignore[union-attr]
    return map_values(lambda each: each if each.is_floating_point() else each.long(), stored)


def join_values(parts: Sequence[Values]) -> Values:
    """Returns the values of several batches, all of one structure, as one.

    Args:
        parts: each a tensor (N, ...), or a tuple of these.
    """
    if isinstance(parts[0], tuple | list):
        return tuple(join_values(column) for column in zip(*parts, strict=True))
    return torch.cat(list(parts))


def take_values(values: Values, index: Any, device: torch.device | None = None) -> Values:
    """Returns the values of some samples, by an index or a slice.

    Args:
        values: a tensor (N, ...), a tuple of these, or None.
        index: which samples; a tensor is moved to where the values are.
        device: where they are wanted; None leaves them there.
    """

    def take(tensor: Tensor) -> Tensor:
        taken = tensor[index.to(tensor.device) if isinstance(index, Tensor) else index]
        return taken if device is None else taken.to(device)

    return map_values(take, values)


def count_values(values: Values) -> int:
    """Returns how many samples values are for.

    Args:
        values: a tensor (N, ...), or a tuple of these.
    """
    return count_values(values[0]) if isinstance(values, tuple | list) else len(values)


def require_condition(field: str, wanted: Condition | None, there: Condition | None) -> None:
    """Raises GanzooError if a network takes another condition than the data has.

    Args:
        field: what an error names.
        wanted: the network's; None if it takes none.
        there: the data's; None if it has none.

    Raises:
        GanzooError: if they differ, where the network takes any.
    """
    if wanted is None or wanted == there:
        return
    has = f"has {there.text}" if there is not None else "has none"
    raise GanzooError(f"{field}: it takes {wanted.text} as a condition, but the data {has}.")
