"""Reads the ledger member by member, to rebuild each and compare it with what is stored.

Each table comes through a cursor in the order of members, all of them in one snapshot, and they are merged here: memory is
what one member and the read-ahead of the cursors take, however large the program is. What rebuilds a member comes from rows
that are only ever added; the merges in force are found in operations, not in ``member.merged_into``.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.rebuild import (
    Act,
    Birth,
    Difference,
    Figure,
    Figures,
    History,
    Led,
    Movement,
    Purchase,
    balance_figures,
    compare,
    lot_figures,
    member_figure,
    place_figures,
    rebuild,
    was_merged,
)
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import LotUse
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.ledger_check import PLANNING

Row = Mapping[str, Any]
Key = tuple[int, str]

READ_AHEAD: Final = 1_000
_DAY_SECONDS: Final = 86_400

_STREAMS: Final[Mapping[str, str]] = {
    "members": """
        SELECT *, id AS member_id FROM loyalty.member m
         WHERE ($1::int IS NULL OR m.program_id = $1) ORDER BY program_id, member_id""",
    "balances": """
        SELECT * FROM loyalty.balance b
         WHERE ($1::int IS NULL OR b.program_id = $1) ORDER BY program_id, member_id""",
    "lots": """
        SELECT program_id, member_id, id, amount, remaining, expired FROM loyalty.lot l
         WHERE ($1::int IS NULL OR l.program_id = $1) ORDER BY program_id, member_id""",
    "tiers": """
        SELECT * FROM loyalty.member_tier t
         WHERE ($1::int IS NULL OR t.program_id = $1) ORDER BY program_id, member_id""",
    "moves": """
        SELECT * FROM loyalty.tier_move v
         WHERE ($1::int IS NULL OR v.program_id = $1) ORDER BY program_id, member_id""",
    "plans": """
        SELECT * FROM loyalty.member_plan t
         WHERE ($1::int IS NULL OR t.program_id = $1) ORDER BY program_id, member_id""",
    "plan_moves": """
        SELECT * FROM loyalty.plan_move v
         WHERE ($1::int IS NULL OR v.program_id = $1) ORDER BY program_id, member_id""",
    "uses": """
        SELECT u.program_id, l.member_id, u.lot_id, u.amount
          FROM loyalty.lot_use u
          JOIN loyalty.lot l ON l.program_id = u.program_id AND l.id = u.lot_id
         WHERE ($1::int IS NULL OR u.program_id = $1) ORDER BY 1, 2""",
    "postings": """
        SELECT program_id, member_id, seq, wallet, source, destination, amount, lot_id FROM loyalty.posting p
         WHERE ($1::int IS NULL OR p.program_id = $1) ORDER BY program_id, member_id, seq""",
    "acts": """
        SELECT o.program_id, x.member_id, o.id, o.kind, o.booked_at, x.is_second, o.member_id AS partner, r.kind AS undoes
          FROM loyalty.operation o
         CROSS JOIN LATERAL (VALUES (o.member_id, false), (o.other_member_id, true)) x (member_id, is_second)
          LEFT JOIN loyalty.operation r ON r.program_id = o.program_id AND r.id = o.reverses
         WHERE x.member_id IS NOT NULL AND ($1::int IS NULL OR o.program_id = $1) ORDER BY 1, 2""",
    "purchases": """
        WITH RECURSIVE merged AS (
            SELECT o.program_id, o.other_member_id AS id, o.member_id AS into_id
              FROM loyalty.operation o
             WHERE o.kind = 'merge' AND ($1::int IS NULL OR o.program_id = $1)
               AND NOT EXISTS (SELECT FROM loyalty.operation r WHERE r.program_id = o.program_id AND r.reverses = o.id)
        ), stands_for AS (
            SELECT m.program_id, m.id, m.into_id FROM merged m
             UNION
            SELECT s.program_id, s.id, m.into_id
              FROM stands_for s JOIN merged m ON m.program_id = s.program_id AND m.id = s.into_id
        ), survivor AS (
            SELECT s.* FROM stands_for s
             WHERE NOT EXISTS (SELECT FROM merged m WHERE m.program_id = s.program_id AND m.id = s.into_id)
        )
        SELECT b.program_id, coalesce(s.into_id, b.member_id, c.member_id) AS member_id, b.placed_at,
               coalesce(k.spend, greatest(b.goods_total - b.paid_with_points, 0)) AS spend,
               coalesce(k.is_gone, false) AS is_gone
          FROM loyalty."order" b
          LEFT JOIN loyalty.order_claim c ON c.program_id = b.program_id AND c.order_id = b.id
          LEFT JOIN survivor s ON s.program_id = b.program_id AND s.id = coalesce(b.member_id, c.member_id)
          LEFT JOIN (
              SELECT DISTINCT ON (program_id, order_id) * FROM loyalty.order_change
               ORDER BY program_id, order_id, number DESC) k
            ON k.program_id = b.program_id AND k.order_id = b.id
         WHERE coalesce(b.member_id, c.member_id) IS NOT NULL AND ($1::int IS NULL OR b.program_id = $1) ORDER BY 1, 2""",
}
"""What is stored comes from the first four; of lots only the amount, which is never changed, also rebuilds."""

_COUNTERS: Final = """
SELECT program_id, counter, c.used AS stored, s.used AS rebuilt
  FROM (SELECT program_id, key AS counter, used FROM loyalty.counter c WHERE ($1::int IS NULL OR c.program_id = $1)) c
  FULL JOIN (SELECT program_id, counter, sum(amount)::bigint AS used
               FROM loyalty.counter_use u WHERE ($1::int IS NULL OR u.program_id = $1) GROUP BY 1, 2) s USING (program_id, counter)
 WHERE coalesce(c.used, 0) <> coalesce(s.used, 0) ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A stored figure of one program that is not what its history says; of a member, but for counters that all share."""

    program_id: int
    member_id: UUID | None
    difference: Difference


async def rebuild_members(
    connection: Connection, program_id: int | None, *, tell: Callable[[int], None] = lambda _: None
) -> AsyncIterator[Misfit]:
    """Rebuild one program, or all with None, which needs the owner's role, and yield whatever is stored otherwise.

    Runs in one repeatable-read snapshot, so that it is right amid writes. ``tell`` hears how many members were done each
    time some more are.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{_DAY_SECONDS}s'; {PLANNING}")
        streams = {name: await _open(connection, sql, program_id) for name, sql in _STREAMS.items()}
        done = 0
        while heads := [stream.key for stream in streams.values() if stream.key is not None]:
            key = min(heads)
            rows = {name: await stream.take(key) for name, stream in streams.items()}
            for difference in _compare(rows):
                yield Misfit(key[0], UUID(key[1]), difference)
            done += 1
            if done % READ_AHEAD == 0:
                tell(READ_AHEAD)
        tell(done % READ_AHEAD)
        for row in await connection.fetch(_COUNTERS, program_id, timeout=_DAY_SECONDS):
            figure = Figure("counter", row["counter"], "used")
            yield Misfit(row["program_id"], None, Difference(figure, row["stored"], row["rebuilt"]))


