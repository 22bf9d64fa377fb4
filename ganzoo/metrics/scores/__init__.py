"""Scores, one class a file: `ganzoo.metrics.listing` finds them by the names of their files."""
