"""Pools of promo codes: created once, by the rules of their kind, and shown with what is left."""

import asyncio
import csv
import io
import json
import re
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, code_of, now, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document, owner

Json = dict[str, object]


def rules() -> Json:
    changed = document()
    changed["promotions"] = [
        {"key": "autumn", "name": "A", "opened_by": "code", "effect": {"kind": "percent_off", "percent": "10%"}},
        {"key": "always", "name": "B", "effect": {"kind": "percent_off", "percent": "1%"}},
    ]
    return changed


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(rules())


async def create(api: Api, kind: str = "shared", *, promotion: str = "autumn", **fields: object) -> httpx.Response:
    body = {"pool": "p1", "kind": kind, **({"code": "Hello-26"} if kind == "shared" else {}), **fields}
    return await api.send("POST", f"/promotions/{promotion}/codes", body=body)


async def test_a_shared_code_is_found_in_any_spelling(client: Api) -> None:
    made = await create(client, name="Letter", starts_at="2026-01-01T00:00:00+01:00")
    pool = (await client.get("/code-pools/p1")).json()

    assert made.status_code == 201, made.text
    assert made.json() == pool
    assert {name: pool[name] for name in ("kind", "promotion", "name", "starts_at", "limits", "codes", "left")} == {
        "kind": "shared",
        "promotion": "autumn",
        "name": "Letter",
        "starts_at": "2025-12-31T23:00:00Z",
        "limits": [],
        "codes": 1,
        "left": None,
    }
    for typed in ("hello26", "HE1LO%20-26", "He11o26"):
        code = (await client.get(f"/promo-codes/{typed}")).json()
        assert (code["code"], code["state"], code["pool"], code["promotion"]) == ("Hello-26", "active", "p1", "autumn")


