"""Settings of the C library's memory allocator."""

import ctypes
import os
import sys

# glibc's numbers of the settings, in its malloc.h
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
MOST = 2**31 - 1  # bytes: mallopt takes an int


def keep_freed_memory() -> bool:
    """Has glibc keep large blocks of freed memory for the next tensor, instead of handing them back to the kernel.

    A step allocates and frees the same tensors again and again. By default glibc maps the large ones anew each time,
    and the kernel clears every page of them; docs/speed.md says what that costs. In exchange the process keeps the
    most memory that it has ever held. Whoever has set one of glibc's environment variables (`MALLOC_...`) is left
    alone.

    Returns:
        Whether the settings were made: not on other systems, C libraries or allocators.
    """
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl
        return False
    settings = {MMAP_MAX: 0, TRIM_THRESHOLD: MOST, TOP_PAD: 256 * 2**20}
    return all(mallopt(number, value) for number, value in settings.items())
