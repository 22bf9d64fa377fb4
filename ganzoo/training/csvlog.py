"""CSV logger that resumes without losing or repeating rows."""

import csv
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning.pytorch.loggers.logger import rank_zero_experiment

from ganzoo.common.files import atomic_write


class Rows(ExperimentWriter):
    """Writer of `metrics.csv` that appends; Lightning's deletes an earlier file, and empties its own for a new column.

    Args:
        log_dir: the folder of `metrics.csv`.
    """

    def __init__(self, log_dir: str) -> None:
        super().__init__(log_dir)
        self.path = Path(self.metrics_file_path)
        rows = self.read()
        self.metrics_keys = list(rows[0]) if rows else []
        self.count = len(rows)  # on the disk, as far as they are to stay
        self.cut = False  # whether there are more

    def _check_log_dir_exists(self) -> None:
        """Leaves the file where it is."""

    def _rewrite_with_new_header(self, fieldnames: Sequence[str]) -> None:
        self._write(self.read(), fieldnames)

    def save(self) -> None:
        """Appends the rows that are not on the disk yet."""
        if self.metrics:
            self.settle()
        self.count += len(self.metrics)
        super().save()

    def read(self) -> list[dict[str, str]]:
        """Returns the rows on the disk."""
        if not self.path.is_file():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, restval=""))

    def keep(self, count: int) -> None:
        """Cuts off what was written after the first `count` rows, as soon as another is written or `settle` called."""
        if self.count > count:
            self.count, self.cut = count, True

    def settle(self) -> None:
        """Cuts off what was to be cut off: a run that does not begin after all has lost nothing."""
        if self.cut:
            self._write(self.read()[: self.count], self.metrics_keys)
            self.cut = False

    def _write(self, rows: Sequence[dict[str, str]], fieldnames: Sequence[str]) -> None:
        with atomic_write(self.path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)


class AppendingCSVLogger(CSVLogger):
    """Lightning's CSV logger for a run that is continued in place."""

    @property
    @rank_zero_experiment
    def experiment(self) -> Rows:
        """Writer of the rows."""
        if self._experiment is None:
            self._experiment = Rows(self.log_dir)
        return self._experiment  # type: ignore[return-value]
