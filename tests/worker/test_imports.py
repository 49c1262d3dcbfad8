"""Imports over HTTP: a file is sent, the worker takes it, stops when told, and goes on where it was."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from loyalty_engine.api.import_forms import ImportForms
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.imports import running
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.worker.handlers import Handlers
from tests.harness.api import Api
from tests.harness.programs import Program, make_program
from tests.harness.servers import serve
from tests.worker.conftest import Shop

ROWS = 1_000


@pytest.fixture
async def sandbox(shop: Shop) -> Program:
    shop.now = datetime.now(UTC)
    return await make_program(shop.url)


@pytest.fixture
async def api(shop: Shop, sandbox: Program) -> AsyncIterator[Api]:
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, sandbox.admin) as api:
            yield api


def hire(shop: Shop) -> None:
    shop.now += timedelta(hours=1)  # files come by the real clock of the API, and the worker's stands still
    rulesets, clocks = Rulesets(shop.sessions), Clocks(shop.sessions, lambda: shop.now)
    shop.hire(Handlers(shop.url, shop.sessions, rulesets, clocks, lambda: shop.now, ImportForms()).by_kind())


async def wait_for(api: Api, import_id: str, *statuses: str) -> dict[str, object]:
    for _ in range(300):
        found: dict[str, object] = (await api.get(f"/imports/{import_id}")).json()
        if found["status"] in statuses:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


def table() -> str:
    rows = [f"card:{n},points,{n}" if n % 100 else f"card:{n},miles,{n}" for n in range(1, ROWS + 1)]
    return "\n".join(["identities,lot.wallet,lot.points", *rows])


async def upload(
    api: Api, query: str = "kind=members", body: bytes | None = None, media_type: str = "text/csv"
) -> httpx.Response:
    content = table().encode() if body is None else body
    return await api.send("POST", f"/imports?{query}", content=content, headers={"content-type": media_type})


async def test_a_file_that_is_sent_becomes_members(shop: Shop, api: Api) -> None:
    text = table()

    answer = await upload(api)
    started = answer.json()
    hire(shop)
    done = await wait_for(api, started["id"], "done")

    assert (answer.status_code, started["status"], started["bytes"]) == (202, "waiting", len(text))
    assert {name: done[name] for name in ("rows", "stored", "unchanged", "faulty", "bytes_done", "error")} == {
        "rows": 1000,
        "stored": 990,
        "unchanged": 0,
        "faulty": 10,
        "bytes_done": len(text),
        "error": None,
    }
    job = (await api.get(f"/jobs/{started['id']}")).json()
    assert (job["kind"], job["result"]["stored"], job["result"]["is_dry_run"]) == ("import", 990, False)
    assert [tuple(row) for row in await shop.rows("SELECT count(*) FROM loyalty.job_file")] == [(0,)]
    assert [tuple(row) for row in await shop.rows("SELECT count(*), sum(remaining) FROM loyalty.lot")] == [
        (990, sum(n for n in range(1, ROWS + 1) if n % 100))
    ]


async def test_faulty_rows_are_listed_in_any_form(shop: Shop, api: Api) -> None:
    hire(shop)
    started = (await upload(api)).json()
    await wait_for(api, started["id"], "done")

    first = (await api.get(f"/imports/{started['id']}/faults?limit=6")).json()
    second = (await api.get(f"/imports/{started['id']}/faults?limit=6&cursor={first['next_cursor']}")).json()
    lines = (await api.get(f"/imports/{started['id']}/faults?format=ndjson")).text.splitlines()
    cells = (await api.get(f"/imports/{started['id']}/faults?format=csv")).text.splitlines()

    listed = [*first["items"], *second["items"]]
    assert ([fault["line"] for fault in listed], second["next_cursor"]) == ([*range(101, 1002, 100)], None)
    assert listed[0] == {
        "line": 101,
        "code": "wallet_not_found",
        "pointer": "/lots/0/wallet",
        "message": "The program has no such wallet",
    }
    assert [json.loads(line) for line in lines] == listed
    assert (len(cells), cells[0], cells[1]) == (
        11,
        "line,code,pointer,message",
        "101,wallet_not_found,/lots/0/wallet,The program has no such wallet",
    )


async def test_an_import_that_is_cancelled_goes_on_where_it_was(
    shop: Shop, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_PAGE", 5)
    hire(shop)
    started = (await upload(api)).json()
    for _ in range(300):
        if (await api.get(f"/imports/{started['id']}")).json()["rows"]:
            break
        await asyncio.sleep(0.01)
    await api.post(f"/jobs/{started['id']}/cancel", {})
    cancelled = await wait_for(api, started["id"], "cancelled")
    stored = await shop.rows("SELECT count(*) FROM loyalty.member")
    await api.post(f"/jobs/{started['id']}/retry", {})
    done = await wait_for(api, started["id"], "done")

    assert 0 < int(str(cancelled["rows"])) < ROWS
    assert 0 < stored[0][0] < 990
    assert (done["rows"], done["faulty"], int(str(done["stored"])) + int(str(done["unchanged"]))) == (1000, 10, 990)
    assert [tuple(row) for row in await shop.rows("SELECT count(*) FROM loyalty.lot")] == [(990,)]


async def test_a_dry_run_over_http_writes_nothing(shop: Shop, api: Api) -> None:
    hire(shop)
    started = (await upload(api, "kind=members&dry_run=true")).json()

    done = await wait_for(api, started["id"], "done")

    assert (done["stored"], done["faulty"], done["dry_run"]) == (990, 10, True)
    assert [tuple(row) for row in await shop.rows("SELECT count(*) FROM loyalty.member")] == [(0,)]
