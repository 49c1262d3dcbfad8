"""Corrections by hand, for the back office: transfers, changed lots, merged and blocked members, reversed operations."""

from typing import Literal

from fastapi import APIRouter

from loyalty_engine.api.calls import begin_call, read_path_id, read_path_member
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.corrections import (
    LotChangeAnswer,
    LotChangeBody,
    MergeAnswer,
    MergeBody,
    ReasonBody,
    ReversalAnswer,
    StatusAnswer,
    TransferAnswer,
    TransferBody,
)
from loyalty_engine.api.schemas.holds import HoldEndAnswer
from loyalty_engine.api.schemas.points import CancelAnswer
from loyalty_engine.api.schemas.returns import OrderCancelAnswer
from loyalty_engine.application.composition import Services
from loyalty_engine.application.executor import Outcome
from loyalty_engine.application.reverse_operation import reverse_operation
from loyalty_engine.core.engine.requests import ChangeLot, MergeMembers, SetStatus, Transfer

router = APIRouter(route_class=Route, tags=["corrections"])


@router.post(
    "/transfers",
    operation_id="transfer_points",
    status_code=201,
    response_model=TransferAnswer,
    summary="Move points to another member",
    **problems(
        "member_not_found",
        "member_blocked",
        "wallet_not_found",
        "insufficient_points",
        "transfer_to_self",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("adjustments:write", needs_key=True)
async def post_transfer(context: CallContext, body: TransferBody) -> Outcome:
    """Move available points from one member to another, nearest expiry first; they keep their age and expiry."""
    services: Services = context.services
    request = Transfer(
        begin_call(context), body.member, body.recipient, body.wallet, body.points, body.reason, body.note
    )
    return await services.executor.execute(context.caller, request)


@router.post(
    "/members/{member}/merge",
    operation_id="merge_members",
    status_code=201,
    response_model=MergeAnswer,
    summary="Merge another member into this one",
    **problems(
        "member_not_found",
        "member_blocked",
        "merge_with_self",
        "member_has_holds",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("adjustments:write", needs_key=True)
async def post_merge(context: CallContext, body: MergeBody, member: str) -> Outcome:
    """Give a member all that another one has: points, identities, orders. It stands for the other one from now on.

    The merge can be reversed like any operation.
    """
    services: Services = context.services
    request = MergeMembers(begin_call(context), read_path_member(member), body.absorbed, body.reason)
    return await services.executor.execute(context.caller, request)


@router.post(
    "/members/{member}/block",
    operation_id="block_member",
    response_model=StatusAnswer,
    summary="Block a member",
    **problems("member_not_found", "member_already_blocked", "idempotency_key_reused", body=True, key=True),
)
@access("adjustments:write", needs_key=True)
async def post_block(context: CallContext, body: ReasonBody, member: str) -> Outcome:
    """Let a member neither earn nor spend until it is unblocked."""
    return await _set_status(context, member, "blocked", body.reason)


@router.post(
    "/members/{member}/unblock",
    operation_id="unblock_member",
    response_model=StatusAnswer,
    summary="Unblock a member",
    **problems("member_not_found", "member_not_blocked", "idempotency_key_reused", body=True, key=True),
)
@access("adjustments:write", needs_key=True)
async def post_unblock(context: CallContext, body: ReasonBody, member: str) -> Outcome:
    """Let a blocked member earn and spend again."""
    return await _set_status(context, member, "active", body.reason)


@router.post(
    "/lots/{lot_id}/changes",
    operation_id="change_lot",
    status_code=201,
    response_model=LotChangeAnswer,
    summary="Change when points expire, or let them be spent now",
    **problems(
        "lot_not_found",
        "lot_empty",
        "lot_not_pending",
        "expiry_in_past",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("adjustments:write", needs_key=True)
async def post_lot_change(context: CallContext, body: LotChangeBody, lot_id: str) -> Outcome:
    """Let points of a lot last longer or shorter, or be spent though they still wait."""
    services: Services = context.services
    request = ChangeLot(
        begin_call(context),
        read_path_id("lot", lot_id),
        body.changes_expiry,
        body.expires_at,
        body.activate is not None,
        body.reason,
    )
    return await services.executor.execute(context.caller, request)


@router.post(
    "/operations/{operation_id}/reverse",
    operation_id="reverse_operation",
    response_model=ReversalAnswer | OrderCancelAnswer | CancelAnswer | HoldEndAnswer,
    summary="Reverse an operation",
    **problems(
        "operation_not_found",
        "operation_not_reversible",
        "operation_already_reversed",
        "order_already_cancelled",
        "redemption_already_cancelled",
        "hold_ended",
        "hold_expired",
        "insufficient_points",
        "return_not_covered",
        "balance_too_large",
        "idempotency_key_reused",
        body=True,
        key=True,
    ),
)
@access("adjustments:write", needs_key=True)
async def post_reversal(context: CallContext, body: ReasonBody, operation_id: str) -> Outcome:
    """Book the exact opposite of an operation, once: an adjustment, a transfer, an activity, a merge.

    An order is cancelled, a redemption taken back and a hold voided, with the answers that those have. What cannot be
    reversed is refused with what stands in the way.
    """
    services: Services = context.services
    return await reverse_operation(
        services.executor,
        services.sessions,
        context.caller,
        begin_call(context),
        operation_id=read_path_id("op", operation_id),
        reason=body.reason,
    )


async def _set_status(context: Context, member: str, status: Literal["active", "blocked"], reason: str) -> Outcome:
    services: Services = context.services
    request = SetStatus(begin_call(context), read_path_member(member), status, reason)
    return await services.executor.execute(context.caller, request)
