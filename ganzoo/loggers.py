"""Where a run's numbers go."""

import csv
import warnings
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning_utilities.core.imports import RequirementCache


class AppendingCSVLogger(CSVLogger):
    """Lightning's CSV logger, which would begin `metrics.csv` anew in a run that is continued in place."""

    @property
    def experiment(self) -> ExperimentWriter:
        """The writer, with the rows of the earlier part of the run."""
        if self._experiment is None:
            file = Path(self.log_dir) / ExperimentWriter.NAME_METRICS_FILE
            rows = list(csv.DictReader(file.open(newline=""))) if file.is_file() else []
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*exists and is not empty.*")
                self._experiment = ExperimentWriter(self.log_dir)
            self._experiment.metrics = [
                {name: int(float(cell)) if name == "step" else float(cell) for name, cell in row.items() if cell}
                for row in rows
            ]
        return self._experiment  # type: ignore[return-value]


def loggers(folder: Path) -> list[Logger]:
    """Returns CSV, and TensorBoard where it is installed, both writing straight into the run folder."""
    found: list[Logger] = [AppendingCSVLogger(folder, name="", version="", flush_logs_every_n_steps=1)]
    if RequirementCache("tensorboard"):
        found.append(TensorBoardLogger(folder, name="", version="tensorboard"))
    return found
