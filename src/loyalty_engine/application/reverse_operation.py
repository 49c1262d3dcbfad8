"""Reverse an operation: each kind is undone in its own way, and there is no other."""

from uuid import UUID

from loyalty_engine.application.executor import Caller, Executor, Outcome
from loyalty_engine.core.engine.requests import (
    Call,
    CancelOrder,
    CancelRedemption,
    EndHold,
    Request,
    ReverseOperation,
)
from loyalty_engine.persistence.reading.operations import find_operation
from loyalty_engine.persistence.sessions import Sessions


async def reverse_operation(
    executor: Executor, sessions: Sessions, caller: Caller, call: Call, *, operation_id: UUID, reason: str
) -> Outcome:
    """Cancel an order or a redemption, void a hold, book the opposite of anything else.

    An operation never changes its kind, so that a repetition asks for the same. One that nobody knows is refused by the
    same decision as all others, which its key remembers.
    """
    async with sessions.open_for(caller.program_id, caller.client_id, caller.generation) as session:
        found = await find_operation(session, caller.program_id, operation_id)
    kind = None if found is None else found.kind
    return await executor.execute(caller, _undo(kind, call, operation_id, reason))


def _undo(kind: str | None, call: Call, operation_id: UUID, reason: str) -> Request:
    """Return the request that undoes it: orders, redemptions and holds bear the id of the operation that made them."""
    match kind:
        case "order":
            return CancelOrder(call, operation_id, reason)
        case "redemption":
            return CancelRedemption(call, operation_id, reason)
        case "hold":
            return EndHold(call, operation_id, 0, reason)
        case _:
            return ReverseOperation(call, operation_id, reason)
