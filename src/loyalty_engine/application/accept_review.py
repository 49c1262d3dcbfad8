"""Accept an order that waited for a review: book it now, by the rules of its time."""

import json
from dataclasses import replace

from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.core.engine.clearance import Clearance
from loyalty_engine.core.engine.requests import PlaceOrder
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.persistence import reviews
from loyalty_engine.persistence.reviews import Review
from loyalty_engine.persistence.sessions import Sessions


async def accept_review(
    executor: Executor, sessions: Sessions, caller: Caller, request: PlaceOrder, *, review: Review, clocks: Clocks
) -> Outcome:
    """Return what became of the order that ``request`` makes of the review; accepted twice, it gets the same answer.

    What cannot be booked stays as it is: the answer says why.
    """
    cleared = Clearance(review.id, is_number_reused=review.code == "order_exists")
    outcome = await executor.execute(caller, replace(request, clearance=cleared))
    if outcome.refusal_code is not None:
        return outcome
    async with sessions.open_for(
        caller.program_id, caller.client_id, caller.generation, is_read_only=False
    ) as connection:
        await reviews.accept_review(
            connection,
            caller.program_id,
            review.id,
            operation_id=read_id("op", json.loads(outcome.answer)["operation_id"]),
            client_id=caller.client_id,
            now=await clocks.now(caller.program_id),
        )
    return outcome
