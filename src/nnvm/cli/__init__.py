"""The `nnvm` command: see, shrink, compare, plan and run models."""

import os
import sys

from nnvm.errors import Error, MissingExtra

try:
    import rich
    import typer
except ModuleNotFoundError as _missing:
    sys.exit(f"error: {MissingExtra(str(_missing.name), 'cli')}")

from nnvm.cli import optimising, running, seeing
from nnvm.cli.base import app, fail

__all__ = ["main", "optimising", "rich", "running", "seeing", "typer"]


def main() -> None:
    """Run the command; every problem ends in one line on stderr and exit code 1, wrong usage in 2."""
    try:
        app(standalone_mode=True)
    except Error as error:
        if "--traceback" in sys.argv:
            raise
        fail(str(error))
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
    except MemoryError:
        fail("there is not enough memory for this model; opt --no-check does not run it, --set-dim makes it smaller")
