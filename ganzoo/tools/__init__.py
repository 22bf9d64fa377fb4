"""Commands: a Python function each, from which `ganzoo` makes its command line."""
