"""Data set of your own pictures with captions: a folder or a zip of them."""

import io
import zipfile
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.common.captions import vocabulary_of, words_of
from ganzoo.common.conditions import Condition, Sequences, Vectors
from ganzoo.common.errors import GanzooError, require_at_least
from ganzoo.data.base import Loaded, Split
from ganzoo.data.caption_files import read_captions
from ganzoo.data.captions import Captions, padded_captions, serve_captions, stored_captions
from ganzoo.data.decoding import Pictures
from ganzoo.data.finding import members, some, warn
from ganzoo.data.image_folder import ImageFolder
from ganzoo.data.layout import Layout


class CaptionFolder(ImageFolder):
    """Pictures of a folder or a zip with their captions, as `ganzoo.data.caption_files` reads them.

    Pictures without captions are left out. Sub-folders that are classes, see `ImageFolder`, are the groups within which
    no wrong pairs are made; without any each picture is a group by itself. Scores refer to first captions.

    Args:
        root: the folder or zip. A relative path that does not exist is also looked for under `$GANZOO_DATA`.
        size: height and width of the images in pixels.
        channels: 3 (RGB) or 1 (grey); None as in `ImageFolder`.
        held_out: share of the pictures that make a test split where no folders do.
        words: how many words are known, the most frequent ones of the captions.
        length: words of a caption that count, the first ones.
        average: how many captions of an image are drawn in each training batch; their embeddings are averaged.
        embeddings: .npz file in the folder or zip with `caption`, texts (M,), and `embedding`, vectors (M, D), that are
            served in the place of words; captions without any are left out.
        **kwargs: see `ImageFolder`.

    Attributes:
        condition: numbers of words, or vectors. Known after `inspect`.
    """

    tasks = ("text",)

    def __init__(
        self,
        root: str | None = None,
        size: int = 64,
        channels: int | None = 3,
        held_out: float = 0.0,
        words: int = 2000,
        length: int = 16,
        average: int = 1,
        embeddings: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(root, size, channels, held_out, **kwargs)
        for name, number in (("words", words), ("length", length), ("average", average)):
            require_at_least(f"data.{name}", number, 1)
        self.words, self.length, self.average, self.embeddings = words, length, average, embeddings
        self.captions: dict[str, list[str]] = {}
        self._condition: Condition | None = None
        self._vectors: dict[str, Tensor] = {}
        self._decoders: dict[Split, Pictures] = {}

    @property
    def condition(self) -> Condition | None:  # type: ignore[override]
        """What batches carry beside images."""
        self.inspect()
        return self._condition

    def inspect(self) -> None:
        """Finds pictures, captions and words; see `ImageFolder.inspect`."""
        if self._condition is not None:
            return
        super().inspect()
        if self.embeddings is not None:
            self._condition = Vectors(len(next(iter(self._vectors.values()))))
            return
        assert self._layout is not None
        texts = (text for name in self._layout.train for text in self.captions[name])
        vocabulary = vocabulary_of(texts, self.words)
        if not vocabulary:
            raise GanzooError(f"data.root: there is no word in the captions of {self.root}.")
        known = {*vocabulary}
        for name, own in self.captions.items():  # a picture of strange words alone is still one to train on
            self.captions[name] = [text for text in own if known.intersection(words_of(text))] or own[:1]
        self._condition = Sequences(self.length, vocabulary)

    def arrange(self, names: list[str]) -> Layout:
        """Returns the splits and classes of those pictures that have captions."""
        self.captions = {name: kept for name, own in self.all_captions(names).items() if (kept := self._usable(own))}
        known = [name for name in names if name in self.captions]
        if not known:
            raise GanzooError(f"data.root: none of the {len(names)} pictures in {self.root} has a caption.")
        if len(known) < len(names):
            lacking = some(name for name in names if name not in self.captions)
            warn(self.label, f"left out {len(names) - len(known)} pictures without captions: {lacking}")
        return super().arrange(known)

    def all_captions(self, names: list[str]) -> dict[str, list[str]]:
        """Returns the captions of pictures by their paths."""
        return read_captions(self._all_files(), names, self._read)

    def load(self, split: Split) -> Loaded:
        """Decodes the pictures of a split, and returns them with their captions."""
        images, classes = super().load(split)
        return images, self.stored(self._decoders[split].names, classes)

    def stored(self, names: list[str], classes: Any) -> Captions:
        """Returns the captions of pictures as a split keeps them, with classes as groups if there are any."""
        texts = [self.captions[name] for name in names]
        if self.embeddings is not None:
            return padded_captions([torch.stack([self._vectors[text] for text in own]) for own in texts], classes)
        assert isinstance(self.condition, Sequences)
        return stored_captions(texts, self.condition, classes)

    def make(self, x: Tensor, y: Any, generator: torch.Generator, train: bool) -> tuple[Any, Any]:
        """Returns images with their captions: drawn at random, with groups, in training; else the first ones."""
        return x, serve_captions(y, generator, train, self.average)

    def pictures(self, split: Split, names: list[str]) -> Pictures:
        """Returns a decoder of these pictures, which is kept, for it will know which of them can be read."""
        self._decoders[split] = super().pictures(split, names)
        return self._decoders[split]

    def fingerprint(self, split: Split) -> str:
        """Returns the sha256 (hexadecimal) of a split's images, captions and words."""
        return sha256(f"{super().fingerprint(split)} {self.condition}".encode()).hexdigest()

    def _usable(self, texts: list[str]) -> list[str]:
        """Returns those captions that have words, or embeddings where these are asked for."""
        if self.embeddings is None:
            return [text for text in texts if words_of(text)]
        self._vectors = self._vectors or read_embeddings(self.embeddings, self._read(self.embeddings))
        return [text for text in texts if text in self._vectors]

    def _all_files(self) -> list[str]:
        if not self.root.is_dir():
            return [*members(self.root)]
        return [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]

    def _read(self, name: str) -> bytes:
        """Returns the bytes of a file of the folder or zip.

        Raises:
            GanzooError: if it is not there, or damaged.
        """
        try:
            if self.root.is_dir():
                return (self.root / name).read_bytes()
            with zipfile.ZipFile(self.root) as archive:
                return archive.read(members(self.root)[name])
        except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, ValueError) as error:
            raise GanzooError(f"data.root: {name} in {self.root} cannot be read ({error}).") from None


def read_embeddings(name: str, content: bytes) -> dict[str, Tensor]:
    """Returns vectors by the texts that they are of.

    Args:
        name: of the file.
        content: a .npz file's bytes.

    Raises:
        GanzooError: if it is no such file.
    """
    try:
        arrays = np.load(io.BytesIO(content), allow_pickle=False)
        texts, vectors = arrays["caption"], torch.from_numpy(np.asarray(arrays["embedding"], dtype=np.float32))
        if vectors.dim() != 2 or len(vectors) != len(texts) or not len(texts) or not vectors.isfinite().all():
            raise ValueError(f"vectors of shape {tuple(vectors.shape)} for {len(texts)} texts")
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise GanzooError(
            f"data.embeddings: {name} is no .npz file of arrays 'caption' and 'embedding': {error}."
        ) from None
    return {str(text): vector for text, vector in zip(texts, vectors, strict=True)}
