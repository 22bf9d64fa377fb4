"""The `ganzoo` command. Training commands are LightningCLI's; the rest are thin functions over the Python interface."""

import sys
from collections.abc import Sequence
from ganzoo.errors import GanzooError


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    from ganzoo.training import run
    try:
        run(arguments[0], arguments[1:])
    except GanzooError as e:
        print(f"ganzoo: error: {e}", file=sys.stderr)
        return 2
    return 0


def entry() -> None:
    """Console entry."""
    sys.exit(main())
