"""Activities: what members did that is no purchase, and what of it counts only once."""

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_engine.persistence.tables.schema import BY_ID, UUID, instant, metadata, program_id

activity: Final = Table(
    "activity",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text),
    instant("occurred_at"),
    Column("attributes", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "member_id", "kind", "occurred_at"),
    postgresql_partition_by=BY_ID,
    comment="An activity as reported, with the id of the operation that accepted it",
)

activity_mark: Final = Table(
    "activity_mark",
    metadata,
    program_id(),
    Column("member_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("operation_id", UUID, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id", "kind", "mark"),
    comment="What a member may do once is done once, for ever; unpartitioned for that",
)
