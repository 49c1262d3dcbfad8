"""Points: balances, postings, lots, holds."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, text

from loyalty_engine.persistence.tables.schema import BY_ID, UUID, instant, metadata, program_id

balance: Final = Table(
    "balance",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    instant("expires_at", nullable=True),
    PrimaryKeyConstraint("program_id", "member_id", "wallet"),
    CheckConstraint("available >= 0 AND pending >= 0 AND held >= 0 AND debt >= 0", name="amounts"),
    postgresql_with={"fillfactor": "70"},
    comment="The only updatable money; written together with the member's guard",
)

posting: Final = Table(
    "posting",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("id", UUID, nullable=False),
    Column("operation_id", UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("lot_id", UUID),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id", "seq", "id"),
    CheckConstraint("amount > 0", name="amount"),
    postgresql_partition_by=BY_ID,
    comment="One movement in one row, with the balances after it; insert-only",
)

lot: Final = Table(
    "lot",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    instant("earned_at"),
    instant("available_at", nullable=True),
    instant("expires_at", nullable=True),
    Column("funder", Text, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("operation_id", UUID, nullable=False),
    Column("expired", BigInteger),
    PrimaryKeyConstraint("program_id", "id"),
    Index("lot_open_idx", "program_id", "member_id", "id", postgresql_where=text("remaining > 0")),
    CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
    comment="Points earned together; touched only inside its member's guard",
)

lot_use: Final = Table(
    "lot_use",
    metadata,
    program_id(),
    Column("operation_id", UUID, nullable=False),
    Column("lot_id", UUID, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "operation_id", "lot_id"),
    comment="What an operation took out of a lot, or put back (negative); insert-only",
)

hold: Final = Table(
    "hold",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    instant("expires_at"),
    Column("ended_by", UUID),
    Column("captured", BigInteger),
    PrimaryKeyConstraint("program_id", "id"),
    Index("hold_open_idx", "program_id", "member_id", postgresql_where=text("ended_by IS NULL")),
    CheckConstraint("points > 0 AND captured BETWEEN 0 AND points", name="points"),
    comment="Points set aside, with the id of the operation that did it; lot_use tells where they came from",
)
