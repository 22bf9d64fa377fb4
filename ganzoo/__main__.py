"""`python -m ganzoo` is the `ganzoo` command."""

from ganzoo.cli import entry

if __name__ == "__main__":  # not when a tool, or someone's recipe, merely imports it
    entry()
