"""Outputs of official networks on weights that a rule gives, in `tests/reference`: numbers alone, none of their code.

A file names the source, its arguments, the tensors of its state, which of them depart from the rule, and some values of
the output. Weights are waves: for the tensor called `name`, offset + amplitude * sin(step * k + crc32(name) % 1000).
"""

import json
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parents[1] / "reference"


class Official(NamedTuple):
    """What one file says.

    Args:
        arguments: what the official network was made with.
        parameter_count: number of its parameters; 0 where the file does not say.
        x: the input, or a list of them.
        labels: labels that go with it, if it takes any.
        state: the official network's own tensors.
        output: by mode, `eval` and `train`, what came out.
    """

    arguments: dict[str, Any]
    parameter_count: int
    x: Any
    labels: Tensor | None
    state: dict[str, Tensor]
    output: dict[str, dict[str, Any]]

    def check(self, mode: str, found: Tensor) -> None:
        """Compares an output with the official one, to ten times its own rounding in float32."""
        said = self.output[mode]
        assert found.numel() == prod(said["shape"])
        tolerance = max(10 * said["float32_noise"], 1e-6 * said["std"])
        for of, wanted in ((found.mean(), said["mean"]), (found.std(correction=0), said["std"])):
            assert abs(of.item() - wanted) <= tolerance + 1e-6 * abs(wanted)  # they have seven digits
        values = torch.tensor(said["values"])
        torch.testing.assert_close(found.flatten()[said["indices"]], values, rtol=1e-6, atol=tolerance)


def official(name: str) -> Official:
    """Reads a file of `tests/reference` and makes the weights and the input that it was computed with."""
    said = json.loads((FOLDER / f"{name}.json").read_text())
    state: dict[str, Tensor] = {}
    for key, shape in said["state"].items():
        offset, amplitude, how = said["exceptions"].get(key, [0.0, 0.1, "plain"])
        if how != "power" and how != "untouched":
            state[key] = torch.from_numpy(_filled(key, shape, offset, amplitude, how))
    for key in said["state"]:
        if key.endswith("weight_u") and said["exceptions"][key][2] == "power":
            layer = key.removesuffix("_u")
            shape = said["state"][key]
            state[key], state[f"{layer}_v"] = _singular(state[f"{layer}_orig"], _filled(key, shape, 0.0, 1.0, "unit"))
    inputs = [wave(shape, said["input"].get("scale", 1)) for shape in said["input"].get("shapes", [])]
    x = inputs or wave(said["input"]["shape"], said["input"].get("scale", 1))
    labels = torch.tensor(said["input"]["labels"]) if "labels" in said["input"] else None
    return Official(said["arguments"], said.get("parameter_count", 0), x, labels, state, said["output"])


def wave(shape: Sequence[int], scale: float = 1.0) -> Tensor:
    """Returns an input of a shape: all files' inputs and noise follow this rule."""
    numbers = scale * np.sin(0.3 * np.arange(prod(shape)) + 1)
    return torch.from_numpy(numbers.astype(np.float32).reshape(shape))


def _filled(name: str, shape: list[int], offset: float, amplitude: float, how: str) -> np.ndarray:
    step = 1.3 if len(shape) >= 3 else 0.7
    wave = np.sin(step * np.arange(prod(shape)) + zlib.crc32(name.encode()) % 1000)
    if how == "unit":
        wave, offset = wave / np.linalg.norm(wave), 0.0
    elif how == "absolute":
        wave = np.abs(wave)
    return (offset + amplitude * wave).astype(np.float32).reshape(shape)


def _singular(weight: Tensor, u: np.ndarray) -> tuple[Tensor, Tensor]:
    """Returns the singular vectors of a layer's weight after twenty power iterations from u.

    Rows lie along the axis of u's length, which is the second one of a transposed convolution.
    """
    weight = weight if len(u) == len(weight) else weight.movedim(1, 0)
    rows = weight.double().numpy().reshape(len(weight), -1)
    u = u.astype(np.float64)
    for _ in range(20):
        v = rows.T @ u
        v /= np.linalg.norm(v)
        u = rows @ v
        u /= np.linalg.norm(u)
    return torch.from_numpy(u).float(), torch.from_numpy(v).float()