async def test_few_generated_codes_are_there_at_once(client: Api) -> None:
    answer = await create(client, "generated", count=40, pattern="May-####-####", low_at=40)
    page = (await client.get("/code-pools/p1/codes?limit=30")).json()
    rest = (await client.get(f"/code-pools/p1/codes?limit=30&cursor={page['next_cursor']}")).json()

    pool = answer.json()
    assert (answer.status_code, pool["codes"], pool["left"], pool["is_low"], pool["job_id"]) == (
        201,
        40,
        40,
        True,
        None,
    )
    assert pool["limits"] == [{"per": "code", "times": 1, "period": "lifetime"}]
    codes = [item["code"] for item in [*page["items"], *rest["items"]]]
    assert (len(set(codes)), len(page["items"]), rest["next_cursor"]) == (40, 30, None)
    assert all(re.fullmatch("May-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)
    assert [item["used"] for item in page["items"]] == [0] * 30
    code = (await client.get(f"/promo-codes/{codes[7].lower()}")).json()
    assert (code["code"], code["limits"]) == (
        codes[7],
        [{"per": "code", "times": 1, "period": "lifetime", "used": 0, "left": 1}],
    )


async def test_many_generated_codes_are_the_work_of_a_job(client: Api) -> None:
    pool = (await create(client, "generated", count=1_001, prefix="X-", length=8)).json()

    job = (await client.get(f"/jobs/{pool['job_id']}")).json()
    assert (job["kind"], job["status"], job["total"]) == ("codes", "waiting", 1001)
    assert (pool["pattern"], pool["codes"], pool["left"]) == ("X-########", 0, 0)


async def test_a_pool_is_created_once(client: Api, ledger: Ledger) -> None:
    first = await create(client, "generated", count=5, length=10)
    again = await create(client, "generated", count=5, length=10)
    other = await create(client, "generated", count=6, length=10)
    elsewhere = await client.send("POST", "/voucher-pools", body={"pool": "p1"})

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert [(answer.status_code, code_of(answer)) for answer in (other, elsewhere)] == [(409, "code_pool_exists")] * 2
    assert (await ledger.count("code_pool"), await ledger.count("promo_code")) == (1, 5)


async def test_codes_need_a_promotion_that_is_opened_by_them(client: Api, ledger: Ledger) -> None:
    missing, itself = await create(client, promotion="winter"), await create(client, promotion="always")

    assert (missing.status_code, code_of(missing)) == (404, "promotion_not_found")
    assert (itself.status_code, code_of(itself)) == (409, "promotion_opens_itself")
    assert await ledger.count("code_pool") == 0


@pytest.mark.parametrize(
    ("kind", "fields", "pointers"),
    [
        ("shared", {"code": None}, ["/code"]),
        ("shared", {"code": "abc"}, ["/code"]),
        ("shared", {"code": "SUMMER!"}, ["/code"]),
        ("shared", {"count": 5}, ["/count"]),
        ("shared", {"starts_after_days": 1}, ["/starts_after_days"]),
        ("generated", {"length": 9}, ["/count"]),
        ("generated", {"count": 5}, ["/pattern"]),
        ("generated", {"count": 5, "pattern": "ABCDEF"}, ["/pattern"]),
        ("generated", {"count": 5, "pattern": "####", "length": 9}, ["/length"]),
        ("generated", {"count": 34, "pattern": "A-###"}, ["/pattern"]),
        ("generated", {"count": 10_000_001, "length": 9}, ["/count"]),
        ("generated", {"count": True, "length": 9}, ["/count"]),
        ("personal", {"length": 9}, ["/length"]),
        ("personal", {"count": 7, "length": 10}, ["/count"]),
        ("imported", {"codes": ["AAAA", "BBBB", "a-aaa"]}, ["/codes/2"]),
        ("imported", {"codes": ["AAAA", "B"]}, ["/codes/1"]),
        ("imported", {"ends_at": "2026-01-01T00:00:00Z", "starts_at": "2026-01-01T00:00:00Z"}, ["/ends_at"]),
        ("imported", {"limits": [{"per": "code", "times": 1}, {"per": "code", "times": 2}]}, ["/limits/1"]),
        ("imported", {"limits": [{"per": "household", "times": 1}]}, ["/limits/0/per"]),
        ("imported", {"low_at": -1}, ["/low_at"]),
        ("vouchers", {}, ["/kind"]),
    ],
)
async def test_a_pool_that_makes_no_sense_is_refused(
    client: Api, ledger: Ledger, kind: str, fields: dict[str, Any], pointers: list[str]
) -> None:
    answer = await create(client, kind, **fields)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", pointers)
    assert await ledger.count("code_pool") == 0


async def test_a_thousand_texts_are_needed_for_each_code(client: Api) -> None:
    assert (await create(client, "generated", count=32, pattern="A-###")).status_code == 201


async def test_codes_that_read_alike_are_one_code(client: Api, ledger: Ledger) -> None:
    await create(client)
    answers = [
        await create(client, "imported", pool="p2", codes=["WELCOME-1", "he-110 26", "WELCOME-2"]),
        await create(client, pool="p3", code="HELLO26"),
    ]

    assert [(answer.status_code, code_of(answer), pointers_of(answer)) for answer in answers] == [
        (409, "promo_code_exists", ["/codes/1"]),
        (409, "promo_code_exists", ["/code"]),
    ]
    assert (await ledger.count("code_pool"), await ledger.count("promo_code")) == (1, 1)


async def test_pools_with_one_pattern_share_no_code(client: Api, ledger: Ledger) -> None:
    for number in range(20):
        assert (await create(client, "generated", pool=f"q{number}", count=32, pattern="A-###")).status_code == 201

    assert await ledger.count("promo_code") == 640
    listed = [(await client.get(f"/code-pools/q{number}")).json()["codes"] for number in range(20)]
    assert listed == [32] * 20


@pytest.mark.parametrize(
    ("made_as", "pointer"), [({"pattern": "AB##"}, "/pattern"), ({"prefix": "AB", "length": 2}, "/length")]
)
async def test_a_pattern_whose_codes_are_all_taken_makes_none(
    client: Api, ledger: Ledger, made_as: dict[str, Any], pointer: str
) -> None:
    signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    every = [f"AB{first}{second}" for first in signs for second in signs]
    assert (await create(client, "imported", pool="all", codes=every)).status_code == 201

    answer = await asyncio.wait_for(create(client, "generated", count=1, **made_as), 30)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])
    assert answer.json()["errors"][0]["code"] == "code_room"
    assert (await ledger.count("code_pool"), await ledger.count("promo_code")) == (1, 1024)


async def test_vouchers_wait_to_be_given_out(client: Api, ledger: Ledger) -> None:
    body = {"pool": "cinema", "codes": ["CINE-1111", "CINE-2222"], "low_at": 1, "ends_after_days": 30}
    made = await client.send("POST", "/voucher-pools", body=body)

    pool = made.json()
    assert (made.status_code, pool["kind"], pool["promotion"], pool["limits"]) == (201, "vouchers", None, [])
    assert (pool["codes"], pool["given_out"], pool["left"], pool["is_low"]) == (2, 0, 2, False)
    turns = await ledger.connection.fetch("SELECT turn FROM promo_code WHERE program_id = $1", ledger.program_id)
    assert all(row["turn"] is not None for row in turns)


