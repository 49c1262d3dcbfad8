"""The promises of the life of points are themselves checked: an engine with a fault planted does not pass for sound."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from tests.harness.api import Api, available
from tests.harness.crowds import together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram
from tests.harness.servers import Servers, serve
from tests.promises.test_g13_returns_add_up import Case, play, shop


@contextmanager
def faulty(database_url: str, fault: str) -> Iterator[Servers]:
    """Run two processes in which a fault was planted."""
    with serve(database_url, module="tests.harness.staged", TEST_FAULT=fault) as servers:
        yield servers


@asynccontextmanager
async def calling(servers: Servers, token: str) -> AsyncIterator[Api]:
    async with Api(servers.urls, token) as api:
        yield api


async def overspends(clients: Api) -> bool:
    """Tell whether more is spent than there is when many spend at once."""
    for _ in range(10):
        member = await clients.new_member(100)
        answers = await together(clients.redeem(member, 30) for _ in range(20))
        if sorted(available(a.json()) for a in answers if a.status_code == 201) != [10, 40, 70]:
            return True
    return False


async def leaks(api: Api) -> bool:
    """Tell whether it matters in how many steps an order comes back."""
    dice = random.Random("leaks")
    for _ in range(20):
        case = Case.draw(dice)
        if await play(api, case, [case.back]) != await play(api, case, case.steps(dice)):
            return True
    return False


async def changes_its_mind(clients: Api) -> bool:
    """Tell whether a refusal is another answer later."""
    member = await clients.new_member(20)
    refused = await clients.redeem(member, 50, key="k-1")
    await clients.adjust(member, 100)
    return (await clients.redeem(member, 50, key="k-1")).content != refused.content


async def leaves_debts(clients: Api) -> bool:
    """Tell whether somebody has points and a debt."""
    member = await clients.new_member()
    order = (await clients.post_order(member, 10_000)).json()["id"]
    await clients.redeem(member, 100)
    await clients.cancel_order(order)
    rows = (await clients.post_order(member, 4_000)).json()["balances"]
    [row] = [row for row in rows if row["wallet"] == "points"]
    return (row["available"], row["debt"]) != (0, 60)


CHECKS = {
    "dropped guards": overspends,
    "rounding each refund": leaks,
    "forgotten refusals": changes_its_mind,
    "skipped debts": leaves_debts,
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", CHECKS)
async def test_a_planted_fault_breaks_its_promise(database_url: str, new_program: MakeProgram, fault: str) -> None:
    program = await new_program(shop("recomputed"))
    with faulty(database_url, fault) as servers:
        async with calling(servers, program.admin) as api:
            assert await CHECKS[fault](api)


async def test_the_engine_as_it_is_breaks_none_of_them(clients: Api, new_program: MakeProgram) -> None:
    api = clients.acting_as((await new_program(shop("recomputed"))).admin)

    assert [await check(api) for check in CHECKS.values()] == [False] * len(CHECKS)


async def test_a_debt_that_is_not_paid_is_an_offence_of_the_ledger(database_url: str, new_program: MakeProgram) -> None:
    program = await new_program()
    with faulty(database_url, "skipped debts") as servers:
        async with calling(servers, program.admin) as api:
            await leaves_debts(api)
    async with Ledger.open(program) as ledger:
        assert {fault.partition(":")[0] for fault in await ledger.faults()} == {"a member has points and a debt"}
        await ledger.connection.execute("UPDATE balance SET debt = 0 WHERE program_id = $1", program.id)