class _Stream:
    """The rows of one cursor, member by member."""

    def __init__(self, rows: AsyncIterator[Row]) -> None:
        self._rows = rows
        self._head: Row | None = None

    @property
    def key(self) -> Key | None:
        """Whose rows come next; None at the end."""
        return None if self._head is None else (self._head["program_id"], str(self._head["member_id"]))

    async def step(self) -> None:
        """Go on to the next row."""
        self._head = await anext(self._rows, None)

    async def take(self, key: Key) -> list[Row]:
        """Return the rows of a member, none if it is not the next one."""
        taken: list[Row] = []
        while self._head is not None and self.key == key:
            taken.append(self._head)
            await self.step()
        return taken


async def _open(connection: Connection, sql: str, program_id: int | None) -> _Stream:
    stream = _Stream(aiter(connection.cursor(sql, program_id, prefetch=READ_AHEAD, timeout=_DAY_SECONDS)))
    await stream.step()
    return stream


def _compare(rows: Mapping[str, Sequence[Row]]) -> list[Difference]:
    history = History(
        acts=[
            Act(row["id"], row["kind"], row["booked_at"], row["is_second"], row["partner"], row["undoes"])
            for row in rows["acts"]
        ],
        movements=[
            Movement(row["seq"], row["wallet"], row["source"], row["destination"], row["amount"], row["lot_id"])
            for row in rows["postings"]
        ],
        births=[Birth(row["id"], row["amount"]) for row in rows["lots"]],
        uses=[LotUse(row["lot_id"], row["amount"]) for row in rows["uses"]],
        purchases=[Purchase(row["placed_at"], row["spend"], row["is_gone"]) for row in rows["purchases"]],
        moves=[
            *(Led(row["tier_set"], row["version"], _place(row)) for row in rows["moves"]),
            *(Led(row["plan"], row["version"], _membership(row), "plan") for row in rows["plan_moves"]),
        ],
    )
    return compare(_stored(rows, knows_firsts=not was_merged(history.acts)), rebuild(history))


def _stored(rows: Mapping[str, Sequence[Row]], *, knows_firsts: bool) -> Figures:
    figures: dict[Figure, Any] = {}
    columns = ["version", "seq", "booked_at", "status", "merged_into", "orders", "spend"]
    columns += ["first_order_at", "last_order_at"] if knows_firsts else []
    for row in rows["members"]:
        figures |= {member_figure(column): row[column] for column in columns}
    for row in rows["balances"]:
        amounts = Balance(row["available"], row["pending"], row["held"], row["debt"])
        figures |= balance_figures(row["wallet"], amounts)
    for row in rows["lots"]:
        figures |= lot_figures(row["id"], remaining=row["remaining"], expired=row["expired"] or 0)
    for row in rows["tiers"]:
        figures |= place_figures(row["tier_set"], _place(row))
    for row in rows["plans"]:
        figures |= place_figures(row["plan"], _membership(row), "plan")
    return figures


def _place(row: Row) -> Mapping[str, Any]:
    """Return the columns that say where a member is in a tier set."""
    return {column: row[column] for column in ("tier", "since", "until", "ends_at", "how", "reached_at", "before")}


def _membership(row: Row) -> Mapping[str, Any]:
    """Return the columns that say what a member has of a plan."""
    return {column: row[column] for column in ("since", "paid_until", "ends_at", "is_over", "cancelled_at", "rest")}
