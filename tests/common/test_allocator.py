"""Settings of the C library's memory allocator."""

import ctypes
import os
import subprocess
import sys

import pytest

ROUNDS, MB = 20, 32
PROGRAM = f"""
import resource
import sys
import numpy
from ganzoo.common.allocator import keep_freed_memory

kept = keep_freed_memory() if "keep" in sys.argv else False
for turn in range({ROUNDS}):
    if turn == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    pair = numpy.ones({MB} * 2**17), numpy.ones({MB} * 2**17)
    del pair
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
glibc = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="other C libraries are left as they are",
)


def page_faults(*words: str, **environment: str) -> tuple[bool, int]:
    """Returns whether the settings were made, and the page faults of a program that allocates and frees alike."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", PROGRAM, *words]
    output = subprocess.check_output(command, text=True, env=inherited | environment)
    kept, faults = output.split()
    return kept == "True", int(faults)


@glibc
def test_freed_memory_is_used_again_without_asking_the_kernel():
    kept, faults = page_faults("keep")
    plain, faults_before = page_faults()
    assert (kept, plain) == (True, False)
    assert faults_before > 100  # else there is nothing to save
    assert faults < faults_before / 10


@glibc
def test_a_user_who_has_set_the_allocator_is_left_alone():
    kept, _ = page_faults("keep", MALLOC_ARENA_MAX="2")
    assert not kept
