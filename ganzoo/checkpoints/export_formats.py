"""Export of generators to other runtimes: ONNX, and PyTorch's own exported programs.

Such a file is a function of tensors alone: what `sample` or `translate` draws at random is an input. It says what its
inputs and outputs are, as JSON: ONNX in its metadata under `ganzoo`, an exported program in the extra file
`ganzoo.json`. Before a file gets its name it is run in its runtime and compared with the model.
"""

import json
import logging
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ganzoo.common.class_names import class_list
from ganzoo.common.conditions import Classes, Several
from ganzoo.common.errors import GanzooError
from ganzoo.common.files import atomic_write
from ganzoo.common.kinds import default_kind
from ganzoo.common.version import __version__
from ganzoo.games.capabilities import output_of
from ganzoo.games.game import Game
from ganzoo.games.latent import draw_latent
from ganzoo.games.latent_space import LatentSpace
from ganzoo.games.noise_inputs import draw_noise, split_noise
from ganzoo.games.reconstructor import Reconstructor
from ganzoo.games.sampler import Sampler
from ganzoo.games.translator import Translator

SIDES = (32, 48)  # in pixels, of the pictures that a translator of any size is traced with
CLOSE = 1e-3  # what a file may differ from its model by, on the scale of [-1, 1]
Run = Callable[[dict[str, Tensor]], Tensor]


class TensorFunction(nn.Module):
    """A model as a function of named tensors: `function(**function.inputs(n, seed))` is `function.expected(n, seed)`.

    Attributes:
        model: what says what is expected; not a part, because parts are written.
        descriptions: what each input takes, in words.
    """

    model: Any
    descriptions: dict[str, str]

    @abstractmethod
    def inputs(self, n: int, seed: int) -> dict[str, Tensor]:
        """Draws inputs (n, ...)."""

    @abstractmethod
    def expected(self, n: int, seed: int) -> Tensor:
        """Returns what the model makes of them."""

    def free_axes(self) -> dict[str, dict[int, Any]]:
        """Returns the axes of any length, by input: the first one of each."""
        return {name: {0: Dim("N", min=1)} for name in self.descriptions}


