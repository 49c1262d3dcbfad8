"""Codes by the thousand: a job makes them, exactly as many as were asked for, whoever stops it."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from loyalty_engine.api.import_forms import ImportForms
from loyalty_engine.application import generate_codes
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.worker.handlers import Handlers
from tests.harness.api import Api
from tests.harness.programs import Program, document, make_program
from tests.harness.servers import serve
from tests.worker.conftest import Shop


@pytest.fixture
async def sandbox(shop: Shop) -> Program:
    shop.now = datetime.now(UTC) + timedelta(hours=1)  # jobs come by the real clock of the API
    rules = document()
    rules["promotions"] = [
        {"key": "autumn", "name": "A", "opened_by": "code", "effect": {"kind": "percent_off", "percent": "10%"}}
    ]
    return await make_program(shop.url, rules)


@pytest.fixture
async def api(shop: Shop, sandbox: Program) -> AsyncIterator[Api]:
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, sandbox.admin) as api:
            yield api


def hire(shop: Shop) -> None:
    rulesets, clocks = Rulesets(shop.sessions), Clocks(shop.sessions, lambda: shop.now)
    shop.hire(Handlers(shop.url, shop.sessions, rulesets, clocks, lambda: shop.now, ImportForms()).by_kind())


async def create(api: Api, count: int, pattern: str, *, pool: str = "p1") -> dict[str, Any]:
    body = {"pool": pool, "kind": "generated", "count": count, "pattern": pattern}
    answer = await api.send("POST", "/promotions/autumn/codes", body=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def wait_for(api: Api, job: str, status: str) -> dict[str, Any]:
    for _ in range(3_000):
        found: dict[str, Any] = (await api.get(f"/jobs/{job}")).json()
        if found["status"] == status:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def wait_for_some(api: Api, pool: str = "p1") -> int:
    for _ in range(3_000):
        codes: int = (await api.get(f"/code-pools/{pool}")).json()["codes"]
        if codes:
            return codes
        await asyncio.sleep(0.005)
    raise AssertionError(pool)


async def count(shop: Shop, pool: str = "p1") -> int:
    [[codes]] = await shop.rows("SELECT count(*) FROM loyalty.promo_code WHERE pool = $1", pool)
    return int(codes)


async def test_a_job_fills_a_pool(shop: Shop, api: Api) -> None:
    pool = await create(api, 3_000, "May-####-###L")
    hire(shop)
    job = await wait_for(api, pool["job_id"], "done")

    filled = (await api.get("/code-pools/p1")).json()
    assert (job["done"], job["total"], job["result"]) == (3000, 3000, {"pool": "p1", "codes": 3000})
    assert (filled["codes"], filled["left"], await count(shop)) == (3000, 3000, 3000)
    lines = (await api.get("/code-pools/p1/codes?format=csv")).text.splitlines()[1:]
    codes = [line.split(",")[1] for line in lines]
    assert (len(set(codes)), codes) == (3000, sorted(codes))
    assert all(re.fullmatch("May-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{3}L", code) for code in codes)
    page = (await api.get("/code-pools/p1/codes?limit=200")).json()
    rest = (await api.get(f"/code-pools/p1/codes?limit=200&cursor={page['next_cursor']}")).json()
    assert [item["code"] for item in [*page["items"], *rest["items"]]] == codes[:400]
    found = (await api.get(f"/promo-codes/{codes[77].lower()}")).json()
    assert (found["code"], found["state"]) == (codes[77], "active")


async def test_pools_of_one_narrow_pattern_are_full_and_share_no_code(shop: Shop, api: Api) -> None:
    hire(shop)
    jobs = [(await create(api, 1_048, "####", pool=f"q{number}"))["job_id"] for number in range(6)]
    for job in jobs:
        await wait_for(api, job, "done")

    assert [await count(shop, f"q{number}") for number in range(6)] == [1_048] * 6
    assert [(await api.get(f"/code-pools/q{number}")).json()["codes"] for number in range(6)] == [1_048] * 6


async def test_a_job_that_is_cancelled_goes_on_from_what_is_there(
    shop: Shop, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate_codes, "_BATCH", 500)
    pool = await create(api, 60_000, "########")
    hire(shop)
    await wait_for_some(api)
    await api.post(f"/jobs/{pool['job_id']}/cancel", {})
    await wait_for(api, pool["job_id"], "cancelled")
    some = await count(shop)
    before = await shop.rows("SELECT code FROM loyalty.promo_code ORDER BY code")
    assert (await api.get("/code-pools/p1")).json()["codes"] == some
    monkeypatch.setattr(generate_codes, "_BATCH", 100_000)
    await api.post(f"/jobs/{pool['job_id']}/retry", {})
    await wait_for(api, pool["job_id"], "done")

    after = {row["code"] for row in await shop.rows("SELECT code FROM loyalty.promo_code")}
    assert 0 < some < 60_000
    assert (len(after), {row["code"] for row in before} <= after) == (60_000, True)
    assert (await api.get("/code-pools/p1")).json()["codes"] == 60_000


async def test_a_worker_that_is_killed_leaves_the_rest_to_another(shop: Shop, api: Api) -> None:
    pool = await create(api, 400_000, "########")
    environment = {**os.environ, "LOYALTY_DATABASE_URL": shop.url}
    worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "loyalty_engine.cli", "work", env=environment)
    await wait_for_some(api)
    worker.kill()
    await worker.wait()
    some = await count(shop)
    hire(shop)
    await wait_for(api, pool["job_id"], "done")

    assert 0 < some < 400_000
    assert (await count(shop), (await api.get("/code-pools/p1")).json()["codes"]) == (400_000, 400_000)


async def test_a_worker_without_the_owners_rights_fills_a_pool_too(shop: Shop, api: Api) -> None:
    pool = await create(api, 2_000, "########")
    login = f"codes_{uuid4().hex[:12]}"
    await shop.rows(f"CREATE ROLE {login} LOGIN IN ROLE loyalty_app")
    parts = urlsplit(shop.url)
    address = urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))
    rulesets, clocks = Rulesets(shop.sessions), Clocks(shop.sessions, lambda: shop.now)
    shop.hire(Handlers(address, shop.sessions, rulesets, clocks, lambda: shop.now, ImportForms()).by_kind())
    try:
        job = await wait_for(api, pool["job_id"], "done")
    finally:
        await shop.close()
        await shop.rows(f"DROP ROLE {login}")

    assert (job["attempts"], await count(shop)) == (1, 2_000)


async def upload(api: Api, query: str, content: bytes, media_type: str = "text/csv") -> dict[str, Any]:
    answer = await api.send("POST", f"/imports?{query}", content=content, headers={"content-type": media_type})
    assert answer.status_code == 202, answer.text
    started: dict[str, Any] = answer.json()
    await wait_for(api, started["id"], "done")
    done: dict[str, Any] = (await api.get(f"/imports/{started['id']}")).json()
    return done


def what_became(done: dict[str, Any]) -> tuple[int, int, int]:
    return done["stored"], done["unchanged"], done["faulty"]


async def test_codes_of_a_file_go_into_their_pool(shop: Shop, api: Api) -> None:
    hire(shop)
    await api.send("POST", "/promotions/autumn/codes", body={"pool": "old", "kind": "shared", "code": "Hello-26"})
    await api.send("POST", "/promotions/autumn/codes", body={"pool": "p1", "kind": "imported", "codes": ["AAAA-1"]})
    rows = ["code", "AAAA-1", "aaaa1", "HE110 26", "BBBB-1", "BBBB-1", "bbbb1", "x", "=CC", "  DDDD-1 "]
    rows += [f"MANY-{number:04}" for number in range(600)]

    dry = await upload(api, "kind=codes&pool=p1&dry_run=true", "\n".join(rows).encode())
    assert await count(shop) == 1
    done = await upload(api, "kind=codes&pool=p1", "\n".join(rows).encode())
    again = await upload(api, "kind=codes&pool=p1", "\n".join(rows).encode())
    faults = (await api.get(f"/imports/{done['id']}/faults")).json()["items"]

    assert [what_became(each) for each in (dry, done, again)] == [(602, 2, 5), (602, 2, 5), (0, 604, 5)]
    assert [(fault["line"], fault["code"], fault["pointer"]) for fault in faults] == [
        (3, "promo_code_exists", "/code"),
        (4, "promo_code_exists", "/code"),
        (7, "promo_code_exists", "/code"),
        (8, "promo_code", "/code"),
        (9, "promo_code", "/code"),
    ]
    pool = (await api.get("/code-pools/p1")).json()
    assert (await count(shop), pool["codes"], pool["left"]) == (603, 603, 603)
    assert (await api.get("/promo-codes/dddd1")).json()["code"] == "DDDD-1"


async def test_vouchers_of_a_file_can_be_given_out(shop: Shop, api: Api) -> None:
    hire(shop)
    await api.send("POST", "/voucher-pools", body={"pool": "cinema", "low_at": 2})

    done = await upload(
        api, "kind=codes&pool=cinema", b'{"code":"CINE-1"}\n{"code":"CINE-2"}\n', "application/x-ndjson"
    )
    member = await api.new_member()
    issued = await api.post(f"/members/{member}/codes", {"pool": "cinema"})
    pool = (await api.get("/code-pools/cinema")).json()

    assert (what_became(done), issued.status_code) == ((2, 0, 0), 201)
    assert (pool["codes"], pool["given_out"], pool["left"], pool["is_low"]) == (2, 1, 1, True)
    code = (await api.get(f"/promo-codes/{issued.json()['code']}")).json()
    assert (code["member_id"], code["pool"], code["promotion"]) == (member, "cinema", None)
