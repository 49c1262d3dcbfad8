"""G5: a replay is the first answer byte for byte: after restarts, key rotation, and a change of the rules."""

import asyncio
import random
from dataclasses import dataclass
from functools import partial

import pytest

from tests.harness.api import Api
from tests.harness.bonds import document_of_bonds
from tests.harness.crowds import in_crowd, size
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import Servers
from tests.harness.writes import NAMES, WriteCall, prepare_write

ROUNDS = size(1, 25)
REPLAYS = size(40, 1_000)


@dataclass(frozen=True)
class Answered:
    """A write and its first answer."""

    call: WriteCall
    status: int
    content: bytes


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(document_of_bonds())


async def answer_each(api: Api) -> list[Answered]:
    """Return every kind of write with its answer, and a refusal of each that can be refused."""
    found = []
    for name in NAMES:
        call = await prepare_write(name, api)
        first = await call.send(api)
        found.append(Answered(call, first.status_code, first.content))
    for name in ("redemption", "adjustment"):
        call = await prepare_write(name, api)
        too_many = {**call.body, "points": -9999 if name == "adjustment" else 9999}
        poor = WriteCall(name, call.method, call.path, too_many, call.key)
        first = await poor.send(api)
        found.append(Answered(poor, first.status_code, first.content))
    return found


async def replay_all(api: Api, answered: list[Answered], *, seed: int) -> None:
    """Send again, in any order, as often as the promise says; every answer must be the first one."""
    dice = random.Random(seed)

    async def replay(one: Answered) -> None:
        again = await one.call.send(api)
        assert (again.status_code, again.content) == (one.status, one.content), one.call.name
        assert again.headers["idempotent-replayed"] == "true"

    await in_crowd([partial(replay, one) for one in dice.choices(answered, k=REPLAYS)])


async def test_replays_are_identical_for_ever(
    mended_servers: Servers, clients: Api, program: Program, ledger: Ledger
) -> None:
    answered = [one for _ in range(ROUNDS) for one in await answer_each(clients)]
    assert sorted({one.status for one in answered}) == [200, 201, 409]
    before = await ledger.counts()

    await replay_all(clients, answered, seed=1)

    await asyncio.to_thread(mended_servers[0].restart)
    await asyncio.to_thread(mended_servers[1].restart)
    await replay_all(clients, answered, seed=2)

    rotated = clients.acting_as(await program.rotate(program.admin))
    assert (await clients.evaluate()).status_code == 401
    assert (await clients.evaluate()).status_code == 401  # by the other process
    await replay_all(rotated, answered, seed=3)

    other_rules = document(name="Other rules")
    other_rules["earning_rules"] = []
    other_rules["wallets"] = other_rules["wallets"][:1]
    await program.publish(other_rules)
    await replay_all(rotated, answered, seed=4)

    assert await ledger.counts() == before
    assert await ledger.faults() == []
