"""Operations and refusals as they are shown: what became of requests, and the reasons behind them."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.pagination import Page, PageQuery, QueryText
from loyalty_engine.api.schemas.codes import CodeAnswer
from loyalty_engine.api.schemas.fields import Answer, BalanceAnswer, DayField
from loyalty_engine.api.schemas.reasons import PromotionReasonAnswer, ReasonAnswer
from loyalty_engine.api.schemas.tier_moves import TierMoveAnswer
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.rules.order import Receipt, ReceiptType, ShopOrder, natural_key, return_key
from loyalty_engine.persistence.reading.operations import Actor, OperationRecord, RefusalRecord
from loyalty_engine.persistence.reading.points import Movement

_OPERATION_EXAMPLE = {
    "id": "op_01m8054496erxvcc6weqy7k3j5",
    "kind": "redemption",
    "member_id": "mem_01m8054496erxvcc6weqy7k3j5",
    "other_member_id": None,
    "order_id": None,
    "actor": {"client": "till 3", "location": "berlin-1", "till": "3"},
    "effective_at": "2026-11-21T10:15:00Z",
    "booked_at": "2026-11-21T10:15:00Z",
    "revision": 3,
    "reverses": None,
    "reversed_by": None,
}
_REFERENCE_FIELDS = ("till", "business_date", "number")


class OperationsQuery(PageQuery):
    """What to look for: an idempotency key, or an order or return under its own number; without either, everything."""

    idempotency_key: QueryText | None = Field(
        default=None,
        max_length=255,
        description="A key that you sent; keys of other clients are not found.",
        examples=["k-1"],
    )
    scope: QueryText | None = Field(
        default=None,
        max_length=129,
        description="For a key that a till sent with a receipt: location/till. A key bound to a till needs no scope.",
        examples=["berlin-1/3"],
    )
    order_id: QueryText | None = Field(default=None, description="The shop's own order id.", examples=["W-10001"])
    return_id: QueryText | None = Field(default=None, description="The shop's own id of a return.", examples=["R-2001"])
    location: QueryText | None = Field(
        default=None,
        description="A receipt's store; or the store that a shop's own id belongs to.",
        examples=["berlin-1"],
    )
    till: QueryText | None = Field(default=None, description="A receipt's till.", examples=["3"])
    business_date: DayField | None = Field(
        default=None, description="A receipt's business date.", examples=["2026-11-21"]
    )
    number: QueryText | None = Field(default=None, description="A receipt's number.", examples=["000123"])
    type: ReceiptType | None = Field(
        default=None, description="A receipt's type; sale by default.", examples=["return"]
    )

    @model_validator(mode="after")
    def _check_filters(self) -> Self:
        named = [getattr(self, name) is not None for name in _REFERENCE_FIELDS]
        own = self.order_id is not None or self.return_id is not None
        kinds = [self.idempotency_key, self.order_id, self.return_id, True if any(named) else None]
        if sum(kind is not None for kind in kinds) > 1:
            raise PydanticCustomError(
                "filters", "idempotency_key, order_id, return_id and a receipt cannot be combined"
            )
        if any(named) and not (all(named) and self.location is not None):
            raise PydanticCustomError("filters", "a receipt needs location, till, business_date and number")
        if self.scope is not None and self.idempotency_key is None:
            raise PydanticCustomError("filters", "scope goes with idempotency_key")
        if self.location is not None and not (any(named) or own):
            raise PydanticCustomError("filters", "location goes with order_id, return_id or a receipt")
        if self.type is not None and not any(named):
            raise PydanticCustomError("filters", "type goes with a receipt")
        return self

    def number_within(self, shop: str | None) -> str | None:
        """Return the number of the order or return that is looked for; ``shop`` is where the caller's own ids belong."""
        if self.order_id is not None:
            return natural_key(ShopOrder(self.order_id), self.location or shop)
        if self.return_id is not None:
            return return_key(ShopOrder(self.return_id), self.location or shop)
        if self.location and self.till and self.business_date and self.number:
            receipt = Receipt(self.location, self.till, self.business_date, self.number, self.type or "sale")
            return natural_key(receipt, None)
        return None


