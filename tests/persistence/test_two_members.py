"""Operations about two members, and members who stand for others: one write, both guards; one person, whatever it is called."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import Write, apply, fold
from loyalty_engine.core.engine.requests import MergeMembers, Request, ReverseOperation, Transfer
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.persistence.asks import Ask, Subject
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Ledger, Question, gather
from tests.harness import ledger as harness
from tests.harness.programs import Program
from tests.persistence.writes import NOW, RULES, Writer, enrolled, record_all

ALL: Final = HistoryRange(since=None, until=parse_instant("2030-01-01T00:00:00Z"), with_lines=False)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


def both(one: Writer, other: Writer, request: Request, facts: Facts | None = None) -> Write:
    """Decide a request about two members, each upon its own acts before."""
    decision = decide(RULES, facts or replace(one.facts, other=other.facts.member), request, NOW)
    assert isinstance(decision, Accepted), decision
    moved = apply(replace(one.facts, other=other.facts.member), decision.changes)
    one.facts, other.facts = replace(moved, other=None), Facts(member=moved.other)
    return fold(decision.parts)


def give(one: Writer, other: Writer, points: int) -> Write:
    return both(one, other, Transfer(one.call(), one.identity, other.identity, "points", points, "gift"))


def merge(one: Writer, other: Writer) -> Write:
    return both(one, other, MergeMembers(one.call(), one.identity, other.identity, "duplicate"))


async def read(connection: Connection, program: Program, ask: Ask) -> Facts:
    (((_, facts),),) = await gather(connection, [Question(program.id, (ask,))])
    return facts


@pytest.mark.parametrize("stale", [0, 1])
@pytest.mark.parametrize("is_batch", [False, True])
async def test_both_members_guard_a_write_about_two(
    connection: Connection, program: Program, ledger: harness.Ledger, *, stale: int, is_batch: bool
) -> None:
    people = [await enrolled(connection, program.id, 100) for _ in range(2)]
    start = people[stale].facts
    assert await record_all(connection, program.id, people[stale].adjust(1)) == [True]
    people[stale].facts = start
    late, before = give(people[0], people[1], 30), (await ledger.fingerprint(), await ledger.counts())

    if is_batch:
        bystander = await enrolled(connection, program.id)
        before = await ledger.fingerprint(), await ledger.counts()
        assert await record_all(connection, program.id, late, bystander.adjust(0 + 5)) == [False, True]
        assert await ledger.count("operation", "kind = 'transfer'") == 0
    else:
        assert await record_all(connection, program.id, late) == [False]
        assert (await ledger.fingerprint(), await ledger.counts()) == before
    assert await ledger.faults() == []


async def test_writes_that_share_a_member_never_share_a_batch(
    database_url: str, connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    """A gives to B while C gives to B and B to A: each rests on the same B, so one of them wins."""
    running = Ledger(database_url, gather_connections=1, record_connections=1, batch_limit=32)
    await running.start()
    a, b, c = [await enrolled(connection, program.id, 100) for _ in range(3)]
    starts = [writer.facts for writer in (a, b, c)]
    writes = []
    for one, other in ((a, b), (c, b), (b, a)):
        writes.append(give(one, other, 10))
        for writer, start in zip((a, b, c), starts, strict=True):
            writer.facts = start

    won = await asyncio.gather(*(running.record(program.id, write) for write in writes))
    await running.stop()

    assert won == [True, False, False]
    assert sorted((await ledger.nets()).values()) == [90, 100, 110]
    assert await ledger.faults() == []


async def test_a_merged_member_is_found_as_who_stands_for_it(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    first, second, third = [await enrolled(connection, program.id, 100) for _ in range(3)]
    for writer in (first, second, third):
        assert await record_all(connection, program.id, writer.buy(1000)) == [True]
    assert await record_all(connection, program.id, third.report("nps")) == [True]
    assert await record_all(connection, program.id, merge(second, third)) == [True]
    assert await record_all(connection, program.id, merge(first, second)) == [True]

    asks: dict[str, Ask] = {
        "by id": Ask(1, "", None, third.member, history=ALL),
        "by card": Ask(1, "", None, identity=third.identity, history=ALL),
    }
    found = {name: (await read(connection, program, ask)).member for name, ask in asks.items()}
    owners = await read(connection, program, Ask(1, "", None, identities=(second.identity, third.identity)))
    marked = await read(connection, program, Ask(1, "", None, identity=third.identity, mark=("survey_answered", "nps")))

    for member in found.values():
        assert member is not None
        assert (member.id, member.orders, member.spend, member.merged_into) == (first.member, 3, 3000, None)
        assert [past.spend for past in member.history] == [1000] * 3
        assert member.balances["points"].available == 330
    assert set(owners.owners.values()) == {first.member}
    assert marked.marked_by is not None
    assert await ledger.count("member", "status = 'merged' AND merged_into IS NOT NULL") == 2
    assert await ledger.faults() == []


async def test_who_undoes_a_merge_sees_the_absorbed_member_itself(
    connection: Connection, program: Program, ledger: harness.Ledger
) -> None:
    kept, absorbed = [await enrolled(connection, program.id, 100) for _ in range(2)]
    assert await record_all(connection, program.id, absorbed.buy(2000)) == [True]
    write = merge(kept, absorbed)
    assert await record_all(connection, program.id, write) == [True]
    (part,) = write.parts

    facts = await read(connection, program, about(part.operation.id))
    assert facts.reversed is not None
    assert facts.member is not None
    assert facts.other is not None
    assert (facts.member.id, facts.other.id) == (kept.member, absorbed.member)
    assert (facts.other.status, facts.other.merged_into) == ("merged", kept.member)
    assert (facts.reversed.orders, facts.reversed.spend) == (1, 2000)
    assert {lot.member_id for lot in facts.other.lots} == {absorbed.member}
    assert sorted(lot.remaining for lot in facts.other.lots) == [0, 0]
    request = ReverseOperation(kept.call(), part.operation.id, "mistake")
    assert await record_all(connection, program.id, both(kept, absorbed, request, facts)) == [True]

    again = await read(connection, program, Ask(1, "", None, absorbed.member))
    assert again.member is not None
    assert (again.member.id, again.member.status, again.member.orders, again.member.spend) == (
        absorbed.member,
        "active",
        1,
        2000,
    )
    assert await ledger.count("member", "merged_into IS NOT NULL") == 0
    assert await ledger.faults() == []


def about(operation: UUID) -> Ask:
    ask = Ask(1, "", None, now=NOW).about(Subject(operation_id=operation))
    return replace(ask, other=ask.about(Subject(operation_id=operation, is_other=True)))
