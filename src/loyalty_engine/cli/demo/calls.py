"""Calls of the API as a till makes them: one connection, and the same idempotency key again until there is an answer."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson

from loyalty_engine.cli.failures import FailureError

_PATIENCE_SECONDS: Final = 60.0
"""How long a call is repeated while the service says that it cannot answer now, or is gone."""
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=900.0, sock_connect=10.0)
"""The ledger check reads every row of the program."""
_READY_TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0)

_BROKEN: Final = (aiohttp.ClientError, TimeoutError)
"""No answer: nobody there, a broken connection, or an address that is none."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered; ``is_repeated`` says that the request was known already."""

    status: int
    body: Json
    headers: Mapping[str, str]

    @property
    def is_repeated(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def code(self) -> str | None:
        """The problem's code; None for a success."""
        return None if self.status < HTTPStatus.BAD_REQUEST else str(self.body.get("code", self.status))

    def expect(self, what: str) -> Json:
        """Return the body of a success; raise ``FailureError`` that says what was refused, and why."""
        if self.code is None:
            return self.body
        told = [f"{fault['pointer']} {fault['message']}" for fault in self.body.get("errors", ())[:3]]
        reason = "; ".join(told) or self.body.get("detail") or self.body.get("title") or HTTPStatus(self.status).phrase
        raise FailureError(f"{what} was refused: {self.code}: {reason}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where to call, and with which API key."""

    url: str
    key: str


class Till:
    """One caller with one connection; an async context manager."""

    def __init__(self, place: Place) -> None:
        self._url = place.url
        self._http = aiohttp.ClientSession(
            headers={"authorization": f"Bearer {place.key}", "content-type": "application/json"},
            connector=aiohttp.TCPConnector(limit=1),
            timeout=_TIMEOUT,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def get(self, path: str) -> Answer:
        """Read something."""
        return await self._send("GET", path)

    async def post(self, path: str, body: bytes, key: str) -> Answer:
        """Write something under an idempotency key."""
        return await self._send("POST", path, body, {"idempotency-key": key})

    async def require_service(self) -> None:
        """Wait until the service is ready; raise ``FailureError`` when nobody answers or it takes too long."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                async with self._http.get(f"{self._url}/readyz", timeout=_READY_TIMEOUT) as response:
                    status = response.status
            except _BROKEN as error:
                raise FailureError(f"nobody answers at {self._url} ({type(error).__name__})") from error
            if status == HTTPStatus.OK:
                return
            if status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > end:
                raise FailureError(f"nobody is ready at {self._url}: it answered {status}")
            await asyncio.sleep(_FIRST_PAUSE_SECONDS)

    async def _send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request until it is answered. A write may be repeated: it bears its key."""
        end = time.monotonic() + _PATIENCE_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._http.request(method, f"{self._url}/v1{path}", data=body, headers=headers) as response:
                    answer = Answer(response.status, _read(await response.read()), response.headers)
            except _BROKEN as error:
                if time.monotonic() > end:
                    raise FailureError(f"the service at {self._url} went away ({type(error).__name__})") from error
            else:
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > end:
                    return answer
                asked = answer.headers.get("retry-after", "")
                pause = max(pause, float(asked) if asked.isdecimal() else 0.0)
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
            pause *= 2


def _read(text: bytes) -> Json:
    try:
        body = orjson.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}
