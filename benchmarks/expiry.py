"""P6: what the expiry run costs. Due lots are settled by it, and as many rows are updated plainly, in turn on one server."""

import gc
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import uvloop

from benchmarks.stack import rules_document
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.application.settle_due_points import settle_due_points
from loyalty_engine.cli.settle import COLLECT_AFTER
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.persistence import programs
from loyalty_engine.persistence.connections import OWNER_ROLE, connect, create_pool
from loyalty_engine.persistence.embedded import EmbeddedServer
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.migrating import migrate
from loyalty_engine.persistence.partitions import make_partitions
from loyalty_engine.persistence.sessions import Sessions

_LOTS: Final = round(100_000 * float(os.environ.get("BENCH_EXPIRY", "1")))
_LOTS_EACH: Final = 10
_POINTS: Final = 62
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
_PLAIN: Final = 1_000
"""The program whose lots are updated plainly."""

_FILL: Final = """
INSERT INTO loyalty.member (program_id, id, version, seq, status, booked_at, orders, spend, enrolled_at, due_at)
SELECT {program}, lpad(to_hex(m), 32, '0')::uuid, {each}, {each}, 'active', {begin}, 0, 0, {begin}, {begin} + interval '1 hour'
  FROM generate_series(1, {members}) m;
INSERT INTO loyalty.balance (program_id, member_id, wallet, available, pending, held, debt)
SELECT {program}, lpad(to_hex(m), 32, '0')::uuid, 'points', {all_points}, 0, 0, 0 FROM generate_series(1, {members}) m;
INSERT INTO loyalty.operation (program_id, id, kind, member_id, client_id, effective_at, booked_at, revision)
SELECT {program}, lpad(to_hex(m * 100 + n), 32, '0')::uuid, 'adjustment', lpad(to_hex(m), 32, '0')::uuid, 1, {begin}, {begin}, 1
  FROM generate_series(1, {members}) m, generate_series(1, {each}) n;
INSERT INTO loyalty.lot (program_id, id, member_id, wallet, amount, remaining, earned_at, available_at, expires_at, funder,
                         cost_micros, operation_id)
SELECT {program}, lpad(to_hex(m * 100 + n), 32, '0')::uuid, lpad(to_hex(m), 32, '0')::uuid, 'points', {points}, {points}, {begin}, {begin},
       {begin} + n * interval '1 hour', 'program', 1000000, lpad(to_hex(m * 100 + n), 32, '0')::uuid
  FROM generate_series(1, {members}) m, generate_series(1, {each}) n;
INSERT INTO loyalty.posting (program_id, member_id, seq, id, operation_id, wallet, source, destination, amount, lot_id,
                             available, pending, held, debt)
SELECT {program}, lpad(to_hex(m), 32, '0')::uuid, n, lpad(to_hex(m * 100 + n), 32, '0')::uuid, lpad(to_hex(m * 100 + n), 32, '0')::uuid,
       'points', 'adjusted', 'available', {points}, lpad(to_hex(m * 100 + n), 32, '0')::uuid, n * {points}, 0, 0, 0
  FROM generate_series(1, {members}) m, generate_series(1, {each}) n
"""


def settling_against_updating() -> float:
    """P6: due lots settled per second ÷ rows of a plain UPDATE per second."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        with EmbeddedServer(place / "state", settings={"max_wal_size": "8GB", "checkpoint_timeout": "60min"}) as server:
            migrate(server.url)
            gc.set_threshold(COLLECT_AFTER, 20, 50)
            return uvloop.run(_measure(server.url))


async def _measure(url: str) -> float:
    await make_partitions(url, datetime.now(UTC))
    await _create_program(url)
    ratios = []
    for number in range(_ROUNDS):
        await _fill(url)
        plain, settled = await _update(url), await _settle(url)
        ratios.append(settled / plain)
        _say(
            f"round {number + 1}: settled {settled:.0f} lots/s, plain UPDATE {plain:.0f} rows/s, ratio {ratios[-1]:.2f}"
        )
        await _prove(url)
    return statistics.median(ratios)


async def _create_program(url: str) -> None:
    owner = await connect(url, role=OWNER_ROLE)
    assert await programs.create_program(owner, "benchmark") == 1
    parts = split(Program.model_validate(rules_document()))
    await programs.publish_parts(owner, 1, parts, expected=0, client_id=None, note=None)
    await owner.close()


async def _fill(url: str) -> None:
    """Fill both programs with the same lots, all of them due since yesterday, and nothing else."""
    admin = await asyncpg.connect(url, command_timeout=600)
    for table in ("member", "balance", "operation", "operation_detail", "lot", "lot_use", "posting"):
        await admin.execute(f"TRUNCATE loyalty.{table}")
    numbers = {
        "members": _LOTS // _LOTS_EACH,
        "each": _LOTS_EACH,
        "points": _POINTS,
        "all_points": _LOTS_EACH * _POINTS,
    }
    for program in (1, _PLAIN):
        await admin.execute(_FILL.format(program=program, begin="now() - interval '2 days'", **numbers), timeout=600)
    await admin.execute("VACUUM ANALYZE", timeout=600)
    await admin.execute("CHECKPOINT", timeout=600)
    await admin.close()


async def _update(url: str) -> float:
    """Return rows per second of a plain UPDATE."""
    admin = await asyncpg.connect(url, command_timeout=600)
    began = time.perf_counter()
    done = await admin.execute("UPDATE loyalty.lot SET remaining = 0 WHERE program_id = $1", _PLAIN)
    seconds = time.perf_counter() - began
    await admin.close()
    assert done == f"UPDATE {_LOTS}"
    return _LOTS / seconds


async def _settle(url: str) -> float:
    """Return lots per second of the expiry run."""
    one, other = await connect(url, role=OWNER_ROLE), await connect(url, role=OWNER_ROLE)
    async with create_pool(url, size=1) as pool:
        rulesets = Rulesets(Sessions(pool))
        await rulesets.latest(1)
        began = time.perf_counter()
        settled = await settle_due_points((one, other), rulesets, 1, now=datetime.now(UTC))
        seconds = time.perf_counter() - began
    await one.close()
    await other.close()
    assert settled.members == _LOTS // _LOTS_EACH
    return _LOTS / seconds


async def _prove(url: str) -> None:
    """Each lot expired, once."""
    owner = await connect(url, role=OWNER_ROLE)
    report = await check_rows(owner, 1)
    left = await owner.fetchval("SELECT count(*) FROM loyalty.lot WHERE program_id = 1 AND remaining > 0")
    await owner.close()
    assert report.is_sound, [finding for finding in report.findings if finding.offences]
    assert left == 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
