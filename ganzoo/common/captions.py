"""Captions as words and as numbers: what separates words, which vocabulary there is, and texts that somebody types."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ganzoo.common.conditions import Sequences
from ganzoo.common.errors import GanzooError, nearest

log = logging.getLogger(__name__)

NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SAME = dict(zip(map(str, range(10)), NUMERALS, strict=True)) | dict(zip(NUMERALS, map(str, range(10)), strict=True))


def words_of(text: str) -> list[str]:
    """Returns the words of a text: runs of letters, without accents and in lower case, or of digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z]+|[0-9]+", plain.lower().replace("'", ""))


def vocabulary_of(texts: Iterable[str], most: int) -> tuple[str, ...]:
    """Returns the most frequent words of texts, sorted; of those that are as frequent, the first ones of the alphabet.

    Args:
        texts: captions.
        most: how many words.
    """
    counts = Counter(word for text in texts for word in words_of(text))
    return tuple(sorted(sorted(counts, key=lambda word: (-counts[word], word))[:most]))


def numbers_of(words: Sequence[str], places: dict[str, int], length: int) -> list[int]:
    """Returns words as numbers, those alone that there are, at most so many, with zeros to that length.

    A digit and its name stand for each other where the vocabulary has only one of them.

    Args:
        words: of a text.
        places: numbers of the words of the vocabulary, from 1 on.
        length: of the result.
    """
    known = [places.get(word) or places.get(SAME.get(word, "")) for word in words]
    numbers = [number for number in known if number][:length]
    return numbers + [0] * (length - len(numbers))


def numbered(texts: Sequence[str], condition: Sequences) -> Tensor:
    """Returns captions as numbers (len(texts), length), as `Sequences` has them; words that are not known are left out.

    Args:
        texts: captions.
        condition: length and vocabulary.
    """
    places = {word: number for number, word in enumerate(condition.vocabulary, 1)}
    rows = [numbers_of(words_of(text), places, condition.length) for text in texts]
    return torch.tensor(rows, dtype=torch.long).reshape(len(texts), condition.length)


def typed(texts: Sequence[str], condition: Sequences) -> Tensor:
    """Returns texts that somebody typed as numbers (len(texts), length); what is left out is named in a warning.

    Args:
        texts: as they were typed.
        condition: length and vocabulary of the model.

    Raises:
        GanzooError: if a text has no word of the vocabulary.
    """
    known = {*condition.vocabulary}
    for text in texts:
        words = words_of(text)
        strange = [word for word in words if word not in known and SAME.get(word) not in known]
        if len(strange) == len(words):
            hint = nearest(words[0], condition.vocabulary) if words else ""
            raise GanzooError(f"--text: the model has not learnt any word of '{text}'.{hint}")
        if strange:
            log.warning("--text: left out of '%s', for the model has not learnt it: %s", text, ", ".join(strange))
        if len(words) - len(strange) > condition.length:
            log.warning("--text: of '%s' the first %d known words are taken", text, condition.length)
    return numbered(texts, condition)
