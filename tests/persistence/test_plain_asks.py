"""Asks for little are answered by a statement of their own, which tells the same as the one for all asks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.persistence.asks import Ask, Known
from loyalty_engine.persistence.ledger import Question, gather
from tests.persistence.grown import HOLDER, MEMBERS, MERGED, open_grown, order_id

PROGRAM: Final = 1
LATER: Final = datetime(2029, 1, 1, tzinfo=UTC)
ASK: Final = Ask(1, "", None, identity=parse_identity("card:7"))
ASKS: Final = {
    "look": ASK,
    "by id": replace(ASK, identity=None, member_id=UUID(int=7)),
    "nobody": replace(ASK, identity=None),
    "unknown": replace(ASK, identity=parse_identity("card:none")),
    "of an unknown client": replace(ASK, client_id=999_999),
    "order": replace(ASK, key="fresh", natural_key="order||fresh"),
    "accepted before": replace(ASK, key="key-17"),
    "refused before": replace(ASK, key="key-18"),
    "known order": replace(ASK, natural_key="order||20000"),
    "known order, accepted before": replace(ASK, key="key-17", natural_key="order||20000"),
    "awaited order": replace(ASK, natural_key="waited||20003"),
    "awaited order, given up": replace(ASK, natural_key="waited||20003", now=datetime(2031, 1, 1, tzinfo=UTC)),
    "redemption": replace(ASK, wants_lots=True),
    "redemption with holds": replace(ASK, identity=parse_identity(f"card:{HOLDER}"), wants_lots=True),
    "look with holds": replace(ASK, identity=parse_identity(f"card:{HOLDER}")),
    "something due": replace(ASK, identity=parse_identity(f"card:{MEMBERS - 7}"), now=LATER),
    "nothing due yet": replace(ASK, identity=parse_identity(f"card:{MEMBERS - 7}")),
    "merged": replace(ASK, identity=parse_identity(f"card:{MERGED}")),
    "merged, by id": replace(ASK, identity=None, member_id=UUID(int=MERGED), wants_lots=True),
    "key of another till": replace(ASK, key="key-till"),
    "key of another client": replace(ASK, key="key-client"),
    "key of another program": replace(ASK, key="key-foreign"),
    "number of another program": replace(ASK, natural_key="order||foreign"),
    "name of another program": replace(ASK, identity=parse_identity("card:9999")),
}
_ELSEWHERE: Final = f"""
INSERT INTO idempotency VALUES (1, 1, 'till', 'key-till', '{order_id(17)}', false, ''), (1, 2, '', 'key-client', '{order_id(17)}', false, '');
INSERT INTO program (key) VALUES ('foreign');
CREATE VIEW pg_temp.elsewhere AS SELECT id, lpad(to_hex(7), 32, '0')::uuid AS member FROM program WHERE key = 'foreign';
INSERT INTO member SELECT id, member, 1, 0, 'active', now(), 0, 0 FROM pg_temp.elsewhere;
INSERT INTO member_identity SELECT id, 'card:9999', member FROM pg_temp.elsewhere;
INSERT INTO balance SELECT id, member, 'foreign', 9, 0, 0, 0 FROM pg_temp.elsewhere;
INSERT INTO lot SELECT id, '{order_id(17)}', member, 'foreign', 9, 9, now(), now(), NULL, 'program', 0, '{order_id(17)}' FROM pg_temp.elsewhere;
INSERT INTO order_key SELECT id, 'order||foreign', '{order_id(20000)}', '\\x01' FROM pg_temp.elsewhere;
INSERT INTO idempotency SELECT id, 1, '', 'key-foreign', '{order_id(17)}', false, '' FROM pg_temp.elsewhere
"""
"""What nobody of the program may be told, or under that key: a member, an order and outcomes of the same ids."""

_LIVELY: Final = f"""
UPDATE balance SET available = 1, pending = 2, debt = 3, expires_at = '2027-03-01T00:00:00.000001Z' WHERE wallet = 'cashback';
UPDATE member SET counters = '{{"earning/gift": 3}}', orders = 4, spend = 5, first_order_at = '2026-01-01', last_order_at = '2026-02-01',
       enrolled_at = '2025-01-01' WHERE id = lpad(to_hex(7), 32, '0')::uuid;
UPDATE member SET due_at = '2028-01-01' WHERE id = lpad(to_hex({MEMBERS - 7}), 32, '0')::uuid;
UPDATE lot SET remaining = 0, expired = 2 WHERE member_id = lpad(to_hex({HOLDER}), 32, '0')::uuid;
DELETE FROM member_profile
"""


@pytest.fixture(scope="module")
def grown_url(database_url: str) -> Iterator[str]:
    with open_grown(database_url) as url:
        yield url


@pytest.fixture
async def connection(grown_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection on which members have more than they had, until it is closed."""
    opened = await asyncpg.connect(grown_url, server_settings={"search_path": "loyalty", "timezone": "UTC"})
    transaction = opened.transaction()
    await transaction.start()
    await opened.execute(_ELSEWHERE)
    await opened.execute(_LIVELY)
    yield opened
    await transaction.rollback()
    await opened.close()


