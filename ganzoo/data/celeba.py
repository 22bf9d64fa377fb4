"""CelebA: photographs of well-known faces."""

from typing import Any

from ganzoo.data.base import ImageDataModule, Loaded, Split
from ganzoo.data.decoding import MIDDLE, Pictures
from ganzoo.data.fetch import from_torchvision


class CelebA(ImageDataModule):
    """182,732 aligned faces (162,770 train, 19,962 test), unlabelled; the central 178x178 resized to `size`.

    Liu, Luo, Wang, Tang, "Deep Learning Face Attributes in the Wild" (2015). Read by workers, not held in memory.
    """

    title = "CelebA"
    licence = "non-commercial research only"
    source = "Multimedia Laboratory, CUHK, https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    standard = True

    def __init__(self, root: str | None = None, size: int = 64, **kwargs: Any) -> None:
        super().__init__(root, size, **kwargs)

    @property
    def resized(self) -> str:
        """Words for the resizing: the middle square of 178x218."""
        return MIDDLE if self.size != 178 else "the middle square"

    def load(self, split: Split) -> Loaded:
        """Finds the files under `root/celeba`, torchvision's layout; the validation split is not used."""
        data = from_torchvision("CelebA", self.root, self.download, split=split, target_type=[])
        return Pictures(self.root / "celeba" / "img_align_celeba", data.filename, self.size, self.channels), None
