"""G17: rebuilding from history gives the very balances, lots and counters that are stored, at every moment.

What kills and races leave behind is rebuilt where they happen: see G1 to G16, and G9 for crashes.
"""

import asyncio
import random

import pytest

from tests.harness.api import Api
from tests.harness.crowds import size
from tests.harness.customers import SOLD, Shop, visit
from tests.harness.histories import History
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program

CALLERS = 8
REBUILDS = size(10, 100)


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    """The program of the customers' shop."""
    return await new_program(SOLD)


@pytest.mark.slow
async def test_every_snapshot_is_rebuilt_as_stored_while_others_write(clients: Api, ledger: Ledger) -> None:
    shop, over = Shop(History(clients)), asyncio.Event()
    await shop.open()
    callers = [asyncio.create_task(visit(shop, random.Random(number), over)) for number in range(CALLERS)]
    written = []
    for _ in range(REBUILDS):
        assert await ledger.misfits() == []
        written.append(await ledger.count("operation"))
        await asyncio.sleep(0.2)
    over.set()
    await asyncio.gather(*callers)

    assert written[0] < written[-1]
    assert await ledger.misfits() == []
    assert await ledger.faults() == []


async def test_what_belongs_to_nobody_is_named(clients: Api, ledger: Ledger) -> None:
    """A member that is lost with all that is stored of it is still in its history."""
    await clients.new_member(100)
    transaction = ledger.connection.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in ("balance", "member"):
        await ledger.connection.execute(f"DELETE FROM {table} WHERE program_id = $1", ledger.program_id)
    misfits = await ledger.misfits()
    await transaction.rollback()

    named = {(found.difference.figure.of, found.difference.figure.column): found.difference for found in misfits}
    assert named["balance", "available"].stored is None
    assert named["balance", "available"].rebuilt == 100
    assert (named["member", "version"].stored, named["member", "version"].rebuilt) == (None, 2)
