"""The shell blocks of the page about memberships, run one after the other in the gym that it speaks of."""

import pytest

from tests.harness.api import Api
from tests.harness.pages import read_blocks, read_example, run_block
from tests.harness.programs import MakeProgram, Program

START = "2030-01-31T10:15:00Z"


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(read_example("gym.yaml"), is_sandbox=True)


async def test_what_the_page_runs_does_what_it_says(client: Api, server: str, program: Program) -> None:
    for card in ("card:2000012345", "card:2000054321", "card:2000067890"):
        await client.enrol(card)
    await client.post("/program/clock", {"to": START})

    blocks = read_blocks("memberships.md")
    answers = [run_block(block, BASE_URL=server, ADMIN_KEY=program.admin, NOW=START) for block in blocks]

    [paid, plans], [tried, reported], [changed], [left, refunded] = answers
    assert (paid["membership"]["state"], paid["membership"]["ends_at"]) == ("active", "2031-02-14T10:15:00Z")
    assert [(move["from"], move["tier"]) for move in paid["tiers"]] == [(None, "oak")]
    [club] = plans["plans"]
    assert club["refund"]["payments"] == [{"payment": "pay-2026-4711", "amount": 48999}]  # some seconds are gone
    assert (tried["membership"]["state"], tried["membership"]["ends_at"][:10]) == ("trial", "2030-02-07")
    assert reported["membership"]["paid_until"] == "2030-02-28T10:15:00Z"
    assert (changed["replaced"]["state"], changed["refund"]["amount"]) == ("cancelled", 0)
    assert (left["membership"]["state"], left["membership"]["ends_at"]) == ("active", "2031-01-31T10:15:00Z")
    assert (refunded["membership"]["state"], refunded["refund"]["amount"]) == ("cancelled", 49000)
