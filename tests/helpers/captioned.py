"""StackGANs of small networks on captioned digits, bars in place of MNIST's, and pictures with captions to write."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from idx import write_mnist
from PIL import Image

from ganzoo.data import CaptionedMNIST
from ganzoo.models.stackgan import StackGAN
from ganzoo.networks.stackgan import StackGANDiscriminator, StackGANGenerator, StackGANRefiner
from ganzoo.networks.text import GRUEncoder

TEXT = {"condition_dim": 12}


def captioned(root: Path, size: int = 16, **options: Any) -> CaptionedMNIST:
    """64 canvases of bars with captions."""
    if not (root / "MNIST").exists():
        write_mnist(root, 40, 40)
    return CaptionedMNIST(str(root), size, **{"samples": 64, "batch_size": 8} | options)


def reader() -> GRUEncoder:
    """A small text encoder of the captions' words."""
    condition = CaptionedMNIST.condition
    return GRUEncoder(condition.length, " ".join(condition.vocabulary), 1, text_dim=12, word_dim=6, hidden=10)


def first_stage(encoder: Any = None, **options: Any) -> StackGAN:
    """Stage I at 16 pixels."""
    torch.manual_seed(0)
    generator = StackGANGenerator(16, 1, ca_dim=5, latent_dim=6, width=4, **TEXT)
    judge = StackGANDiscriminator(16, 1, text_dim=4, width=4, **TEXT)
    return StackGAN(generator, judge, encoder or reader(), **{"encoder_steps": 3} | options)


def second_stage(init: str | None = None, unconditional: bool = False, **options: Any) -> StackGAN:
    """Stage II at 32 pixels."""
    torch.manual_seed(1)
    generator = StackGANRefiner(32, 16, 1, ca_dim=4, width=4, blocks=1, **TEXT)
    judge = StackGANDiscriminator(32, 1, text_dim=4, width=4, unconditional=unconditional, **TEXT)
    low = StackGANGenerator(16, 1, ca_dim=5, latent_dim=6, width=4, **TEXT)
    return StackGAN(generator, judge, reader(), low, init, **{"encoder_steps": 3} | options)


COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "grey": (120, 120, 120)}


def drawn(colour: str, row: int, side: int = 24) -> bytes:
    """A PNG of a bar in a colour on white."""
    pixels = np.full((side, side, 3), 255, dtype=np.uint8)
    pixels[row % 18 : row % 18 + 6, 4:-4] = COLOURS[colour]
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_captions(root: Path, n: int = 24) -> Path:
    """Writes n pictures of bars, and captions.jsonl with two captions of each, into `captions`; returns that."""
    folder, records = root / "captions", []
    folder.mkdir(parents=True)
    for i in range(n):
        colour = [*COLOURS][i % len(COLOURS)]
        (folder / f"{i}.png").write_bytes(drawn(colour, i))
        records.append({"file": f"{i}.png", "captions": [f"a {colour} bar", f"{colour} at row {i % 7}"]})
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder


def write_emoji(root: Path, n: int = 24) -> Path:
    """Writes an archive in the form of emoji's, and vectors of its words; returns the archive."""
    records = []
    with zipfile.ZipFile(root / "emoji128.zip", "w") as archive:
        for i in range(n):
            for style in ("noto", "blob"):
                colour = [*COLOURS][i % len(COLOURS)]
                archive.writestr(f"{style}/{i}.png", drawn(colour, i))
                group = "People & Body" if i % 4 == 3 else "Symbols"
                record = {"file": f"{style}/{i}.png", "style": style, "name": f"{colour} bar", "group": group}
                records.append(record | {"keywords": ["shape", f"row{i % 3}"] if i % 2 else []})
        archive.writestr("captions.jsonl", "\n".join(map(json.dumps, records)))
        vectors = BytesIO()
        texts = sorted({f"{r['name']}: {', '.join(r['keywords'])}" for r in records})
        np.savez(vectors, caption=np.array(texts), embedding=np.eye(len(texts), 8, dtype=np.float16))
        archive.writestr("captions_minilm.npz", vectors.getvalue())
    words = np.array(["red", "green", "blue", "bar", "heart"])
    np.savez(root / "glove50_small.npz", words=words, vectors=np.eye(5, 50, dtype=np.float16))
    return root / "emoji128.zip"
