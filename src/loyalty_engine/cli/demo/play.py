"""One run: read the receipts, enrol their households, replay, and read what the ledger says before and after."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

from loyalty_engine.cli.demo.calls import Place, Till
from loyalty_engine.cli.demo.columns import Product, Tables
from loyalty_engine.cli.demo.receipts import Form, Receipt, read_receipts
from loyalty_engine.cli.demo.tills import Advance, Replay, enrol, read_balances, replay
from loyalty_engine.cli.failures import FailureError
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.reading import parse_program

ALL_RECEIPTS: Final = 155_848
"""How many the package has; only for the length of a progress bar."""

_BREATH: Final = 500
"""Receipts read before others may run: a signal, the server's keeper."""


class Screen(Protocol):
    """Shows how far the work is."""

    def progress(self, what: str, total: int, /) -> AbstractContextManager[Advance]:
        """Show a bar of so many pieces while the context is open."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be played: so many receipts from the first on (None: all), in their own order or a shuffled one."""

    tables: Tables
    receipts: int | None
    tills: int
    shuffle: int | None
    screen: Screen


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What the ledger check said: which promises are broken, and what there is."""

    broken: tuple[str, ...]
    checks: int
    members: int
    operations: int
    postings: int
    outstanding: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Played:
    """Everything that came of a run. ``receipts`` and the replay's credits are in the same order."""

    program: Program
    revision: int
    products: Mapping[int, Product]
    receipts: Sequence[Receipt]
    replay: Replay
    members: Mapping[int, str]
    balances: Mapping[int, Mapping[str, int]]
    before: LedgerState
    after: LedgerState

    @property
    def credited(self) -> Mapping[int, Mapping[str, int]]:
        """What each household was credited for the receipts of this run, now or when they were sent first."""
        found: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for receipt, granted in zip(self.receipts, self.replay.credits, strict=True):
            for credit in granted:
                found[receipt.household][credit.wallet] += credit.points
        return found

    @property
    def holds_others(self) -> bool:
        """Whether the program also holds what is not of this run, so that its balances are more than the run's."""
        own = len(self.receipts), len(self.members)
        return (self.after.operations - self.after.members, self.after.members) != own

    @property
    def changed_nothing(self) -> bool:
        """Whether every receipt was known and the ledger is as it was."""
        return self.replay.repeated == len(self.receipts) and self.before == self.after


async def play(office: Place, tills: Place, run: Run) -> Played:
    """Play a run against the program that is published there. Raises ``FailureError``."""
    async with Till(office) as till:
        await till.require_service()
        program, revision = await _read_program(till)
        products = run.tables.read_products()
        receipts = await _read(read_receipts(run.tables.read_rows(), products, Form.of(program)), run)
        before = await _check_ledger(till)
        households = sorted({receipt.household for receipt in receipts})
        with run.screen.progress("Enrolling households", len(households)) as advance:
            members = await enrol(office, households, run.tills, advance)
        with run.screen.progress("Replaying receipts", len(receipts)) as advance:
            replayed = await replay(tills, receipts, run.tills, advance)
        with run.screen.progress("Reading balances", len(members)) as advance:
            balances = await read_balances(office, members, run.tills, advance)
        after = await _check_ledger(till)
    return Played(program, revision, products, receipts, replayed, members, balances, before, after)


async def _read_program(till: Till) -> tuple[Program, int]:
    answer = await till.get("/program")
    if answer.code == "program_not_published":
        raise FailureError("the server's program has no document yet; publish one with `loyalty apply`")
    found = answer.expect("reading the program")
    program = parse_program(found["document"])
    if not isinstance(program, Program):
        raise FailureError("the server's program has a form that this release does not know")
    return program, found["revision"]


async def _read(found: Iterator[Receipt], run: Run) -> list[Receipt]:
    receipts = []
    with run.screen.progress("Reading the data", run.receipts or ALL_RECEIPTS) as advance:
        for receipt in islice(found, run.receipts):
            receipts.append(receipt)
            advance()
            if len(receipts) % _BREATH == 0:
                await asyncio.sleep(0)
    if run.shuffle is not None:
        random.Random(run.shuffle).shuffle(receipts)  # noqa: S311 - an order that can be had again, no secret
    return receipts


async def _check_ledger(till: Till) -> LedgerState:
    report: dict[str, Any] = (await till.get("/ledger/check")).expect("the ledger check")
    return LedgerState(
        broken=tuple(check["promise"] for check in report["checks"] if check["offences"]),
        checks=len(report["checks"]),
        members=report["members"],
        operations=report["operations"],
        postings=report["postings"],
        outstanding={row["wallet"]: row["points"] - row["debt"] for row in report["outstanding"]},
    )
