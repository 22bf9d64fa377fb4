"""MNIST and Fashion-MNIST: handwritten digits and pictures of clothes, 28x28, grey."""

from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.decoding import pad_to, padded
from ganzoo.data.fetch import from_torchvision


class MNIST(ImageDataModule):
    """70,000 handwritten digits (60,000 train, 10,000 test), padded with black from 28x28 to `size`.

    LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998).
    """

    title = "MNIST"
    licence = "CC BY-SA 3.0"
    source = "Yann LeCun, Corinna Cortes, Christopher J. C. Burges, http://yann.lecun.com/exdb/mnist/"
    channels = 1
    n_classes = 10
    class_names = tuple("0123456789")
    standard = True
    folder = "MNIST"

    @property
    def resized(self) -> str | None:
        """Words for the padding, at larger sizes than 28."""
        return padded(28, self.size)

    def load(self, split: Split) -> Loaded:
        """Loads the IDX files under `root/{folder}/raw`, torchvision's layout."""
        data = from_torchvision(self.folder, self.root, self.download, train=split == "train")
        return pad_to(data.data.unsqueeze(1), self.size, self.title), data.targets


class FashionMNIST(MNIST):
    """70,000 grey pictures of clothes in ten classes, made as a drop-in for MNIST.

    Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms" (2017).
    """

    title = "Fashion-MNIST"
    licence = "MIT"
    source = "Zalando Research, https://github.com/zalandoresearch/fashion-mnist"
    class_names = (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    folder = "FashionMNIST"
