"""What an operator is told when the embedded server cannot serve."""

import re

TELLING = re.compile(r"^.*?\b(?:FATAL|PANIC|ERROR|error): +")


class EmbeddedServerError(Exception):
    """One clear line for the operator; the cause, when there is one, is chained."""


def telling_line(output: str) -> str:
    """The one line of a PostgreSQL program's output that says what went wrong.

    The first complaint, because the later ones are its consequences ("child process exited with exit code 1").
    Without any complaint the last line, and for no output at all an empty string.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    complaints = [line for line in lines if TELLING.match(line)]
    return TELLING.sub("", complaints[0]) if complaints else "".join(lines[-1:])
