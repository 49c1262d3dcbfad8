"""Export rows: everything of one kind that a program has, in pages of constant size."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reading.exports import FIRST, Kind, list_page

_PAGE: Final = 1000

Open = Callable[[], AbstractAsyncContextManager[Connection]]
"""Opens a session that sees the program's rows."""


async def export_rows(open_session: Open, program_id: int, kind: Kind) -> AsyncGenerator[list[Mapping[str, Any]], None]:
    """Yield page after page, each read in a session of its own: whoever takes the file slowly holds up nobody.

    The order is that of the rows' keys, the same every time. The first page may be empty. Raises what opening raises, also
    amid the file, when the caller's key was revoked meanwhile.
    """
    after = FIRST[kind]
    is_first = True
    while True:
        async with open_session() as connection:
            rows, after = await list_page(connection, program_id, kind, after=after, limit=_PAGE)
        if rows or is_first:
            yield rows
        if len(rows) < _PAGE:
            return
        is_first = False
