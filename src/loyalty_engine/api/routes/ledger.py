"""The ledger: proof that it adds up."""

from fastapi import APIRouter

from loyalty_engine.api.calls import open_check
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.ledger import LedgerReport
from loyalty_engine.application.check_ledger import check_ledger

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
