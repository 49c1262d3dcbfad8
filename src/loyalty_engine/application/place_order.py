"""Place an order; one that somebody has to look at is kept until that is done, and never lost."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.core.engine.clearance import Clearance
from loyalty_engine.core.engine.requests import PlaceOrder
from loyalty_engine.persistence.reviews import Review, file_review
from loyalty_engine.persistence.sessions import Sessions


async def place_order(
    executor: Executor,
    sessions: Sessions,
    caller: Caller,
    request: PlaceOrder,
    *,
    clocks: Clocks,
    body: Mapping[str, Any],
) -> Outcome | Review:
    """Return what became of an order, or the review that it waits for; ``body`` is the order as it was sent.

    Sent again it finds the same review. If that accepted it under a number that another receipt has, it gets the answer of
    what was booked then.
    """
    outcome = await executor.execute(caller, request)
    if not outcome.is_for_review:
        return outcome
    assert outcome.refusal_code is not None
    new = Review(
        id=request.call.operation_id,
        natural_key=request.natural_key,
        code=outcome.refusal_code,
        client_id=caller.client_id,
        location=request.call.actor.location,
        till=request.call.actor.till,
        request_hash=request.call.request_hash,
        body=body,
        placed_at=request.order.placed_at,
        received_at=await clocks.now(caller.program_id),
    )
    async with sessions.open_for(
        caller.program_id, caller.client_id, caller.generation, is_read_only=False
    ) as connection:
        review = await file_review(connection, caller.program_id, new)
    if review.status != "accepted":
        return review
    cleared = Clearance(review.id, is_number_reused=review.code == "order_exists")
    return await executor.execute(caller, replace(request, clearance=cleared))
