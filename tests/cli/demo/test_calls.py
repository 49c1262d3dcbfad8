"""A till on a bad line: a service that is away for a while, or breaks the connection, is asked again with the same key."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("aiohttp", reason="part of the extra demo and of the group dev")

from loyalty_engine.cli.demo.calls import Place, Till


def said(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers])
    return f"{head}\r\n\r\n".encode() + body


AWAY = said("503 Service Unavailable", b"{}")
BROKEN = b""
DONE = said("201 Created", b'{"id": 1}', "idempotent-replayed: true")
REFUSED = said("409 Conflict", b'{"code": "order_exists"}')


@asynccontextmanager
async def service(answers: Sequence[bytes], asked: list[str]) -> AsyncIterator[Place]:
    """Give these answers one after the other and note the key of each request."""
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while left:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
                asked.append(head.partition("idempotency-key: ")[2].split("\r\n")[0])
                answered = left.pop(0)
                if answered == BROKEN:
                    break
                writer.write(answered)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Place(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key")


async def test_a_call_is_repeated_with_its_key_until_it_is_answered() -> None:
    asked: list[str] = []
    async with service([AWAY, BROKEN, DONE], asked) as place, Till(place) as till:
        answer = await till.post("/orders", b"{}", "receipt-1")
    assert (answer.status, answer.body, answer.is_repeated) == (201, {"id": 1}, True)
    assert asked == ["receipt-1"] * 3


async def test_a_refusal_is_an_answer() -> None:
    asked: list[str] = []
    async with service([REFUSED], asked) as place, Till(place) as till:
        answer = await till.post("/orders", b"{}", "receipt-2")
    assert (answer.code, asked) == ("order_exists", ["receipt-2"])
