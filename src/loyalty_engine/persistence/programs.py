"""Programs: their revisions, stored as lists of content-hashed parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from loyalty_engine.core.program.parts import Part
from loyalty_engine.persistence.connections import Connection

_READ_PARTS: Final = """
SELECT p.key, p.body, encode(p.hash, 'hex') AS hash
  FROM loyalty.program_revision r
 CROSS JOIN LATERAL unnest(r.parts) WITH ORDINALITY u(hash, place)
  JOIN loyalty.program_part p ON p.program_id = r.program_id AND p.hash = u.hash
 WHERE r.program_id = $1 AND r.number = $2
 ORDER BY u.place
"""

_ADD_PARTS: Final = """
INSERT INTO loyalty.program_part (program_id, hash, key, body)
SELECT $1, decode(x.hash, 'hex'), x.key, x.body FROM unnest($2::text[], $3::text[], $4::text[]) x(hash, key, body)
    ON CONFLICT DO NOTHING
"""

_ADD_REVISION: Final = """
INSERT INTO loyalty.program_revision (program_id, number, parts, client_id, note, published_at)
SELECT $1, $2, array_agg(decode(x.hash, 'hex') ORDER BY x.place), $3, $4,
       now() + (SELECT ahead FROM loyalty.program WHERE id = $1)
  FROM unnest($5::text[]) WITH ORDINALITY x(hash, place)
"""

_HAS_HISTORY: Final = """
SELECT EXISTS (SELECT 1 FROM loyalty.member WHERE program_id = $1)
    OR EXISTS (SELECT 1 FROM loyalty.operation WHERE program_id = $1)
"""

_USED_PLANS: Final = """
SELECT k.plan FROM unnest($2::text[]) k(plan)
 WHERE EXISTS (
       SELECT FROM loyalty.member_plan t JOIN loyalty.member m ON m.program_id = t.program_id AND m.id = t.member_id
        WHERE t.program_id = $1 AND t.plan = k.plan AND NOT t.is_over AND m.merged_into IS NULL)
"""
_USED_WALLETS: Final = """
SELECT w.key FROM unnest($2::text[]) w(key)
 WHERE EXISTS (SELECT 1 FROM loyalty.balance b
                WHERE b.program_id = $1 AND b.wallet = w.key AND (b.available, b.pending, b.held, b.debt) <> (0, 0, 0, 0))
"""

_READ_AHEAD: Final = "SELECT CASE WHEN is_sandbox THEN ahead END FROM loyalty.program WHERE id = $1"

_LIST: Final = """
SELECT number, published_at, client_id, note, cardinality(parts) AS parts
  FROM loyalty.program_revision
 WHERE program_id = $1 AND number < $2::bigint
 ORDER BY number DESC LIMIT $3
"""


_TIMES: Final = "SELECT number, published_at FROM loyalty.program_revision WHERE program_id = $1 ORDER BY number"


@dataclass(frozen=True, slots=True)
class Revision:
    """A published revision without its content; ``parts`` counts them. ``published_at`` is by the program's clock."""

    number: int
    published_at: datetime
    client_id: int | None
    note: str | None
    parts: int


async def read_revision_number(connection: Connection, program_id: int) -> int:
    """Return the current revision's number; 0 when nothing was published."""
    number = await connection.fetchval("SELECT revision FROM loyalty.program WHERE id = $1", program_id)
    return int(number or 0)


async def read_parts(connection: Connection, program_id: int, number: int) -> tuple[Part, ...]:
    """Return a revision's parts in document order; none when it does not exist."""
    rows = await connection.fetch(_READ_PARTS, program_id, number)
    return tuple(Part(row["key"], row["body"], row["hash"]) for row in rows)


async def read_times(connection: Connection, program_id: int) -> tuple[tuple[int, datetime], ...]:
    """Return the number of each revision and since when it is in force, by number."""
    rows = await connection.fetch(_TIMES, program_id)
    return tuple((row["number"], row["published_at"]) for row in rows)


