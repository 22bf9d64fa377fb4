"""What a number was measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def hardware() -> str:
    """Returns the accelerator, or the processor and its cores, in words."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    packages = ("ganzoo", "torch", "lightning", "torchmetrics")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
