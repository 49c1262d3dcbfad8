"""Routes of ``/v1``: who may call them is declared beside each, and bodies are read strictly.

FastAPI describes the routes for OpenAPI and runs the reads. Routes with a body skip its dependency solving, which
costs more than everything else in a hot request: they authenticate, read the body and call the endpoint directly.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple, TypeVar, get_type_hints

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from loyalty_engine.api.bodies import MAX_BYTES, BodyReader, DocumentReader, digest, faults_of
from loyalty_engine.api.problems import MEDIA_TYPE, PROBLEMS, Fault, ProblemError
from loyalty_engine.application.authenticate import Authenticator
from loyalty_engine.application.executor import Caller, Outcome
from loyalty_engine.persistence.clients import Client
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.sessions import StaleCredentialsError

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])
Sent = Mapping[bytes, bytes]
"""The headers of a request by their name in lower case; of one that was sent twice the first counts."""

ReadBody = Callable[[Request, Sent, str], Awaitable[tuple[Any, bytes, Any]]]
"""From a request and its subject (the route and the names in its path) to the body, a digest of both, and plain JSON."""

Handle = Callable[[Request, Sent, Client, Any], Awaitable[Response]]
"""Answers a request of an authenticated client with the application's services."""

_JSON: Final = "application/json"
_RAW_BODY: Final = "loyalty.raw_body"
"""Where a request keeps its body once it was received."""
_LONGEST_KEY: Final = 255
_WAITING: Final = 202
_LOOKS: Final = 2
"""How often a caller is looked up for one request: once more when its rights changed since they were remembered."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a route demands: a scope, and whether an idempotency key is required.

    ``documents`` reads bodies that are larger than others, or not JSON. ``is_body_optional`` takes a request without
    any body for one with an empty object.
    """

    scope: str
    needs_key: bool = False
    takes_key: bool = False
    documents: DocumentReader | None = None
    is_body_optional: bool = False


class Context(NamedTuple):
    """Who calls, and with which idempotency key and request digest. ``services`` is the application's composition.

    ``if_match`` is the condition that a write carries, as it was sent, ``parsed`` its body as JSON.
    """

    client: Client
    services: Any
    key: str | None = None
    request_hash: bytes = b""
    if_match: str | None = None
    parsed: Any = None

    @property
    def caller(self) -> Caller:
        """The client as the executor knows it."""
        return Caller(self.client.program_id, self.client.id, self.client.generation)


