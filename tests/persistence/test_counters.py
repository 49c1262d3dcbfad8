"""Shared counters: made when somebody takes first, never beyond the cap of a take, equal to what operations took."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from loyalty_engine.core.engine.decision import Take
from loyalty_engine.core.engine.fold import Write, fold
from loyalty_engine.core.engine.requests import Adjust
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Question, gather
from loyalty_engine.persistence.rows import rows_of
from tests.harness import ledger as harness
from tests.harness.crowds import size
from tests.harness.programs import Program, owner
from tests.persistence.writes import NOW, Writer, enrolled, record_all

RECORD_B = (
    "SELECT loyalty.record_b_v7($1, $2, '{}', $3, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')"
)
TRIES = size(600, 3_000)

Row = tuple[int, UUID, str, int, int]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[list[Connection]]:
    opened = [await connect(database_url, lock_timeout="10s") for _ in range(4)]
    yield opened
    for one in opened:
        await one.close()


def taking(write: Write, *takes: Take) -> Write:
    """Return a write of one operation that also takes from counters."""
    (part,) = write.parts
    return replace(write, parts=(replace(part, takes=takes),))


async def counters(program: Program) -> dict[str, tuple[int, int]]:
    """Return used and cap of each counter."""
    async with owner(program.database_url) as reader:
        rows = await reader.fetch(
            "SELECT key, used, cap FROM loyalty.counter WHERE program_id = $1 ORDER BY key", program.id
        )
    return {row["key"]: (row["used"], row["cap"]) for row in rows}


async def take(connection: Connection, program: Program, takes: Sequence[tuple[int, str, int, int]]) -> list[int]:
    """Let the writes that are numbered take (number, counter, amount, cap), and return who won."""
    rows = [(n, uuid4(), key, amount, cap, None, NOW) for n, key, amount, cap in takes]
    won: list[int] = await connection.fetchval(RECORD_B, program.id, sorted({row[0] for row in rows}), rows)
    return won


async def test_a_take_makes_its_counter_and_is_kept_with_its_operation(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer = await enrolled(connection, program.id)
    write = taking(writer.adjust(10), Take("a", 3, 10), Take("b", 1, 1))
    assert not rows_of([write]).fits_shape_s

    assert await record_all(connection, program.id, write) == [True]
    assert await record_all(connection, program.id, taking(writer.adjust(10), Take("a", 2, 20))) == [True]

    assert await counters(program) == {"a": (5, 20), "b": (1, 1)}
    uses = await ledger.connection.fetch("SELECT counter, amount FROM counter_use WHERE program_id = $1", program.id)
    assert sorted(tuple(row) for row in uses) == [("a", 2), ("a", 3), ("b", 1)]
    assert await ledger.faults() == []


async def test_takes_of_one_operation_from_one_counter_are_summed(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer = await enrolled(connection, program.id)
    start = writer.facts

    assert await record_all(connection, program.id, taking(writer.adjust(1), Take("a", 6, 10), Take("a", 5, 10))) == [
        False
    ]
    writer.facts = start
    assert await record_all(connection, program.id, taking(writer.adjust(1), Take("a", 6, 10), Take("a", 4, 10))) == [
        True
    ]

    assert await counters(program) == {"a": (10, 10)}
    assert await ledger.connection.fetchval("SELECT amount FROM counter_use WHERE program_id = $1", program.id) == 10
    assert await ledger.faults() == []


async def test_folded_operations_take_together(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer = await enrolled(connection, program.id)
    start = writer.facts

    def both(cap: int) -> Write:
        requests = [Adjust(writer.call(), writer.identity, "points", 1, "error") for _ in range(2)]
        return fold([replace(writer.decide(request), takes=(Take("a", 4, cap),)) for request in requests])

    assert await record_all(connection, program.id, both(7)) == [False]
    writer.facts = start
    assert await record_all(connection, program.id, both(8)) == [True]

    assert await counters(program) == {"a": (8, 8)}
    assert await ledger.count("counter_use") == 2
    assert await ledger.faults() == []


async def test_a_take_that_lost_writes_nothing(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    one, two, stale = [await enrolled(connection, program.id) for _ in range(3)]
    assert await record_all(connection, program.id, taking(one.adjust(1), Take("full", 5, 5))) == [True]
    late = stale.facts
    assert await record_all(connection, program.id, stale.adjust(1)) == [True]
    stale.facts = late
    before = await ledger.fingerprint(), await ledger.counts()

    won = await record_all(
        connection,
        program.id,
        taking(two.adjust(100), Take("new", 1, 5), Take("full", 1, 5)),
        taking(stale.adjust(100), Take("newer", 1, 5)),
    )

    assert won == [False, False]
    assert (await ledger.fingerprint(), await ledger.counts()) == before


async def test_a_winner_beside_a_loser_keeps_the_counter_that_both_wanted(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    one, two = await enrolled(connection, program.id), await enrolled(connection, program.id)

    won = await record_all(
        connection, program.id, taking(one.adjust(1), Take("new", 9, 5)), taking(two.adjust(1), Take("new", 1, 50))
    )

    assert won == [False, True]
    assert await counters(program) == {"new": (1, 50)}
    assert await ledger.faults() == []


async def test_counters_are_capped_exactly_however_many_take(
    connections: list[Connection], program: Program, ledger: harness.Ledger
) -> None:
    """Nobody made the counter before: the first takers race for that too."""
    won: list[int] = []
    batch = 15

    async def work(one: Connection) -> None:
        for _ in range(TRIES // batch // len(connections)):
            won.extend(await take(one, program, [(n, "limit", 1, 100) for n in range(batch)]))

    await asyncio.gather(*(work(one) for one in connections))

    assert len(won) == 100
    assert await counters(program) == {"limit": (100, 100)}
    assert (
        await ledger.connection.fetchval("SELECT sum(amount) FROM counter_use WHERE program_id = $1", program.id) == 100
    )


async def test_takers_of_many_counters_never_wait_in_a_circle(connections: list[Connection], program: Program) -> None:
    """Each names the same counters in another order at the same time: new ones first, and then those that are there."""
    rounds, count = size(10, 200), 200

    async def work(position: int, number: int, cap: int) -> int:
        keys = [f"{number}-{n:03}" for n in range(count)][:: 1 if position % 2 else -1]
        return len(await take(connections[position], program, [(n, key, 1, cap) for n, key in enumerate(keys)]))

    won = 0
    for number in range(rounds):
        for cap in (3, 6):
            won += sum(await asyncio.gather(*(work(position, number, cap) for position in range(len(connections)))))

    assert won == 6 * count * rounds
    assert set((await counters(program)).values()) == {(6, 6)}


@pytest.mark.parametrize(
    ("takes", "won", "used"),
    [
        ([(0, "a", 6, 10), (1, "a", 5, 10), (2, "a", 4, 10)], [0], 6),
        ([(0, "a", 11, 10)], [], None),
        ([(0, "a", 10, 10)], [0], 10),
        ([(0, "a", 5, 10), (0, "b", 2, 1)], [], None),
        ([(0, "a", 5, 10), (1, "b", 2, 1), (2, "a", 5, 10)], [0, 2], 10),
        ([(0, "a", 5, 5), (1, "a", 5, 10), (2, "a", 1, 9)], [0, 1], 10),
        ([(0, "a", 9, 9), (1, "a", -5, 9), (1, "b", 2, 1), (2, "a", 1, 9)], [0], 9),
    ],
)
async def test_a_write_wins_if_all_its_counters_have_room(
    connection: Connection,
    program: Program,
    takes: list[tuple[int, str, int, int]],
    won: list[int],
    used: int | None,
) -> None:
    """The sum runs over all writes before, also losers: a late write may lose room that nobody takes, never the reverse."""
    assert await take(connection, program, takes) == won

    assert {key: found[0] for key, found in (await counters(program)).items()} == ({} if used is None else {"a": used})


async def test_the_cap_is_that_of_who_takes(connection: Connection, program: Program) -> None:
    """A revision may lower a cap below what is used, and another may raise it again."""
    assert await take(connection, program, [(0, "a", 8, 10)]) == [0]
    assert await take(connection, program, [(0, "a", 1, 5)]) == []
    assert await counters(program) == {"a": (8, 10)}
    assert await take(connection, program, [(0, "a", 5, 13)]) == [0]
    assert await counters(program) == {"a": (13, 13)}


async def test_what_is_given_back_can_be_taken_again(connection: Connection, program: Program) -> None:
    assert await take(connection, program, [(0, "a", 1, 1)]) == [0]
    assert await take(connection, program, [(0, "a", 1, 1)]) == []
    assert await take(connection, program, [(0, "a", -1, 1)]) == [0]
    assert await take(connection, program, [(0, "a", 1, 1)]) == [0]


async def test_what_is_given_back_comes_back_also_above_a_lowered_cap(connection: Connection, program: Program) -> None:
    assert await take(connection, program, [(0, "a", 9, 10)]) == [0]
    assert await take(connection, program, [(0, "a", -1, 5)]) == [0]
    assert await counters(program) == {"a": (8, 10)}


async def test_more_cannot_be_given_back_than_was_taken(connection: Connection, program: Program) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await take(connection, program, [(0, "a", -1, 1)])


async def test_gather_tells_what_is_used_of_the_counters_asked_for(connection: Connection, program: Program) -> None:
    writer = await enrolled(connection, program.id)
    await take(connection, program, [(0, "a", 4, 10), (0, "b", 1, 10)])
    asks = (
        Ask(1, "", None, identity=writer.identity, counters=("a", "missing")),
        Ask(1, "", None, identity=writer.identity),
        Ask(1, "", None, identity=Writer().identity, counters=("b",)),
    )

    ((one, two, three),) = await gather(connection, [Question(program.id, asks)])

    assert [dict(facts.counters) for _, facts in (one, two, three)] == [{"a": 4}, {}, {"b": 1}]


async def test_a_member_carries_counters_of_its_own(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    writer = await enrolled(connection, program.id)
    ask = Ask(1, "", None, identity=writer.identity)

    async def write_and_read(counted: dict[str, int], *beside: Write) -> object:
        write = writer.adjust(1)
        (guard,) = write.members
        guard = replace(guard, after=replace(guard.after, counters=counted))
        writer.facts = replace(writer.facts, member=guard.after)
        assert set(await record_all(connection, program.id, replace(write, members=(guard,)), *beside)) == {True}
        (((_, facts),),) = await gather(connection, [Question(program.id, (ask,))])
        assert facts.member is not None
        return facts.member.counters

    assert await write_and_read({"rule|2026-06": 2}) == {"rule|2026-06": 2}
    assert await write_and_read({"rule|2026-07": 3, "x": 1}, Writer().enrol()) == {"rule|2026-07": 3, "x": 1}
    assert await ledger.count("member", "counters IS NOT NULL") == 1
    assert await write_and_read({}) == {}
    assert await ledger.count("member", "counters IS NOT NULL") == 0
