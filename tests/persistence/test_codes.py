"""Promo codes and pools as gather shows them and record gives them out."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.codes import CodeLimit, CodeRow, KnownCode
from loyalty_engine.core.promotions.pools import KnownPool
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.code_pools import list_low
from loyalty_engine.persistence.connections import Connection, connect
from loyalty_engine.persistence.ledger import Question, gather
from tests.harness.programs import Program, owner
from tests.persistence.writes import NOW, Writer, enrolled, record_all

ANNA = UUID(int=1)
SOON = NOW + timedelta(days=1)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the application's role."""
    opened = await connect(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def rows(program: Program) -> AsyncIterator[asyncpg.Connection]:
    async with owner(program.database_url) as opened:
        yield opened


async def add_pool(
    rows: asyncpg.Connection, program: Program, key: str, kind: str, terms: Mapping[str, Any] | None = None
) -> None:
    await rows.execute(
        "INSERT INTO loyalty.code_pool (program_id, key, kind, promotion, pattern, terms, created_at) "
        "VALUES ($1, $2, $3, $4, 'AB-####', $5, $6)",
        program.id,
        key,
        kind,
        None if kind == "vouchers" else "spring",
        orjson.dumps(terms or {}).decode(),
        NOW,
    )


async def add_codes(
    rows: asyncpg.Connection, program: Program, pool: str, *codes: str, turn: int | None = None
) -> None:
    await rows.executemany(
        "INSERT INTO loyalty.promo_code (program_id, code, pool, turn) VALUES ($1, $2, $3, $4)",
        [(program.id, code, pool, None if turn is None else turn + n) for n, code in enumerate(codes)],
    )


async def known(connection: Connection, program: Program, *codes: str) -> Mapping[FoldedCode, KnownCode]:
    return (await ask(connection, program, Ask(1, "", None, codes=tuple(map(FoldedCode, codes))))).codes


async def vouchers(connection: Connection, program: Program) -> list[str]:
    """Return the vouchers that gather offers, in their order."""
    facts = await ask(connection, program, Ask(1, "", None, pools=("cinema",)))
    return [code for code, _ in facts.pools["cinema"].next_codes]


async def ask(connection: Connection, program: Program, wanted: Ask) -> Facts:
    [[(_, facts)]] = await gather(connection, [Question(program.id, (wanted,))])
    return facts


def row(writer: Writer, code: str, *, pool: str, is_taken: bool) -> CodeRow:
    return CodeRow(FoldedCode(code), f"{code[:2]}-{code[2:]}", pool, writer.member, NOW, NOW, SOON, is_taken)


async def give(connection: Connection, program: Program, writer: Writer, *codes: CodeRow) -> bool:
    write = writer.adjust(1)
    (part,) = write.parts
    before = replace(write, parts=(replace(part, codes=codes),))
    [is_won] = await record_all(connection, program.id, before)
    return is_won


async def test_codes_are_known_with_what_their_pool_says(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    terms = {
        "starts_at": "2026-06-01T12:00:00Z",
        "ends_at": "2026-06-02T12:00:00+00:00",
        "limits": [{"per": "code", "times": 1}, {"per": "guest", "times": 2, "period": "day"}],
    }
    await add_pool(rows, program, "easter", "generated", terms)
    await add_codes(rows, program, "easter", "EGGS1", "EGGS2")

    assert await known(connection, program, "EGGS1", "EGGS3") == {
        "EGGS1": KnownCode(
            FoldedCode("EGGS1"),
            "spring",
            starts_at=NOW,
            ends_at=SOON,
            limits=(CodeLimit("code", 1), CodeLimit("guest", 2, "day")),
        )
    }
    assert await known(connection, program) == {}


async def test_times_within_the_pools_and_a_member_belong_to_a_code(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    await add_pool(
        rows, program, "birthday", "personal", {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"}
    )
    writer = await enrolled(connection, program.id)

    assert await give(connection, program, writer, row(writer, "MINE1", pool="birthday", is_taken=False))

    found = (await known(connection, program, "MINE1"))[FoldedCode("MINE1")]
    assert (found.member_id, found.starts_at, found.ends_at) == (writer.member, NOW, SOON)
    await rows.execute(
        "UPDATE loyalty.code_pool SET terms = $2 WHERE program_id = $1",
        program.id,
        orjson.dumps({"starts_at": "2026-06-01T13:00:00Z", "ends_at": "2026-06-02T11:00:00Z"}).decode(),
    )
    found = (await known(connection, program, "MINE1"))[FoldedCode("MINE1")]
    assert (found.starts_at, found.ends_at) == (NOW + timedelta(hours=1), SOON - timedelta(hours=1))
    kept = await rows.fetchrow("SELECT shown, issued_at, operation_id FROM loyalty.promo_code WHERE code = 'MINE1'")
    assert kept is not None
    assert (kept["shown"], kept["issued_at"], kept["operation_id"] is not None) == ("MI-NE1", NOW, True)


@pytest.mark.parametrize("table", ["code_pool", "promo_code"])
async def test_a_code_is_paused_with_its_pool(
    connection: Connection, program: Program, rows: asyncpg.Connection, table: str
) -> None:
    await add_pool(rows, program, "easter", "generated")
    await add_codes(rows, program, "easter", "EGGS1")
    assert (await known(connection, program, "EGGS1"))[FoldedCode("EGGS1")].is_active

    await rows.execute(f"UPDATE loyalty.{table} SET is_active = false WHERE program_id = $1", program.id)

    assert not (await known(connection, program, "EGGS1"))[FoldedCode("EGGS1")].is_active


async def test_codes_of_other_programs_are_not_known(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    stranger = replace(program, id=program.id + 1_000_000)
    await add_pool(rows, stranger, "easter", "generated")
    await add_codes(rows, stranger, "easter", "EGGS1")

    assert await known(connection, program, "EGGS1") == {}
    await rows.execute("DELETE FROM loyalty.promo_code WHERE program_id = $1", stranger.id)
    await rows.execute("DELETE FROM loyalty.code_pool WHERE program_id = $1", stranger.id)


async def test_pools_are_known_with_their_terms(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    await add_pool(rows, program, "birthday", "personal", {"starts_after_days": 1, "ends_after_days": 30})
    wanted = Ask(1, "", None, pools=("birthday", "missing"))

    first, second = [(await ask(connection, program, wanted)).pools["birthday"] for _ in range(2)]

    assert replace(first, entropy=b"") == KnownPool(
        "birthday", "personal", "spring", "AB-####", starts_after_days=1, ends_after_days=30
    )
    assert (len(first.entropy), first.entropy != second.entropy) == (64, True)


async def test_vouchers_are_offered_all_if_they_are_few(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    await add_pool(rows, program, "cinema", "vouchers")
    assert await vouchers(connection, program) == []
    await add_codes(rows, program, "cinema", "GVN0")
    await add_codes(rows, program, "cinema", "F1LM1", "F1LM2", turn=0)
    await add_codes(rows, program, "cinema", "F1LM3", turn=2**31 - 2)

    offered = [await vouchers(connection, program) for _ in range(10)]

    assert {tuple(sorted(codes)) for codes in offered} == {("F1LM1", "F1LM2", "F1LM3")}
    assert {codes[0] for codes in offered} == {"F1LM3"}, "whose turn it is from a point between 0 and 2^31 on"


async def test_vouchers_are_offered_from_anywhere_on(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    await add_pool(rows, program, "cinema", "vouchers")
    await rows.execute(
        "INSERT INTO loyalty.promo_code (program_id, code, pool, turn) "
        "SELECT $1, 'F' || n, 'cinema', n * 20000000 FROM generate_series(1, 100) n",
        program.id,
    )

    offered = [await vouchers(connection, program) for _ in range(30)]

    assert {len(codes) for codes in offered} == {16}
    assert len({codes[0] for codes in offered}) > 10


async def test_asks_that_are_decided_together_see_codes_for_all(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    await add_pool(rows, program, "birthday", "personal")
    await add_pool(rows, program, "cinema", "vouchers")
    await add_codes(rows, program, "cinema", *[f"F1LM{n:02}" for n in range(60)], turn=5)

    wanted = Ask(1, "", None, pools=("birthday", "birthday", "cinema"))
    [answers] = await gather(connection, [Question(program.id, (wanted,) * 10)])

    assert [len(facts.pools["cinema"].next_codes) for _, facts in answers] == [35] * 10
    assert [len(facts.pools["birthday"].entropy) for _, facts in answers] == [1280] * 10


async def test_low_pools_of_vouchers_are_found(program: Program, rows: asyncpg.Connection) -> None:
    for pool, codes in (("few", 2), ("enough", 3), ("unasked", 0)):
        await add_pool(rows, program, pool, "vouchers")
        await add_codes(rows, program, pool, *[f"{pool.upper()}{n}" for n in range(codes)], turn=5)
    await add_codes(rows, program, "few", "G1VEN")
    await rows.execute("UPDATE loyalty.code_pool SET low_at = 2 WHERE program_id = $1 AND key <> 'unasked'", program.id)

    assert [low for low in await list_low(rows) if low[0] == program.id] == [(program.id, "few", 2)]


async def test_a_voucher_is_given_out_once(connection: Connection, program: Program, rows: asyncpg.Connection) -> None:
    await add_pool(rows, program, "cinema", "vouchers")
    await add_codes(rows, program, "cinema", "F1LM1", turn=5)
    one, two = await enrolled(connection, program.id), await enrolled(connection, program.id)

    assert await give(connection, program, one, row(one, "F1LM1", pool="cinema", is_taken=True))
    assert not await give(connection, program, two, row(two, "F1LM1", pool="cinema", is_taken=True))

    assert (await known(connection, program, "F1LM1"))[FoldedCode("F1LM1")].member_id == one.member
    assert await vouchers(connection, program) == []


@pytest.mark.parametrize(
    "spoil",
    ["UPDATE loyalty.promo_code SET is_active = false", "UPDATE loyalty.promo_code SET pool = 'other'"],
)
async def test_only_an_active_voucher_of_the_pool_is_given_out(
    connection: Connection, program: Program, rows: asyncpg.Connection, spoil: str
) -> None:
    await add_pool(rows, program, "cinema", "vouchers")
    await add_codes(rows, program, "cinema", "F1LM1", turn=5)
    await rows.execute(f"{spoil} WHERE program_id = $1", program.id)
    writer = await enrolled(connection, program.id)

    assert not await give(connection, program, writer, row(writer, "F1LM1", pool="cinema", is_taken=True))


async def test_a_made_code_that_is_there_already_loses(
    connection: Connection, program: Program, rows: asyncpg.Connection
) -> None:
    await add_pool(rows, program, "birthday", "personal")
    one, two = await enrolled(connection, program.id), await enrolled(connection, program.id)

    assert await give(connection, program, one, row(one, "MINE1", pool="birthday", is_taken=False))
    assert not await give(connection, program, two, row(two, "MINE1", pool="birthday", is_taken=False))

    assert (await known(connection, program, "MINE1"))[FoldedCode("MINE1")].member_id == one.member
