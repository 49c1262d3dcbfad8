"""Crowds: many members whose tiers ran out, read, summed up and recorded in a statement each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.tier_crowds import Bought, Review, Stretch, Waiting
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.tiers.standings import MemberTier
from loyalty_engine.persistence.connections import Connection

_READ: Final = "SELECT * FROM loyalty.read_crowd_v8($1, $2, $3)"

_SUM: Final = "SELECT * FROM loyalty.sum_orders_v7($1, $2, $3, $4)"

_RECORD: Final = "SELECT loyalty.record_crowd_v8($1, $2, $3)"


async def read_crowd(
    connection: Connection, program_id: int, member_ids: Sequence[UUID], *, now: datetime, revision: int
) -> list[Waiting]:
    """Return those of the members with whom nothing is due by ``now`` but one tier; none if another revision is current."""
    rows = await connection.fetch(_READ, program_id, member_ids, now)
    return [_read(row, now) for row in rows if row["revision"] == revision]


async def sum_orders(
    connection: Connection, program_id: int, member_ids: Sequence[UUID], stretch: Stretch
) -> dict[UUID, Bought]:
    """Return what members bought in a time; who bought nothing is missing."""
    rows = await connection.fetch(_SUM, program_id, member_ids, stretch.since, stretch.until)
    return {row["id"]: Bought(row["orders"], row["spend"], row["found"]) for row in rows}


async def record_crowd(
    connection: Connection, program_id: int, reviews: Sequence[Review], *, now: datetime
) -> set[UUID]:
    """Record reviews that were all booked ``now``; return whose were, the others were changed by somebody else."""
    rows = [_row(review) for review in sorted(reviews, key=lambda review: review.member_id)]
    try:
        return set(await connection.fetchval(_RECORD, program_id, now, rows))
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return set()


def _read(row: Any, now: datetime) -> Waiting:  # noqa: ANN401 - a record of asyncpg
    held = MemberTier(
        row["tier"],
        row["since"],
        row["until"],
        row["ends_at"],
        row["how"],
        tuple(row["below"]),
        reached_at=row["reached_at"],
    )
    ends = [at for at in (row["points_due_at"], row["other_tiers_end_at"]) if at is not None]
    balances = orjson.loads(row["balances"]).items() if row["balances"] else ()
    tiers = orjson.loads(row["tiers"]).items()
    member = MemberState(
        id=row["id"],
        version=row["version"],
        seq=0,
        status="active",
        booked_at=now,
        orders=row["orders"],
        spend=row["spend"],
        balances={wallet: Balance(*amounts) for wallet, amounts in balances},
        tiers={tier_set: MemberTier(tier, held.since) for tier_set, tier in tiers},
    )
    return Waiting(member, row["tier_set"], held, min(ends, default=None))


def _row(review: Review) -> tuple[object, ...]:
    after = review.after
    return (
        review.member_id,
        review.expected_version,
        review.expected_version + 1,
        review.due_at,
        review.operation_id,
        review.effective_at,
        review.tier_set,
        after.tier,
        after.since,
        after.until,
        after.ends_at,
        after.how,
        after.below,
        after.reached_at,
        review.answer["revision"],
        orjson.dumps(review.facts).decode(),
        orjson.dumps(review.answer).decode(),
    )