class Drawing(TensorFunction):
    """Latent vectors or codes, and noise where layers take some, to samples, as `sample` does without truncation.

    Args:
        model: on the CPU.
    """

    space: LatentSpace

    def __init__(self, model: Sampler) -> None:
        super().__init__()
        self.__dict__["model"] = model
        self.network = model.averaged(model.drawn_by)
        self.space = model.input_space
        self.prior = getattr(model.input_space, "prior", None)  # a part, where codes have one
        self.finished_by = nn.ModuleList(model.averaged(name) for name in model.finished_by)
        self.descriptions = dict(model.input_space.texts)
        condition = model.condition
        self.takes = "labels" if isinstance(condition, Classes) else "condition"
        if isinstance(condition, Several):
            raise GanzooError(f"name: it is drawn from under several conditions at once, {condition.text}.")
        if condition is not None:
            names = f": {class_list(model.class_names)}" if model.class_names else ""
            self.descriptions[self.takes] = f"{condition.text}{names}"
        if model.noise_shapes:
            self.descriptions["noise"] = "standard normal: the noise of all layers, flattened, one after the other"

    def forward(
        self,
        z: Tensor,
        u: Tensor | None = None,
        labels: Tensor | None = None,
        condition: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Maps what is drawn to samples.

        Args:
            z: latent vectors (N, D), or normal noise that codes are made of.
            u: for a mixture what chooses the part (N,) that a code is of.
            labels: (N,) where there are classes.
            condition: (N, ...) where samples are drawn under another one.
            noise: that of all layers (N, D), where they take some.
        """
        points = self.space.place({"z": z} if u is None else {"z": z, "u": u})
        layers = {} if noise is None else {"noise": split_noise(noise, self.model.noise_shapes)}
        return self.space.generate(self.network, points, condition if labels is None else labels, **layers)

    def inputs(self, n: int, seed: int) -> dict[str, Tensor]:
        """Draws what `sample` draws."""
        drawn = self.space.raw(n, seed) | {self.takes: self.model.conditions(n)}
        if self.model.noise_shapes:
            drawn["noise"] = draw_noise(self.model.noise_seeds(n, seed), self.model.noise_shapes)
        return {name: drawn[name] for name in self.descriptions}

    def expected(self, n: int, seed: int) -> Tensor:
        """Returns the model's samples."""
        return self.model.sample(n, seed=seed)


class Translating(TensorFunction):
    """Images to images, as `translate` does.

    Args:
        model: on the CPU.
    """

    def __init__(self, model: Translator) -> None:
        super().__init__()
        self.__dict__["model"] = model
        self.network = model.averaged("generator")
        self.source: tuple[int | None, ...] = getattr(self.network, "source_shape", (None,))
        if self.source[0] is None:
            raise GanzooError("name: its generator does not say what it takes: give it a `source_shape`.")
        self.descriptions = {"x": "images in [-1, 1]"}
        if model.noise_dim:
            self.descriptions["noise"] = (
                "uniform on [-1, 1]: what the network drops, by which translations of one image differ"
            )

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Maps images (N, C, H, W), and noise (N, D) where there is some, to images."""
        return self.model.render(x, noise).clamp(-1, 1)

    def inputs(self, n: int, seed: int) -> dict[str, Tensor]:
        """Draws images, which are noise, and what `translate` draws of its seed."""
        shape = [side or free for side, free in zip(self.source, (1, *SIDES), strict=True)]
        drawn = {"x": 2 * torch.rand((n, *shape), generator=torch.Generator().manual_seed(seed)) - 1}
        if self.model.noise_dim:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                drawn["noise"] = draw_latent(n, self.model.noise_dim, "uniform", self.model.device)
        return drawn

    def expected(self, n: int, seed: int) -> Tensor:
        """Returns the model's translations."""
        return self.model.translate(self.inputs(n, seed)["x"], seed=seed)

    def free_axes(self) -> dict[str, dict[int, Any]]:
        """Returns the first axis of each input, and the sides of images of any size."""
        multiple: int = getattr(self.network, "multiple", 1)
        axes = super().free_axes()
        for axis, name in ((2, "H"), (3, "W")):
            if self.source[axis - 1] is None:
                axes["x"][axis] = multiple * Dim(name, min=2) if multiple > 1 else Dim(name, min=2)
        return axes


class Reconstructing(TensorFunction):
    """Images to their reconstructions, as `reconstruct` does.

    Args:
        model: on the CPU.
    """

    def __init__(self, model: Reconstructor) -> None:
        super().__init__()
        self.__dict__["model"] = model
        self.network = model.averaged("generator")
        if not hasattr(self.network, "shape"):
            raise GanzooError("name: its generator does not say what it takes: give it a `shape`.")
        self.descriptions = {"x": "images in [-1, 1]"}

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (N, C, H, W) to images."""
        return self.model.render(x).clamp(-1, 1)

    def inputs(self, n: int, seed: int) -> dict[str, Tensor]:
        """Draws images, which are noise."""
        shape: Any = self.network.shape
        return {"x": 2 * torch.rand((n, *shape), generator=torch.Generator().manual_seed(seed)) - 1}

    def expected(self, n: int, seed: int) -> Tensor:
        """Returns the model's reconstructions."""
        return self.model.reconstruct(self.inputs(n, seed)["x"])


def make_function(model: Game) -> TensorFunction:
    """Returns a copy of a model on the CPU as a function of tensors, with averaged weights as they are stored.

    Raises:
        GanzooError: if it makes none of what can be exported.
    """
    makers: dict[type, type[TensorFunction]] = {
        Sampler: Drawing,
        Translator: Translating,
        Reconstructor: Reconstructing,
    }
    make = next((maker for game, maker in makers.items() if isinstance(model, game)), None)
    if make is None:
        makes = output_of(model)
        raise GanzooError(f"name: {type(model).__name__} makes {makes}; only what draws or translates can be exported.")
    function = make(deepcopy(model).cpu().float().eval())
    for parameter in function.parameters():
        parameter.data = parameter.data.contiguous()  # channels last suits our convolutions, not everyone's
        parameter.requires_grad_(False)
    return function


def write_onnx(program: ExportedProgram, about: dict[str, Any], file: Path) -> None:
    """Writes an ONNX model, all in one file."""
    names: dict[str, Any] = {"input_names": list(about["inputs"]), "output_names": list(about["outputs"])}
    onnx = torch.onnx.export(program, **names, dynamo=True, verbose=False)
    assert onnx is not None
    onnx.model.metadata_props["ganzoo"] = json.dumps(about)
    onnx.save(file, external_data=False)


def run_onnx(file: Path) -> Run:
    """Returns a function that runs an ONNX model in onnxruntime."""
    from onnxruntime import InferenceSession

    session = InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda inputs: torch.from_numpy(session.run(None, {name: x.numpy() for name, x in inputs.items()})[0])


def write_program(program: ExportedProgram, about: dict[str, Any], file: Path) -> None:
    """Writes an exported program, which `torch.export.load` reads."""
    torch.export.save(program, file, extra_files={"ganzoo.json": json.dumps(about)})


def run_program(file: Path) -> Run:
    """Returns a function that runs an exported program."""
    module = torch.export.load(file).module()
    return lambda inputs: module(**inputs)


class Format(NamedTuple):
    """Format of a file: its suffix, how it is written and run, and the packages that this needs."""

    suffix: str
    write: Callable[[ExportedProgram, dict[str, Any], Path], None]
    run: Callable[[Path], Run]
    packages: tuple[str, ...] = ()


FORMATS = {
    "onnx": Format(".onnx", write_onnx, run_onnx, ("onnx", "onnxscript", "onnxruntime")),
    "torch_export": Format(".pt2", write_program, run_program),
}


def export_generator(model: Game, out: Path, kind: str = "onnx", name: str = "") -> tuple[dict[str, Any], float]:
    """Writes a model's averaged generator for another runtime, in float32 and for any number of images at a time.

    Args:
        model: draws samples, translates or reconstructs images.
        out: the file.
        kind: `onnx` or `torch_export`.
        name: of the checkpoint, to be kept in the file.

    Returns:
        What inputs and outputs are, as the file says it, and the largest difference from the model found.

    Raises:
        GanzooError: if the name does not end as it should, a package is missing, the model cannot be exported, or what
            was written does something else; nothing is left then.
    """
    form = FORMATS[kind]
    if out.suffix != form.suffix:
        raise GanzooError(f"-o: name a file that ends in {form.suffix} for --format {kind}, not '{out}'.")
    if missing := [package for package in form.packages if find_spec(package) is None]:
        raise GanzooError(f"--format: {kind} needs {', '.join(missing)}: pip install 'ganzoo-lightning[{kind}]'.")
    function = make_function(model)
    with torch.no_grad(), exporter_errors_in_one_line(kind):
        program = torch.export.export(function, (), function.inputs(2, 0), dynamic_shapes=function.free_axes())
    about = describe_ports(function, name)
    with atomic_write(out) as file:
        with exporter_errors_in_one_line(kind):
            form.write(program, about, file)
        run = form.run(file)
        differences = [run(function.inputs(n, n)) - function.expected(n, n) for n in (1, 5)]
        difference = max(float(change.abs().max()) for change in differences)
        if not difference <= CLOSE:
            raise GanzooError(f"--format: what {kind} draws differs from the model by {difference:.3g}.")
    return about, difference


def describe_ports(function: TensorFunction, name: str) -> dict[str, Any]:
    """Returns names, shapes, types and meaning of a function's inputs and outputs."""
    free_axes = function.free_axes()
    inputs: dict[str, dict[str, Any]] = {
        key: {"shape": list(x.shape), "type": str(x.dtype).removeprefix("torch."), "values": function.descriptions[key]}
        for key, x in function.inputs(2, 0).items()
    }
    for key, axes in free_axes.items():
        for axis, length in axes.items():
            inputs[key]["shape"][axis] = length.__name__
    result = function.expected(2, 0)
    output: dict[str, Any] = {"shape": ["N", *result.shape[1:]], "type": "float32"}
    if len(free_axes.get("x", {})) > 1:
        factor = result.shape[2] // SIDES[0]
        output["shape"][2:] = [f"{factor}*{side}" if factor > 1 else side for side in inputs["x"]["shape"][2:]]
    kind = function.model.kind or default_kind(tuple(result.shape[1:]))
    outputs = {kind.name: output | ({"values": kind.bounds} if kind.bounds else {})}
    return {"name": name, "made by": f"ganzoo {__version__}", "inputs": inputs, "outputs": outputs}


@contextmanager
def exporter_errors_in_one_line(kind: str) -> Iterator[None]:
    """Context manager: silences PyTorch's exporters, and turns their errors into one line."""
    chatty = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in chatty]
    for logger in chatty:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except GanzooError:
        raise
    except Exception as error:  # networks of anyone's own fail in many ways
        raise GanzooError(f"--format: PyTorch cannot write this model as {kind}: {error}") from error
    finally:
        for logger, level in zip(chatty, levels, strict=True):
            logger.setLevel(level)
