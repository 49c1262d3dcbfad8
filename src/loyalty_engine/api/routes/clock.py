"""The program's clock: real time, unless somebody moved the clock of a sandbox."""

from fastapi import APIRouter

from loyalty_engine.api.calls import open_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.clock import ClockAnswer, MoveClockBody, MovedClockAnswer
from loyalty_engine.application.composition import Services
from loyalty_engine.application.move_clock import move_clock
from loyalty_engine.core.kernel.refusals import Refusal
from loyalty_engine.persistence.programs import read_ahead

router = APIRouter(route_class=Route, tags=["program"])


@router.get("/program/clock", operation_id="read_clock", summary="Read the program's clock", **problems())
@access("program:read")
async def get_clock(context: CallContext) -> ClockAnswer:
    """Return what time it is for the program's rules."""
    services: Services = context.services
    async with open_session(context) as session:
        ahead = await read_ahead(session, context.client.program_id)
    now = services.clock()
    return ClockAnswer.of(now if ahead is None else now + ahead, is_sandbox=ahead is not None)


@router.post(
    "/program/clock",
    operation_id="move_clock",
    summary="Move the clock of a sandbox",
    **problems("not_a_sandbox", "clock_backwards", "clock_too_far", body=True),
)
@access("program:write")
async def post_clock(context: CallContext, body: MoveClockBody) -> MovedClockAnswer:
    """Move the clock on, and see at once what that does: points become spendable or expire, holds end.

    It goes on ticking from there. Keys expire, and what needs no rule is kept, by real time.
    """
    services: Services = context.services
    moved = await move_clock(services.sessions, services.rulesets, context.caller, body.target, clock=services.clock)
    if isinstance(moved, Refusal):
        raise ProblemError.of(moved)
    return MovedClockAnswer.of_move(moved)