async def test_a_pool_that_takes_long_to_count_is_read_and_paused(client: Api, program: Program) -> None:
    await client.send("POST", "/voucher-pools", body={"pool": "cinema", "codes": ["CINE-1111"], "low_at": 1})
    await create(client, "personal", length=10)

    async with owner(program.database_url) as other, other.transaction():
        await other.execute("LOCK TABLE loyalty.promo_code IN ACCESS EXCLUSIVE MODE")
        read, paused, personal = await asyncio.gather(
            client.get("/code-pools/cinema"),
            client.send("PATCH", "/code-pools/cinema", body={"is_active": False}),
            client.get("/code-pools/p1"),
        )

    assert [answer.status_code for answer in (read, paused, personal)] == [200, 200, 200]
    stand = [[answer.json()[name] for name in ("codes", "given_out", "left", "is_low")] for answer in (read, personal)]
    assert stand == [[1, None, None, None], [None, None, None, False]]
    again = (await client.get("/code-pools/cinema")).json()
    assert (again["is_active"], again["left"], again["is_low"]) == (False, 1, True)


async def test_a_pool_is_changed_field_by_field(client: Api) -> None:
    await create(client, "generated", count=5, length=10, name="Old", ends_at="2027-01-01T00:00:00Z", low_at=2)

    limits = [{"per": "code", "times": 3, "period": "week"}]
    answer = await client.send(
        "PATCH", "/code-pools/p1", body={"is_active": False, "name": None, "limits": limits, "low_at": 9}
    )
    pool = answer.json()
    assert (answer.status_code, pool["is_active"], pool["name"], pool["limits"], pool["low_at"], pool["ends_at"]) == (
        200,
        False,
        None,
        limits,
        9,
        "2027-01-01T00:00:00Z",
    )
    assert (await client.get("/code-pools/p1")).json() == pool
    wrong = await client.send("PATCH", "/code-pools/p1", body={"starts_at": "2028-01-01T00:00:00Z"})
    other = await client.send("PATCH", "/code-pools/p1", body={"ends_after_days": 3})
    assert [pointers_of(wrong), pointers_of(other)] == [["/ends_at"], ["/ends_after_days"]]
    assert (await client.get("/code-pools/p1")).json() == pool


async def test_a_code_has_a_state(client: Api) -> None:
    await create(client, "imported", codes=["AAAA", "BBBB"], ends_at="2099-01-01T00:00:00Z")

    async def change(**changes: object) -> tuple[object, object, object]:
        answer = (await client.send("PATCH", "/promo-codes/a-a-a-a", body=changes)).json()
        return answer["state"], answer["starts_at"], answer["ends_at"]

    assert await change(starts_at="2098-01-01T00:00:00Z") == (
        "not_started",
        "2098-01-01T00:00:00Z",
        "2099-01-01T00:00:00Z",
    )
    assert await change(starts_at=None, ends_at="2020-01-01T00:00:00Z") == ("expired", None, "2020-01-01T00:00:00Z")
    assert await change(is_active=False) == ("paused", None, "2020-01-01T00:00:00Z")
    assert await change(is_active=True, ends_at=None) == ("active", None, "2099-01-01T00:00:00Z")
    await client.send("PATCH", "/code-pools/p1", body={"is_active": False})
    assert (await client.get("/promo-codes/BBBB")).json()["state"] == "paused"


@pytest.mark.parametrize("typed", ["NOSUCH", "x", "a" * 300, "%00abcd", "caf%C3%A9"])
async def test_a_code_that_is_none_is_not_there(client: Api, typed: str) -> None:
    for answer in (
        await client.get(f"/promo-codes/{typed}"),
        await client.send("PATCH", f"/promo-codes/{typed}", body={}),
    ):
        assert (answer.status_code, code_of(answer)) == (404, "promo_code_not_found")


@pytest.mark.parametrize("key", ["nosuch", "No", "a%00b", "x" * 80])
async def test_a_pool_that_is_none_is_not_there(client: Api, key: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("GET", "/codes", None),
        ("GET", "/codes?format=csv", None),
    ):
        answer = await client.send(method, f"/code-pools/{key}{path}", body=body)
        assert (answer.status_code, code_of(answer)) == (404, "code_pool_not_found")


async def test_pools_are_listed_by_key(client: Api) -> None:
    for key in ("b", "c", "a"):
        await create(client, pool=key, code=f"CODE-{key}")
    await client.send("POST", "/voucher-pools", body={"pool": "d"})

    first = (await client.get("/code-pools?limit=2")).json()
    rest = (await client.get(f"/code-pools?limit=2&cursor={first['next_cursor']}")).json()
    own = (await client.get("/code-pools?promotion=autumn")).json()

    assert [[pool["pool"] for pool in page["items"]] for page in (first, rest, own)] == [
        ["a", "b"],
        ["c", "d"],
        ["a", "b", "c"],
    ]
    assert (rest["next_cursor"], code_of(await client.get("/code-pools?cursor=%25"))) == (None, "validation_failed")


