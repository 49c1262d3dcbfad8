"""Lots: points earned together, when they can be spent and when they expire."""

from typing import Annotated

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import open_session, read_clock, require_standing_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.routing import CallContext, Route, access
from loyalty_engine.api.schemas.lots import (
    ExpirationAnswer,
    ExpirationsPage,
    ExpirationsQuery,
    LotAnswer,
    LotsPage,
    LotsQuery,
)
from loyalty_engine.application.composition import Services
from loyalty_engine.application.list_expirations import list_expirations
from loyalty_engine.application.settle_member import settle_member
from loyalty_engine.core.kernel.instants import to_micros
from loyalty_engine.persistence.reading.lots import list_lots, list_open_lots, lots_of, move_on
from loyalty_engine.persistence.reading.standings import find_standing

router = APIRouter(route_class=Route, tags=["points"])


@router.get(
    "/members/{member}/lots",
    operation_id="list_member_lots",
    summary="List a member's lots",
    **problems("member_not_found", "validation_failed"),
)
@access("points:read")
async def get_lots(context: CallContext, member: str, query: Annotated[LotsQuery, Query()]) -> LotsPage:
    """Return the lots that still hold points, or all of them, newest first."""
    services: Services = context.services
    program_id, now = context.client.program_id, await read_clock(context)
    async with open_session(context) as session:
        member_id = await require_standing_id(context, session, member)
        due = await find_standing(session, program_id, member_id, due_by=now)
        read = list_lots if query.all else list_open_lots
        records = await read(session, program_id, member_id, before=query.before_id, limit=query.fetched)
    if due is not None:
        settled = await settle_member(services.rulesets, program_id, due, now)
        if query.all:
            records = move_on(records, settled)
        else:
            records = lots_of(settled, before=query.before_id, limit=query.fetched)
    shown, cursor = cut(records, query.limit, lambda record: record.id)
    return LotsPage(items=[LotAnswer.of(record, now) for record in shown], next_cursor=cursor)


@router.get(
    "/members/{member}/expirations",
    operation_id="list_member_expirations",
    summary="List when a member's points expire",
    **problems("member_not_found", "validation_failed"),
)
@access("points:read")
async def get_expirations(
    context: CallContext, member: str, query: Annotated[ExpirationsQuery, Query()]
) -> ExpirationsPage:
    """Return when which points expire if none of them is spent before, next ones first; what is set aside is left out."""
    services: Services = context.services
    program_id, now, after = context.client.program_id, await read_clock(context), query.after_number
    async with open_session(context) as session:
        standing = await find_standing(session, program_id, await require_standing_id(context, session, member))
    assert standing is not None, "its id was just found"
    settled = await settle_member(services.rulesets, program_id, standing, now)
    found = [
        expiration
        for expiration in list_expirations(settled, now, wallet=query.wallet, until=query.until)
        if to_micros(expiration.expires_at) > after
    ]
    shown, cursor = cut(found[: query.fetched], query.limit, lambda expiration: to_micros(expiration.expires_at))
    return ExpirationsPage(items=[ExpirationAnswer.of(expiration) for expiration in shown], next_cursor=cursor)
