"""Plans: what members have of the memberships that they pay for, and how that came."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id


def _membership() -> tuple[Column[object], ...]:
    return (
        instant("since"),
        instant("paid_until"),
        instant("ends_at"),
        Column("is_over", Boolean, nullable=False),
        instant("cancelled_at", nullable=True),
        Column("rest", JSONB, nullable=False),
    )


member_plan: Final = Table(
    "member_plan",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("plan", Text, nullable=False),
    *_membership(),
    PrimaryKeyConstraint("program_id", "member_id", "plan"),
    postgresql_with={"fillfactor": "70"},
    comment="What a member has of a plan; touched only inside its member's guard",
)

plan_move: Final = Table(
    "plan_move",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("plan", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("operation_id", UUID, nullable=False),
    *_membership(),
    PrimaryKeyConstraint("program_id", "member_id", "plan", "version"),
    comment="What an operation made of a membership, whose member had that version then; insert-only",
)
