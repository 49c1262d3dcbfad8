"""Logs: one event per line on standard error, JSON unless somebody watches.

They hold names, counts and places in the code: no body, key or personal data. An exception is logged as its type and
its way through the code, because its text may quote a row (PostgreSQL's do).
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_FRAMES: Final = 12
_PACKAGE_ROOT: Final = Path(__file__).parents[2]


def configure_logging(level: str) -> None:
    """Send our own events and those of the libraries to standard error."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_exception,
    ]
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_news)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what the server says of a request that broke: we said it already, with its route."""
    return not (record.name == "uvicorn.error" and record.getMessage().startswith("Exception in ASGI application"))


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep the first line of a library's message: in the others asyncio shows the exceptions' texts."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _name_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = _find_error(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = list(_way_of(error))
    return event


def _find_error(given: Any) -> BaseException | None:  # noqa: ANN401 - whatever logging calls pass
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, TracebackType() | None):
            return error
        case True:
            return sys.exc_info()[1]
        case _:
            return None


def _way_of(error: BaseException | None) -> Iterator[str]:
    """Yield each exception's type and the calls that led to it, then those of its cause."""
    while error is not None:
        yield f"{type(error).__module__}.{type(error).__qualname__}"
        for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]:
            path = Path(frame.filename)
            place = path.relative_to(_PACKAGE_ROOT) if path.is_relative_to(_PACKAGE_ROOT) else path.name
            yield f"  {place}:{frame.lineno} {frame.name}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
