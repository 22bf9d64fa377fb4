"""The `ganzoo gallery` command: checkpoints on one web page."""
