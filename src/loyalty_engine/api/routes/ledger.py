"""The ledger: proof that it adds up."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import open_check, open_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.ledger import DayAnswer, DaysAnswer, DaysQuery, LedgerReport
from loyalty_engine.application.check_ledger import check_ledger
from loyalty_engine.application.composition import Services
from loyalty_engine.persistence.posting_days import list_day_sums

router = APIRouter(route_class=Route, tags=["ledger"])


@router.get("/ledger/check", operation_id="check_ledger", summary="Check the ledger", **problems())
@access("ledger:read")
async def get_ledger_check(context: CallContext) -> LedgerReport:
    """Prove the ledger's invariants from the rows of the program, in one snapshot, and name what breaks them.

    It reads every row of the program, one check at a time per process; while one is under way another is answered 503.
    For large programs run ``loyalty check`` instead, which takes as long as it takes and tells how far it is.
    """
    async with open_check(context) as session:
        return LedgerReport.of(await check_ledger(session, context.client.program_id))


@router.get(
    "/ledger/days",
    operation_id="list_ledger_days",
    summary="List what days moved",
    **problems("validation_failed"),
)
@access("ledger:read")
async def get_ledger_days(context: CallContext, query: Annotated[DaysQuery, Query()]) -> DaysAnswer:
    """Return how many points were issued, spent, expired and so on, per day and wallet, for up to a year.

    The program's side of the ledger has no stored balances, it is these sums.
    """
    services: Services = context.services
    start, end = query.days(services.clock().date())
    async with open_session(context) as session:
        sums = await list_day_sums(session, context.client.program_id, start, end)
    return DaysAnswer(items=[DayAnswer.of(moved) for moved in sums])
