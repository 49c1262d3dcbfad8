"""Batches of orders: read so that one bad order hurts no other, and answered order by order."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import orjson
from fastapi import Response
from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema

from loyalty_engine.api.bodies import check_values, digest, faults_of, parse_json
from loyalty_engine.api.placing import ROUTE, read_order, settle_order, watch_guesses
from loyalty_engine.api.problems import PROBLEMS, Fault, ProblemError, render
from loyalty_engine.api.routing import Context
from loyalty_engine.api.schemas.batches import MAX_ORDERS, BatchedOrderBody, OrderBatchBody
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.core.engine.requests import PlaceOrder
from loyalty_engine.persistence.errors import UnavailableError

Done = TypeVar("Done")

_AT_ONCE: Final = 64
"""How many orders of a batch are under way together: they share round trips, and leave room for other callers."""
_CREATED: Final = 201
_WAITING: Final = 202
_NOT_BOOKED: Final = "not_booked"


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """An order of a batch, as it would be sent alone, with its digest; ``problem`` is why it could not be read."""

    body: BatchedOrderBody | None
    request_hash: bytes = b""
    content: Mapping[str, Any] = field(default_factory=dict)
    problem: ProblemError | None = None


@dataclass(frozen=True)
class OrderBatch:
    """A batch as it was read. In the API's description it is an :class:`OrderBatchBody`."""

    orders: Sequence[ReadOrder]
    all_or_nothing: bool

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's own
        """Be described as the body that callers send."""
        return handler.generate_schema(OrderBatchBody)


class OrderBatchReader:
    """Reads batches: strict JSON as everywhere, larger, and each order for itself."""

    media_types: Sequence[str] = ("application/json",)
    max_bytes = 8 * 1024 * 1024

    async def read(self, raw: bytes, media_type: str) -> OrderBatch:  # noqa: ARG002 - there is one
        """Return the batch; raise :class:`ProblemError` when it is none."""
        return await asyncio.to_thread(_read_batch, raw)


