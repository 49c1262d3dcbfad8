"""Orders as reported, who has them, and what became of them."""

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
    UniqueConstraint,
    text,
)
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
    comment="What has a number of its own is accepted once under any idempotency key, for ever: an order, or a return; "
    "without a hash it is an order that is waited for. Unpartitioned for that",
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
    Column("earned", JSONB),
    PrimaryKeyConstraint("program_id", "order_id"),
    Index(None, "program_id", "member_id"),
    comment="The member who took over an order that was accepted without one, once",
)

order_change: Final = Table(
    "order_change",
    metadata,
    program_id(),
    Column("order_id", UUID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("operation_id", UUID, nullable=False),
    Column("spend", BigInteger, nullable=False),
    Column("is_gone", Boolean, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("state", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "order_id", "number"),
    comment="What became of an order, each row the sum of all before it; insert-only, its number is the guard",
)

return_waiting: Final = Table(
    "return_waiting",
    metadata,
    program_id(),
    Column("natural_key", Text, nullable=False),
    Column("operation_id", UUID, nullable=False),
    Column("goods", JSONB, nullable=False),
    instant("returned_at"),
    instant("waits_until"),
    Column("applied_by", UUID),
    PrimaryKeyConstraint("program_id", "natural_key", "operation_id"),
    Index("return_waiting_open_idx", "program_id", "operation_id", postgresql_where=text("applied_by IS NULL")),
    comment="Returns that came before their order; its number is theirs until it comes",
)

order_review: Final = Table(
    "order_review",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("natural_key", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("client_id", Integer, nullable=False),
    Column("location", Text),
    Column("till", Text),
    Column("request_hash", LargeBinary, nullable=False),
    Column("body", JSONB, nullable=False),
    instant("placed_at"),
    instant("received_at"),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("operation_id", UUID),
    Column("reason", Text),
    Column("decided_by", Integer),
    instant("decided_at", nullable=True),
    PrimaryKeyConstraint("program_id", "id"),
    UniqueConstraint("program_id", "natural_key", "request_hash"),
    CheckConstraint("status IN ('open', 'accepted', 'dismissed')", "status"),
    Index("order_review_open_idx", "program_id", "id", postgresql_where=text("status = 'open'")),
    comment="Personal data: a receipt that came too late or from the future, until somebody decides about it",
)
