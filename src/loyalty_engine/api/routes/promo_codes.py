"""Promo codes: look one up as anybody may have typed it, pause it, and change its times."""

from datetime import datetime, tzinfo
from typing import Annotated

from fastapi import APIRouter, Path

from loyalty_engine.api.calls import open_session, open_writing_session, read_clock
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.promo_codes import PromoCodeAnswer, PromoCodeChangeBody
from loyalty_engine.application.composition import Services
from loyalty_engine.application.read_promo_code import read_promo_code
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.promo_codes import change_code, find_code

router = APIRouter(route_class=Route, tags=["promo codes"])

Code = Annotated[
    str, Path(description="A code in any spelling: case, spaces and hyphens do not count.", examples=["summer 26"])
]


@router.get(
    "/promo-codes/{code}", operation_id="read_promo_code", summary="Read a code", **problems("promo_code_not_found")
)
@access("codes:read")
async def get_code(context: CallContext, code: Code) -> PromoCodeAnswer:
    """Return a code as it stands: whether it can be used, whose it is, and what is left of its limits."""
    folded = _fold(code)
    clock = await _read_time(context)
    async with open_session(context) as session:
        return await _show(context, session, folded, clock)


@router.patch(
    "/promo-codes/{code}",
    operation_id="change_promo_code",
    summary="Change a code",
    **problems("promo_code_not_found", body=True),
)
@access("codes:write")
async def patch_code(context: CallContext, body: PromoCodeChangeBody, code: Code) -> PromoCodeAnswer:
    """Pause a code, let it be used again, or give it times of its own within its pool's."""
    folded = _fold(code)
    clock = await _read_time(context)
    program_id = context.client.program_id
    async with open_writing_session(context) as session:
        found = await find_code(session, program_id, folded, for_update=True)
        if found is None:
            raise ProblemError("promo_code_not_found")
        await change_code(session, program_id, body.changed(found))
        return await _show(context, session, folded, clock)


def _fold(typed: str) -> FoldedCode:
    folded = fold_code(typed)
    if folded is None:
        raise ProblemError("promo_code_not_found")
    return folded


async def _read_time(context: Context) -> tuple[datetime, tzinfo]:
    services: Services = context.services
    ruleset = await services.rulesets.latest(context.client.program_id)
    return await read_clock(context), ruleset.zone


async def _show(
    context: Context, session: Connection, code: FoldedCode, clock: tuple[datetime, tzinfo]
) -> PromoCodeAnswer:
    now, zone = clock
    read = await read_promo_code(session, context.client.program_id, code, now=now, zone=zone)
    if read is None:
        raise ProblemError("promo_code_not_found")
    return PromoCodeAnswer.of(read)
