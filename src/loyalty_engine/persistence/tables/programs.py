"""Programs and the applications that call them."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    Interval,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id

program: Final = Table(
    "program",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("is_sandbox", Boolean, nullable=False, server_default=text("false")),
    Column("ahead", Interval, nullable=False, server_default=text("'0'")),
    UniqueConstraint("key"),
    comment="One loyalty programme; revision is the published number that decisions use, ahead how far the clock of a sandbox was "
    "moved on",
)

program_part: Final = Table(
    "program_part",
    metadata,
    program_id(),
    Column("hash", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "hash"),
    comment="Content-hashed part of a program document; shared by all revisions that hold it unchanged",
)

program_revision: Final = Table(
    "program_revision",
    metadata,
    program_id(),
    Column("number", Integer, nullable=False),
    Column("parts", ARRAY(LargeBinary), nullable=False),
    Column("client_id", Integer),
    Column("note", Text),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("program_id", "number"),
    comment="Immutable state of a program document: its parts in document order",
)

api_client: Final = Table(
    "api_client",
    metadata,
    program_id(),
    Column("id", Integer, Identity(always=True), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("location", Text),
    Column("till", Text),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("program_id", "id"),
    comment="An application that calls us; its generation grows whenever one of its keys or rights changes",
)

api_key: Final = Table(
    "api_key",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("client_id", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
    PrimaryKeyConstraint("program_id", "id"),
    UniqueConstraint("program_id", "hash"),
    comment="A secret of a client, kept as SHA-256 only",
)
