import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from loyalty_engine.api.hot_routes import WHOLE_ANSWER
from loyalty_engine.cli.protocol import AnswerTransport, OneWriteProtocol

LARGE = 32 * 1024 * 1024
"""So many bytes are more than a connection takes at once."""


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def written_for(*pieces: bytes) -> list[bytes]:
    wire = Wire()
    transport = AnswerTransport(cast("asyncio.Transport", wire))
    for piece in pieces:
        transport.write(piece)
    return wire.written


def test_head_and_body_leave_together() -> None:
    assert written_for(b"HTTP/1.1 200 OK\r\n\r\n", b"body") == [b"HTTP/1.1 200 OK\r\n\r\nbody"]


def test_a_head_waits_for_the_body() -> None:
    assert written_for(b"HTTP/1.1 200 OK\r\n\r\n") == []


def test_an_empty_body_lets_the_head_go() -> None:
    assert written_for(b"HTTP/1.1 204 No Content\r\n\r\n", b"") == [b"HTTP/1.1 204 No Content\r\n\r\n"]


def test_later_pieces_leave_as_they_come() -> None:
    assert written_for(b"HTTP/1.1 200 OK\r\n\r\n", b"a", b"b") == [b"HTTP/1.1 200 OK\r\n\r\na", b"b"]


def test_an_invitation_to_send_the_body_is_not_the_head() -> None:
    go_on, head = b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
    assert written_for(go_on, head, b"body") == [go_on, head + b"body"]


class WholeResponse(Response):
    """An answer that leaves past the messages of ASGI, or by them and a header that says so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write = scope.get("extensions", {}).get(WHOLE_ANSWER)
        if write is None or not write(self.status_code, self.raw_headers, self.body):
            self.headers["by"] = "messages"
            await super().__call__(scope, receive, send)


@pytest.fixture
def keeps_log() -> bool:
    """Whether the server keeps an access log."""
    return False


@pytest.fixture
async def port(keeps_log: bool) -> AsyncIterator[int]:
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    async def whole(request: Request) -> Response:
        return WholeResponse(await request.body() * int(request.query_params.get("times", "1")))

    async def stream(_: Request) -> Response:
        return StreamingResponse(iter((b"first ", b"second")))

    async def break_off(_: Request) -> Response:
        return StreamingResponse(broken())

    routes = [
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/whole", whole, methods=["POST"]),
        Route("/stream", stream),
        Route("/break", break_off),
    ]
    application = Starlette(routes=routes)
    server = Server(
        uvicorn.Config(
            application, port=0, http=OneWriteProtocol, ws="none", lifespan="off", log_config=None, access_log=keeps_log
        )
    )
    serving = asyncio.create_task(server.serve())
    await server.is_up.wait()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


def broken() -> Iterator[bytes]:
    return (b"%d" % (1 // number) for number in (0,))


async def exchange(port: int, *requests: bytes) -> bytes:
    """Send requests one after the other without waiting, and return all that comes until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests))
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def request_of(line: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join((f"{line} HTTP/1.1", "host: x", *headers, "", body)).encode()


@pytest.mark.parametrize("path", ["/echo", "/whole"])
async def test_requests_in_a_row_are_answered_in_order(port: int, path: str) -> None:
    first = request_of(f"POST {path}", "content-length: 3", body="one")
    second = request_of(f"POST {path}", "content-length: 3", "connection: close", body="two")
    answers = await exchange(port, first, second)
    assert [part.rpartition(b"\r\n\r\n")[2] for part in answers.split(b"HTTP/1.1 200 OK")[1:]] == [b"one", b"two"]


async def test_a_head_request_gets_its_head(port: int) -> None:
    answer = await exchange(port, request_of("HEAD /echo", "connection: close"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_stream_arrives_whole(port: int) -> None:
    answer = await exchange(port, request_of("GET /stream", "connection: close"))
    assert answer.endswith(b"\r\n\r\n6\r\nfirst \r\n6\r\nsecond\r\n0\r\n\r\n")


async def test_a_whole_answer_has_the_head_of_any_other(port: int) -> None:
    echo, whole = [
        await exchange(port, request_of(f"POST {path}", "content-length: 3", "connection: close", body="one"))
        for path in ("/echo", "/whole")
    ]
    assert [line for line in whole.split(b"\r\n") if not line.startswith(b"date")] == [
        b"HTTP/1.1 200 OK",
        b"server: uvicorn",
        b"content-length: 3",
        b"connection: close",
        b"",
        b"one",
    ]
    assert len(whole) == len(echo)


async def test_a_whole_answer_waits_where_the_one_before_was_not_taken_yet(port: int) -> None:
    large = request_of(f"POST /whole?times={LARGE}", "content-length: 1", body="x")
    small = request_of("POST /whole", "content-length: 3", "connection: close", body="two")
    first, second = (await exchange(port, large, small)).split(b"HTTP/1.1 200 OK\r\n")[1:]

    assert b"by: messages" not in first
    assert first.endswith(b"\r\n\r\n" + b"x" * LARGE)
    assert b"\r\nby: messages\r\n" in second
    assert second.endswith(b"\r\n\r\ntwo")


@pytest.mark.parametrize("keeps_log", [True])
async def test_where_a_log_is_kept_answers_leave_by_messages(port: int) -> None:
    answer = await exchange(port, request_of("POST /whole", "content-length: 3", "connection: close", body="one"))
    assert b"\r\nby: messages\r\n" in answer
    assert answer.endswith(b"\r\n\r\none")


@pytest.mark.parametrize("path", ["/echo", "/whole"])
async def test_a_caller_that_asks_first_is_told_to_go_on(port: int, path: str) -> None:
    head = request_of(f"POST {path}", "content-length: 4", "expect: 100-continue", "connection: close")
    answer = await exchange(port, head, b"late")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nlate")


async def test_an_answer_that_breaks_off_before_its_body_is_none(port: int) -> None:
    assert await exchange(port, request_of("GET /break")) == b""
