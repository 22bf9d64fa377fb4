"""scikit-learn's handwritten digits: real data that needs no download."""

from typing import Any

import torch

from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.decoding import pad_to, padded

HELD_OUT = 297


class Digits(ImageDataModule):
    """1,797 handwritten digits, 8x8, grey; 1,500 to train on, 297 held out with the same share of every digit.

    Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits" (1998). They come with scikit-learn.
    """

    title = "scikit-learn digits"
    licence = "CC BY 4.0"
    source = "UCI, Optical Recognition of Handwritten Digits, https://doi.org/10.24432/C50P49"
    channels = 1
    n_classes = 10
    class_names = tuple("0123456789")
    standard = True

    def __init__(self, root: str | None = None, size: int = 8, **kwargs: Any) -> None:
        super().__init__(root, size, **kwargs)

    @property
    def resized(self) -> str | None:
        """Words for the padding, at larger sizes than 8."""
        return padded(8, self.size)

    def load(self, split: Split) -> Loaded:
        """Loads a split of the digits, which are split always in the same way."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images, labels, test_size=HELD_OUT, stratify=labels, random_state=0)
        held_out = split == "test"
        images, labels = parts[held_out], parts[2 + held_out]
        grey = torch.from_numpy(images).mul(255 / 16).round().to(torch.uint8)  # stored as 0 to 16
        return pad_to(grey.view(-1, 1, 8, 8), self.size, self.title), torch.from_numpy(labels)
