"""The `ganzoo evaluate` command: scores of a model's samples, or of pictures."""
