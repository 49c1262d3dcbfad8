"""Corrections by hand: points of one member to another, lots that last longer, members merged and blocked, operations
reversed. Each has a reason.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import (
    Answer,
    BalanceAnswer,
    Body,
    Code,
    InstantField,
    MemberField,
    OperationHead,
    Points,
    ReasonCode,
)
from loyalty_engine.api.schemas.returns import TakenPoints
from loyalty_engine.api.schemas.tier_moves import TierMoves

_MEMBER = "mem_01m8054496erxvcc6weqy7k3j5"
_OTHER = "mem_01m8054496erxvcc6weqy7k3k9"
_OPERATION = "op_01m8054496erxvcc6weqy7k3j5"
_BALANCES = [{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}]


class ReasonBody(Body):
    """Why it is done."""

    reason: ReasonCode = Field(description="A reason code of your own.", examples=["fraud"])


class TransferBody(Body):
    """Points to move from one member to another; they keep their age and expiry."""

    member: MemberField
    recipient: MemberField = Field(description="Who gets them.", examples=["card:2000067890"])
    wallet: Code = Field(description="The wallet.", examples=["points"])
    points: Points = Field(description="How many points.", examples=[100])
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["gift"])
    note: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = Field(
        default=None, description="Free text for colleagues; kept as personal data.", examples=["Asked by mail"]
    )


class TransferAnswer(OperationHead):
    """Points that changed hands."""

    recipient_id: str = Field(description="Who got them.", examples=[_OTHER])
    wallet: str = Field(description="The wallet.", examples=["points"])
    points: int = Field(description="Points moved.", examples=[100])
    reason: str = Field(description="The reason code given.", examples=["gift"])
    balances: list[BalanceAnswer] = Field(description="The giver's balances afterwards.", examples=[_BALANCES])
    recipient_balances: list[BalanceAnswer] = Field(
        description="The recipient's balances afterwards.",
        examples=[[{"wallet": "points", "available": 100, "pending": 0, "held": 0, "debt": 0}]],
    )


class MergeBody(Body):
    """Two members that are one person."""

    absorbed: MemberField = Field(
        description="The member that gives all it has, and for which the other one stands from now on.",
        examples=["card:2000067890"],
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["duplicate"])


class MovedBalance(Answer):
    """What an absorbed member had in one wallet."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    available: int = Field(description="What it could spend.", examples=[100])
    pending: int = Field(description="What it had earned and could spend later.", examples=[0])
    debt: int = Field(description="What it owed.", examples=[0])


class MergeAnswer(OperationHead):
    """Two members that became one."""

    absorbed_id: str = Field(description="The member that is merged.", examples=[_OTHER])
    moved: list[MovedBalance] = Field(
        description="What it brought along, by wallet.",
        examples=[[{"wallet": "points", "available": 100, "pending": 0, "debt": 0}]],
    )
    reason: str = Field(description="The reason code given.", examples=["duplicate"])
    balances: list[BalanceAnswer] = Field(description="The member's balances afterwards.", examples=[_BALANCES])
    tiers: TierMoves = None


class StatusAnswer(Answer):
    """A member that was blocked or unblocked."""

    id: str = Field(description="The member.", examples=[_MEMBER])
    operation_id: str = Field(description="The accepted operation.", examples=[_OPERATION])
    status: Literal["active", "blocked"] = Field(description="What it is now.", examples=["blocked"])
    booked_at: str = Field(description="When it was accepted.", examples=["2026-11-21T10:15:02.120000Z"])
    reason: str = Field(description="The reason code given.", examples=["fraud"])


class LotChangeBody(Body):
    """What changes of a lot; what is not named stays."""

    expires_at: InstantField | None = Field(
        default=None,
        description="From when its points can no longer be spent; null is never.",
        examples=["2027-12-31T23:00:00Z"],
    )
    activate: Literal[True] | None = Field(
        default=None, description="Let points that wait be spent now.", examples=[True]
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["goodwill"])

    @model_validator(mode="after")
    def _check_change(self) -> Self:
        if not (self.changes_expiry or self.activate):
            raise PydanticCustomError("change", "must name expires_at or activate")
        return self

    @property
    def changes_expiry(self) -> bool:
        """Whether the body names an expiry, be it none."""
        return "expires_at" in self.model_fields_set


class LotDates(Answer):
    """When points of a lot can be spent."""

    available_at: str | None = Field(
        description="From when; null while they wait to be confirmed.", examples=["2026-12-05T10:15:00Z"]
    )
    expires_at: str | None = Field(description="Until when; null is for ever.", examples=["2027-11-21T10:15:00Z"])


class LotChangeAnswer(LotDates, MovesReferral, OperationHead):
    """A changed lot."""

    lot_id: str = Field(description="The lot.", examples=["lot_01m8054496erxvcc6weqy7k3j7"])
    wallet: str = Field(description="The wallet.", examples=["points"])
    remaining: int = Field(description="Points left in it.", examples=[16])
    before: LotDates = Field(
        description="What it was before.",
        examples=[{"available_at": "2026-12-05T10:15:00Z", "expires_at": "2027-11-21T10:15:00Z"}],
    )
    reason: str = Field(description="The reason code given.", examples=["goodwill"])
    balances: list[BalanceAnswer] = Field(description="The member's balances afterwards.", examples=[_BALANCES])


class ReversalAnswer(MovesReferral, OperationHead):
    """The exact opposite of an operation."""

    reverses: str = Field(description="The operation that it takes back.", examples=[_OPERATION])
    kind: str = Field(description="What kind of operation that was.", examples=["transfer"])
    taken: list[TakenPoints] = Field(
        description="Points that are taken back, by wallet.",
        examples=[[{"wallet": "points", "points": 16, "owed": 0, "forgiven": 0}]],
    )
    balances: list[BalanceAnswer] = Field(description="The member's balances afterwards.", examples=[_BALANCES])
    recipient_balances: list[BalanceAnswer] = Field(
        description="Those of the second member, where the operation was about two.", examples=[[]]
    )
    reason: str = Field(description="The reason code given.", examples=["wrong_member"])
    tiers: TierMoves = None
