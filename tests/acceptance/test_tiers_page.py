"""The shell blocks of the page about tiers, run one after the other in the shop that it speaks of."""

import pytest

from tests.harness.api import Api
from tests.harness.pages import read_blocks, read_example, run_block
from tests.harness.programs import MakeProgram, Program


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(read_example("outdoor_shop.yaml"))


async def test_what_the_page_runs_does_what_it_says(client: Api, server: str, program: Program) -> None:
    await client.enrol("card:2000012345")
    now = (await client.get("/program/clock")).json()["now"]

    answers = [run_block(block, BASE_URL=server, ADMIN_KEY=program.admin, NOW=now) for block in read_blocks("tiers.md")]

    [order], [tiers, entitlements], [granted, ended], [preview] = answers
    assert [(move["from"], move["tier"]) for move in order["tiers"]] == [("base", "ridge"), (None, "three")]
    assert [(place["set"], place["tier"]) for place in tiers["tiers"]] == [
        ("status", "ridge"),
        ("card", "three"),
        ("keepers", None),
    ]
    assert [one["entitlement"] for one in entitlements["entitlements"]] == ["free_delivery"]
    assert [granted["tiers"][0]["tier"], ended["tiers"][0]["tier"]] == ["summit", "ridge"]
    assert [step["members"] for step in preview["steps"]] == [1, 1, 1]
    assert preview["costs"] == {"discounts": 0, "points": []}
