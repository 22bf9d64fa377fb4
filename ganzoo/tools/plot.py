"""The `ganzoo plot` command: training curves of a run."""

from contextlib import suppress
from pathlib import Path

from ganzoo.common.curves import read_metrics
from ganzoo.common.errors import GanzooError, nearest

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")


def plot(run: str, *, out: Path | None = None) -> Path:
    """Draw a run's curves: losses, D's accuracy, Wasserstein estimate, scores.

    Args:
        run: A run folder, a `metrics.csv`, or the name of a recipe: then its run written last under `runs/`.
        out: The picture to write (.png, .pdf or .svg) or a folder for it; by default `plot.png` in the run folder.

    Returns:
        The path of the picture.

    Raises:
        GanzooError: There is no such run, it has logged nothing, or `out` cannot be written.
    """
    from ganzoo.drawing.plot import plot_curves

    source = find_metrics(run)
    target = Path(out) if out else source.parent
    if target.is_dir():
        target /= "plot.png"
    if target.suffix.lower() not in FIGURE_SUFFIXES:
        raise GanzooError(f"out: cannot draw '{target}'; end its name in {', '.join(FIGURE_SUFFIXES)}")
    figure = plot_curves(read_metrics(source), title=" · ".join(source.resolve().parts[-3:-1]))
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(part, format=target.suffix[1:].lower(), dpi=160)
        return part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise GanzooError(f"out: cannot write '{target}': {error.strerror}") from error


def find_metrics(run: str | Path) -> Path:
    """Returns the `metrics.csv` that `run` stands for; where several do, the one written last.

    Raises:
        GanzooError: `run` is neither a run folder, nor a file, nor a recipe with a run under `runs/`.
    """
    if Path(run).is_file():
        return Path(run)
    for folder in (Path(run), Path("runs", str(run).replace("-", "_"))):
        files = [*folder.glob("metrics.csv"), *folder.glob("*/metrics.csv")]
        if files:
            return max(files, key=lambda path: path.stat().st_mtime)
    known = sorted({path.parts[-3] for path in Path("runs").glob("*/*/metrics.csv")})
    there = f"runs/ has {', '.join(known)}." if known else "runs/ holds none yet: `ganzoo fit --recipe NAME` makes one."
    raise GanzooError(f"run: found no metrics.csv for '{run}'; {there}{nearest(str(run), known)}")
