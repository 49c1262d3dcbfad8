"""Routes of ``/v1``: who may call them is declared beside each, and bodies are read strictly.

FastAPI describes the routes for OpenAPI and runs the reads. Routes with a body skip its dependency solving, which
costs more than everything else in a hot request: they authenticate, read the body and call the endpoint directly.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from loyalty_engine.api.bodies import MAX_BYTES, BodyReader, digest
from loyalty_engine.api.problems import MEDIA_TYPE, PROBLEMS, ProblemError
from loyalty_engine.application.authenticate import Authenticator
from loyalty_engine.application.executor import Caller, Outcome
from loyalty_engine.persistence.clients import Client
from loyalty_engine.persistence.sessions import StaleCredentialsError

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])

_JSON: Final = "application/json"
_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class Access:
    """What a route demands: a scope, and whether an idempotency key is required."""

    scope: str
    needs_key: bool = False
    takes_key: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Who calls, and with which idempotency key and request digest. ``services`` is the application's composition."""

    client: Client
    services: Any
    key: str | None = None
    request_hash: bytes = b""

    @property
    def caller(self) -> Caller:
        """The client as the executor knows it."""
        return Caller(self.client.program_id, self.client.id, self.client.generation)


def access(scope: str, *, needs_key: bool = False, takes_key: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint demands; a route without this declaration cannot be built."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__access__ = Access(scope, needs_key, takes_key or needs_key)  # type: ignore[attr-defined]  # read by Route
        return endpoint

    return declare


async def current_context(request: Request) -> Context:
    """Give a read endpoint its context, which :class:`Route` has made."""
    context: Context = request.state.context
    return context


class Route(APIRoute):
    """A route of ``/v1``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler: authenticated always; with a body also strict."""
        declared: Access = vars(self.endpoint)["__access__"]
        body_model = get_type_hints(self.endpoint).get("body")
        handle = self._reading(super().get_route_handler()) if body_model is None else self._writing(body_model, declared)

        async def handler(request: Request) -> Response:
            token = _read_token(request)
            authenticator: Authenticator = request.app.state.services.authenticator
            client = await _authorise(authenticator, token, declared.scope)
            try:
                return await handle(request, client)
            except StaleCredentialsError:
                authenticator.forget(token)
            client = await _authorise(authenticator, token, declared.scope)
            return await handle(request, client)

        return handler

    @staticmethod
    def _reading(
        handle: Callable[[Request], Coroutine[Any, Any, Response]],
    ) -> Callable[[Request, Client], Awaitable[Response]]:
        async def read(request: Request, client: Client) -> Response:
            request.state.context = Context(client, request.app.state.services)
            return await handle(request)

        return read

    def _writing(
        self, body_model: type[BaseModel], declared: Access
    ) -> Callable[[Request, Client], Awaitable[Response]]:
        reader = BodyReader(body_model)
        endpoint = self.endpoint
        status = self.status_code or 200
        name = self.name

        async def write(request: Request, client: Client) -> Response:
            key = _read_key(request, declared) if declared.takes_key else None
            body, parsed = reader.read(await _read_body(request))
            path = request.path_params
            context = Context(client, request.app.state.services, key, digest(f"{name} {path}" if path else name, parsed))
            result = await endpoint(context=context, body=body, **path)
            return _respond(result, status)

        return write


def _respond(result: "Outcome | Response | BaseModel", status: int) -> Response:
    if isinstance(result, Outcome):
        headers = {"idempotent-replayed": "true"} if result.is_replayed else None
        if result.refusal_code is None:
            return Response(result.answer, status, headers, _JSON)
        return Response(result.answer, PROBLEMS[result.refusal_code].status, headers, MEDIA_TYPE)
    if isinstance(result, Response):
        return result
    return Response(result.model_dump_json(), status, media_type=_JSON)


async def _authorise(authenticator: Authenticator, token: str, scope: str) -> Client:
    client = await authenticator.find_client(token)
    if client is None:
        raise ProblemError("unauthenticated", headers={"www-authenticate": "Bearer"})
    if scope not in client.scopes:
        raise ProblemError("scope_missing", details={"scope": scope})
    return client


def _read_token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise ProblemError("unauthenticated", headers={"www-authenticate": "Bearer"})
    return token.strip()


def _read_key(request: Request, declared: Access) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        if declared.needs_key:
            raise ProblemError("idempotency_key_required")
        return None
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise ProblemError("idempotency_key_invalid")
    return key


async def _read_body(request: Request) -> bytes:
    """Read a JSON body, and stop as soon as it proves too large."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise ProblemError("unsupported_media_type")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BYTES:
            raise ProblemError("body_too_large")
        chunks.append(chunk)
    return b"".join(chunks)
