"""Referrals as they are shown: one, or a list by state, by either side, or by programme."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from loyalty_engine.core.referrals.state import Referral, State
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.referrals import read_referral

_FIND: Final = "SELECT to_jsonb(r)::text FROM loyalty.referral r WHERE r.program_id = $1 AND r.id = $2"

_COUNTERS: Final = "SELECT counters::text FROM loyalty.member WHERE program_id = $1 AND id = $2"

# One that waits for something which did not happen in time is rejected, though nobody booked that.
_IS_OVER: Final = "x.state IN ('registered', 'in_review') AND x.proofs = '[]' AND x.ends_at <= $3"

_OF_STATE: Final[Mapping[State, tuple[str, ...]]] = {
    "rejected": ("x.state = 'rejected'", _IS_OVER),
    **{state: (f"x.state = '{state}' AND ({_IS_OVER}) IS NOT TRUE",) for state in ("registered", "in_review")},
    **{state: (f"x.state = '{state}'",) for state in ("qualified", "rewarded", "reversed")},
}
"""Which rows are in a state: those of each condition, which stands in the statement so that an index of its own is found."""

_ADVOCATES: Final = """advocates AS (
    SELECT $5::uuid AS id
     UNION ALL
    SELECT m.id FROM advocates f JOIN loyalty.member m ON m.program_id = $1 AND m.merged_into = f.id)"""
_FRIENDS: Final = _ADVOCATES.replace("advocates", "friends").replace("$5", "$6")

# The newest of each member of the family, then the newest of these: so an index that ends with the id is read backwards.
# Every value has its place in each statement, whether or not a condition asks for it: ``asked`` gives it its type.
_LIST: Final = """
WITH RECURSIVE asked AS (SELECT $3::timestamptz, $7::text), {families}
SELECT to_jsonb(r)::text AS row
  FROM {members} f(member_id)
 CROSS JOIN LATERAL ({found}) r
 ORDER BY r.id DESC LIMIT $4
"""
_FOUND: Final = """(
      SELECT x.* FROM loyalty.referral x
       WHERE x.program_id = $1 AND x.id < $2 AND {conditions} ORDER BY x.id DESC LIMIT $4)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which referrals a list has. Members stand for those that were merged into them."""

    state: State | None = None
    advocate_id: UUID | None = None
    friend_id: UUID | None = None
    programme: str | None = None


async def find_referral(connection: Connection, program_id: int, referral_id: UUID) -> Referral | None:
    """Return a referral."""
    raw = await connection.fetchval(_FIND, program_id, referral_id)
    return None if raw is None else read_referral(orjson.loads(raw))


async def list_referrals(
    connection: Connection, program_id: int, wanted: Wanted, *, now: datetime, before: UUID, limit: int
) -> list[Referral]:
    """Return referrals with ids below ``before``, newest first, each as it is at ``now``."""
    values = wanted.advocate_id, wanted.friend_id, wanted.programme
    rows = await connection.fetch(_select(wanted), program_id, before, now, limit, *values)
    return [read_referral(orjson.loads(row["row"])) for row in rows]


async def read_counters(connection: Connection, program_id: int, member_id: UUID) -> Mapping[str, int]:
    """Return a member's own counters."""
    raw = await connection.fetchval(_COUNTERS, program_id, member_id)
    counters: dict[str, int] = {} if raw is None else orjson.loads(raw)
    return counters


def _select(wanted: Wanted) -> str:
    """Return the statement for a list, with those conditions alone that it needs: so the indexes are found."""
    members, conditions = "(VALUES (NULL::uuid))", ["true"]
    if wanted.advocate_id is not None:
        members, conditions = "advocates", ["x.advocate_id = f.member_id"]
    if wanted.friend_id is not None and wanted.advocate_id is None:
        members, conditions = "friends", ["x.friend_id = f.member_id"]
    elif wanted.friend_id is not None:
        conditions.append("x.friend_id IN (SELECT id FROM friends)")
    if wanted.programme is not None:
        conditions.append("x.programme = $7")
    states = ("true",) if wanted.state is None else _OF_STATE[wanted.state]
    found = " UNION ALL ".join(_FOUND.format(conditions=" AND ".join((*conditions, state))) for state in states)
    return _LIST.format(families=f"{_ADVOCATES}, {_FRIENDS}", members=members, found=found)