async def test_codes_are_exported_and_cells_are_no_formulas(client: Api) -> None:
    await create(client, "imported", codes=["-AAAA", "BBBB-1", "CCCC 2"], limits=[])

    answer = await client.get("/code-pools/p1/codes?format=csv")
    lines = (await client.get("/code-pools/p1/codes?format=ndjson")).text.splitlines()

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["pool"], row["code"], row["used"], row["is_active"]) for row in rows] == [
        ("p1", "'-AAAA", "", "true"),
        ("p1", "BBBB-1", "", "true"),
        ("p1", "CCCC 2", "", "true"),
    ]
    assert [json.loads(line)["code"] for line in lines] == ["-AAAA", "BBBB-1", "CCCC 2"]


async def test_other_programs_have_other_codes(client: Api, server: str, new_program: MakeProgram) -> None:
    await create(client)
    other = await new_program(rules())
    async with Api(server, other.admin) as stranger:
        assert (await stranger.get("/code-pools")).json()["items"] == []
        assert code_of(await stranger.get("/code-pools/p1")) == "code_pool_not_found"
        assert code_of(await stranger.get("/promo-codes/hello26")) == "promo_code_not_found"
        assert (await create(stranger)).status_code == 201


async def test_tills_neither_make_nor_look_up_codes(server: str, program: Program) -> None:
    async with Api(server, program.till) as till:
        answers = [
            await create(till),
            await till.get("/code-pools"),
            await till.get("/promo-codes/hello26"),
            await till.send("PATCH", "/promo-codes/hello26", body={}),
        ]
    assert [answer.status_code for answer in answers] == [403] * 4


async def test_uses_are_told_and_counted(client: Api) -> None:
    await create(client, "generated", count=3, length=10, low_at=1)
    codes = [item["code"] for item in (await client.get("/code-pools/p1/codes")).json()["items"]]
    member = await client.new_member()

    async def stand(code: str) -> tuple[object, object]:
        found = (await client.get(f"/promo-codes/{code}")).json()
        return found["state"], [(limit["used"], limit["left"]) for limit in found["limits"]]

    order = await client.post_order(member, 5000, codes=[codes[0]])
    held = await client.post(
        "/reservations", {"member": member, "currency": "EUR", "lines": [{"amount": 900}], "codes": [codes[1]]}
    )

    assert (order.status_code, held.status_code) == (201, 201), (order.text, held.text)
    assert [await stand(code) for code in codes] == [
        ("used_up", [(1, 0)]),
        ("used_up", [(1, 0)]),
        ("active", [(0, 1)]),
    ]
    items = (await client.get("/code-pools/p1/codes")).json()["items"]
    assert [item["used"] for item in items] == [1, 0, 0]
    pool = (await client.get("/code-pools/p1")).json()
    assert (pool["codes"], pool["left"], pool["is_low"]) == (3, 2, False)
    await client.post_order(member, 5000, codes=[codes[2]])
    pool = (await client.get("/code-pools/p1")).json()
    assert (pool["left"], pool["is_low"]) == (1, True)


async def test_limits_of_members_and_periods_are_shown_as_far_as_they_are_shared(client: Api) -> None:
    limits = [
        {"per": "member", "times": 3, "period": "lifetime"},
        {"per": "code", "times": 2, "period": "day"},
        {"per": "code", "times": 9, "period": "lifetime"},
    ]
    await create(client, limits=limits)
    member = await client.new_member()
    for _ in range(2):
        placed = await client.post_order(member, 5000, codes=["hello26"], placed_at=now())
        assert placed.status_code == 201, placed.text

    code = (await client.get("/promo-codes/hello26")).json()
    assert (code["state"], code["limits"]) == (
        "active",
        [
            {**limits[0], "used": None, "left": None},
            {**limits[1], "used": 2, "left": 0},
            {**limits[2], "used": 2, "left": 7},
        ],
    )


async def test_personal_codes_are_counted_as_they_are_given_out(client: Api) -> None:
    await create(client, "personal", pattern="ME-##########", ends_after_days=30)
    member = await client.new_member()
    issued = (await client.post(f"/members/{member}/codes", {"pool": "p1"})).json()

    pool = (await client.get("/code-pools/p1")).json()
    assert (pool["codes"], pool["given_out"], pool["left"], pool["is_low"]) == (1, 1, None, False)
    [item] = (await client.get("/code-pools/p1/codes")).json()["items"]
    assert (item["code"], item["member_id"], item["used"]) == (issued["code"], member, 0)
    assert (item["ends_at"], item["issued_at"]) == (issued["ends_at"], issued["booked_at"])
    assert (await client.get(f"/promo-codes/{issued['code']}")).json()["ends_at"] == issued["ends_at"]
