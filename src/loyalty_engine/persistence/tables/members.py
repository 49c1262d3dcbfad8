"""Members: the guard row, and the personal data beside it."""

from typing import Final

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, Integer, PrimaryKeyConstraint, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id

member: Final = Table(
    "member",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    instant("booked_at"),
    Column("orders", Integer, nullable=False),
    Column("spend", BigInteger, nullable=False),
    instant("first_order_at", nullable=True),
    instant("last_order_at", nullable=True),
    instant("enrolled_at", nullable=True),
    Column("counters", JSONB),
    instant("due_at", nullable=True),
    Column("merged_into", UUID),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
    Index(None, "program_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    # The program comes last: a plan made while the table was empty would look members up by the program alone.
    Index("member_referral_code_idx", text('"right"(id::text, 16)'), "program_id", unique=True),
    postgresql_with={"fillfactor": "70"},
    comment="Guard row: every operation of a member raises its version; what changes each time is not indexed, so it stays HOT",
)

member_identity: Final = Table(
    "member_identity",
    metadata,
    program_id(),
    Column("identity", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("program_id", "identity"),
    Index(None, "program_id", "member_id"),
    comment="Personal data: names by which shops know a member",
)

member_profile: Final = Table(
    "member_profile",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("name", Text),
    Column("birthday", Date),
    Column("attributes", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id"),
    comment="Personal data: what rules marked personal may read",
)

member_note: Final = Table(
    "member_note",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("operation_id", UUID, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id", "operation_id"),
    comment="Personal data: free text that people wrote about an operation",
)
