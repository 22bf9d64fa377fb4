"""Running means of scalars noted during moves, until they are logged."""

from collections.abc import Mapping

from torch import Tensor

Totals = Mapping[str, tuple[Tensor, int]]  # sum and count by name


class Notes:
    """Sums and counts of scalars by name, since they were last cleared. Adding never waits for the device.

    Args:
        totals: sum and count by name, to begin with.
    """

    def __init__(self, totals: Totals | None = None) -> None:
        self.totals: dict[str, tuple[Tensor, int]] = dict(totals or {})

    def add(self, name: str, value: Tensor) -> None:
        """Adds a scalar to those of its name."""
        self.merge({name: (value.detach().float(), 1)})

    def merge(self, totals: Totals) -> None:
        """Adds sums and counts to those of the same names."""
        for name, (more, times) in totals.items():
            total, count = self.totals.get(name, (0.0, 0))
            self.totals[name] = (total + more, count + times)

    def means(self) -> dict[str, float]:
        """Returns the mean of each scalar by name. This waits for the device."""
        return {name: float(total) / count for name, (total, count) in self.totals.items()}

    def clear(self) -> None:
        """Forgets everything."""
        self.totals.clear()
