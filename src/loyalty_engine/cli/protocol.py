"""HTTP as uvicorn speaks it, except that an answer leaves in one piece.

uvicorn hands the head and the body of an answer to the socket one by one. That is one system call more than an answer
needs, and over a quick network it wakes the caller twice.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_INTERIM: Final = b"HTTP/1.1 100 "


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol with :class:`AnswerTransport` under every answer that has a body."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's own type of it
        if cycle.scope["method"] != "HEAD":  # whose head nothing would follow
            cycle.transport = cast("asyncio.Transport", AnswerTransport(cycle.transport))
        super()._start_asgi_task(cycle, app)


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

    def close(self) -> None:
        """Close the connection; what was written to it still leaves."""
        self._transport.close()

    def is_closing(self) -> bool:
        """Tell whether the connection is closed or about to be."""
        return self._transport.is_closing()
