"""Folders of plain pictures, to train on in place of somebody's own."""

from pathlib import Path

from PIL import Image


def paint(folder: Path, count: int = 6, size: tuple[int, int] = (20, 16), mode: str = "RGB") -> Path:
    """Makes a folder of pictures, each in a colour of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new(mode, size, (40 * i, 90, 200 - 30 * i) if mode == "RGB" else 40 * i).save(folder / f"{i}.png")
    return folder
