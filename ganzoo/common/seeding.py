"""One seed per run, and independent streams derived from it."""

import hashlib
import os

import torch


def run_seed() -> int:
    """Returns the seed of this run: what `seed_everything` was given, or 0."""
    return int(os.environ.get("PL_GLOBAL_SEED", 0))


def mix(*parts: int) -> int:
    """Hashes integers to a 63-bit seed.

    Neighbouring inputs give unrelated seeds, so (seed, rank, batch) triples never share a random stream, as sums would.
    """
    digest = hashlib.blake2b(",".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def reseed(seed: int, device: torch.device) -> None:
    """Seeds the random streams that work on `device` draws from: the CPU's, and the device's own.

    `torch.manual_seed` would also queue a call for every kind of accelerator that is not there: 0.2 ms, each time.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[
            torch.cuda.current_device() if device.index is None else device.index
        ].manual_seed(seed)
    elif device.type != "cpu":
        torch.manual_seed(seed)