async def place_each(context: Context, services: Services, batch: OrderBatch) -> Response:
    """Place every order for itself, many at a time; those of one member in their order.

    Raises ``UnavailableError`` when nothing could be placed at all.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def place(order: ReadOrder, place: int, before: asyncio.Task[Outcome] | None) -> Outcome:
        if before is not None:
            await asyncio.wait((before,))
        async with gate:
            return await _settle(
                place,
                lambda: settle_order(services, context.caller, _request_of(context, order), order.content),
            )

    # An order that brings a friend queues for its advocate: nothing but us keeps those behind it from being faster.
    last: dict[object, asyncio.Task[Outcome] | None] = dict.fromkeys(_new_friends(batch))
    tasks = []
    for n, order in enumerate(batch.orders):
        member = order.body.member if order.body is not None else None
        task = asyncio.create_task(place(order, n, last.get(member)))
        if member in last:
            last[member] = task
        tasks.append(task)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    for fault in done:
        if isinstance(fault, BaseException):
            raise fault
    outcomes = [outcome for outcome in done if isinstance(outcome, Outcome)]
    if all(outcome.refusal_code == "unavailable" for outcome in outcomes):
        raise UnavailableError
    return _answer(200, outcomes)


def _new_friends(batch: OrderBatch) -> Iterator[object]:
    """Yield the members, as they are named, whom an order of the batch brings."""
    for order in batch.orders:
        if order.body is not None and order.body.brought_by is not None and order.body.member is not None:
            yield order.body.member


async def place_all(context: Context, services: Services, batch: OrderBatch) -> Response:
    """Place all orders in one write, or none of them: then the problem has the results of all."""
    read = [await _settle(n, _only_read(context, order)) for n, order in enumerate(batch.orders)]
    requests = [request for request in read if isinstance(request, PlaceOrder)]
    if len(requests) < len(read):
        return _refuse([_unbooked() if isinstance(one, PlaceOrder) else one for one in read])

    async def place() -> list[Outcome]:
        return await services.executor.execute_together(context.caller, requests)

    outcomes = await watch_guesses(services, context.caller, requests, place)
    if any(outcome.refusal_code for outcome in outcomes):
        return _refuse(
            [outcome if outcome.refusal_code or outcome.is_replayed else _unbooked() for outcome in outcomes]
        )
    return _answer(200, outcomes)


def _only_read(context: Context, order: ReadOrder) -> Callable[[], Awaitable[PlaceOrder]]:
    async def read() -> PlaceOrder:
        request = _request_of(context, order)
        if request.exchanges:
            fault = Fault(
                "/returns", "returns_in_one_write", "must be left out where all orders are booked in one write"
            )
            raise ProblemError("validation_failed", errors=[fault])
        return request

    return read


def _request_of(context: Context, order: ReadOrder) -> PlaceOrder:
    if order.body is None:
        assert order.problem is not None
        raise order.problem
    return read_order(context, order.body, key=order.body.idempotency_key, request_hash=order.request_hash)


async def _settle(place: int, act: Callable[[], Awaitable[Done]]) -> Done | Outcome:
    """Do something for one order; what stops it stops no other."""
    try:
        return await act()
    except ProblemError as error:
        errors = [replace(fault, pointer=f"/orders/{place}{fault.pointer}") for fault in error.errors]
        return Outcome(render(error.code, detail=error.detail, errors=errors, details=error.details), error.code)
    except UnavailableError:
        return Outcome(render("unavailable"), "unavailable")


def _unbooked() -> Outcome:
    return Outcome(render(_NOT_BOOKED), _NOT_BOOKED)


def _show(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    return [
        {
            "index": place,
            "status": _status_of(outcome),
            "code": outcome.refusal_code,
            "replayed": outcome.is_replayed,
            "body": orjson.Fragment(outcome.answer),
        }
        for place, outcome in enumerate(outcomes)
    ]


def _status_of(outcome: Outcome) -> int:
    if outcome.refusal_code is not None:
        return PROBLEMS[outcome.refusal_code].status
    return _WAITING if outcome.is_waiting else _CREATED


def _answer(status: int, outcomes: Iterable[Outcome]) -> Response:
    return Response(orjson.dumps({"results": _show(outcomes)}), status, media_type="application/json")


def _refuse(outcomes: Iterable[Outcome]) -> Response:
    return ProblemError("batch_not_booked", details={"results": _show(outcomes)}).as_response()


_ENVELOPE: Final = TypeAdapter(OrderBatchBody)
_ORDER: Final = TypeAdapter(BatchedOrderBody).validator
_STAND_IN: Final = {
    "order_id": "-",
    "placed_at": "2000-01-01T00:00:00Z",
    "currency": "EUR",
    "lines": [{"amount": 0}],
}
"""A faultless order in the place of each, so that the batch around them is judged for itself."""


def _read_batch(raw: bytes) -> OrderBatch:
    parsed = parse_json(raw)
    orders = parsed.get("orders") if isinstance(parsed, dict) else None
    around = (
        {**parsed, "orders": [_STAND_IN] * min(len(orders), MAX_ORDERS + 1)} if isinstance(orders, list) else parsed
    )
    try:
        envelope = _ENVELOPE.validator.validate_json(json.dumps(around))
    except ValidationError as error:
        raise ProblemError("validation_failed", errors=faults_of(error)) from None
    assert orders is not None
    return OrderBatch([_read_order(order) for order in orders], envelope.all_or_nothing)


def _read_order(order: Any) -> ReadOrder:  # noqa: ANN401 - any JSON value
    try:
        check_values(order)
        body: BatchedOrderBody = _ORDER.validate_json(json.dumps(order))
    except ValidationError as error:
        return ReadOrder(None, problem=ProblemError("validation_failed", errors=faults_of(error)))
    except ProblemError as error:
        return ReadOrder(None, problem=error)
    content = {name: value for name, value in order.items() if name != "idempotency_key"}
    return ReadOrder(body, digest(ROUTE, content), content)