class ActorAnswer(Answer):
    """An API client and where it stood."""

    client: str | None = Field(description="Name of the API client.", examples=["till 3"])
    location: str | None = Field(description="Store, if known.", examples=["berlin-1"])
    till: str | None = Field(description="Till, if known.", examples=["3"])

    @classmethod
    def of(cls, actor: Actor) -> Self:
        """Show an actor."""
        return cls(client=actor.client_name, location=actor.location, till=actor.till)


class AmountAnswer(Answer):
    """What an operation did to one wallet."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    added: int = Field(description="Points that came from the program.", examples=[16])
    taken: int = Field(description="Points that went to the program.", examples=[200])
    expired: int = Field(description="What of these was too old.", examples=[0])
    owed: int = Field(description="By how much the debt grew; negative where it was paid.", examples=[0])
    pending: int = Field(description="By how much grew what cannot be spent yet.", examples=[0])
    held: int = Field(description="By how much grew what is set aside.", examples=[0])

    @classmethod
    def of(cls, movement: Movement) -> Self:
        """Show a movement."""
        return cls(
            wallet=movement.wallet,
            added=movement.added,
            taken=movement.taken,
            expired=movement.expired,
            owed=movement.owed,
            pending=movement.pending,
            held=movement.held,
        )


class OperationAnswer(Answer):
    """One accepted business act."""

    id: str = Field(description="The operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    kind: str = Field(
        description="order, reservation, release, code, return, order_cancel, order_edit, activation, claim, activity, "
        "redemption, redemption_cancel, hold, capture, void, adjustment, lot_change, transfer, merge, reversal, "
        "time_passed, enrolment, opening, member_change, block, unblock, tier_review, tier_grant, "
        "tier_grant_end, plan_payment, plan_trial, plan_cancel, plan_refund or plan_lapse.",
        examples=["order"],
    )
    member_id: str | None = Field(description="Its member, if any.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    other_member_id: str | None = Field(
        description="The second member: who received a transfer, or was merged.", examples=[None]
    )
    order_id: str | None = Field(description="Its order, if any.", examples=["ord_01m8054496erxvcc6weqy7k3j5"])
    actor: ActorAnswer = Field(
        description="Who asked.", examples=[{"client": "till 3", "location": "berlin-1", "till": "3"}]
    )
    effective_at: str = Field(description="When it happened.", examples=["2026-11-21T10:15:00Z"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:02.120000Z"])
    revision: int = Field(description="The program's revision that decided.", examples=[3])
    reverses: str | None = Field(description="The operation that it took back.", examples=[None])
    reversed_by: str | None = Field(
        description="The operation that took it back.", examples=["op_01m8054496erxvcc6weqy7k3j6"]
    )

    @classmethod
    def of(cls, record: OperationRecord, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """Show an operation."""
        return cls(
            id=show_id("op", record.id),
            kind=record.kind,
            member_id=show_id("mem", record.member_id) if record.member_id else None,
            other_member_id=show_id("mem", record.other_member_id) if record.other_member_id else None,
            order_id=show_id("ord", record.order_id) if record.order_id else None,
            actor=ActorAnswer.of(record.actor),
            effective_at=show_instant(record.effective_at),
            booked_at=show_instant(record.booked_at),
            revision=record.revision,
            reverses=show_id("op", record.reverses) if record.reverses else None,
            reversed_by=show_id("op", record.reversed_by) if record.reversed_by else None,
            **more,
        )


class OperationDetailAnswer(OperationAnswer):
    """An operation with what it moved and what its caller got."""

    amounts: list[AmountAnswer] = Field(
        description="What it did to each wallet.",
        examples=[[{"wallet": "points", "added": 16, "taken": 200, "expired": 0, "owed": 0, "pending": 0, "held": 0}]],
    )
    balances: list[BalanceAnswer] = Field(
        description="The member's balances after it, in the wallets that it changed.",
        examples=[[{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}]],
    )
    other_amounts: list[AmountAnswer] = Field(
        description="What it did to each wallet of the second member.", examples=[[]]
    )
    other_balances: list[BalanceAnswer] = Field(
        description="The second member's balances after it, in the wallets that it changed.", examples=[[]]
    )
    answer: dict[str, Any] | None = Field(
        description="What the caller got; null once it is no longer kept.", examples=[{"status": "credited"}]
    )


class RefusalAnswer(Answer):
    """A request that was refused and moved nothing."""

    id: str = Field(description="The refusal.", examples=["ref_01m8054496erxvcc6weqy7k3j5"])
    code: str = Field(description="Stable code.", examples=["insufficient_points"])
    member_id: str | None = Field(description="Its member, if any.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    actor: ActorAnswer = Field(
        description="Who asked.", examples=[{"client": "till 3", "location": None, "till": None}]
    )
    booked_at: str = Field(description="When it was refused.", examples=["2026-11-21T10:15:02.120000Z"])
    problem: dict[str, Any] = Field(
        description="The problem that the caller got.", examples=[{"code": "insufficient_points", "status": 409}]
    )

    @classmethod
    def of(cls, record: RefusalRecord) -> Self:
        """Show a refusal."""
        return cls(
            id=show_id("ref", record.id),
            code=record.code,
            member_id=show_id("mem", record.member_id) if record.member_id else None,
            actor=ActorAnswer.of(record.actor),
            booked_at=show_instant(record.booked_at),
            problem=dict(record.problem),
        )


class OutcomeAnswer(Answer):
    """What became of a request: an operation or a refusal."""

    state: Literal["accepted", "refused"] = Field(description="Whether it was accepted.", examples=["accepted"])
    operation: OperationAnswer | None = Field(description="The accepted operation.", examples=[_OPERATION_EXAMPLE])
    refusal: RefusalAnswer | None = Field(description="The refusal.", examples=[None])

    @classmethod
    def of(cls, record: OperationRecord | RefusalRecord) -> Self:
        """Show an outcome."""
        if isinstance(record, OperationRecord):
            return cls(state="accepted", operation=OperationAnswer.of(record), refusal=None)
        return cls(state="refused", operation=None, refusal=RefusalAnswer.of(record))


class OperationsPage(Page[OutcomeAnswer]):
    """Operations, newest first. An empty list means: no such request was ever decided."""


class ExplanationAnswer(Answer):
    """Why an operation did what it did."""

    operation_id: str = Field(description="The operation.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    revision: int = Field(description="The program's revision that decided.", examples=[3])
    facts: Mapping[str, Any] = Field(
        description="The member as the decision saw it; empty for guests.",
        examples=[{"member": {"version": 7, "orders": 3, "spend": 5697, "balances": {"points": [200, 0, 0, 0]}}}],
    )
    reasons: list[ReasonAnswer] = Field(
        description="Every rule and why it did or did not apply.",
        examples=[
            [
                {
                    "rule": "base",
                    "applied": True,
                    "code": "applied",
                    "wallet": "points",
                    "amount": 16,
                    "miss": None,
                    "limit": None,
                    "outdone": None,
                }
            ]
        ],
    )
    promotions: list[PromotionReasonAnswer] = Field(
        description="Every promotion and why it did or did not apply, where promotions were asked.", examples=[[]]
    )
    codes: list[CodeAnswer] = Field(
        description="What became of each promo code, as the caller was told.", examples=[[]]
    )
    tiers: list[TierMoveAnswer] = Field(
        description="Tiers that the member got, lost or keeps for longer with it.", examples=[[]]
    )
    text: list[str] = Field(
        description="The same in plain English, one sentence per rule, promotion, code and tier, and what became of a friend.",
        examples=[["coffee: not applied, needs order.total at least 2000, was 1899 (101 missing)"]],
    )
    is_complete: bool = Field(description="False once the details are no longer kept.", examples=[True])
