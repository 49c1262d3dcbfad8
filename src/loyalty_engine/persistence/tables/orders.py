"""Orders as reported, and who has them."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_engine.persistence.tables.schema import BY_ID, UUID, instant, metadata, program_id

order: Final = Table(
    "order",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("member_id", UUID),
    instant("placed_at"),
    Column("currency", Text, nullable=False),
    Column("goods_total", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("paid_with_points", BigInteger, nullable=False),
    Column("channel", Text),
    Column("location", Text),
    Column("lines", JSONB, nullable=False),
    Column("rest", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "member_id", "placed_at", postgresql_where=text("member_id IS NOT NULL")),
    postgresql_partition_by=BY_ID,
    comment="A purchase as reported, with the id of the operation that accepted it",
)

order_key: Final = Table(
    "order_key",
    metadata,
    program_id(),
    Column("natural_key", Text, nullable=False),
    Column("order_id", UUID, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "natural_key"),
    comment="The same receipt under any idempotency key is accepted once, for ever; unpartitioned for that",
)

order_parked: Final = Table(
    "order_parked",
    metadata,
    program_id(),
    Column("order_id", UUID, nullable=False),
    Column("identity", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "order_id"),
    Index(None, "program_id", "identity"),
    comment="Personal data: the unknown card for which an order waits",
)

order_claim: Final = Table(
    "order_claim",
    metadata,
    program_id(),
    Column("order_id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("operation_id", UUID, nullable=False),
    PrimaryKeyConstraint("program_id", "order_id"),
    Index(None, "program_id", "member_id"),
    comment="The member who took over an order that was accepted without one, once",
)
