"""P5: what the size of the past costs. A large program and a small one, driven in turn by the same tills."""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Final

import uvloop

from benchmarks.cpu import family_cpu_seconds
from benchmarks.history import build_history
from benchmarks.load import Result, request_bytes, run_load
from benchmarks.past import Past, random_key, till_of
from benchmarks.stack import FIRST_CARD, Stack, run_stack
from benchmarks.traffic import LINES
from loyalty_engine.persistence.connections import OWNER_ROLE, connect
from loyalty_engine.persistence.ledger_check import check_rows

_SMALL: Final = 10_000
_LARGE: Final = round(1_000_000 * float(os.environ.get("BENCH_GROWTH", "1")))
_LARGEST_CHECKED: Final = int(os.environ.get("BENCH_GROWTH_CHECKED", "100_000"))
"""Members up to which the ledger is proven before it is driven; at full size that takes many minutes."""
_CONNECTIONS: Final = 32
_PROCESSES: Final = int(os.environ.get("BENCH_PROCESSES", "2"))
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "7"))
_SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "8"))
_WARM_UP_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two systems, and how to drive it."""

    stack: Stack
    make_request: Callable[[], bytes]

    def drive(self, seconds: float) -> tuple[Result, float]:
        """Drive for so long; return what came of it, and the microseconds of CPU that PostgreSQL took per accrual."""
        before = family_cpu_seconds(self.stack.database_pid)
        result = uvloop.run(run_load(self.stack.urls, self.make_request, connections=_CONNECTIONS, seconds=seconds))
        assert result.refused == 0, "every request must do its work"
        return result, (family_cpu_seconds(self.stack.database_pid) - before) / result.answers * 1e6


def large_against_small() -> float:
    """P5: accruals per second with a million members and ten million postings ÷ with ten thousand members."""
    with _run(_LARGE) as large, _run(_SMALL) as small:
        ratios = []
        for number in range(_ROUNDS):
            sides = (large, small) if number % 2 else (small, large)
            driven = {id(side): side.drive(_SECONDS) for side in sides}
            (much, much_cpu), (little, little_cpu) = driven[id(large)], driven[id(small)]
            ratios.append(much.per_second / little.per_second)
            _say(
                f"round {number + 1}: {_LARGE} members {much.per_second:.0f}/s (PostgreSQL {much_cpu:.0f} µs each, p99 "
                f"{much.percentile(0.99) * 1e3:.1f} ms), {_SMALL} members {little.per_second:.0f}/s ({little_cpu:.0f} µs, "
                f"{little.percentile(0.99) * 1e3:.1f} ms), ratio {ratios[-1]:.2f}"
            )
        return statistics.median(ratios)


@contextmanager
def _run(members: int) -> Iterator[_Side]:
    """Build a system with so many members and a year behind them, prove its ledger, and warm it up."""
    past = Past(members, datetime.now(UTC))
    with run_stack(processes=_PROCESSES, build=partial(build_history, past)) as stack:
        if members <= _LARGEST_CHECKED:
            asyncio.run(_prove(stack))
        side = _Side(stack, _receipts(stack.token, past))
        side.drive(_WARM_UP_SECONDS)
        yield side


async def _prove(stack: Stack) -> None:
    began = time.perf_counter()
    connection = await connect(stack.database_url, role=OWNER_ROLE)
    try:
        report = await check_rows(connection, None)
    finally:
        connection.terminate()
    assert report.is_sound, [finding for finding in report.findings if finding.offences]
    _say(f"ledger of {report.totals.postings} postings is sound, checked in {time.perf_counter() - began:.0f} s")


def _receipts(token: str, past: Past) -> Callable[[], bytes]:
    """Return a maker of receipts: of any member, from all tills in turn, under random keys."""
    numbers, day = count(past.orders), f"{past.end:%Y-%m-%d}"

    def make() -> bytes:
        number = next(numbers)
        store, till = till_of(number)
        body = (
            f'{{"receipt":{{"location":"{store}","till":"{till}","business_date":"{day}","number":"{number}"}},'
            f'"member":"card:{FIRST_CARD + 1 + random.randrange(past.members)}","placed_at":"{day}T00:00:01Z",'
            f'"currency":"EUR","channel":"pos","lines":{LINES}}}'
        )
        return request_bytes("POST", "/v1/orders", token=token, body=body.encode(), key=random_key())

    return make


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
