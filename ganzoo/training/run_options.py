"""Options of a run that are ganzoo's own, beside Lightning's. Imports nothing heavy: the help is written from them."""

from typing import Any, Literal

LoggerName = Literal["tensorboard", "wandb"]
SECTIONS = {  # of a recipe, beside model, data and trainer
    "quality": "ganzoo.training.callbacks.quality.Quality",
    "grid": "ganzoo.training.callbacks.grids.SampleGrid",
    "collapse": "ganzoo.training.callbacks.collapse.Collapse",
}


def add_run_options(parser: Any) -> None:
    """Adds the options that stand in no section.

    What is added here shows in `ganzoo fit --help` by itself.

    Args:
        parser: jsonargparse's, whose types are type hints.
    """
    parser.add_argument("--runs", type=str, default="runs", help="folder of all runs")
    parser.add_argument("--version", type=str, metavar="NAME", help="name of this run; the next number by default")
    loggers: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    parser.add_argument("--logger", type=LoggerName, help="loggers beside metrics.csv", **loggers)
    parser.add_argument("--save_every", type=int, default=500, help="generator updates between two `last.ckpt`")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="CPU threads; by default one, or all where that is faster"
    )
    parser.add_argument("--start", type=str, metavar="NAME", help="checkpoint whose networks a new run starts from")
    networks: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "NAME"}
    parser.add_argument(
        "--start_networks", type=str, help="which of them; all that the model has by default", **networks
    )
