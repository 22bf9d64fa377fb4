"""One seed per run, and independent streams derived from it."""

import hashlib
import os


def run_seed() -> int:
    """Returns the seed of this run: what `seed_everything` was given, or 0."""
    return int(os.environ.get("PL_GLOBAL_SEED", 0))


def mix(*parts: int) -> int:
    """Hashes integers to a 63-bit seed.

    Neighbouring inputs give unrelated seeds, so (seed, rank, batch) triples never share a random stream, as sums would.
    """
    digest = hashlib.blake2b(",".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
