"""The hot statements: one round trip each, and nothing but index probes however large the tables are."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest

from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.persistence.asks import Ask, Subject
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Entry, Question, gather, record
from tests.harness.programs import Program
from tests.persistence.writes import NOW, Writer, enrolled

EXPLAIN: Final = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
}

EVERYTHING: Final = Ask(
    client_id=1,
    scope="",
    key="k",
    identity=parse_identity("card:1"),
    identities=(parse_identity("card:1"), parse_identity("card:2")),
    natural_key="order||1",
    order_id=uuid4(),
    subject=Subject(redemption_id=uuid4(), number="return||1", hold_id=uuid4(), lot_id=uuid4(), operation_id=uuid4()),
    wants_lots=True,
    wants_profile=True,
    history=HistoryRange(since=None, until=NOW, with_lines=True),
    counters=("one", "two"),
    mark=("survey_answered", "nps"),
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def telling(database_url: str) -> AsyncIterator[tuple[Connection, list[str]]]:
    """A connection that tells the plan of every statement, also inside functions."""
    opened = await asyncpg.connect(database_url)
    try:
        await opened.execute("LOAD 'auto_explain'")
    except asyncpg.PostgresError:
        pytest.skip("this server has no auto_explain")
    for name, value in EXPLAIN.items():
        await opened.execute(f"SET {name} = '{value}'")
    told: list[str] = []
    opened.add_log_listener(lambda _, message: told.append(message.message))
    yield opened, told
    await opened.close()


async def test_gather_and_record_take_one_round_trip_each(connection: Connection, program: Program) -> None:
    writers = [await enrolled(connection, program.id, 50) for _ in range(5)]
    questions = [Question(program.id, (EVERYTHING, EVERYTHING))] * 5
    await gather(connection, questions)  # the driver learns the types
    ordinary = [Question(program.id, (replace(EVERYTHING, subject=None),))] * 5
    plain = [Question(program.id, (Ask(1, "", "k", identity=writer.identity),)) for writer in writers]
    await gather(connection, plain)
    sent: list[str] = []
    connection.add_query_logger(lambda statement: sent.append(statement.query))

    await gather(connection, questions)
    await gather(connection, ordinary)
    await gather(connection, plain)
    await gather(connection, [*plain, *ordinary])
    await record(connection, [Entry(program.id, writer.adjust(1)) for writer in writers])
    await record(connection, [Entry(program.id, writers[0].redeem(10))])

    await asyncio.sleep(0)  # the driver tells what it sent a moment later

    assert [statement.partition("(")[0] for statement in sent] == [
        "SELECT g.*, CASE WHEN g.subject IS NOT NULL THEN loyalty.read_touched_v5",
        "SELECT * FROM loyalty.gather_v8",
        "SELECT * FROM loyalty.gather_plain_v9",
        "SELECT * FROM loyalty.gather_v8",
        "SELECT loyalty.record_b_v7",
        "SELECT loyalty.record_s_v3",
    ]


async def test_hot_statements_never_scan_a_table(telling: tuple[Connection, list[str]], program: Program) -> None:
    connection, told = telling
    writers = [await enrolled(connection, program.id, 100) for _ in range(3)]
    paid = writers[0].buy(5000, pay=20)
    await record(connection, [Entry(program.id, paid)])
    await record(connection, [Entry(program.id, writer.redeem(10)) for writer in writers])
    known = [part.operation for part in paid.parts]
    asks = (EVERYTHING, Ask(1, "", known[0].call.key, writers[0].member, order_id=known[0].id, wants_lots=True))
    await gather(connection, [Question(program.id, asks)])
    await gather(connection, [Question(program.id, (replace(asks[1], order_id=None),))])

    nodes = [node for plan in told for node in nodes_of(plan)]
    by_index = [node for node in nodes if "Index" in node["Node Type"] or "Bitmap" in node["Node Type"]]
    probed = {node["Relation Name"] for node in by_index if "Relation Name" in node}
    assert {"member", "balance", "idempotency", "order_key", "member_identity", "lot", "api_client"} <= probed
    scans = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    assert {name for name in scans if not name.startswith("pg_")} == set()  # the driver looks up types there, once


async def test_a_scan_would_be_seen(telling: tuple[Connection, list[str]]) -> None:
    connection, told = telling

    await connection.fetch("SELECT count(*) FROM loyalty.member WHERE spend = 7")

    assert "Seq Scan" in {node["Node Type"] for plan in told for node in nodes_of(plan)}


def nodes_of(message: str) -> Iterator[dict[str, Any]]:
    """Return all nodes of a plan as auto_explain tells it."""
    _, brace, text = message.partition("plan:\n")
    if not brace:
        return
    waiting = [json.loads(text)["Plan"]]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.get("Plans", []))


async def test_an_answer_of_gather_is_the_asks_own(connection: Connection, program: Program) -> None:
    one, two = await enrolled(connection, program.id, 10), await enrolled(connection, program.id, 20)
    asks = [Ask(1, "", None, identity=writer.identity, wants_lots=True) for writer in (two, one, two, Writer())]

    ((first, second, third), (fourth,)) = await gather(
        connection, [Question(program.id, tuple(asks[:3])), Question(program.id, tuple(asks[3:]))]
    )

    found = [facts.member.balances["points"].available for _, facts in (first, second, third) if facts.member]
    assert found == [20, 10, 20]
    assert fourth[1].member is None
