"""Lists of codes: reached by the right index, in order, and without looking at codes of other pools."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from loyalty_engine.persistence import promo_codes
from loyalty_engine.persistence.connections import Connection, connect

PLAIN = ("SET enable_seqscan = off", "SET enable_sort = off", "SET enable_bitmapscan = off")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await connect(database_url)
    for setting in PLAIN:
        await opened.execute(setting)
    yield opened
    await opened.close()


def nodes(plan: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what a plan does, by which index, and by what that is probed."""
    yield plan["Node Type"], plan.get("Index Name", ""), plan.get("Index Cond", "")
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def plan_of(connection: Connection, statement: str) -> list[tuple[str, str, str]]:
    for place, value in ((5, "200"), (4, "'Z'"), (3, "'B'"), (2, "'p1'"), (1, "1")):
        statement = statement.replace(f"${place}", value)
    explained = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}"))
    return list(nodes(explained[0]["Plan"]))


@pytest.mark.parametrize(
    ("statement", "index", "columns"),
    [
        (promo_codes.LIST_INDEXED, "promo_code_pool_idx", ("program_id", "pool", "code")),
        (promo_codes.LIST_BULK, "promo_code_pkey", ("program_id", "code")),
    ],
)
async def test_a_page_is_read_in_the_order_of_an_index(
    connection: Connection, statement: str, index: str, columns: tuple[str, ...]
) -> None:
    plan = await plan_of(connection, statement)

    [probed] = [condition for _, name, condition in plan if name == index]
    assert all(f"{column} " in probed for column in columns), probed
    assert [condition for _, name, condition in plan if name == "counter_pkey" and "key" in condition]
    assert "Sort" not in {kind for kind, _, _ in plan}
