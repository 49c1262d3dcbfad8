"""Reservations: orders that were decided, and hold what they take for a while."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id

reservation: Final = Table(
    "reservation",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("member_id", UUID),
    instant("until"),
    Column("body", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    comment="An order as it was decided, with all that it holds until then; insert-only",
)

reservation_end: Final = Table(
    "reservation_end",
    metadata,
    program_id(),
    Column("reservation_id", UUID, nullable=False),
    Column("operation_id", UUID, nullable=False),
    Column("how", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "reservation_id"),
    CheckConstraint("how IN ('confirmed', 'released', 'replaced')", "how"),
    comment="What ended a reservation, once; one that was never ended ran out; insert-only",
)

counter_lease: Final = Table(
    "counter_lease",
    metadata,
    program_id(),
    Column("counter", Text, nullable=False),
    instant("until"),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "counter", "until"),
    CheckConstraint("amount >= 0", "amount"),
    postgresql_with={"fillfactor": "50"},
    comment="What reservations that run out at one moment hold of a counter, together; it counts until then",
)
