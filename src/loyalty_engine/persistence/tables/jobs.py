"""Work that runs later: jobs, the files they read, the rows they could not take, and what they sum up."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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

from loyalty_engine.persistence.tables.schema import UUID, instant, metadata, program_id

_UNENDED: Final = text("status IN ('waiting', 'running')")

job: Final = Table(
    "job",
    metadata,
    program_id(),
    Column("id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'waiting'")),
    instant("period", nullable=True),
    Column("client_id", Integer),
    Column("params", JSONB, nullable=False, server_default=text("'{}'")),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("result", JSONB),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("wants_cancel", Boolean, nullable=False, server_default=text("false")),
    Column("worker", UUID),
    instant("created_at"),
    instant("run_after"),
    instant("leased_until", nullable=True),
    instant("started_at", nullable=True),
    instant("ended_at", nullable=True),
    PrimaryKeyConstraint("program_id", "id"),
    UniqueConstraint("program_id", "kind", "period"),
    CheckConstraint("status IN ('waiting', 'running', 'done', 'failed', 'cancelled')", "status"),
    Index("job_unended_idx", "run_after", postgresql_where=_UNENDED),
    comment="Work for the worker, of program 0 when it is everybody's; a periodic run is there once per due time, and a "
    "failed job is a dead letter until somebody retries it",
)

job_file: Final = Table(
    "job_file",
    metadata,
    program_id(),
    Column("job_id", UUID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "job_id", "number"),
    comment="Personal data: an uploaded file, in pieces, until its job has ended",
)

job_fault: Final = Table(
    "job_fault",
    metadata,
    program_id(),
    Column("job_id", UUID, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "job_id", "line"),
    comment="A row of a file that a job could not take, and why; without the row's content",
)

posting_day: Final = Table(
    "posting_day",
    metadata,
    program_id(),
    Column("day", Date, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("postings", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "day", "wallet", "source", "destination"),
    comment="What a finished day (UTC, of the postings' ids) moved, summed up from its postings",
)
