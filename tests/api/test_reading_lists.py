"""Lists continue with a cursor, lose nothing, and refuse what they do not understand."""

from typing import Any

import pytest

from tests.harness.api import Api, code_of, pointers_of


async def read_all(client: Api, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await client.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")).json()
        assert 0 < len(page["items"]) <= limit
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


@pytest.fixture
async def member(client: Api) -> str:
    member = await client.new_member(10)
    for points in (20, 30, 40, -100):
        await client.adjust(member, points)
    await client.redeem(member, 99_999)
    return member


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/postings", 5),
        ("/postings?wallet=points", 5),
        ("/lots?all=true", 4),
        ("/timeline", 7),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_pages_join_to_the_whole_list(client: Api, member: str, path: str, expected: int, limit: int) -> None:
    items = await read_all(client, f"/members/{member}{path}", limit)
    assert len({item["id"] for item in items}) == len(items) == expected


async def test_operations_come_newest_first_and_page_by_page(client: Api, member: str) -> None:
    items = [item["operation"] for item in await read_all(client, "/operations", 2)]
    assert [item["kind"] for item in items] == ["adjustment"] * 5 + ["enrolment"]


async def test_open_lots_leave_out_what_is_spent(client: Api) -> None:
    member = await client.new_member(30)
    await client.adjust(member, 5)
    await client.redeem(member, 32)
    assert [(lot["amount"], lot["remaining"]) for lot in await read_all(client, f"/members/{member}/lots", 1)] == [
        (5, 3)
    ]
    every = await read_all(client, f"/members/{member}/lots?all=true", 1)
    assert [(lot["amount"], lot["remaining"]) for lot in every] == [(5, 3), (30, 0)]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1.5", "limit"),
        ("limit=x", "limit"),
        ("cursor=", "cursor"),
        ("cursor=x", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=__________8", "cursor"),
        ("cursor=%F0%9F%98%80", "cursor"),
        ("wallet=%00", "wallet"),
        ("walet=points", "walet"),
    ],
)
async def test_a_bad_parameter_is_named(client: Api, member: str, query: str, pointer: str) -> None:
    answer = await client.get(f"/members/{member}/postings?{query}")
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    assert pointers_of(answer) == [pointer]


async def test_a_cursor_of_another_list_is_refused(client: Api, member: str) -> None:
    cursor = (await client.get(f"/members/{member}/timeline?limit=1")).json()["next_cursor"]
    answer = await client.get(f"/members/{member}/postings?cursor={cursor}")
    assert (code_of(answer), pointers_of(answer)) == ("validation_failed", ["cursor"])