async def ask_alone(connection: "asyncpg.Connection[asyncpg.Record]", ask: Ask) -> tuple[Known, Facts]:
    [[answer]] = await gather(connection, [Question(PROGRAM, (ask,))])
    return answer


async def ask_fully(connection: "asyncpg.Connection[asyncpg.Record]", ask: Ask) -> tuple[Known, Facts]:
    """Ask for a profile too, which no member has."""
    return await ask_alone(connection, replace(ask, wants_profile=True))


@pytest.mark.parametrize("name", ASKS)
async def test_both_ways_tell_the_same(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    sent: list[str] = []
    connection.add_query_logger(lambda statement: sent.append(statement.query))

    assert await ask_alone(connection, ASKS[name]) == await ask_fully(connection, ASKS[name])

    await asyncio.sleep(0)  # the driver tells what it sent a moment later
    ways = [statement.partition("(")[0] for statement in sent if statement.startswith("SELECT * FROM loyalty.gather")]
    assert {*ways} == {"SELECT * FROM loyalty.gather_plain_v9", "SELECT * FROM loyalty.gather_v8"}


def test_whatever_a_plain_ask_cannot_carry_makes_an_ask_for_more() -> None:
    """A field that is added to asks has to be in one of the two, or plain asks would lose it."""
    carried = {"client_id", "scope", "key", "member_id", "identity", "natural_key", "now", "wants_lots"}
    others = {field.name for field in fields(Ask)} - carried
    something: Any = True

    assert len(ASK.as_plain_row(0)) == 1 + len(carried)
    assert {name for name in others if replace(ASK, **{name: something}).is_plain} == set()


async def test_an_ask_for_little_is_answered_beside_others(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    asks = [*ASKS.values()]
    alone = [await ask_alone(connection, ask) for ask in asks]

    together = await gather(connection, [Question(PROGRAM, (ask,)) for ask in asks])
    turns = await gather(connection, [Question(PROGRAM, tuple(asks[:9])), Question(PROGRAM, tuple(asks[9:]))])

    assert [answer for answers in together for answer in answers] == alone
    assert [answer for answers in turns for answer in answers] == alone


async def test_what_is_compared_is_there(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The comparison is worth something: each ask is answered by something that another one is not."""
    found = {name: (await ask_alone(connection, ask))[1] for name, ask in ASKS.items()}

    member = {name: facts.member for name, facts in found.items() if facts.member is not None}
    assert set(found) - set(member) == {"nobody", "unknown", "name of another program"}
    assert len(member["redemption"].lots) > 0
    assert [lot.remaining for lot in member["redemption with holds"].lots[:1]] == [0]
    assert len(member["redemption with holds"].holds) > 0
    assert member["look"].counters == {"earning/gift": 3}
    assert member["something due"].sees_lots
    assert not member["nothing due yet"].sees_lots
    assert member["merged"].id == member["merged, by id"].id == UUID(int=2)
    assert found["accepted before"].earlier is not None
    assert found["refused before"].earlier is not None
    assert found["known order"].order is not None
    assert len(found["awaited order"].waiting) == 1
    assert found["awaited order, given up"].waiting == ()
    elsewhere = [found[name] for name in ASKS if " of another " in name]
    assert [(facts.earlier, facts.order) for facts in elsewhere] == [(None, None)] * 5
    assert {wallet for facts in found.values() if facts.member for wallet in facts.member.balances} == {
        "points",
        "cashback",
    }


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("look", "m.spend", "m.spend + 1"),
        ("look", "x.pending, x.held", "x.held, x.pending"),
        ("awaited order", "OR k.request_hash = ''", ""),
        ("something due", "m.due_at <= greatest(a.now, m.booked_at)", "m.due_at <= '-infinity'"),
        ("redemption with holds", "x.held > 0", "x.held < 0"),
        ("merged", "CASE WHEN m.merged_into IS NOT NULL", "CASE WHEN false"),
        ("refused before", "x.is_refusal", "NOT x.is_refusal"),
        ("key of another till", "x.scope = a.scope AND", ""),
        ("key of another client", "x.client_id = a.client_id AND", ""),
        ("key of another program", "x.program_id = p_program AND x.client_id", "x.client_id"),
        ("number of another program", "x.program_id = p_program AND x.natural_key", "x.natural_key"),
        ("name of another program", "x.program_id = p_program AND x.identity", "x.identity"),
        ("look", "FROM balance x WHERE x.program_id = p_program AND", "FROM balance x WHERE"),
        ("redemption", "FROM lot x WHERE x.program_id = p_program AND", "FROM lot x WHERE"),
    ],
)
async def test_a_difference_would_be_seen(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, right: str, wrong: str
) -> None:
    body = await connection.fetchval("SELECT pg_get_functiondef('loyalty.gather_plain_v9'::regproc)")
    assert right in body
    await connection.execute(body.replace(right, wrong, 1))

    assert await ask_alone(connection, ASKS[name]) != await ask_fully(connection, ASKS[name])
