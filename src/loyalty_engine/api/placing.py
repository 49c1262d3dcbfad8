"""Placing orders: what a shop or till sent, alone or in a batch, becomes one request of the engine."""

from dataclasses import replace
from hashlib import blake2b

from uuid_utils.compat import uuid7

from loyalty_engine.api.calls import actor_of
from loyalty_engine.api.routing import Context
from loyalty_engine.api.schemas.orders import OrderBody
from loyalty_engine.core.engine.requests import Call, PlaceOrder
from loyalty_engine.core.rules.order import till_scope

ROUTE = "place_order"
"""What digests of orders are made with: an order in a batch is the same request as one that is sent alone."""


def read_order(context: Context, body: OrderBody, *, key: str | None, request_hash: bytes) -> PlaceOrder:
    """Return the request; raise :class:`ProblemError` for what the body's form alone does not show.

    Without a key it takes one that is made of its number and content. That binds no refusal.
    """
    # Short keys that tills make themselves are told apart by the till.
    scope = till_scope(body.receipt.location, body.receipt.till) if body.receipt else ""
    order = body.as_order_at(body.placed_at, context.client.location)
    call = Call(uuid7(), actor_of(context), request_hash, key, scope)
    request = PlaceOrder(call, body.member, order, body.as_payment(), exchanges=body.as_exchanges())
    if key is not None:
        return request
    return replace(request, call=replace(call, key=_make_key(request), keeps_refusals=False))


def _make_key(request: PlaceOrder) -> str:
    content = request.natural_key.encode() + b"|" + request.call.request_hash
    return f"order-{blake2b(content, digest_size=16).hexdigest()}"
