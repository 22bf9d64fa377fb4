"""Errors, files, seeds, hardware and names on disk: what every room rests on, and what knows no model."""
