"""Counters: limits and budgets that the whole program shares."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, PrimaryKeyConstraint, Table, Text, text

from loyalty_engine.persistence.tables.schema import UUID, metadata, program_id

counter: Final = Table(
    "counter",
    metadata,
    program_id(),
    Column("key", Text, nullable=False),
    Column("cap", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("program_id", "key"),
    CheckConstraint("used >= 0 AND used <= cap", name="used"),
    postgresql_with={"fillfactor": "50"},
    comment="A shared limit or budget; cap is that of the operation which took last",
)

counter_use: Final = Table(
    "counter_use",
    metadata,
    program_id(),
    Column("operation_id", UUID, nullable=False),
    Column("counter", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "operation_id", "counter"),
    comment="What an operation took from a counter, or gave back (negative); insert-only",
)
