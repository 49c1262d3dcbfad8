"""The shell blocks of the page about referrals, run one after the other in the shop that it speaks of."""

import pytest

from tests.harness.api import Api, now
from tests.harness.pages import read_blocks, read_example, run_block
from tests.harness.programs import MakeProgram, Program


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(read_example("plant_shop.yaml"))


async def test_what_the_page_runs_does_what_it_says(client: Api, server: str, program: Program) -> None:
    advocate = (await client.enrol("card:2000012345")).json()["id"]
    friend = (await client.enrol("email:bo@example.com")).json()["id"]
    await client.post_order(advocate, 3000, placed_at=now())

    first, second = read_blocks("referrals.md")
    [shown] = run_block(first, BASE_URL=server, ADMIN_KEY=program.admin)
    registered, in_review = run_block(second, BASE_URL=server, ADMIN_KEY=program.admin, CODE=shown["code"])

    [link] = shown["links"]
    assert link["link"] == "https://leafandroot.example/welcome?by=" + shown["code"].replace("-", "")
    assert (registered["friend_id"], registered["state"]) == (friend, "registered")
    assert in_review["items"] == []
