"""Referrals: who brought whom, and what members are known again by."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id

referral: Final = Table(
    "referral",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("programme", Text, nullable=False),
    Column("friend_id", UUID, nullable=False),
    Column("advocate_id", UUID, nullable=False),
    instant("registered_at"),
    instant("ends_at", nullable=True),
    Column("state", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("verdict", Text),
    Column("proofs", JSONB, nullable=False),
    Column("counts_for", UUID),
    Column("given", JSONB, nullable=False),
    Column("counters", ARRAY(Text), nullable=False),
    instant("due_at", nullable=True),
    instant("changed_at"),
    PrimaryKeyConstraint("program_id", "id"),
    UniqueConstraint("program_id", "friend_id"),
    CheckConstraint("state IN ('registered', 'in_review', 'qualified', 'rewarded', 'rejected', 'reversed')", "state"),
    CheckConstraint("verdict IN ('approved', 'rejected')", "verdict"),
    Index("referral_advocate_idx", "program_id", "advocate_id", "id"),
    Index("referral_due_idx", "program_id", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
    Index("referral_state_idx", "program_id", "state", "id"),
    Index(
        "referral_unproven_idx",
        "program_id",
        "id",
        postgresql_where=text("state IN ('registered', 'in_review') AND proofs = '[]' AND ends_at IS NOT NULL"),
    ),
    comment="A friend and who brought it, as they were when it registered: once for each friend, guarded by its version; proofs "
    "are what it bought or did that counts, given and counters what is taken back when that comes back, and due_at is when "
    "both are to be rewarded",
)

member_fingerprint: Final = Table(
    "member_fingerprint",
    metadata,
    program_id(),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("member_id", UUID, nullable=False),
    Column("operation_id", UUID, nullable=False),
    instant("seen_at"),
    PrimaryKeyConstraint("program_id", "kind", "digest", "member_id"),
    CheckConstraint("kind IN ('identity', 'payment', 'device', 'address')", "kind"),
    Index(None, "program_id", "member_id"),
    comment="Personal data: digests by which shops know again who was seen with one device, address or means of payment",
)
