"""Placing orders: what a shop or till sent, alone or in a batch, becomes one request of the engine."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any, Final, TypeVar

import orjson
from uuid_utils.compat import uuid7

from loyalty_engine.api.bodies import BodyReader
from loyalty_engine.api.calls import actor_of
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import Context
from loyalty_engine.api.schemas.orders import BasketBody, OrderBody
from loyalty_engine.api.schemas.reviews import ReviewSummary
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Caller, Outcome
from loyalty_engine.application.guesses import Guess, TooManyGuessesError, is_guessing
from loyalty_engine.application.place_order import place_order
from loyalty_engine.core.engine.requests import Actor, Call, PlaceOrder
from loyalty_engine.core.promotions.codes import Codes
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.rules.order import till_scope
from loyalty_engine.persistence.reviews import Review

Done = TypeVar("Done")

_READER: Final = BodyReader(OrderBody)

ROUTE: Final = "place_order"
"""What digests of orders are made with: an order in a batch is the same request as one that is sent alone."""

REFUSALS: Final = (
    "member_not_found",
    "member_blocked",
    "member_required",
    "order_in_future",
    "order_too_old",
    "order_total_too_large",
    "currency_mismatch",
    "till_mismatch",
    "attribute_not_declared",
    "attribute_type_mismatch",
    "wallet_not_found",
    "wallet_not_redeemable",
    "insufficient_points",
    "points_below_minimum",
    "points_not_in_step",
    "points_above_share",
    "balance_too_large",
    "order_exists",
)
CODE_PROBLEMS: Final = ("promo_code_refused", "too_many_guesses")
EXCHANGE_REFUSALS: Final = (
    "order_not_found",
    "order_line_not_found",
    "return_empty",
    "return_exceeds_order",
    "return_not_covered",
    "return_of_foreign_order",
)


def read_order(context: Context, body: OrderBody, *, key: str | None, request_hash: bytes) -> PlaceOrder:
    """Return the request; raise :class:`ProblemError` for what the body's form alone does not show.

    Without a key it takes one that is made of its number and content. That binds no refusal.
    """
    # Short keys that tills make themselves are told apart by the till.
    scope = till_scope(body.receipt.location, body.receipt.till) if body.receipt else ""
    order = body.as_order_at(body.placed_at, context.client.location)
    call = Call(uuid7(), actor_of(context), request_hash, key, scope)
    request = PlaceOrder(
        call,
        body.member,
        order,
        body.as_payment(),
        body.as_exchanges(),
        codes=read_codes(context, body),
        brought=read_bringing(context, body),
    )
    if key is not None:
        return request
    return replace(request, call=replace(call, key=_make_key(request), keeps_refusals=False))


def read_reviewed_order(context: Context, review: Review) -> PlaceOrder:
    """Return the request of an order that waited for a review: it is the order of who sent it, booked by the caller.

    Raises :class:`ProblemError` when an order may not have that form any more.
    """
    kept = dict(review.body)
    guest = kept.pop("guest", None)
    body, _ = _READER.read(orjson.dumps(kept))
    actor = Actor(context.client.id, review.location, review.till)
    call = Call(uuid7(), actor, review.request_hash, context.key)
    order = body.as_order_at(body.placed_at, review.location)
    codes = replace(read_codes(context, body), guest=guest)
    return PlaceOrder(
        call,
        body.member,
        order,
        body.as_payment(),
        body.as_exchanges(),
        codes=codes,
        brought=read_bringing(context, body),
    )


def read_codes(context: Context, body: BasketBody) -> Codes:
    """Return the promo codes of a cart. Only callers who may read codes learn more of them than that they are unknown."""
    return body.as_codes(context.client.program_id, is_trusted="codes:read" in context.client.scopes)


def read_bringing(context: Context, body: BasketBody) -> Bringing | None:
    """Return whose code a new friend brought to its checkout, if it did."""
    return None if body.brought_by is None else body.brought_by.as_bringing(is_trusted=trusts_friends(context))


def trusts_friends(context: Context) -> bool:
    """Tell whether a caller may know who brought whom, so that it need not guess codes."""
    return "referrals:read" in context.client.scopes


def watch_guesses(
    services: Services, caller: Caller, carts: Sequence[Guess], ask: Callable[[], Awaitable[Done]]
) -> Awaitable[Done]:
    """Ask what becomes of carts, or of a friend; raise :class:`ProblemError` where too many of their codes were unknown lately.

    Most bring no codes along: then there is nothing to watch.
    """
    return _watch(services, caller, carts, ask) if any(map(is_guessing, carts)) else ask()


async def _watch(
    services: Services, caller: Caller, carts: Sequence[Guess], ask: Callable[[], Awaitable[Done]]
) -> Done:
    try:
        return await services.guesses.watch(caller, carts, ask)
    except TooManyGuessesError as error:
        raise ProblemError("too_many_guesses", headers={"retry-after": str(error.retry_after_seconds)}) from None


async def settle_order(services: Services, caller: Caller, request: PlaceOrder, body: Mapping[str, Any]) -> Outcome:
    """Place an order; one that waits for a review is answered with that."""
    if "guest" in body:
        body = {**body, "guest": request.codes.guest}
    place = partial(
        place_order, services.executor, services.sessions, caller, request, clocks=services.clocks, body=body
    )
    done = await watch_guesses(services, caller, (request,), place)
    if isinstance(done, Outcome):
        return done
    is_new = done.id == request.call.operation_id
    return Outcome(ReviewSummary.of(done).model_dump_json(), is_replayed=not is_new, is_waiting=True)


def _make_key(request: PlaceOrder) -> str:
    content = request.natural_key.encode() + b"|" + request.call.request_hash
    return f"order-{blake2b(content, digest_size=16).hexdigest()}"
