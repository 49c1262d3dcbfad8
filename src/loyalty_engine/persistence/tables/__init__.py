"""The schema's one home: every table, with its keys and why it has them.

Each primary and unique key starts with ``program_id``, so that one program's rows can be placed together and no
statement can reach another's by accident. Insert-only history is partitioned by its time-ordered id. There are no
foreign keys: they cost 13 to 28 % on the hot path; the ledger check keeps integrity instead.
"""

from typing import Final

from loyalty_engine.persistence.tables import (
    activities,
    codes,
    counters,
    jobs,
    members,
    operations,
    orders,
    plans,
    points,
    programs,
    referrals,
    reservations,
    tiers,
)
from loyalty_engine.persistence.tables.schema import BY_ID, SCHEMA, metadata

__all__ = (
    "PARTITIONED",
    "SCHEMA",
    "activities",
    "codes",
    "counters",
    "jobs",
    "members",
    "metadata",
    "operations",
    "orders",
    "plans",
    "points",
    "programs",
    "referrals",
    "reservations",
    "tiers",
)

PARTITIONED: Final = tuple(
    sorted(
        table.name for table in metadata.tables.values() if table.dialect_options["postgresql"]["partition_by"] == BY_ID
    )
)
"""Insert-only history, range-partitioned by its UUIDv7 ``id``."""
