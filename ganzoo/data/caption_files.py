"""Captions of pictures read from files: one of lines of JSON, one of comma-separated values, or a text beside each."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any

from ganzoo.common.errors import GanzooError, one_line

FILES = ("captions.jsonl", "captions.csv")  # in the folder or zip, looked for in this order
LONGEST = 2**26  # bytes of a file of captions
MOST = 10  # captions of a picture
NAMES = ("file", "file_name", "image", "filename")  # of what says which picture, in this order
TEXTS = ("captions", "caption", "text", "name")  # likewise what is said of it

Read = Callable[[str], bytes]


def read_captions(there: Iterable[str], pictures: Iterable[str], read: Read) -> dict[str, list[str]]:
    """Returns the captions of pictures by their paths, at most ten each, from the first source that there is.

    `captions.jsonl` has a record for each picture, such as {"file": "cats/1.png", "captions": ["a cat", "a tabby"]};
    `captions.csv` has columns `file` and `caption`, and a picture may have several rows. Otherwise the lines of
    `cats/1.txt` are captions of `cats/1.png`.

    Args:
        there: paths of all files.
        pictures: paths of the pictures.
        read: from a path to a file's bytes.

    Raises:
        GanzooError: if there is none of them, or one is damaged, empty or huge.
    """
    there, pictures = {*there}, [*pictures]
    for name, parse in zip(FILES, (_of_json, _of_csv), strict=True):
        if name in there:
            captions: dict[str, list[str]] = {}
            for picture, texts in parse(_text(name, read)):
                _add(captions, picture, texts)
            return captions
    captions = {}
    for picture in pictures:
        beside = str(PurePosixPath(picture).with_suffix(".txt"))
        if beside in there:
            _add(captions, picture, _text(beside, read).splitlines())
    if not captions:
        raise GanzooError(
            f"data.root: there are no captions: neither {' nor '.join(FILES)}, nor a .txt beside a picture."
        )
    return captions


def _add(captions: dict[str, list[str]], picture: str, texts: Iterable[str]) -> None:
    own = captions.setdefault(picture, [])
    for text in texts:
        if text.strip() and len(own) < MOST:
            own.append(text.strip())


def _text(name: str, read: Read) -> str:
    """Returns the text of a file.

    Raises:
        GanzooError: if it is too long, no UTF-8, or cannot be read.
    """
    try:
        content = read(name)
    except Exception as error:  # files and members of zips fail in many ways
        raise GanzooError(one_line(f"data.root: {name} cannot be read: {error}.")) from None
    if len(content) > LONGEST:
        raise GanzooError(f"data.root: {name} has more than {LONGEST:,} bytes; captions are shorter.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GanzooError(f"data.root: {name} is not UTF-8 text.") from None


def _of_json(text: str) -> Iterable[tuple[str, list[str]]]:
    """Yields pictures and their captions from lines of JSON."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            assert isinstance(record, dict)
        except (ValueError, AssertionError, RecursionError):
            raise GanzooError(f"data.root: line {number} of {FILES[0]} is no record of JSON.") from None
        yield _file_of(record, number, FILES[0]), _captions_of(record, number, FILES[0])


def _of_csv(text: str) -> Iterable[tuple[str, list[str]]]:
    """Yields pictures and a caption each from comma-separated values with a head line."""
    rows = csv.DictReader(io.StringIO(text))
    try:
        for number, row in enumerate(rows, 2):
            yield _file_of(row, number, FILES[1]), _captions_of(row, number, FILES[1])
    except csv.Error as error:
        raise GanzooError(f"data.root: {FILES[1]} cannot be read: {error}.") from None


def _file_of(record: dict[str, Any], number: int, file: str) -> str:
    name = next((record[key] for key in NAMES if record.get(key)), None)
    if not isinstance(name, str):
        raise GanzooError(f"data.root: line {number} of {file} does not say which file, by one of {', '.join(NAMES)}.")
    return str(PurePosixPath(name))


def _captions_of(record: dict[str, Any], number: int, file: str) -> list[str]:
    value = next((record[key] for key in TEXTS if record.get(key)), None)
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise GanzooError(f"data.root: line {number} of {file} has no caption, by one of {', '.join(TEXTS)}.")
    return texts
