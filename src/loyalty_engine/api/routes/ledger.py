"""The ledger: proof that it adds up."""

from fastapi import APIRouter

from loyalty_engine.api.calls import open_session
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.ledger import LedgerReport
from loyalty_engine.application.check_ledger import check_ledger

router = APIRouter(route_class=Route, tags=["ledger"])


@router.get("/ledger/check", operation_id="check_ledger", summary="Check the ledger", **problems())
@access("ledger:read")
async def get_ledger_check(context: CallContext) -> LedgerReport:
    """Prove the ledger's invariants from the rows of the program, in one snapshot, and name what breaks them.

    It reads every row of the program: for large programs run ``loyalty check`` beside the database instead.
    """
    async with open_session(context) as session:
        return LedgerReport.of(await check_ledger(session, context.client.program_id))
