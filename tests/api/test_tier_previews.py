"""Changed ladders are looked at before they are published: who would move, and what it costs."""

import asyncio
from typing import Any, Final

import pytest

from tests.harness.api import Api, code_of, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document, owner

Json = dict[str, Any]

STATUS: Final[Json] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "lifetime"},
    "tiers": [{"key": "silver", "at_least": 10_000}, {"key": "gold", "at_least": 20_000}],
}
DEARER: Final[Json] = {
    **STATUS,
    "tiers": [
        {"key": "silver", "at_least": 10_000, "privileges": {"discount": {"percent": "10%"}}},
        {"key": "gold", "at_least": 20_000},
        {"key": "platinum", "at_least": 30_000, "privileges": {"multipliers": [{"wallet": "points", "factor": 2}]}},
    ],
}
WAITING: Final = "SELECT count(*) FROM pg_locks WHERE relation = 'loyalty.member_tier'::regclass AND NOT granted"


def rules(*sets: Json) -> Json:
    return {**document(), "tier_sets": [*sets]}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(rules(STATUS), is_sandbox=True)


@pytest.fixture
async def town(client: Api) -> dict[int, str]:
    """Members by what each of them bought today."""
    now = (await client.get("/program/clock")).json()["now"]
    members = {spend: await client.new_member() for spend in (0, 12_000, 25_000, 40_000)}
    for spend, member in members.items():
        if spend:
            assert (await client.post_order(member, spend, placed_at=now)).status_code == 201
    return members


async def preview(client: Api, body: Json, query: str = "") -> Any:  # noqa: ANN401 - a response
    return await client.send("POST", f"/program/tier-preview{query}", body=body)


async def test_a_preview_tells_who_would_move_and_what_that_costs(
    client: Api, ledger: Ledger, town: dict[int, str]
) -> None:
    before = await ledger.fingerprint()

    shown = (await preview(client, rules(DEARER))).json()

    assert shown == {
        "members": 4,
        "steps": [
            {"set": "status", "from": None, "tier": None, "members": 1, "named": []},
            {"set": "status", "from": "gold", "tier": "gold", "members": 1, "named": []},
            {"set": "status", "from": "gold", "tier": "platinum", "members": 1, "named": [town[40_000]]},
            {"set": "status", "from": "silver", "tier": "silver", "members": 1, "named": []},
        ],
        "costs": {"discounts": 1_200, "points": [{"wallet": "points", "points": 400, "worth": 400}]},
        "next_cursor": None,
    }
    assert await ledger.fingerprint() == before


@pytest.mark.usefixtures("town")
async def test_who_would_move_is_told_to_those_who_may_see_members(client: Api, program: Program) -> None:
    editor = client.acting_as(await program.add_token(scopes=["program:read"]))

    steps = (await preview(editor, rules(DEARER))).json()["steps"]

    assert [(step["tier"], step["named"]) for step in steps if step["from"] != step["tier"]] == [("platinum", [])]


@pytest.mark.usefixtures("town")
async def test_pages_of_a_preview_add_up_to_the_whole(client: Api) -> None:
    whole = (await preview(client, rules(DEARER))).json()
    pages: list[Json] = []
    cursor = ""
    while len(pages) < 5:
        page = (await preview(client, rules(DEARER), f"?limit=3{cursor}")).json()
        pages.append(page)
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert [page["members"] for page in pages] == [3, 1]
    assert sum(page["costs"]["discounts"] for page in pages) == whole["costs"]["discounts"]
    counts = [(step["from"], step["tier"]) for page in pages for step in page["steps"] for _ in range(step["members"])]
    assert sorted(map(str, counts)) == sorted(str((step["from"], step["tier"])) for step in whole["steps"])


async def test_a_set_that_goes_leaves_nobody_in_a_tier(client: Api, town: dict[int, str]) -> None:
    steps = (await preview(client, rules())).json()["steps"]
    assert {(step["from"], step["tier"]): step["named"] for step in steps if step["from"] == "silver"} == {
        ("silver", None): [town[12_000]]
    }


@pytest.mark.parametrize(
    ("body", "query", "code", "pointers"),
    [
        (
            rules({**STATUS, "tiers": [{"key": "a", "at_least": 5}, {"key": "b", "at_least": 5}]}),
            "",
            "program_invalid",
            ["/tier_sets/0/tiers/1/at_least"],
        ),
        (rules({**STATUS, "metric": {"kind": "visits"}}), "", "program_invalid", ["/tier_sets/0/metric/kind"]),
        (rules(STATUS), "?limit=0", "validation_failed", ["limit"]),
        (rules(STATUS), "?limit=5001", "validation_failed", ["limit"]),
        (rules(STATUS), "?cursor=nothing", "validation_failed", ["cursor"]),
        (rules(STATUS), "?members=5", "validation_failed", ["members"]),
    ],
)
async def test_what_cannot_be_previewed_is_refused(
    client: Api, body: Json, query: str, code: str, pointers: list[str]
) -> None:
    answer = await preview(client, body, query)
    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, code, pointers)


async def test_previews_leave_the_connections_of_other_reads_alone(
    client: Api, program: Program, town: dict[int, str]
) -> None:
    async with owner(program.database_url) as other:
        async with other.transaction():
            await other.execute("LOCK TABLE loyalty.member_tier IN ACCESS EXCLUSIVE MODE")
            previews = [asyncio.create_task(preview(client, rules(DEARER))) for _ in range(4)]
            for _ in range(100):
                await asyncio.sleep(0.1)
                if await other.fetchval(WAITING):
                    break
            await asyncio.sleep(0.5)
            waiting = await other.fetchval(WAITING)
            read = await client.get(f"/members/{town[0]}")
        answers = await asyncio.gather(*previews)

    assert waiting == 1
    assert read.status_code == 200
    assert {answer.status_code for answer in answers} <= {200, 503}


async def test_a_till_previews_nothing(client: Api, program: Program) -> None:
    assert code_of(await preview(client.acting_as(program.till), rules(DEARER))) == "scope_missing"
