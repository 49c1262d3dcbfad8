"""A program at a service's address, reached over HTTP with an API key: all that a marketer's machine needs."""

import asyncio
import re
from http.client import HTTPException
from typing import Final, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import BaseModel, SecretStr, ValidationError

from loyalty_engine.api.problems import MEDIA_TYPE
from loyalty_engine.api.schemas.problems import Problem
from loyalty_engine.api.schemas.program import PlanAnswer, PublicationAnswer
from loyalty_engine.cli.failures import FailureError
from loyalty_engine.cli.source import Source

Answered = TypeVar("Answered", bound=BaseModel)

_SECONDS: Final = 60.0
_KEY: Final = re.compile("[!-~]+")


class RejectedError(Exception):
    """A document was not planned or not published; the problem says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class RemoteProgram:
    """The program of an API key. Raises :class:`FailureError` when its service does not answer as one."""

    def __init__(self, url: str, key: SecretStr | None) -> None:
        if not _is_address(url):
            raise FailureError("--url is an address such as https://loyalty.example.com")
        if key is None:
            raise FailureError("LOYALTY_API_KEY is not set; --url needs a key that may read or write the program")
        if not _KEY.fullmatch(key.get_secret_value()):
            raise FailureError("LOYALTY_API_KEY is no API key")
        self.name = url
        self._base = url.rstrip("/").removesuffix("/v1") + "/v1/program"
        self._key = key

    async def plan(self, source: Source) -> PlanAnswer:
        """Tell what publishing the document would change."""
        return await self._ask("POST", "/plan", source, PlanAnswer)

    async def publish(self, source: Source, *, revision: int, note: str | None) -> PublicationAnswer:
        """Publish the document in place of ``revision``."""
        query = "" if note is None else "?" + urlencode({"note": note})
        return await self._ask("PUT", query, source, PublicationAnswer, **{"if-match": f'"{revision}"'})

    async def _ask(self, method: str, path: str, source: Source, answer: type[Answered], **headers: str) -> Answered:
        headers = {
            "authorization": f"Bearer {self._key.get_secret_value()}",
            "content-type": source.media_type,
            **headers,
        }
        try:
            request = Request(self._base + path, source.raw, headers, method=method)  # noqa: S310 - the scheme is known
            return answer.model_validate_json(await asyncio.to_thread(_send, request))
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise FailureError(f"{self.name} cannot be reached: {reason or type(error).__name__}") from error
        except ValidationError as error:
            raise FailureError(f"{self.name} does not answer like this release of the engine") from error


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: the key is for this address only."""

    def redirect_request(self, *_: object) -> None:
        return None


def _send(request: Request) -> bytes:
    """Return the answer; raise :class:`RejectedError` when it is a problem."""
    try:
        with build_opener(_StayHere).open(request, timeout=_SECONDS) as response:
            body: bytes = response.read()
            return body
    except HTTPError as error:
        with error:
            if error.headers.get_content_type() != MEDIA_TYPE:
                raise FailureError(f"{request.host} answers {error.code} {error.reason}") from None
            problem = Problem.model_validate_json(error.read())
    raise RejectedError(problem)
