"""HTTP as uvicorn speaks it, except that an answer leaves in one piece.

uvicorn hands the head and the body of an answer to the socket one by one. That is one system call more than an answer
needs, and over a quick network it wakes the caller twice.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from loyalty_engine.api.hot_routes import WHOLE_ANSWER

_INTERIM: Final = b"HTTP/1.1 100 "


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol with :class:`AnswerTransport` under every answer that has a body.

    Where no access log is kept, whole answers may also be written past the messages of ASGI (``WHOLE_ANSWER``).
    """

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's own type of it
        if cycle.scope["method"] != "HEAD":  # whose head nothing would follow
            if not self.config.access_log:
                extensions = cast("dict[str, Any]", cycle.scope).setdefault("extensions", {})
                extensions[WHOLE_ANSWER] = partial(_write_whole, cycle)
            cycle.transport = cast("asyncio.Transport", AnswerTransport(cycle.transport))
        super()._start_asgi_task(cycle, app)


def _write_whole(cycle: RequestResponseCycle, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
    """Write an answer and do all that ``cycle.send`` does for the two messages of one; False where only that can.

    The headers are not checked, and have to tell the length of the body.
    """
    if cycle.response_started or cycle.disconnected or cycle.flow.write_paused:
        return False
    pieces = [STATUS_LINE[status]]
    for name, value in (*cycle.default_headers, *headers):
        pieces += name, b": ", value, b"\r\n"
    pieces += () if cycle.keep_alive else (b"connection: close\r\n",)
    pieces += b"\r\n", body
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cast("AnswerTransport", cycle.transport).write_whole(b"".join(pieces))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


class AnswerTransport:
    """What one answer is written to: keeps the head back until the first piece of the body goes with it.

    ASGI asks servers to do so: until there is a body an application that fails can still be answered for.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Write a piece of the answer. The first is its head, unless it only asks the caller to go on."""
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif self._head is None and not data.startswith(_INTERIM):
            self._head = data
        else:
            self._transport.write(data)

    def write_whole(self, data: bytes) -> None:
        """Write an answer of which no piece was written yet, head and body."""
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection; what was written to it still leaves."""
        self._transport.close()

    def is_closing(self) -> bool:
        """Tell whether the connection is closed or about to be."""
        return self._transport.is_closing()
