"""`python -m ganzoo` is the `ganzoo` command."""

from ganzoo.cli import entry

entry()
