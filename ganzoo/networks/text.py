"""Text encoders: captions to vectors, by averaged word vectors, a recurrent network, or computed beforehand.

The first two learn by matching captions with images: of a batch, each caption is to be nearest to its own image, and
each image to its own caption, by the cosine of their embeddings. They are frozen afterwards.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, normalize

from ganzoo.common.conditions import Condition, Sequences, Vectors
from ganzoo.common.data_spec import DataSpec
from ganzoo.common.errors import GanzooError, require_at_least

SIDE = 32  # pixels of the images that are matched
SHARPNESS = 10.0  # of the cosines at first, see `TextEncoder.similarities`


class ImageEncoder(nn.Module):
    """Images to vectors as long as texts' are, at 32 pixels: three convolutions of stride 2 and a linear layer.

    Args:
        channels: of the images.
        dim: length of a vector.
        width: channels of the first convolution.
    """

    def __init__(self, channels: int, dim: int, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for before in (width, 2 * width):
            layers += [nn.Conv2d(before, 2 * before, 4, 2, 1), nn.BatchNorm2d(2 * before), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * width * (SIDE // 8) ** 2, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, C, H, W) in [-1, 1] to vectors (N, dim)."""
        if x.shape[-1] != SIDE:
            x = interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
        return self.net(x)


