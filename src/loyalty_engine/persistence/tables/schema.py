"""What all tables share: the schema, how its keys are named, and columns that come again and again."""

from typing import Final

from sqlalchemy import Column, DateTime, Integer, MetaData
from sqlalchemy.dialects import postgresql
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

UUID: Final = postgresql.UUID(as_uuid=True)
BY_ID: Final = "RANGE (id)"
"""How insert-only history is partitioned: by its UUIDv7 ``id``."""


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in DDL."""
        return "xid8"


def program_id() -> "Column[int]":
    """Return the column that every key starts with."""
    return Column("program_id", Integer, nullable=False)


def instant(name: str, *, nullable: bool = False) -> "Column[object]":
    """Return a column for a moment in time."""
    return Column(name, DateTime(timezone=True), nullable=nullable)
