"""The bars that drive the whole service over HTTP. Each is a ratio inside one interleaved run, a median of rounds."""

import asyncio
import os
import statistics
import sys
from collections.abc import Callable
from typing import Final

import asyncpg
import uvloop

from benchmarks import pgbench, traffic
from benchmarks.cpu import family_cpu_seconds
from benchmarks.load import Result, run_load
from benchmarks.stack import Stack, run_stack
from benchmarks.stages import measure_stages

CONNECTIONS: Final = 32
PROCESSES: Final = int(os.environ.get("BENCH_PROCESSES", "2"))
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "8"))

P11_WAL_GOAL: Final = 5 * 1024
P11_DISK_GOAL: Final = 4 * 1024


def accrue_against_pgbench() -> float:
    """P1: accruals per second over HTTP ÷ pgbench running the same gather and record."""
    with run_stack(processes=PROCESSES) as stack:
        drive(stack, traffic.receipts(stack.token), 5)
        script = asyncio.run(pgbench.accrue_script(stack))
        ratio, service, database = _against_pgbench("accrue", stack, traffic.receipts(stack.token), script)
        _say(measure_stages(stack).describe(service, database))
        return ratio


def redeem_against_pgbench() -> float:
    """P2: redemptions per second over HTTP ÷ pgbench running the same gather and record."""
    with run_stack(processes=PROCESSES) as stack:
        drive(stack, traffic.redemptions(stack.token), 5)
        script = asyncio.run(pgbench.redeem_script(stack))
        return _against_pgbench("redeem", stack, traffic.redemptions(stack.token), script)[0]


def hammered_against_spread() -> float:
    """P8: one hammered member ÷ spread over all, requests per second; beside it what the others' tail suffers."""
    with run_stack(processes=PROCESSES) as stack:
        spread, hammered = traffic.receipts(stack.token), traffic.receipts(stack.token, members=1)
        drive(stack, spread, 3)
        ratios = []
        for number in range(ROUNDS):
            usual, hot = drive(stack, spread, SECONDS), drive(stack, hammered, SECONDS)
            assert usual.refused == hot.refused == 0, "nobody may be refused"
            ratios.append(hot.per_second / usual.per_second)
            _say(f"round {number + 1}: hammered {hot.per_second:.0f}/s, spread {usual.per_second:.0f}/s")
        quiet, disturbed = _tails(stack, spread, hammered)
        _say(
            f"everybody else's p99: {disturbed * 1e3:.1f} ms while hammered, {quiet * 1e3:.1f} ms otherwise "
            f"(ratio {disturbed / quiet:.2f})"
        )
        return statistics.median(ratios)


def evaluate_against_accrue() -> float:
    """P10: evaluations ÷ accruals per second over HTTP."""
    with run_stack(processes=PROCESSES) as stack:
        looks, sales = traffic.evaluations(stack.token), traffic.receipts(stack.token)
        drive(stack, sales, 3)
        ratios = []
        for number in range(ROUNDS):
            look, sale = drive(stack, looks, SECONDS), drive(stack, sales, SECONDS)
            ratios.append(look.per_second / sale.per_second)
            _say(f"round {number + 1}: evaluate {look.per_second:.0f}/s, accrue {sale.per_second:.0f}/s")
        return statistics.median(ratios)


def bytes_per_accrual() -> float:
    """P11: the larger of WAL ÷ 5 KB and disk with indexes ÷ 4 KB per accrual; at most 1 is the goal."""
    with run_stack(processes=PROCESSES) as stack:
        sales = traffic.receipts(stack.token)
        drive(stack, sales, 3)
        before = asyncio.run(_sizes(stack))
        count = drive(stack, sales, SECONDS * 2).answers
        wal, disk = (after - start for after, start in zip(asyncio.run(_sizes(stack)), before, strict=True))
        _say(f"per accrual: WAL {wal / count:.0f} bytes, disk with indexes {disk / count:.0f} bytes ({count} accruals)")
        return max(wal / count / P11_WAL_GOAL, disk / count / P11_DISK_GOAL)


