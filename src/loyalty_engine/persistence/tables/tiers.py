"""Tiers: where members are in tier sets, and how they came there."""

from typing import Final

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id


def _standing() -> tuple[Column[object], ...]:
    return (
        Column("tier", Text),
        instant("since"),
        instant("until", nullable=True),
        instant("ends_at", nullable=True),
        Column("how", Text, nullable=False),
        Column("below", ARRAY(Text), nullable=False),
        Column("before", JSONB),
        instant("reached_at", nullable=True),
    )


member_tier: Final = Table(
    "member_tier",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("tier_set", Text, nullable=False),
    *_standing(),
    PrimaryKeyConstraint("program_id", "member_id", "tier_set"),
    postgresql_with={"fillfactor": "70"},
    comment="Where a member is in a tier set; touched only inside its member's guard",
)

tier_move: Final = Table(
    "tier_move",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("tier_set", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("operation_id", UUID, nullable=False),
    *_standing(),
    PrimaryKeyConstraint("program_id", "member_id", "tier_set", "version"),
    comment="Where an operation led its member, which had that version then; insert-only",
)
