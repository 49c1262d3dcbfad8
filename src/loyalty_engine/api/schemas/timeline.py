"""A member's timeline as a support agent reads it: like a bank statement."""

from typing import Literal, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page
from loyalty_engine.api.schemas.fields import Answer, BalanceAnswer
from loyalty_engine.api.schemas.operations import ActorAnswer, AmountAnswer
from loyalty_engine.api.statements import summarise
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.reading.timeline import AcceptedEntry, RefusedEntry, TimelineEntry


class TimelineEntryAnswer(Answer):
    """One line of the statement: an operation, or a request that was refused."""

    id: str = Field(description="The operation (op_…) or refusal (ref_…).", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    state: Literal["accepted", "refused"] = Field(description="Whether it was accepted.", examples=["accepted"])
    kind: str | None = Field(description="Kind of operation; null for a refusal.", examples=["order"])
    summary: str = Field(
        description="What happened, in one line.",
        examples=["Receipt 000123 at berlin-1, till 3, 18.99 EUR: 200 points spent, 16 points earned"],
    )
    amounts: list[AmountAnswer] = Field(
        description="What it did to each wallet.",
        examples=[[{"wallet": "points", "added": 16, "taken": 200, "expired": 0, "owed": 0, "pending": 0, "held": 0}]],
    )
    balances: list[BalanceAnswer] = Field(
        description="Balances after it, in the wallets that it changed.",
        examples=[[{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}]],
    )
    order_id: str | None = Field(description="Its order, if any.", examples=["ord_01m8054496erxvcc6weqy7k3j5"])
    reverses: str | None = Field(description="The operation that it took back.", examples=[None])
    other_member_id: str | None = Field(
        description="The other member, where the operation is about two.", examples=["mem_01m8054496erxvcc6weqy7k3k9"]
    )
    reason: str | None = Field(description="Reason code that was given with it.", examples=["goodwill"])
    note: str | None = Field(description="Note that a colleague left.", examples=["Called about order 12"])
    code: str | None = Field(description="Why it was refused; null for an operation.", examples=["insufficient_points"])
    title: str | None = Field(
        description="The refusal's title as the caller got it.", examples=["The balance does not suffice"]
    )
    actor: ActorAnswer = Field(
        description="Who asked.", examples=[{"client": "till 3", "location": "berlin-1", "till": "3"}]
    )
    effective_at: str | None = Field(
        description="When it happened; null for a refusal.", examples=["2026-11-21T10:15:00Z"]
    )
    booked_at: str = Field(description="When it was decided.", examples=["2026-11-21T10:15:02.120000Z"])
    revision: int | None = Field(description="The program's revision that decided.", examples=[3])

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        """Show an entry."""
        return cls._accepted(entry) if isinstance(entry, AcceptedEntry) else cls._refused(entry)

    @classmethod
    def _accepted(cls, entry: AcceptedEntry) -> Self:
        return cls(
            id=show_id("op", entry.id),
            state="accepted",
            kind=entry.kind,
            summary=summarise(entry),
            amounts=[AmountAnswer.of(movement) for movement in entry.movements],
            balances=[BalanceAnswer.of(movement.wallet, movement.after) for movement in entry.movements],
            order_id=show_id("ord", entry.purchase.id) if entry.purchase else None,
            reverses=show_id("op", entry.reverses) if entry.reverses else None,
            other_member_id=show_id("mem", entry.other_id) if entry.other_id else None,
            reason=entry.reason,
            note=entry.note,
            code=None,
            title=None,
            actor=ActorAnswer.of(entry.actor),
            effective_at=show_instant(entry.effective_at),
            booked_at=show_instant(entry.booked_at),
            revision=entry.revision,
        )

    @classmethod
    def _refused(cls, entry: RefusedEntry) -> Self:
        return cls(
            id=show_id("ref", entry.id),
            state="refused",
            kind=None,
            summary=summarise(entry),
            amounts=[],
            balances=[],
            order_id=None,
            reverses=None,
            other_member_id=None,
            reason=None,
            note=None,
            code=entry.code,
            title=entry.problem["title"],
            actor=ActorAnswer.of(entry.actor),
            effective_at=None,
            booked_at=show_instant(entry.booked_at),
            revision=None,
        )


class TimelinePage(Page[TimelineEntryAnswer]):
    """A member's timeline, newest first."""