def access(
    scope: str,
    *,
    needs_key: bool = False,
    takes_key: bool = False,
    documents: DocumentReader | None = None,
    is_body_optional: bool = False,
) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint demands; a route without this declaration cannot be built."""
    declared = Access(scope, needs_key, takes_key or needs_key, documents, is_body_optional)

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__access__ = declared  # type: ignore[attr-defined]  # read by Route
        return endpoint

    return declare


async def current_context(request: Request) -> Context:
    """Give a read endpoint its context, which :class:`Route` has made."""
    context: Context = request.state.context
    return context


CallContext = Annotated[Context, Depends(current_context)]
"""How every endpoint asks for its context."""


class Route(APIRoute):
    """A route of ``/v1``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler: authenticated always; with a body also strict."""
        declared: Access = vars(self.endpoint)["__access__"]
        hints = get_type_hints(self.endpoint)
        handle = self._writing(hints, declared) if "body" in hints else self._reading(super().get_route_handler())

        async def handler(request: Request) -> Response:
            sent = dict(reversed(request.scope["headers"]))
            token = _read_token(sent)
            services = request.app.state.services
            authenticator: Authenticator = services.authenticator
            for _ in range(_LOOKS):
                client = authenticator.find_remembered(token) or await _authenticate(authenticator, token)
                try:
                    _require_scope(client, declared.scope)
                    return await handle(request, sent, client, services)
                except StaleCredentialsError:
                    authenticator.forget(token)
                except ProblemError:
                    # Nothing compared the key with the database yet: one that was revoked must not hear of other faults.
                    if await authenticator.is_current(token, client):
                        raise
            raise UnavailableError

        return handler

    @staticmethod
    def _reading(
        handle: Callable[[Request], Coroutine[Any, Any, Response]],
    ) -> Handle:
        async def read(request: Request, _: Sent, client: Client, services: Any) -> Response:  # noqa: ANN401 - see Context
            request.state.context = Context(client, services)
            return await handle(request)

        return read

    def _writing(self, hints: Mapping[str, Any], declared: Access) -> Handle:
        read_body = _body_reader(hints["body"], declared)
        query_model: type[BaseModel] | None = hints.get("query")
        endpoint = self.endpoint
        status = self.status_code or 200
        name = self.operation_id or self.name  # stable over renamed functions: replays depend on it

        async def write(request: Request, sent: Sent, client: Client, services: Any) -> Response:  # noqa: ANN401 - see Context
            key = _read_key(sent, declared) if declared.takes_key else None
            path = request.path_params
            body, request_hash, parsed = await read_body(request, sent, f"{name} {path}" if path else name)
            context = Context(client, services, key, request_hash, _text_of(sent, b"if-match"), parsed)
            asked = path if query_model is None else {**path, "query": _read_query(request, query_model)}
            result = await endpoint(context=context, body=body, **asked)
            return _respond(result, status)

        return write


class OutcomeResponse(Response):
    """The answer to a request of the engine: its head is known, so nothing is left to work out but how long it is."""

    def __init__(self, outcome: Outcome, status: int) -> None:
        media_type = _JSON
        if outcome.refusal_code is not None:
            status, media_type = PROBLEMS[outcome.refusal_code].status, MEDIA_TYPE
        elif outcome.is_waiting:
            status = _WAITING
        self.status_code = status
        self.background = None
        self.body = outcome.answer.encode()
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), (b"content-type", media_type.encode())]
        if outcome.is_replayed:
            self.raw_headers.insert(0, (b"idempotent-replayed", b"true"))


def _respond(result: "Outcome | Response | BaseModel", status: int) -> Response:
    if isinstance(result, Outcome):
        return OutcomeResponse(result, status)
    if isinstance(result, Response):
        return result
    return Response(result.model_dump_json(), status, media_type=_JSON)


async def _authenticate(authenticator: Authenticator, token: str) -> Client:
    client = await authenticator.find_client(token)
    if client is None:
        raise ProblemError("unauthenticated", headers={"www-authenticate": "Bearer"})
    return client


def _require_scope(client: Client, scope: str) -> None:
    if scope not in client.scopes:
        raise ProblemError("scope_missing", details={"scope": scope})


def _text_of(sent: Sent, name: bytes) -> str | None:
    value = sent.get(name)
    return None if value is None else value.decode("latin-1")


def _read_token(sent: Sent) -> str:
    kind, _, token = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise ProblemError("unauthenticated", headers={"www-authenticate": "Bearer"})
    return token.strip()


def _read_key(sent: Sent, declared: Access) -> str | None:
    key = _text_of(sent, b"idempotency-key")
    if key is None:
        if declared.needs_key:
            raise ProblemError("idempotency_key_required")
        return None
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise ProblemError("idempotency_key_invalid")
    return key


def _body_reader(body_model: type[BaseModel], declared: Access) -> ReadBody:
    if declared.documents is not None:
        return _document_reader(declared.documents)
    reader, is_optional, takes_key = BodyReader(body_model), declared.is_body_optional, declared.takes_key

    async def read(request: Request, sent: Sent, subject: str) -> tuple[Any, bytes, Any]:
        is_left_out = is_optional and _has_no_body(sent)
        body, parsed = reader.read(b"{}" if is_left_out else await _receive(request, sent, (_JSON,), MAX_BYTES))
        request_hash = digest(subject, parsed) if takes_key else b""  # it tells repetitions apart, nothing else
        return body, request_hash, parsed

    return read


def _read_query(request: Request, query_model: type[BaseModel]) -> BaseModel:
    """Return the parameters of a write that declares some: its endpoint's ``query``, as reads have it."""
    try:
        return query_model.model_validate(dict(request.query_params))
    except ValidationError as error:
        faults = [Fault(fault.pointer.removeprefix("/"), fault.code, fault.message) for fault in faults_of(error)]
        raise ProblemError("validation_failed", errors=faults) from None


def _document_reader(documents: DocumentReader) -> ReadBody:
    async def read(request: Request, sent: Sent, _: str) -> tuple[Any, bytes, Any]:
        raw = await _receive(request, sent, documents.media_types, documents.max_bytes)
        return await documents.read(raw, _media_type(sent)), b"", None

    return read


def _has_no_body(sent: Sent) -> bool:
    return b"transfer-encoding" not in sent and sent.get(b"content-length", b"0") == b"0"


def _media_type(sent: Sent) -> str:
    return sent.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()


async def _receive(request: Request, sent: Sent, media_types: Sequence[str], max_bytes: int) -> bytes:
    """Receive a body once, however often the caller is looked up, and stop as soon as it proves too large."""
    received: bytes | None = request.scope.get(_RAW_BODY)
    if received is not None:
        return received
    if _media_type(sent) not in media_types:
        raise ProblemError("unsupported_media_type", details={"accepted": list(media_types)})
    chunks, size, is_more = [], 0, True
    while is_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, is_more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > max_bytes:
            raise ProblemError("body_too_large", details={"max_bytes": max_bytes})
        chunks.append(chunk)
    raw = request.scope[_RAW_BODY] = b"".join(chunks)
    return raw
