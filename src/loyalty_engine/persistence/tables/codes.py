"""Promo codes: pools of them, and the codes themselves."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id

code_pool: Final = Table(
    "code_pool",
    metadata,
    program_id(),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("promotion", Text),
    Column("name", Text),
    Column("pattern", Text),
    Column("terms", JSONB, nullable=False, server_default=text("'{}'")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("low_at", BigInteger),
    Column("job_id", UUID),
    Column("codes", BigInteger, nullable=False, server_default=text("0")),
    Column("digest", LargeBinary),
    instant("created_at"),
    PrimaryKeyConstraint("program_id", "key"),
    CheckConstraint("kind IN ('shared', 'generated', 'imported', 'personal', 'vouchers')", "kind"),
    comment="Promo codes that have promotion, terms and limits in common; terms are how long they can be used and how often, "
    "codes how many were put in, and digest tells one request that made it from another",
)

promo_code: Final = Table(
    "promo_code",
    metadata,
    program_id(),
    Column("code", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("shown", Text),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("member_id", UUID),
    Column("operation_id", UUID),
    instant("issued_at", nullable=True),
    instant("starts_at", nullable=True),
    instant("ends_at", nullable=True),
    Column("turn", Integer),
    PrimaryKeyConstraint("program_id", "code"),
    Index("promo_code_member_idx", "program_id", "member_id", postgresql_where=text("member_id IS NOT NULL")),
    Index("promo_code_turn_idx", "program_id", "pool", "turn", postgresql_where=text("turn IS NOT NULL")),
    Index("promo_code_pool_idx", "program_id", "pool", "code", postgresql_where=text("shown IS NOT NULL")),
    comment="A promo code as it is compared; shown is how people read it, and follows from the pattern of its pool for codes "
    "that a job made, which no index but the key holds; the times are its own where it was given to a member; turn is drawn "
    "for a voucher that waits to be given out, and NULL for all others",
)
