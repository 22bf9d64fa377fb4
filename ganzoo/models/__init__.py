"""One file per variant, each the algorithm of its paper."""
