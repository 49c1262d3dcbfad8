"""Exports: everything of one kind as a file, the same rows in any form, and nothing that a spreadsheet would run."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.programs import Program

ADA = {
    "identities": ["card:1", "email:a@example.com"],
    "name": "=1+1",
    "birthday": "1990-05-31",
    "attributes": {"vegan": True},
}


@pytest.fixture
async def shop(client: Api) -> str:
    """Two members: one has bought twice and spent something."""
    ada: str = (await client.post("/members", ADA, key="m-1")).json()["id"]
    assert (await client.post("/members", {"identities": ["card:2"], "name": "-5"}, key="m-2")).status_code == 201
    for number in ("1", "2"):
        assert (await client.post_order(ada, 5000, key=f"o-{number}", order_id=number)).status_code == 201
    assert (await client.redeem(ada, 20, key="r-1")).status_code == 201
    return ada


async def rows_of(client: Api, kind: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/exports/{kind}?format=ndjson")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def table_of(client: Api, kind: str) -> list[dict[str, str]]:
    answer = await client.get(f"/exports/{kind}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{kind}.csv"'
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_members_are_exported_with_all_that_is_known(client: Api, shop: str) -> None:
    ada, bob = await rows_of(client, "members")

    assert {**ada, "booked_at": None} == {
        "id": shop,
        "status": "active",
        "merged_into": None,
        **ADA,
        "enrolled_at": ada["enrolled_at"],
        "booked_at": None,
        "orders": 2,
        "spend": 10000,
        "first_order_at": ada["first_order_at"],
        "last_order_at": ada["last_order_at"],
    }
    assert (bob["identities"], bob["birthday"], bob["attributes"], bob["orders"]) == (["card:2"], None, {}, 0)


async def test_cells_that_look_like_formulas_are_text_and_numbers_stay_numbers(client: Api, shop: str) -> None:
    ada, bob = await table_of(client, "members")

    assert (ada["id"], ada["identities"], ada["name"], ada["attributes.vegan"]) == (
        shop,
        "card:1 email:a@example.com",
        "'=1+1",
        "true",
    )
    assert (bob["name"], bob["birthday"], bob["attributes.vegan"]) == ("-5", "", "")


async def test_balances_and_postings_add_up(client: Api, shop: str) -> None:
    [balance] = await rows_of(client, "balances")
    postings = await rows_of(client, "postings")

    assert balance == {
        "member_id": shop,
        "wallet": "points",
        "available": 80,
        "pending": 0,
        "held": 0,
        "debt": 0,
        "expires_at": None,
    }
    moved = [(row["seq"], row["source"], row["destination"], row["amount"], row["available"]) for row in postings]
    assert moved == [
        (1, "issued", "available", 50, 50),
        (2, "issued", "available", 50, 100),
        (3, "available", "redeemed", 20, 80),
    ]


async def test_operations_come_in_their_order(client: Api, shop: str) -> None:
    rows = await rows_of(client, "operations")

    assert [row["kind"] for row in rows] == ["enrolment", "enrolment", "order", "order", "redemption"]
    assert [row["member_id"] for row in rows[2:]] == [shop] * 3
    assert [row["id"] for row in rows] == [row["id"] for row in await table_of(client, "operations")]


@pytest.mark.parametrize("kind", ["members", "balances", "postings", "operations"])
async def test_an_export_of_nothing_is_a_header_or_an_empty_file(client: Api, kind: str) -> None:
    answer = await client.get(f"/exports/{kind}")

    assert (answer.status_code, len(answer.text.splitlines())) == (200, 1)
    assert await rows_of(client, kind) == []


async def test_each_export_demands_the_scope_of_its_kind(server: str, program: Program) -> None:
    demands: Mapping[str, str] = {
        "members": "members:read",
        "balances": "points:read",
        "postings": "points:read",
        "operations": "operations:read",
    }
    for kind, scope in demands.items():
        async with Api(server, await program.add_token(scopes=[scope])) as api:
            codes = [(await api.get(f"/exports/{other}")).status_code for other in demands]
        assert codes == [200 if demands[other] == scope else 403 for other in demands], kind


async def test_a_form_that_there_is_not_is_refused(client: Api) -> None:
    answer = await client.get("/exports/members?format=xlsx")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "format")
