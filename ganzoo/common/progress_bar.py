"""Progress bars for work that takes longer than a second."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 1.0  # seconds after which a bar is shown


def with_bar(parts: Sequence[T], sizes: Iterable[int], progress: bool) -> Iterable[T]:
    """Returns parts of some work, with a bar beside them if that takes longer than a second.

    Args:
        parts: what is gone through.
        sizes: how many samples each of them makes, in the same order.
        progress: whether there is a bar.
    """
    return _counted(parts, [*sizes]) if progress else parts


def _counted(parts: Sequence[T], sizes: Sequence[int]) -> Iterator[T]:
    from tqdm.auto import tqdm

    with tqdm(total=sum(sizes), unit="sample", delay=PATIENCE, dynamic_ncols=True) as bar:
        for part, size in zip(parts, sizes, strict=True):
            yield part
            bar.update(size)
