"""Operations: the log of the program, what became of a request, and why."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from loyalty_engine.api.calls import open_session, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.explanations import (
    explain,
    explain_codes,
    explain_promotions,
    explain_referral,
    explain_tiers,
)
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.codes import CodeAnswer
from loyalty_engine.api.schemas.fields import BalanceAnswer
from loyalty_engine.api.schemas.operations import (
    AmountAnswer,
    ExplanationAnswer,
    OperationDetailAnswer,
    OperationsPage,
    OperationsQuery,
    OutcomeAnswer,
)
from loyalty_engine.api.schemas.reasons import PromotionReasonAnswer, ReasonAnswer
from loyalty_engine.api.schemas.tier_moves import TierMoveAnswer
from loyalty_engine.application.composition import Services
from loyalty_engine.application.explain_operation import Explanation, explain_operation
from loyalty_engine.core.kernel.ids import read_id, show_id
from loyalty_engine.core.rules.order import till_scope
from loyalty_engine.persistence.clients import Client
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.reading.operations import (
    OperationDetail,
    OperationRecord,
    RefusalRecord,
    find_detail,
    find_operation,
    find_operation_of_number,
    list_operations,
    list_outcomes_of_key,
)
from loyalty_engine.persistence.reading.points import Movement, list_movements

router = APIRouter(route_class=Route, tags=["operations"])


@router.get(
    "/operations",
    operation_id="list_operations",
    summary="List operations, or find out what became of a request",
    **problems("validation_failed"),
)
@access("operations:read")
async def get_operations(context: CallContext, query: Annotated[OperationsQuery, Query()]) -> OperationsPage:
    """Return all operations, newest first, or what one request became: an operation, a stored refusal, or nothing.

    After a time-out ask with the idempotency key, or with the order's or return's own number. An empty list means that no such
    request was ever decided.
    """
    async with open_session(context) as session:
        records = await _find_outcomes(session, context.client, query)
    shown, cursor = cut(records, query.limit, lambda record: record.id)
    return OperationsPage(items=[OutcomeAnswer.of(record) for record in shown], next_cursor=cursor)


@router.get(
    "/operations/{operation_id}",
    operation_id="read_operation",
    summary="Read an operation",
    **problems("not_found"),
)
@access("operations:read")
async def get_operation(context: CallContext, operation_id: str) -> OperationDetailAnswer:
    """Return an operation, what it moved, and what its caller got."""
    program_id = context.client.program_id
    async with open_session(context) as session:
        record = await _require_operation(context, session, operation_id)
        detail = await find_detail(session, program_id, record.id)
        moved = await _find_moved(session, program_id, record.member_id, record.id)
        other_moved = await _find_moved(session, program_id, record.other_member_id, record.id)
    return OperationDetailAnswer.of(
        record,
        amounts=[AmountAnswer.of(movement) for movement in moved],
        balances=[BalanceAnswer.of(movement.wallet, movement.after) for movement in moved],
        other_amounts=[AmountAnswer.of(movement) for movement in other_moved],
        other_balances=[BalanceAnswer.of(movement.wallet, movement.after) for movement in other_moved],
        answer=dict(detail.answer) if detail else None,
    )


@router.get(
    "/operations/{operation_id}/explanation",
    operation_id="explain_operation",
    summary="Explain an operation",
    **problems("not_found"),
)
@access("operations:read")
async def get_explanation(context: CallContext, operation_id: str) -> ExplanationAnswer:
    """Return why each rule did or did not apply, with needed and actual values, and in plain English.

    What was decided about an order that was reserved was decided then.
    """
    program_id = context.client.program_id
    async with open_session(context) as session:
        record = await _require_operation(context, session, operation_id)
        detail = await _find_decided(session, program_id, record)
    services: Services = context.services
    found = await explain_operation(services.rulesets, program_id, record, detail) if detail else Explanation((), ())
    return ExplanationAnswer(
        operation_id=show_id("op", record.id),
        revision=record.revision,
        facts=detail.facts if detail else {},
        reasons=[ReasonAnswer(**reason) for reason in found.rules],
        promotions=[PromotionReasonAnswer(**reason) for reason in found.promotions],
        codes=[CodeAnswer(**code) for code in found.codes],
        tiers=[TierMoveAnswer(**move) for move in found.tiers],
        text=[
            *explain(found.rules),
            *explain_promotions(found.promotions),
            *explain_codes(found.codes),
            *explain_tiers(found.tiers),
            *explain_referral(found.referral),
        ],
        is_complete=detail is not None,
    )


async def _find_decided(session: Connection, program_id: int, record: OperationRecord) -> OperationDetail | None:
    """Return what explains an operation: for an order that was reserved before, what explains that."""
    detail = await find_detail(session, program_id, record.id)
    reserved = detail.answer.get("reservation_id") if detail is not None and record.kind == "order" else None
    return detail if reserved is None else await find_detail(session, program_id, read_id("res", reserved))


async def _find_moved(
    session: Connection, program_id: int, member_id: UUID | None, operation_id: UUID
) -> Sequence[Movement]:
    if member_id is None:
        return ()
    movements = await list_movements(session, program_id, member_id, [operation_id])
    return movements.get(operation_id, ())


async def _require_operation(context: Context, session: Connection, text: str) -> OperationRecord:
    record = await find_operation(session, context.client.program_id, read_path_id("op", text))
    if record is None:
        raise ProblemError("not_found")
    return record


async def _find_outcomes(
    session: Connection, client: Client, query: OperationsQuery
) -> list[OperationRecord | RefusalRecord]:
    if query.idempotency_key is not None:
        return await list_outcomes_of_key(
            session, client.program_id, client.id, scopes=_scopes(client, query.scope), key=query.idempotency_key
        )
    number = query.number_within(client.location)
    if number is not None:
        found = await find_operation_of_number(session, client.program_id, number)
        return [] if found is None else [found]
    return [*await list_operations(session, client.program_id, before=query.before_id, limit=query.fetched)]


def _scopes(client: Client, named: str | None) -> list[str]:
    """A key bound to a till uses that till's scope for receipts and none for everything else."""
    if named is not None:
        return [named]
    if client.location is None or client.till is None:
        return [""]
    return ["", till_scope(client.location, client.till)]
