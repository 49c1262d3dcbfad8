"""G3: one idempotency key has at most one effect, whoever repeats it, wherever, and whatever dies in between."""

import asyncio

import httpx

from tests.harness.api import Api, fresh, order_body
from tests.harness.bonds import document_of_bonds
from tests.harness.crowds import insist, size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram
from tests.harness.servers import Servers
from tests.harness.writes import NAMES, prepare_write

KEYS = size(10, 1_000)
PARALLEL = 20
KILLS = size(2, 20)
OPERATIONS = {"exchange": 2, "reservation": 2}
"""How many operations a write makes that makes more than one: it takes goods back, or releases what it replaces."""


def one_effect(answers: list[httpx.Response], *, may_end: bool = False) -> str:
    """Return the operation behind the answers, which are one and the same, and new only once at most.

    ``may_end``: it may be one that makes nothing new.
    """
    assert {answer.status_code for answer in answers} <= ({200, 201} if may_end else {201})
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) <= 1
    operation: str = answers[0].json()["operation_id"]
    return operation


async def test_a_key_raced_over_two_processes_has_one_effect(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member()
    for _ in range(KEYS):
        key, body = fresh("k"), order_body(member, 1200)

        answers = await together(insist(clients.post, "/orders", body, key=key) for _ in range(PARALLEL))

        one_effect(answers)
    assert await ledger.count("order") == KEYS
    assert (await ledger.nets())[f"{member}/points"] == 12 * KEYS
    assert await ledger.faults() == []


async def test_every_kind_of_write_has_one_effect(clients: Api, new_program: MakeProgram) -> None:
    program = await new_program(document_of_bonds())
    shop = clients.acting_as(program.admin)
    async with Ledger.open(program) as ledger:
        for name in NAMES:
            call = await prepare_write(name, shop)
            before = await ledger.count("operation")
            answers = await together(insist(call.send, shop) for _ in range(4))

            one_effect(answers, may_end=True)
            assert await ledger.count("operation") == before + OPERATIONS.get(name, 1), name
        assert await ledger.faults() == []


async def test_a_redemption_raced_by_its_key_is_paid_once(clients: Api, ledger: Ledger) -> None:
    for _ in range(KEYS):
        member, key = await clients.new_member(1000), fresh("k")

        answers = await together(insist(clients.redeem, member, 50, key=key) for _ in range(PARALLEL))

        one_effect(answers)
        assert (await ledger.nets())[f"{member}/points"] == 950
    assert await ledger.faults() == []


async def test_a_return_raced_by_its_key_comes_back_once(clients: Api, ledger: Ledger) -> None:
    for _ in range(KEYS):
        member, key = await clients.new_member(), fresh("k")
        order = (await clients.post_order(member, 5000)).json()["id"]

        answers = await together(insist(clients.take_back, order, key=key, amount=1000) for _ in range(PARALLEL))

        one_effect(answers)
        assert (await ledger.nets())[f"{member}/points"] == 40
    assert await ledger.faults() == []


async def test_a_key_raced_while_a_process_is_killed_has_one_effect(
    mended_servers: Servers, clients: Api, ledger: Ledger
) -> None:
    member = await clients.new_member()
    rounds = [[(fresh("k"), order_body(member, 700)) for _ in range(max(1, KEYS // KILLS // 2))] for _ in range(KILLS)]
    for number, pairs in enumerate(rounds):
        victim = mended_servers[number % 2]
        sending = asyncio.create_task(_race(clients, pairs))
        await asyncio.sleep(0.02)
        victim.kill()
        await asyncio.to_thread(victim.restart)

        for answers in await sending:
            one_effect(answers)
    placed = sum(len(pairs) for pairs in rounds)
    assert await ledger.count("order") == placed
    assert (await ledger.nets())[f"{member}/points"] == 7 * placed
    assert await ledger.faults() == []
    assert await ledger.misfits() == []


async def _race(clients: Api, pairs: list[tuple[str, dict[str, object]]]) -> list[list[httpx.Response]]:
    async def race(key: str, body: dict[str, object]) -> list[httpx.Response]:
        return await together(insist(clients.post, "/orders", body, key=key) for _ in range(PARALLEL))

    return await together(race(key, body) for key, body in pairs)
