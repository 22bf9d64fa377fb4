"""The `ganzoo lab` command: every objective on points in the plane."""