async def find_revision(connection: Connection, program_id: int, number: int) -> Revision | None:
    """Return a revision without its content."""
    found = await list_revisions(connection, program_id, before=number + 1, limit=1)
    return found[0] if found and found[0].number == number else None


async def lock_revision_number(connection: Connection, program_id: int) -> int:
    """Return the current revision's number, which nobody else can raise before this transaction ends."""
    return int(await connection.fetchval("SELECT revision FROM loyalty.program WHERE id = $1 FOR UPDATE", program_id))


async def has_history(connection: Connection, program_id: int) -> bool:
    """Tell whether the program has a member or an operation."""
    return bool(await connection.fetchval(_HAS_HISTORY, program_id))


async def find_used_wallets(connection: Connection, program_id: int, keys: Sequence[str]) -> frozenset[str]:
    """Return those of the wallets in which somebody has an amount of any kind."""
    rows = await connection.fetch(_USED_WALLETS, program_id, keys)
    return frozenset(row["key"] for row in rows)


async def find_used_plans(connection: Connection, program_id: int, keys: Sequence[str]) -> frozenset[str]:
    """Return those of the plans in which somebody is, or was until its end is booked."""
    rows = await connection.fetch(_USED_PLANS, program_id, keys)
    return frozenset(row["plan"] for row in rows)


async def publish_parts(
    connection: Connection,
    program_id: int,
    parts: Sequence[Part],
    *,
    expected: int | None,
    client_id: int | None,
    note: str | None,
) -> int | None:
    """Publish ``parts`` as the next revision if the current one is still ``expected``; None when it is not.

    The program's row is locked first, so that two editors never overwrite each other.
    """
    current = await connection.fetchval(
        "UPDATE loyalty.program SET revision = revision + 1 WHERE id = $1 AND ($2::int IS NULL OR revision = $2) "
        "RETURNING revision",
        program_id,
        expected,
    )
    if current is None:
        return None
    hashes = [part.content_hash for part in parts]
    await connection.execute(
        _ADD_PARTS, program_id, hashes, [part.key for part in parts], [part.body for part in parts]
    )
    await connection.execute(_ADD_REVISION, program_id, current, client_id, note, hashes)
    return int(current)


async def list_revisions(connection: Connection, program_id: int, *, before: int, limit: int) -> list[Revision]:
    """Return revisions with numbers below ``before``, newest first."""
    rows: list[Any] = await connection.fetch(_LIST, program_id, before, limit)
    return [Revision(**dict(row)) for row in rows]


async def find_program(connection: Connection, key: str) -> int | None:
    """Return the id of the program of that key. Needs the owner's role: no program is entered yet."""
    found = await connection.fetchval("SELECT id FROM loyalty.program WHERE key = $1", key)
    return None if found is None else int(found)


async def list_programs(connection: Connection) -> dict[str, int]:
    """Return the ids of all programs by key. Needs the owner's role."""
    rows = await connection.fetch("SELECT key, id FROM loyalty.program ORDER BY key")
    return {row["key"]: row["id"] for row in rows}


async def create_program(connection: Connection, key: str, *, is_sandbox: bool = False) -> int:
    """Create an empty program; needs the owner's role."""
    add = "INSERT INTO loyalty.program (key, is_sandbox) VALUES ($1, $2) RETURNING id"
    return int(await connection.fetchval(add, key, is_sandbox))


async def read_ahead(connection: Connection, program_id: int, *, locks: bool = False) -> timedelta | None:
    """Return how far the clock of a sandbox is ahead of real time; None for a program that is none.

    ``locks`` lets nobody else move it before this transaction ends.
    """
    return cast(
        "timedelta | None", await connection.fetchval(_READ_AHEAD + (" FOR UPDATE" if locks else ""), program_id)
    )


async def write_ahead(connection: Connection, program_id: int, ahead: timedelta) -> None:
    """Set how far the clock of a sandbox is ahead."""
    await connection.execute("UPDATE loyalty.program SET ahead = $2 WHERE id = $1", program_id, ahead)
