"""The `ganzoo export` command: a run's weights as a checkpoint folder, or a generator for another runtime."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganzoo.common import threads as cpu
from ganzoo.common.errors import GanzooError


@dataclass(frozen=True)
class Exported:
    """Exported checkpoint folder or file.

    Attributes:
        out: the checkpoint folder, or the file.
        lines: its description, which the command prints.
    """

    out: Path
    lines: tuple[str, ...]


def export(
    run: str,
    *,
    out: Path,
    weights: Literal["best", "last"] | None = None,
    samples: int | None = None,
    format: Literal["onnx", "torch_export"] | None = None,
    revision: str | None = None,
    threads: int | None = None,
) -> Exported:
    """Write a run's weights as a checkpoint folder with a card, or any model's generator for another runtime.

    Args:
        run: a run folder, such as runs/wgan_gp_mnist/version_0; with a format any model.
        out: the checkpoint folder, or with a format the file.
        weights: which weights of a run (best).
        samples: samples that the scores are computed from (the recipe's number).
        format: write the generator alone, for another runtime, and run it.
        revision: branch, tag or commit of a Hub repository.
        threads: CPU threads that compute the scores (all).

    Raises:
        GanzooError: if an argument does not fit, or there are no such weights.
    """
    if threads is not None:
        cpu.limit_threads(threads)
    if format is not None:
        return Exported(out, tuple(_generator(run, out, weights, samples, format, revision)))
    from ganzoo.checkpoints.licences import UNKNOWN_LICENCE
    from ganzoo.training.export import export_run

    if revision is not None:
        raise GanzooError("--revision: it is of a Hub repository; without --format a run is exported.")
    facts = export_run(Path(run), out, weights or "best", samples)
    lines = ["  ".join([str(out), *(f"{key} {number:.4g}" for key, number in facts.scores.items())])]
    if facts.licence == UNKNOWN_LICENCE:
        lines.append(f"licence of {facts.data}: unknown; ganzoo push asks for it, --data.licence says it in training")
    return Exported(out, tuple(lines))


def _generator(
    name: str, out: Path, weights: str | None, samples: int | None, format: str, revision: str | None
) -> list[str]:
    """Writes a generator for another runtime, and returns what its inputs and outputs are, in lines."""
    from ganzoo.checkpoints.export_formats import export_generator
    from ganzoo.checkpoints.loading import load

    if weights and not Path(name, f"{weights}.ckpt").is_file():
        raise GanzooError(f"--weights: '{name}' is no run with a {weights}.ckpt; leave it out.")
    if samples is not None:
        raise GanzooError(f"--samples: {samples} given, but --format {format} computes no scores.")
    checkpoint = Path(name, f"{weights or 'best'}.ckpt")
    model = load(checkpoint if checkpoint.is_file() else name, revision)
    about, difference = export_generator(model, out, format, Path(name).name)
    ports: dict[str, Any] = about["inputs"] | about["outputs"]
    lines = [f"{out}  differs from the model by {difference:.2g} at most"]
    for port, one in ports.items():
        shape = ", ".join(map(str, one["shape"]))
        lines.append(f"  {port:8} {one['type']} ({shape}){', ' + one['values'] if 'values' in one else ''}")
    return lines


def shown(result: Exported) -> str:
    """Returns the description of the folder or file."""
    return "\n".join(result.lines)
