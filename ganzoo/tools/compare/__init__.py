"""The `ganzoo compare` command: trains, scores and tabulates models side by side."""
