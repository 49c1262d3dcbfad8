"""The ledger: gather and record, the two statements through which all loyalty state is read and written."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Final, TypeVar
from uuid import UUID

import asyncpg

from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import Write
from loyalty_engine.persistence.asks import Ask, Known
from loyalty_engine.persistence.batching import Batcher
from loyalty_engine.persistence.connections import AWAY, Connection, connect_as_application
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.facts import read_gathered, read_plain
from loyalty_engine.persistence.rare_rows import awaited_rows
from loyalty_engine.persistence.referrals import read_brought
from loyalty_engine.persistence.rows import Rows, rows_of

T = TypeVar("T")

Gathered = tuple[Known, Facts]
Gather = Callable[[int, Sequence[Ask]], Awaitable[list[Gathered]]]
Record = Callable[[int, Write], Awaitable[bool]]

_GATHER_PLAIN: Final = "SELECT * FROM loyalty.gather_plain_v9($1, $2)"
_GATHER: Final = "SELECT * FROM loyalty.gather_v8($1, $2)"
_GATHER_ABOUT: Final = (
    "SELECT g.*, CASE WHEN g.subject IS NOT NULL THEN loyalty.read_touched_v5($1, g.subject) END AS touched, "
    "CASE WHEN g.subject IS NOT NULL THEN loyalty.read_ending_v5($1, g.subject) END AS ending "
    "FROM loyalty.gather_v8($1, $2) g"
)
_RECORD_S: Final = "SELECT loyalty.record_s_v3($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
_RECORD_B: Final = "SELECT loyalty.record_b_v7($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
_LOCK: Final = "SELECT loyalty.lock_v2($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Question:
    """The asks of one turn; they are answered from one snapshot."""

    program_id: int
    asks: tuple[Ask, ...]

    @property
    def flat(self) -> list[Ask]:
        """The asks, and behind them those about second members."""
        return [*self.asks, *(ask.other for ask in self.asks if ask.other is not None)]

    def about(self, survivors: Sequence[UUID | None]) -> "Question":
        """Return the same about those who stand for others; None, ask by flat ask, where nobody does."""
        asks = [
            ask if member is None else replace(ask, member_id=member)
            for ask, member in zip(self.flat, survivors, strict=True)
        ]
        seconds = iter(asks[len(self.asks) :])
        own = asks[: len(self.asks)]
        return replace(self, asks=tuple(ask if ask.other is None else replace(ask, other=next(seconds)) for ask in own))

    def join(self, answers: Sequence[Gathered]) -> list[Gathered]:
        """Return an answer for each ask, with its second member, from those to the flat ones."""
        own, seconds = list(answers[: len(self.asks)]), iter(answers[len(self.asks) :])
        for n, ask in enumerate(self.asks):
            if ask.other is not None:
                known, facts = own[n]
                own[n] = known, replace(facts, other=next(seconds)[1].member)
        return own


@dataclass(frozen=True, slots=True)
class Entry:
    """One write of one program."""

    program_id: int
    write: Write


async def gather(connection: Connection, questions: Sequence[Question]) -> list[list[Gathered]]:
    """Answer questions of one program in one round trip; one that names a merged member takes another.

    Each is answered from one snapshot.
    """
    is_plain = all(ask.is_plain for question in questions for ask in question.asks)
    asked = [question.asks if is_plain else question.flat for question in questions]
    statement, values = _ask_plainly(asked) if is_plain else _ask_fully(asked)
    rows = {row["n"]: row for row in await connection.fetch(statement, questions[0].program_id, values)}
    taken = map(rows.__getitem__, count())
    answers = []
    for question, flat in zip(questions, asked, strict=True):
        own = list(islice(taken, len(flat)))
        survivors = [row["stands_for"] for row in own]
        if any(survivors):
            answers += await gather(connection, [question.about(survivors)])
        elif is_plain:
            answers.append([read_plain(row) for row in own])
        else:
            answers.append(question.join(_read_all(own, question, flat)))
    return answers


def _ask_plainly(asked: Sequence[Sequence[Ask]]) -> tuple[str, list[tuple[object, ...]]]:
    """Return the statement for plain asks alone, which reads nothing else, and what it is asked."""
    asks = (ask for own in asked for ask in own)
    return _GATHER_PLAIN, [ask.as_plain_row(n) for n, ask in enumerate(asks)]


def _ask_fully(asked: Sequence[Sequence[Ask]]) -> tuple[str, list[tuple[object, ...]]]:
    """Return the statement for asks of all kinds, and what it is asked."""
    asks = [(ask, len(own)) for own in asked for ask in own]
    statement = _GATHER if all(ask.subject is None for ask, _ in asks) else _GATHER_ABOUT
    return statement, [ask.as_row(n, among) for n, (ask, among) in enumerate(asks)]


def _read_all(rows: Sequence[asyncpg.Record], question: Question, flat: Sequence[Ask]) -> list[Gathered]:
    brought = [read_brought(row["referrals"]) for row in rows]
    firsts = [*range(len(question.asks)), *(n for n, ask in enumerate(question.asks) if ask.other is not None)]
    return [
        read_gathered(row, ask, len(flat), brought=own, joined=brought[first])
        for row, ask, own, first in zip(rows, flat, brought, firsts, strict=True)
    ]


async def record(connection: Connection, entries: Sequence[Entry]) -> list[bool]:
    """Write entries of one program in one round trip; tell for each whether it kept its guard.

    When a unique key collides the whole batch wrote nothing and the batcher tries each entry alone; one that
    collides alone has lost: its next gather will show it why. Only the number of an order may be held by nothing but
    returns that gave up waiting for it, which gather does not show: then the order takes it over.
    """
    rows = rows_of([entry.write for entry in entries])
    try:
        won = await _record_rows(connection, entries[0].program_id, rows)
    except asyncpg.UniqueViolationError as error:
        if len(entries) > 1:
            raise
        is_held = error.constraint_name == "order_key_pkey" and rows.orders and not connection.is_in_transaction()
        return [await _take_over(connection, entries[0]) if is_held else False]
    return [n in won for n in range(len(entries))]


async def _take_over(connection: Connection, entry: Entry) -> bool:
    """Record orders whose numbers are held by others, if those have given up."""
    rows = rows_of([entry.write])
    rows.rare.extend(awaited_rows(0, entry.write))
    try:
        return bool(await _record_rows(connection, entry.program_id, rows))
    except asyncpg.UniqueViolationError:
        return False


async def _record_rows(connection: Connection, program_id: int, rows: Rows) -> set[int]:
    if rows.fits_shape_s:
        is_won = await connection.fetchval(
            _RECORD_S,
            program_id,
            rows.members[0],
            rows.outcomes,
            rows.operations,
            rows.orders,
            rows.balances,
            rows.postings,
            rows.lots,
            rows.lot_changes,
            rows.lot_uses,
        )
        return {0} if is_won else set()
    won = await connection.fetchval(
        _RECORD_B,
        program_id,
        rows.writes,
        rows.members,
        rows.takes,
        rows.outcomes,
        rows.operations,
        rows.orders,
        rows.balances,
        rows.postings,
        rows.lots,
        rows.lot_changes,
        rows.lot_uses,
        rows.refusals,
        rows.rare,
        rows.activities,
    )
    return set(won)


class Ledger:
    """Gather and record over a few pinned connections, batched; and a slow lane for callers who would starve."""

    def __init__(self, url: str, *, gather_connections: int, record_connections: int, batch_limit: int) -> None:
        self._url = url
        self._gathers = Batcher(
            url,
            gather,
            name="gather",
            connections=gather_connections,
            limit=batch_limit,
            group=lambda question: question.program_id,
            alone=lambda _: (),
        )
        self._records = Batcher(
            url,
            record,
            name="record",
            connections=record_connections,
            limit=batch_limit,
            group=lambda entry: entry.program_id,
            alone=lambda entry: [guard.after.id for guard in entry.write.members],
        )
        self._slow_lane = asyncio.Lock()
        self._slow: Connection | None = None

    async def start(self) -> None:
        """Open the connections."""
        await self._gathers.start()
        await self._records.start()

    async def stop(self) -> None:
        """Close the connections."""
        await self._gathers.stop()
        await self._records.stop()
        if self._slow is not None:
            self._slow.terminate()

    @property
    def is_connected(self) -> bool:
        """Whether requests can be served now."""
        return self._gathers.is_connected and self._records.is_connected

    async def gather(self, program_id: int, asks: Sequence[Ask]) -> list[Gathered]:
        """Read what the decisions on one turn's requests need, from one snapshot."""
        return await self._gathers.submit(Question(program_id, tuple(asks)))

    async def record(self, program_id: int, write: Write) -> bool:
        """Write all or nothing; False when the guard was lost and nothing was written."""
        return await self._records.submit(Entry(program_id, write))

    async def run_locked(
        self,
        program_id: int,
        member_ids: Sequence[UUID],
        counters: Sequence[str],
        turn: Callable[[Gather, Record], Awaitable[T]],
    ) -> T:
        """Run a turn with its members and shared counters locked first, so that a starving caller ends.

        There is one at a time in this process. Returns what the turn returned once everything is committed.
        """
        async with self._slow_lane:
            connection = await self._open_slow()

            async def gather_here(program_id: int, asks: Sequence[Ask]) -> list[Gathered]:
                return (await gather(connection, [Question(program_id, tuple(asks))]))[0]

            async def record_here(program_id: int, write: Write) -> bool:
                return (await record(connection, [Entry(program_id, write)]))[0]

            try:
                async with connection.transaction():
                    await connection.execute(_LOCK, program_id, member_ids, counters)
                    return await turn(gather_here, record_here)
            except AWAY as error:
                connection.terminate()
                raise UnavailableError from error

    async def _open_slow(self) -> Connection:
        """Return the slow lane's own connection; it is opened when somebody starves for the first time."""
        if self._slow is None or self._slow.is_closed():
            self._slow = await connect_as_application(self._url)
        return self._slow
