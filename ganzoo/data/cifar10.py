"""CIFAR-10: small photographs of animals and vehicles."""

import torch

from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.decoding import resize_to
from ganzoo.data.fetch import from_torchvision


class CIFAR10(ImageDataModule):
    """60,000 colour photographs, 32x32, in ten classes (50,000 train, 10,000 test).

    Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
    """

    title = "CIFAR-10"
    licence = "no explicit licence"
    source = "Alex Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html"
    n_classes = 10
    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    standard = True

    @property
    def resized(self) -> str | None:
        """Words for the resizing, at other sizes than 32."""
        return "from 32x32 by bicubic interpolation, antialiased" if self.size != 32 else None

    def load(self, split: Split) -> Loaded:
        """Loads the batches under `root/cifar-10-batches-py`, torchvision's layout."""
        data = from_torchvision("CIFAR10", self.root, self.download, train=split == "train")
        images = torch.from_numpy(data.data).permute(0, 3, 1, 2)
        return resize_to(images, self.size), torch.tensor(data.targets)
