"""Codes that are given to members, on request or with an order."""

from typing import Self

from pydantic import Field

from loyalty_engine.api.pagination import Page
from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import Answer, Body, Code, OperationHead
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.promotions.pools import WhyNoCode
from loyalty_engine.persistence.reading.issued_codes import MemberCode


class CodeIssueBody(Body):
    """Out of which pool a member gets a code."""

    pool: Code = Field(description="Key of a pool of personal codes or vouchers.", examples=["next_purchase"])


class IssuedCode(Answer):
    """A code that a member got."""

    promotion: str | None = Field(
        description="The promotion that it opens; null: it is a partner's voucher.", examples=["ten_off"]
    )
    pool: str = Field(description="The pool that it is from.", examples=["next_purchase"])
    starts_at: str | None = Field(
        description="From when it can be used; null: at once.", examples=["2026-11-22T10:15:00Z"]
    )
    ends_at: str | None = Field(description="Until when; null: without end.", examples=["2026-12-22T10:15:00Z"])


class CodeIssueAnswer(IssuedCode, MovesReferral, OperationHead):
    """A code that was given to a member on request."""

    code: str = Field(description="The code, as people read it.", examples=["TNX-7K3J5Q2M"])


class CodeOfOrder(IssuedCode):
    """A code that comes with an order."""

    code: str | None = Field(
        description="The code, as people read it; null: there was none to give, or the order was only looked at.",
        examples=["TNX-7K3J5Q2M"],
    )
    issued_by: str = Field(description="The promotion that gives it.", examples=["come_again"])
    reason: WhyNoCode | None = Field(description="Why there is no code; null: there is, or would be.", examples=[None])


class MemberCodeAnswer(IssuedCode):
    """A code that a member has."""

    code: str = Field(description="The code, as people read it.", examples=["TNX-7K3J5Q2M"])
    is_active: bool = Field(description="False: it, or its pool, is paused.", examples=[True])
    issued_at: str | None = Field(description="When the member got it.", examples=["2026-11-22T10:15:00Z"])
    operation_id: str | None = Field(
        description="The operation that gave it.", examples=["op_01m8054496erxvcc6weqy7k3j5"]
    )

    @classmethod
    def of(cls, record: MemberCode) -> Self:
        """Show a code."""
        return cls(
            code=record.code,
            promotion=record.promotion,
            pool=record.pool,
            starts_at=None if record.starts_at is None else show_instant(record.starts_at),
            ends_at=None if record.ends_at is None else show_instant(record.ends_at),
            is_active=record.is_active,
            issued_at=None if record.issued_at is None else show_instant(record.issued_at),
            operation_id=None if record.operation_id is None else show_id("op", record.operation_id),
        )


class MemberCodesPage(Page[MemberCodeAnswer]):
    """A member's promo codes, newest first."""
