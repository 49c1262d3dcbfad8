"""Failures: what an operator can mend ends a command with one line and exit code 2, never with a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from loyalty_engine.persistence.embedded import EmbeddedServerError
from loyalty_engine.persistence.errors import SchemaError, UnavailableError
from loyalty_engine.settings import Settings

EXIT_CODE = 2


class FailureError(Exception):
    """Ends the command; its text is the one line that the operator reads."""


def read_settings() -> Settings:
    """Return the settings from the environment; values that cannot be used are named, but not repeated."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise FailureError(f"LOYALTY_{str(first['loc'][0]).upper()}: {first['msg']}") from None


@contextmanager
def one_line() -> Iterator[None]:
    """Turn what is wrong with the machine or the database into a failure."""
    try:
        yield
    except (EmbeddedServerError, SchemaError, UnavailableError) as error:
        raise FailureError(str(error) or "the database went away; try again") from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise FailureError(f"{place}{error.strerror or error}") from error
