"""Operations: the log of the program, and what its keys became."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSON

from loyalty_engine.persistence.tables.schema import BY_ID, UUID, Xid8, instant, metadata, program_id

operation: Final = Table(
    "operation",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("member_id", UUID),
    Column("order_id", UUID),
    Column("client_id", Integer, nullable=False),
    Column("location", Text),
    Column("till", Text),
    instant("effective_at"),
    instant("booked_at"),
    Column("revision", Integer, nullable=False),
    Column("reverses", UUID),
    Column("transaction", Xid8(), nullable=False, server_default=text("pg_current_xact_id()")),
    Column("other_member_id", UUID),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
    Index(None, "program_id", "other_member_id", "id", postgresql_where=text("other_member_id IS NOT NULL")),
    postgresql_partition_by=BY_ID,
    comment="The log of the program, thin and for ever; transaction orders the feed",
)

operation_detail: Final = Table(
    "operation_detail",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("answer", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    postgresql_partition_by=BY_ID,
    comment="What explains and repeats an operation; prunable by month; no personal data",
)

idempotency: Final = Table(
    "idempotency",
    metadata,
    program_id(),
    Column("client_id", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("outcome_id", UUID, nullable=False),
    Column("is_refusal", Boolean, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "client_id", "scope", "key"),
    comment="What a request's key became: an operation or a refusal; permanent",
)

reversal: Final = Table(
    "reversal",
    metadata,
    program_id(),
    Column("reversed_id", UUID, nullable=False),
    Column("operation_id", UUID, nullable=False),
    PrimaryKeyConstraint("program_id", "reversed_id"),
    comment="Which operation undid another: once, by its key",
)

refusal: Final = Table(
    "refusal",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("code", Text, nullable=False),
    Column("member_id", UUID),
    Column("client_id", Integer, nullable=False),
    instant("booked_at"),
    Column("answer", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
    postgresql_partition_by=BY_ID,
    comment="A request that was refused, so that its key stays refused",
)
