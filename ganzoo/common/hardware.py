"""Hardware, versions and precision of this machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

from ganzoo.common.errors import GanzooError
from ganzoo.common.version import __version__


def hardware() -> str:
    """Returns the accelerator, or the processor and its cores, in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Returns the versions that a result depends on."""
    packages = ("torch", "lightning", "torchmetrics")
    # ganzoo's own is that of the code that runs: an installed distribution may be older, or have another name
    own = {"python": platform.python_version(), "ganzoo": __version__}
    return own | {name: version(name) for name in packages}


def precision(accelerator: str = "auto") -> Literal["bf16-mixed", "32-true"]:
    """Returns the precision to train in: bfloat16 where the processor multiplies it natively, else float32.

    Args:
        accelerator: Lightning's name of it; `auto` takes a GPU where there is one.
    """
    if accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = accelerator in {"auto", "cpu"} and _multiplies_bfloat16()
    return "bf16-mixed" if native else "32-true"


def _multiplies_bfloat16() -> bool:
    """Whether this processor has AMX or AVX512's bfloat16 products; PyTorch knows it only by private names."""
    checks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("amx_tile", "avx512_bf16"))
    return any(check is not None and check() for check in checks)


def several_devices(devices: Any) -> bool:
    """Returns whether a Trainer's `devices` means more than one."""
    if isinstance(devices, str):
        if devices in {"auto", "-1"}:
            return torch.cuda.device_count() > 1
        return "," in devices.strip(",") or (devices.isdigit() and int(devices) > 1)
    if isinstance(devices, list):
        return len(devices) > 1
    return torch.cuda.device_count() > 1 if devices == -1 else devices > 1


def find_device(name: str) -> torch.device:
    """Returns a device by its name.

    Raises:
        GanzooError: if it is not there.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise GanzooError(f"--device: '{name}' is not available here.") from error
    return device
