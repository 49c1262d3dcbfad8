"""P5: what the size of the past costs. A large program and a small one, driven in turn by the same tills.

Both databases are warm, as one in service is: what accruals touch was read into memory, as far as the server's shared
buffers hold it, and driven for a while, since the first change of each page after a checkpoint writes all of it to WAL.
"""

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
from pathlib import Path
from typing import Any, Final

import asyncpg
import uvloop

from benchmarks.cpu import family_cpu_seconds
from benchmarks.history import build_history
from benchmarks.load import Result, request_bytes, run_load
from benchmarks.past import Past, random_key, till_of
from benchmarks.stack import FIRST_CARD, Stack, run_stack
from benchmarks.traffic import LINES
from loyalty_engine.persistence.connections import OWNER_ROLE, connect
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.months import month_of

_SMALL: Final = 10_000
_LARGE: Final = round(1_000_000 * float(os.environ.get("BENCH_GROWTH", "1")))
_KEPT: Final = os.environ.get("BENCH_GROWTH_KEPT")
"""A directory that keeps the large database for the next run: it takes long to build."""
_LARGEST_CHECKED: Final = int(os.environ.get("BENCH_GROWTH_CHECKED", "100_000"))
"""Members up to which the ledger is proven before it is driven; at full size that takes many minutes."""
_CONNECTIONS: Final = 32
_PROCESSES: Final = int(os.environ.get("BENCH_PROCESSES", "2"))
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "9"))
_SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "8"))
_WARM_UP_SECONDS: Final = 20
_WARM_UP_SHARE: Final = float(os.environ.get("BENCH_GROWTH_WARM", "0.25"))
"""Accruals of the warm-up per member. Between two checkpoints a busy program sees as many and more."""
_RUN: Final = os.urandom(4).hex()

_TOUCHED: Final = """
SELECT c.oid::regclass::text AS name, pg_relation_size(c.oid) AS bytes FROM pg_class c
 WHERE c.relnamespace = 'loyalty'::regnamespace
   AND (c.relkind = 'r' AND c.relname IN ('member', 'balance', 'member_identity')
     OR c.relkind = 'i' AND (c.relname ~ '^(member|balance|member_identity|lot|idempotency|order_key)_(pkey|open_idx)$'
                             OR c.relname ~ $1))
"""


@dataclass(frozen=True, slots=True)
class _Driven:
    """What a drive measured; CPU microseconds and WAL bytes are PostgreSQL's, per accrual."""

    result: Result
    cpu: float
    wal: float

    def __str__(self) -> str:
        p99 = self.result.percentile(0.99) * 1e3
        return f"{self.result.per_second:.0f}/s (p99 {p99:.0f} ms, PostgreSQL {self.cpu:.0f} µs and {self.wal / 1e3:.1f} kB WAL)"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two systems, and how to drive it."""

    stack: Stack
    make_request: Callable[[], bytes]

    def drive(self, seconds: float) -> _Driven:
        """Drive for so long."""
        cpu, wal = family_cpu_seconds(self.stack.database_pid), asyncio.run(_wal_bytes(self.stack))
        result = uvloop.run(run_load(self.stack.urls, self.make_request, connections=_CONNECTIONS, seconds=seconds))
        assert result.refused == 0, "every request must do its work"
        cpu = (family_cpu_seconds(self.stack.database_pid) - cpu) / result.answers * 1e6
        return _Driven(result, cpu, (asyncio.run(_wal_bytes(self.stack)) - wal) / result.answers)


def large_against_small() -> float:
    """P5: accruals per second with a million members and ten million postings ÷ with ten thousand members."""
    with _run(_LARGE, Path(_KEPT) if _KEPT else None) as large, _run(_SMALL, None) as small:
        ratios = []
        for number in range(_ROUNDS):
            if number % 2:
                much, little = large.drive(_SECONDS), small.drive(_SECONDS)
            else:
                little, much = small.drive(_SECONDS), large.drive(_SECONDS)
            ratios.append(much.result.per_second / little.result.per_second)
            _say(f"round {number + 1}: {_LARGE} members {much}; {_SMALL} members {little}; ratio {ratios[-1]:.2f}")
        return statistics.median(ratios)


@contextmanager
def _run(members: int, kept: Path | None) -> Iterator[_Side]:
    """Run a system with so many members and a year behind them, its ledger proven, warmed up."""
    past = Past(members, datetime.now(UTC))
    with run_stack(processes=_PROCESSES, build=partial(build_history, past), kept=kept) as stack:
        if members <= _LARGEST_CHECKED:
            asyncio.run(_prove(stack))
        asyncio.run(_read_in(stack, past))
        side = _Side(stack, _receipts(stack.token, past))
        answers = 0
        while answers < members * _WARM_UP_SHARE:
            driven = side.drive(_WARM_UP_SECONDS)
            answers += driven.result.answers
            _say(f"warming up, {answers} accruals: {driven}")
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


async def _read_in(stack: Stack, past: Past) -> None:
    """Read what accruals touch into the shared buffers: as long as there is room, as years of work would have."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        rows: list[Any] = await connection.fetch(_TOUCHED, f"_{month_of(past.end).suffix}_")
        for row in rows:
            await connection.execute("SELECT pg_prewarm($1::regclass)", row["name"], timeout=300)
        _say(f"accruals touch {sum(row['bytes'] for row in rows) / 1e6:.0f} MB")
    finally:
        await connection.close()


async def _wal_bytes(stack: Stack) -> int:
    connection = await asyncpg.connect(stack.database_url)
    try:
        return int(await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))
    finally:
        await connection.close()


def _receipts(token: str, past: Past) -> Callable[[], bytes]:
    """Return a maker of receipts: of any member, from all tills in turn, under random keys."""
    numbers, day = count(), f"{past.end:%Y-%m-%d}"

    def make() -> bytes:
        number = next(numbers)
        store, till = till_of(number)
        body = (
            f'{{"receipt":{{"location":"{store}","till":"{till}","business_date":"{day}","number":"{_RUN}-{number}"}},'
            f'"member":"card:{FIRST_CARD + 1 + random.randrange(past.members)}","placed_at":"{day}T00:00:01Z",'
            f'"currency":"EUR","channel":"pos","lines":{LINES}}}'
        )
        return request_bytes("POST", "/v1/orders", token=token, body=body.encode(), key=random_key())

    return make


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
