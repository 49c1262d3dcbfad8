"""A lean HTTP load generator: prepared requests over kept-alive connections, one at a time on each.

It shares the machine with the server under test, so it does as little as possible per request: no client library,
only enough of HTTP to find the end of an answer.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

_LENGTH: Final = b"\r\ncontent-length: "
_OK: Final = frozenset({b"200", b"201"})


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of the load measured; latencies are seconds in ascending order."""

    seconds: float
    answers: int
    refused: int
    latencies: list[float] = field(repr=False)

    @property
    def per_second(self) -> float:
        """Successful answers per second."""
        return (self.answers - self.refused) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency in seconds below which that share of answers came."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


class _Connection(asyncio.Protocol):
    """One connection that sends the next request as soon as the last is answered."""

    def __init__(self, next_request: Callable[[], bytes | None], done: "asyncio.Future[None]", pause: float) -> None:
        self.latencies: list[float] = []
        self.refused = 0
        self._next_request = next_request
        self._done = done
        self._pause = pause
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.find(_LENGTH) + len(_LENGTH)
        length = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < head + 4 + length:
            return
        self.latencies.append(time.perf_counter() - self._sent_at)
        if self._buffer[9:12] not in _OK:
            self.refused += 1
        self._buffer = b""
        if self._pause:
            asyncio.get_running_loop().call_later(self._pause * random.uniform(0.5, 1.5), self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        request = self._next_request()
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def run_load(
    urls: list[str], make_request: Callable[[], bytes], *, connections: int, seconds: float, pace: float | None = None
) -> Result:
    """Drive the servers at ``urls`` (connections are dealt out in turn) for so many seconds.

    Without ``pace`` each connection sends as soon as it was answered; with it all together send so many per second.
    """
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    pause = connections / pace if pace else 0.0

    def next_request() -> bytes | None:
        return make_request() if time.perf_counter() < end else None

    began = time.perf_counter()
    protocols = []
    waits = []
    for number in range(connections):
        address = urlsplit(urls[number % len(urls)])
        done: asyncio.Future[None] = loop.create_future()
        protocol = _Connection(next_request, done, pause)
        assert address.hostname is not None
        assert address.port is not None
        await loop.create_connection(partial(_itself, protocol), address.hostname, address.port)
        protocols.append(protocol)
        waits.append(done)
    await asyncio.gather(*waits)
    took = time.perf_counter() - began
    latencies = sorted(latency for protocol in protocols for latency in protocol.latencies)
    return Result(took, len(latencies), sum(protocol.refused for protocol in protocols), latencies)


def _itself(protocol: _Connection) -> _Connection:
    return protocol


def request_bytes(method: str, path: str, *, token: str, body: bytes, key: str | None = None) -> bytes:
    """Return one HTTP/1.1 request."""
    key_header = f"idempotency-key: {key}\r\n" if key else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\n{key_header}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
