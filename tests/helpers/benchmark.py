"""Imports benchmarks, which are in no package."""

import importlib.util
from pathlib import Path
from types import ModuleType

TREE = Path(__file__).parents[2]


def load_benchmark(name: str) -> ModuleType:
    """Imports benchmarks/NAME.py."""
    spec = importlib.util.spec_from_file_location(name, TREE / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
