"""Features of real images, computed once and kept on disk by content."""

import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo.common.files import atomic_write
from ganzoo.metrics.extractors import Extractor


def features_path(extractor: Extractor, datamodule: Any) -> Path:
    """Returns the file of a reference split's features; other weights, content or sizes mean another file."""
    split = datamodule.reference
    content = [extractor.name, extractor.digest, datamodule.fingerprint(split), split, list(datamodule.shape)]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ganzoo" / "features" / f"{digest[:32]}.safetensors"


def read_features(path: Path) -> tuple[Tensor, Tensor] | None:
    """Returns features (N, D) and logits (N, K), or None when they are not there or cannot be read."""
    try:
        stored = load_file(path)
        return stored["features"], stored["logits"]
    except (OSError, SafetensorError, KeyError):
        return None


def write_features(path: Path, features: Tensor, logits: Tensor) -> None:
    """Keeps features (N, D) and logits (N, K); a cache that cannot be written is no failure."""
    try:
        with atomic_write(path) as file:
            save_file({"features": features.cpu().contiguous(), "logits": logits.cpu().contiguous()}, file)
    except (OSError, SafetensorError) as error:
        warnings.warn(f"features of real images are not cached: {error}", stacklevel=2)
