"""The command line ``loyalty``: one file per command, or several small ones in ``commands``."""

import sys

from typer.exceptions import Abort, TyperException

from loyalty_engine.cli.commands import app
from loyalty_engine.cli.failures import EXIT_CODE, FailureError

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run one command. What an operator can mend is told in one line, with exit code 2."""
    try:
        status = app(standalone_mode=False)
    except (FailureError, TyperException) as error:
        if str(error):  # nothing when only the help was asked for
            print(f"loyalty: {_tell(error)}", file=sys.stderr)
        status = EXIT_CODE
    except (Abort, KeyboardInterrupt):
        status = _INTERRUPTED
    sys.exit(status)


def _tell(error: FailureError | TyperException) -> str:
    """Return an error as one line; the parser's own ones name the option only in their longer form."""
    text = error.format_message() if isinstance(error, TyperException) else str(error)
    return " ".join(text.split())
