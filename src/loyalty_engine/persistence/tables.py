"""The schema's one home: every table, with its keys and why it has them.

Each primary and unique key starts with ``program_id``, so that one program's rows can be placed together and no
statement can reach another's by accident. Insert-only history is partitioned by its time-ordered id. There are no
foreign keys: they cost 13 to 28 % on the hot path; the ledger check keeps integrity instead.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, UUID
from sqlalchemy.types import UserDefinedType

SCHEMA: Final = "loyalty"

metadata: Final = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)

PARTITIONED: Final = ("operation", "operation_detail", "order", "posting", "refusal")
"""Insert-only history, range-partitioned by its UUIDv7 ``id``."""


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in DDL."""
        return "xid8"


def _program() -> "Column[int]":
    return Column("program_id", Integer, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=nullable)


_UUID: Final = UUID(as_uuid=True)
_BY_ID: Final = "RANGE (id)"

program: Final = Table(
    "program",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("key"),
    comment="One loyalty programme; revision is the published number that decisions use",
)

program_part: Final = Table(
    "program_part",
    metadata,
    _program(),
    Column("hash", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "hash"),
    comment="Content-hashed part of a program document; shared by all revisions that hold it unchanged",
)

program_revision: Final = Table(
    "program_revision",
    metadata,
    _program(),
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
    _program(),
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
    _program(),
    Column("id", _UUID, nullable=False),
    Column("client_id", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("hint", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _instant("expires_at", nullable=True),
    _instant("revoked_at", nullable=True),
    PrimaryKeyConstraint("program_id", "id"),
    UniqueConstraint("program_id", "hash"),
    comment="A secret of a client, kept as SHA-256 only",
)

member: Final = Table(
    "member",
    metadata,
    _program(),
    Column("id", _UUID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    _instant("booked_at"),
    Column("orders", Integer, nullable=False),
    Column("spend", BigInteger, nullable=False),
    _instant("first_order_at", nullable=True),
    _instant("last_order_at", nullable=True),
    PrimaryKeyConstraint("program_id", "id"),
    postgresql_with={"fillfactor": "70"},
    comment="Guard row: every operation of a member raises its version; no index on changing columns keeps it HOT",
)

balance: Final = Table(
    "balance",
    metadata,
    _program(),
    Column("member_id", _UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id", "wallet"),
    CheckConstraint("available >= 0 AND pending >= 0 AND held >= 0 AND debt >= 0", name="amounts"),
    postgresql_with={"fillfactor": "70"},
    comment="The only updatable money; written together with the member's guard",
)

member_identity: Final = Table(
    "member_identity",
    metadata,
    _program(),
    Column("identity", Text, nullable=False),
    Column("member_id", _UUID, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("program_id", "identity"),
    Index(None, "program_id", "member_id"),
    comment="Personal data: names by which shops know a member",
)

member_profile: Final = Table(
    "member_profile",
    metadata,
    _program(),
    Column("member_id", _UUID, nullable=False),
    Column("name", Text),
    Column("birthday", Date),
    Column("attributes", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id"),
    comment="Personal data: what rules marked personal may read",
)

member_note: Final = Table(
    "member_note",
    metadata,
    _program(),
    Column("member_id", _UUID, nullable=False),
    Column("operation_id", _UUID, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id", "operation_id"),
    comment="Personal data: free text that people wrote about an operation",
)

operation: Final = Table(
    "operation",
    metadata,
    _program(),
    Column("id", _UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("member_id", _UUID),
    Column("order_id", _UUID),
    Column("client_id", Integer, nullable=False),
    Column("location", Text),
    Column("till", Text),
    _instant("effective_at"),
    _instant("booked_at"),
    Column("revision", Integer, nullable=False),
    Column("reverses", _UUID),
    Column("transaction", Xid8(), nullable=False, server_default=text("pg_current_xact_id()")),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
    postgresql_partition_by=_BY_ID,
    comment="The log of the program, thin and for ever; transaction orders the feed",
)

operation_detail: Final = Table(
    "operation_detail",
    metadata,
    _program(),
    Column("id", _UUID, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("answer", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    postgresql_partition_by=_BY_ID,
    comment="What explains and repeats an operation; prunable by month; no personal data",
)

idempotency: Final = Table(
    "idempotency",
    metadata,
    _program(),
    Column("client_id", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("outcome_id", _UUID, nullable=False),
    Column("is_refusal", Boolean, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "client_id", "scope", "key"),
    comment="What a request's key became: an operation or a refusal; permanent",
)

reversal: Final = Table(
    "reversal",
    metadata,
    _program(),
    Column("reversed_id", _UUID, nullable=False),
    Column("operation_id", _UUID, nullable=False),
    PrimaryKeyConstraint("program_id", "reversed_id"),
    comment="Which operation undid another: once, by its key",
)

refusal: Final = Table(
    "refusal",
    metadata,
    _program(),
    Column("id", _UUID, nullable=False),
    Column("code", Text, nullable=False),
    Column("member_id", _UUID),
    Column("client_id", Integer, nullable=False),
    _instant("booked_at"),
    Column("answer", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    Index(None, "program_id", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
    postgresql_partition_by=_BY_ID,
    comment="A request that was refused, so that its key stays refused",
)

order: Final = Table(
    "order",
    metadata,
    _program(),
    Column("id", _UUID, nullable=False),
    Column("member_id", _UUID),
    _instant("placed_at"),
    Column("currency", Text, nullable=False),
    Column("goods_total", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("paid_with_points", BigInteger, nullable=False),
    Column("channel", Text),
    Column("location", Text),
    Column("lines", JSONB, nullable=False),
    Column("rest", JSONB, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    postgresql_partition_by=_BY_ID,
    comment="A purchase as reported, with the id of the operation that accepted it",
)

order_key: Final = Table(
    "order_key",
    metadata,
    _program(),
    Column("natural_key", Text, nullable=False),
    Column("order_id", _UUID, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("program_id", "natural_key"),
    comment="The same receipt under any idempotency key is accepted once, for ever; unpartitioned for that",
)

order_parked: Final = Table(
    "order_parked",
    metadata,
    _program(),
    Column("order_id", _UUID, nullable=False),
    Column("identity", Text, nullable=False),
    PrimaryKeyConstraint("program_id", "order_id"),
    Index(None, "program_id", "identity"),
    comment="Personal data: the unknown card for which an order waits",
)

order_claim: Final = Table(
    "order_claim",
    metadata,
    _program(),
    Column("order_id", _UUID, nullable=False),
    Column("member_id", _UUID, nullable=False),
    Column("operation_id", _UUID, nullable=False),
    PrimaryKeyConstraint("program_id", "order_id"),
    comment="The member who took over an order that was accepted without one, once",
)

posting: Final = Table(
    "posting",
    metadata,
    _program(),
    Column("member_id", _UUID, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("id", _UUID, nullable=False),
    Column("operation_id", _UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("lot_id", _UUID),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "member_id", "seq", "id"),
    CheckConstraint("amount > 0", name="amount"),
    postgresql_partition_by=_BY_ID,
    comment="One movement in one row, with the balances after it; insert-only",
)

lot: Final = Table(
    "lot",
    metadata,
    _program(),
    Column("id", _UUID, nullable=False),
    Column("member_id", _UUID, nullable=False),
    Column("wallet", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    _instant("earned_at"),
    _instant("available_at"),
    _instant("expires_at", nullable=True),
    Column("funder", Text, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("operation_id", _UUID, nullable=False),
    PrimaryKeyConstraint("program_id", "id"),
    Index("lot_open_idx", "program_id", "member_id", "id", postgresql_where=text("remaining > 0")),
    CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
    comment="Points earned together; touched only inside its member's guard",
)

lot_use: Final = Table(
    "lot_use",
    metadata,
    _program(),
    Column("operation_id", _UUID, nullable=False),
    Column("lot_id", _UUID, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("program_id", "operation_id", "lot_id"),
    comment="What an operation took out of a lot, or put back (negative); insert-only",
)

counter: Final = Table(
    "counter",
    metadata,
    _program(),
    Column("key", Text, nullable=False),
    Column("cap", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("program_id", "key"),
    CheckConstraint("used >= 0 AND used <= cap", name="used"),
    postgresql_with={"fillfactor": "50"},
    comment="A shared limit or budget with a cap",
)