class TextEncoder(nn.Module):
    """Base of text encoders: captions (N, ...), or several of each sample (N, K, ...) to be averaged, to vectors.

    Attributes:
        condition: what captions are.
        dim: length of a vector.
        images: encoder of images that are matched; None of encoders that do not learn.
        filled: whether it has learnt.
        checksum: of the vocabulary that it has learnt with, (4,).
    """

    condition: Condition
    dim: int
    images: ImageEncoder | None
    filled: Tensor
    checksum: Tensor

    def __init__(self, condition: Condition, dim: int, images: ImageEncoder | None = None) -> None:
        super().__init__()
        self.condition, self.dim, self.images = condition, dim, images
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))
        self.register_buffer("checksum", self.own_checksum)
        self.sharpness = nn.Parameter(torch.tensor(log(SHARPNESS))) if images is not None else None

    @classmethod
    def follow(cls, spec: DataSpec, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the data's words as one text."""
        words = getattr(spec.condition, "vocabulary", None)
        return {} if words is None else {"vocabulary": " ".join(words)}

    @property
    def own_checksum(self) -> Tensor:
        """Checksum (4,) of the vocabulary in its order, bytes."""
        words = getattr(self.condition, "vocabulary", ())
        return torch.tensor([*zlib.crc32(" ".join(words).encode()).to_bytes(4, "big")])

    def require_vocabulary(self) -> None:
        """Raises GanzooError if its weights come from an encoder that has learnt with another vocabulary."""
        if not torch.equal(self.checksum.cpu(), self.own_checksum):
            raise GanzooError(
                "model.encoder: what it starts from has learnt with another vocabulary than the data has; "
                "train both stages on the same captions."
            )

    def prepare(self) -> None:
        """Reads what it starts learning from; by default nothing."""

    def learnt(self) -> Iterator[nn.Parameter]:
        """Yields the parameters that it learns by matching; by default all."""
        return self.parameters()

    def encode(self, captions: Tensor) -> Tensor:
        """Maps captions (N, ...) to vectors (N, dim)."""
        raise NotImplementedError

    def forward(self, captions: Tensor) -> Tensor:
        """Maps captions (N, ...), or K of each sample (N, K, ...), to vectors (N, dim), of K their means."""
        if captions.dim() == 2:
            return self.encode(captions)
        return self.encode(captions.flatten(0, 1)).unflatten(0, captions.shape[:2]).mean(1)

    def similarities(self, x: Tensor, captions: Tensor) -> Tensor:
        """Returns the cosines (N, M) of images with captions, multiplied by a sharpness that is learnt.

        Raises:
            GanzooError: if it does not match images.
        """
        if self.images is None or self.sharpness is None:
            raise GanzooError(f"model.encoder: {type(self).__name__} does not match captions with images.")
        texts = normalize(self(captions), dim=1)
        return self.sharpness.clamp(max=log(100)).exp() * normalize(self.images(x), dim=1) @ texts.T

    def matching_loss(self, x: Tensor, captions: Tensor, groups: Tensor) -> Tensor:
        """Returns the cross-entropy of each image with the batch's captions, and of each caption with its images.

        Args:
            x: images (N, C, H, W) in [-1, 1].
            captions: of them.
            groups: numbers (N,); what else is of an image's own group is left out of the choice.
        """
        logits = self.similarities(x, captions)
        own = torch.arange(logits.shape[0], device=x.device)
        alike = (groups[:, None] == groups).fill_diagonal_(False)
        logits = logits.masked_fill(alike, -1e4)
        return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


class WordAverage(TextEncoder):
    """Mean of the vectors of a caption's words, and a linear layer. It does not know the words' order.

    Args:
        condition_length: places of a caption.
        vocabulary: the words that there are, separated by spaces: a list of thousands takes long to parse.
        channels: of the images that are matched.
        text_dim: length of the result, whose numbers have unit variance.
        word_dim: length of a word's vector.
        vectors: .npz file, with or without that suffix, of arrays `words` and `vectors`, such as GloVe's, that the
            words begin with and keep; looked for under `$GANZOO_DATA`, too. None learns them all. Checkpoints hold the
            vectors, and do not need it.
    """

    def __init__(
        self,
        condition_length: int = 1,
        vocabulary: str = "",
        channels: int = 3,
        text_dim: int = 128,
        word_dim: int = 50,
        vectors: str | None = None,
    ) -> None:
        super().__init__(
            Sequences(condition_length, tuple(vocabulary.split())), text_dim, ImageEncoder(channels, text_dim)
        )
        self.table = nn.Embedding(len(vocabulary.split()) + 1, word_dim)
        self.linear = nn.Linear(word_dim, text_dim)
        self.norm = nn.LayerNorm(text_dim)
        self.vectors = vectors

    def encode(self, captions: Tensor) -> Tensor:
        """Maps numbers of words (N, length) to vectors (N, dim)."""
        there = (captions > 0).unsqueeze(2)
        mean = (self.table(captions) * there).sum(1) / there.sum(1).clamp(min=1)
        return self.norm(self.linear(mean))

    def learnt(self) -> Iterator[nn.Parameter]:
        """Yields all parameters but vectors that come from a file."""
        kept = {self.table.weight} if self.vectors is not None else set()
        return (parameter for parameter in self.parameters() if parameter not in kept)

    @torch.no_grad()
    def prepare(self) -> None:
        """Takes the words' vectors from the file; a word that it lacks is at zero.

        Raises:
            GanzooError: if it is no such file.
        """
        if self.vectors is None:
            return
        words, rows = read_vectors(self.vectors, self.table.embedding_dim)
        places = {word: place for place, word in enumerate(words)}
        assert isinstance(self.condition, Sequences)
        for number, word in enumerate(self.condition.vocabulary, 1):
            self.table.weight[number] = rows[places[word]] if word in places else 0.0


class GRUEncoder(TextEncoder):
    """Last state of a gated recurrent unit that reads a caption word by word, and a linear layer.

    Cho et al. 2014, arXiv 1406.1078. It is written out, so that runtimes without such a layer run it.

    Args:
        condition_length: places of a caption.
        vocabulary: the words that there are, separated by spaces: a list of thousands takes long to parse.
        channels: of the images that are matched.
        text_dim: length of the result, whose numbers have unit variance.
        word_dim: length of a word's vector.
        hidden: length of the state.
    """

    def __init__(
        self,
        condition_length: int = 1,
        vocabulary: str = "",
        channels: int = 3,
        text_dim: int = 128,
        word_dim: int = 32,
        hidden: int = 128,
    ) -> None:
        super().__init__(
            Sequences(condition_length, tuple(vocabulary.split())), text_dim, ImageEncoder(channels, text_dim)
        )
        self.table = nn.Embedding(len(vocabulary.split()) + 1, word_dim)
        self.of_word, self.of_state = nn.Linear(word_dim, 3 * hidden), nn.Linear(hidden, 3 * hidden)
        self.linear = nn.Linear(hidden, text_dim)
        self.norm = nn.LayerNorm(text_dim)
        self.hidden = hidden

    def encode(self, captions: Tensor) -> Tensor:
        """Maps numbers of words (N, length), zeros at the end, to vectors (N, dim)."""
        words = self.of_word(self.table(captions))
        state = words.new_zeros(captions.shape[0], self.hidden)
        for place in range(captions.shape[1]):
            reset, update, new = words[:, place].chunk(3, 1)
            of_reset, of_update, of_new = self.of_state(state).chunk(3, 1)
            update = torch.sigmoid(update + of_update)
            new = torch.tanh(new + torch.sigmoid(reset + of_reset) * of_new)
            state = torch.where(captions[:, place, None] > 0, torch.lerp(new, state, update), state)
        return self.norm(self.linear(state))


class Precomputed(TextEncoder):
    """Embeddings of sentences that come with the data: captions are vectors already. No new text can be typed.

    Args:
        condition_dim: length of an embedding.
    """

    def __init__(self, condition_dim: int = 1024) -> None:
        require_at_least("model.encoder.condition_dim", condition_dim, 1)
        super().__init__(Vectors(condition_dim), condition_dim)

    def encode(self, captions: Tensor) -> Tensor:
        """Returns the vectors as they are."""
        return captions


def read_vectors(file: str, dim: int) -> tuple[list[str], Tensor]:
    """Reads word vectors from a .npz file.

    Args:
        file: its path, perhaps below `$GANZOO_DATA`.
        dim: length of a vector.

    Returns:
        The words, and their vectors (N, dim).

    Raises:
        GanzooError: if it is missing, no such file, or has vectors of another length.
    """
    folders = [Path(), Path(os.environ.get("GANZOO_DATA") or "data").expanduser()]
    places = [folder / Path(f"{file}{suffix}").expanduser() for folder in folders for suffix in ("", ".npz")]
    path = next((place for place in places if place.is_file()), places[0])
    try:
        arrays = np.load(path, allow_pickle=False)
        words, vectors = arrays["words"], torch.from_numpy(np.asarray(arrays["vectors"], dtype=np.float32))
    except (OSError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise GanzooError(
            f"model.encoder.vectors: {file} is no .npz file of arrays 'words' and 'vectors': {error}."
        ) from None
    if vectors.shape != (len(words), dim) or not vectors.isfinite().all():
        raise GanzooError(
            f"model.encoder.vectors: {file} has vectors of shape {tuple(vectors.shape)} for {len(words)} words; "
            f"numbers of shape ({len(words)}, {dim}) are wanted."
        )
    return [str(word) for word in words], vectors
