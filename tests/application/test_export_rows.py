"""Exports are read in pages: each row once, in the order of its key, whatever is written meanwhile."""

from functools import partial
from typing import Any

import pytest

from loyalty_engine.application import export_rows as room
from loyalty_engine.application.export_rows import export_rows
from loyalty_engine.persistence.connections import create_pool
from loyalty_engine.persistence.reading.exports import KINDS, Kind
from loyalty_engine.persistence.sessions import Sessions
from tests.harness.api import Api
from tests.harness.programs import MakeProgram, Program


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three rows, so that there are many."""
    monkeypatch.setattr(room, "_PAGE", 3)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_row_comes_once(client: Api, program: Program, new_program: MakeProgram, kind: Kind) -> None:
    for n in range(7):
        member = await client.enrol(f"card:{n}", key=f"m-{n}")
        await client.post_order(member.json()["id"], 1000, key=f"o-{n}", order_id=str(n), channel="web")
    other = await new_program()
    pages: list[list[Any]] = []
    async with create_pool(program.database_url, size=1) as pool:
        async for page in export_rows(partial(Sessions(pool).open, program.id), program.id, kind):
            pages.append([list(row.values())[:4] for row in page])
            if len(pages) == 1:
                await client.enrol("card:late", key="late")
        [nothing] = [page async for page in export_rows(partial(Sessions(pool).open, other.id), other.id, kind)]

    rows = [row for page in pages for row in page]
    expected = {"members": 8, "balances": 14, "postings": 14, "operations": 15}[kind]
    assert nothing == []
    assert len(rows) == len({str(row) for row in rows}) == expected
    assert max(len(page) for page in pages) == 3
