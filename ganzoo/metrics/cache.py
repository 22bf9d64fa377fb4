"""Disk cache of the features of real images, named by content."""

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
    """Returns the cache file of a reference split's features; other weights, content or sizes give another."""
    split = datamodule.reference
    content = [extractor.name, extractor.digest, datamodule.fingerprint(split), split, list(datamodule.shape)]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ganzoo" / "features" / f"{digest[:32]}.safetensors"


def read_features(path: Path) -> tuple[Tensor, Tensor] | None:
    """Returns features (N, D) and logits (N, K) from a file, or None if it is missing or unreadable."""
    try:
        stored = load_file(path)
        return stored["features"], stored["logits"]
    except (OSError, SafetensorError, KeyError):
        return None


def write_features(path: Path, features: Tensor, logits: Tensor) -> None:
    """Writes features (N, D) and logits (N, K); warns if that fails."""
    try:
        with atomic_write(path) as file:
            save_file({"features": features.cpu().contiguous(), "logits": logits.cpu().contiguous()}, file)
    except (OSError, SafetensorError) as error:
        warnings.warn(f"features of real images are not cached: {error}", stacklevel=2)
