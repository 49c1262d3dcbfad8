"""Lists: read from a key onwards, newest first, and continued with an opaque cursor.

A cursor is the key of the last item shown, nothing else: it never goes stale, it costs the same on page 1 and on page
10,000, and whatever is written meanwhile neither repeats nor hides an older item.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, NoReturn, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from loyalty_engine.api.problems import Fault, ProblemError

Item = TypeVar("Item")
Record = TypeVar("Record")
Key = TypeVar("Key", UUID, int)

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
END_OF_IDS: Final = UUID(int=2**128 - 1)
END_OF_NUMBERS: Final = 2**63 - 1
_ID_BYTES: Final = 16
_NUMBER_BYTES: Final = 8

QueryText = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]+$")]
"""A text to look for; NUL is the one character that PostgreSQL cannot compare with."""


class Query(BaseModel):
    """The parameters of a read; unknown ones are refused, because a filter with a typing error finds too much."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Which part of a list is wanted."""

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Most items to return.", examples=[50])
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None, description="next_cursor of the page before.", examples=["AZrT3m9PcOOUqzLKqJfGvg"]
    )

    @property
    def before_id(self) -> UUID:
        """The id below which the page begins; raises :class:`ProblemError` for a cursor of another kind."""
        return END_OF_IDS if self.cursor is None else UUID(bytes=_read(self.cursor, _ID_BYTES))

    @property
    def after_id(self) -> UUID:
        """The id above which the page of a list begins that runs upwards; raises :class:`ProblemError` likewise."""
        return UUID(int=0) if self.cursor is None else UUID(bytes=_read(self.cursor, _ID_BYTES))

    @property
    def before_number(self) -> int:
        """The sequence number below which the page begins; raises :class:`ProblemError` likewise."""
        return END_OF_NUMBERS if self.cursor is None else _read_number(self.cursor)

    @property
    def after_number(self) -> int:
        """The number above which the page of a list begins that runs upwards; raises :class:`ProblemError` likewise."""
        return 0 if self.cursor is None else _read_number(self.cursor)

    @property
    def fetched(self) -> int:
        """How many rows to read: one more than wanted tells whether anything follows."""
        return self.limit + 1


class Page(BaseModel, Generic[Item]):
    """A part of a list, newest first."""

    model_config = ConfigDict(frozen=True)

    items: list[Item] = Field(description="The items, newest first.", examples=[[]])
    next_cursor: str | None = Field(
        description="Cursor of the following page; null when this is the last.", examples=["AZrT3m9PcOOUqzLKqJfGvg"]
    )


def cut(records: Sequence[Record], limit: int, key: Callable[[Record], Key]) -> tuple[Sequence[Record], str | None]:
    """Return the records of one page, out of up to ``limit`` + 1, and the cursor of the following one."""
    if len(records) <= limit:
        return records, None
    shown = records[:limit]
    return shown, show_cursor(key(shown[-1]))


def show_cursor(key: UUID | int) -> str:
    """Return the cursor that continues behind ``key``."""
    raw = key.bytes if isinstance(key, UUID) else key.to_bytes(_NUMBER_BYTES)
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _read_number(cursor: str) -> int:
    number = int.from_bytes(_read(cursor, _NUMBER_BYTES))
    if number > END_OF_NUMBERS:
        _refuse()
    return number


def _read(cursor: str, size: int) -> bytes:
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        _refuse()
    if len(raw) != size or urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != cursor:
        _refuse()
    return raw


def _refuse() -> NoReturn:
    fault = Fault("cursor", "cursor", "is not a next_cursor of this list")
    raise ProblemError("validation_failed", errors=[fault])