def tail_against_median() -> float:
    """P12: p99 ÷ p50, saturated at 32 connections; beside it the same at half load."""
    with run_stack(processes=PROCESSES) as stack:
        sales = traffic.receipts(stack.token)
        drive(stack, sales, 5)
        ratios = []
        for number in range(ROUNDS):
            full = drive(stack, sales, SECONDS)
            half = drive(stack, sales, SECONDS, pace=full.per_second / 2)
            ratios.append(full.percentile(0.99) / full.percentile(0.5))
            _say(f"round {number + 1}: saturated {_tail(full)}; half load {_tail(half)}")
        return statistics.median(ratios)


def _against_pgbench(
    name: str, stack: Stack, make_request: Callable[[], bytes], script: str
) -> tuple[float, float, float]:
    """Return the median ratio, and the median CPU microseconds per request in the service and in PostgreSQL."""
    rounds = []
    for number in range(ROUNDS):
        service, database = family_cpu_seconds(stack.service_pid), family_cpu_seconds(stack.database_pid)
        result = drive(stack, make_request, SECONDS)
        service = (family_cpu_seconds(stack.service_pid) - service) / result.answers * 1e6
        database = (family_cpu_seconds(stack.database_pid) - database) / result.answers * 1e6
        bare = pgbench.run_pgbench(stack, script, clients=CONNECTIONS, seconds=SECONDS)
        assert result.refused == 0, "every request must do its work"
        rounds.append((result.per_second / bare, service, database))
        _say(
            f"round {number + 1}: {name} {result.per_second:.0f}/s over HTTP (CPU per request: service {service:.0f} µs, "
            f"PostgreSQL {database:.0f} µs), pgbench {bare:.0f}/s"
        )
    ratio, service, database = (statistics.median(values) for values in zip(*rounds, strict=True))
    return ratio, service, database


def drive(stack: Stack, make_request: Callable[[], bytes], seconds: float, *, pace: float | None = None) -> Result:
    """Drive the service for so many seconds, as hard as it goes or at a pace."""
    return uvloop.run(run_load(stack.urls, make_request, connections=CONNECTIONS, seconds=seconds, pace=pace))


def _tails(stack: Stack, spread: Callable[[], bytes], hammered: Callable[[], bytes]) -> tuple[float, float]:
    """Return everybody's p99 at a gentle pace, without and with half of the connections hammering one member."""

    async def both() -> Result:
        hammer = run_load(stack.urls, hammered, connections=CONNECTIONS // 2, seconds=SECONDS)
        gentle = run_load(stack.urls, spread, connections=CONNECTIONS // 2, seconds=SECONDS)
        return (await asyncio.gather(hammer, gentle))[1]

    async def all_spread() -> Result:
        one = run_load(stack.urls, spread, connections=CONNECTIONS // 2, seconds=SECONDS)
        other = run_load(stack.urls, spread, connections=CONNECTIONS // 2, seconds=SECONDS)
        return (await asyncio.gather(one, other))[1]

    quiet = [uvloop.run(all_spread()).percentile(0.99) for _ in range(3)]
    disturbed = [uvloop.run(both()).percentile(0.99) for _ in range(3)]
    return statistics.median(quiet), statistics.median(disturbed)


async def _sizes(stack: Stack) -> tuple[int, int]:
    """Return bytes of WAL written and of all tables with indexes."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        row = await connection.fetchrow(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS wal, "
            "(SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = 'loyalty' AND c.relkind = 'r') AS disk"
        )
    finally:
        await connection.close()
    assert row is not None
    return row["wal"], row["disk"]


def _tail(result: Result) -> str:
    p50, p99 = result.percentile(0.5), result.percentile(0.99)
    return f"{result.per_second:.0f}/s p50 {p50 * 1e3:.1f} ms p99 {p99 * 1e3:.1f} ms (ratio {p99 / p50:.2f})"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
