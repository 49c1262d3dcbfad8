"""P6t: what the review of all members costs. Tiers that ran out with the year are reviewed by the run, and the rows that this
changes, where members are and their guards, are updated plainly elsewhere, in turn on one server.
"""

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

_MEMBERS: Final = round(1_000_000 * float(os.environ.get("BENCH_REVIEWS", "0.05")))
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_PLAIN: Final = 1_000
"""The program whose rows are updated plainly."""
_TABLES: Final = ("member", "balance", "operation", "operation_detail", "order", "member_tier", "tier_move")

_STATUS: Final = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "lasts": {"kind": "window", "more": 1},
    "tiers": [{"key": "silver", "at_least": 20_000}, {"key": "gold", "at_least": 50_000}],
}

_FILL: Final = """
INSERT INTO loyalty.member (program_id, id, version, seq, status, booked_at, orders, spend, first_order_at,
                            last_order_at, enrolled_at, due_at)
SELECT {program}, lpad(to_hex(m), 32, '0')::uuid, 2, 0, 'active', {bought}, 2, 50000 + m % 4 * 10000, {bought},
       {bought} + interval '1 year', {bought}, {ends}
  FROM generate_series(1, {members}) m;
INSERT INTO loyalty.operation (program_id, id, kind, member_id, order_id, client_id, effective_at, booked_at, revision)
SELECT {program}, lpad(to_hex(m * 100 + n), 32, '0')::uuid, 'order', lpad(to_hex(m), 32, '0')::uuid,
       lpad(to_hex(m * 100 + n), 32, '0')::uuid, 1, {bought}, {bought}, 1
  FROM generate_series(1, {members}) m, generate_series(1, 2) n;
INSERT INTO loyalty.order_key (program_id, natural_key, order_id, request_hash)
SELECT {program}, 'order||' || m || '/' || n, lpad(to_hex(m * 100 + n), 32, '0')::uuid, '\\x01'
  FROM generate_series(1, {members}) m, generate_series(1, 2) n;
INSERT INTO loyalty."order" (program_id, id, member_id, placed_at, currency, goods_total, shipping, paid_with_points,
                             lines, rest)
SELECT {program}, lpad(to_hex(m * 100 + n), 32, '0')::uuid, lpad(to_hex(m), 32, '0')::uuid,
       {bought} + (n - 1) * interval '1 year', 'EUR', CASE n WHEN 1 THEN 50000 ELSE m % 4 * 10000 END, 0, 0, '[]', '{{}}'
  FROM generate_series(1, {members}) m, generate_series(1, 2) n;
INSERT INTO loyalty.member_tier (program_id, member_id, tier_set, tier, since, until, ends_at, how, below)
SELECT {program}, lpad(to_hex(m), 32, '0')::uuid, 'status', 'gold', {bought}, {ends}, {ends}, 'earned', '{{silver}}'
  FROM generate_series(1, {members}) m;
INSERT INTO loyalty.tier_move (program_id, member_id, tier_set, version, operation_id, tier, since, until, ends_at, how, below)
SELECT {program}, lpad(to_hex(m), 32, '0')::uuid, 'status', 1, lpad(to_hex(m * 100 + 1), 32, '0')::uuid, 'gold',
       {bought}, {ends}, {ends}, 'earned', '{{silver}}'
  FROM generate_series(1, {members}) m
"""


def reviewing_against_updating() -> float:
    """P6t: members reviewed per second ÷ members whose rows a plain UPDATE changes per second."""
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
        plain, reviewed = await _update(url), await _review(url)
        ratios.append(reviewed / plain)
        _say(f"round {number + 1}: reviewed {reviewed:.0f}/s, plain UPDATE {plain:.0f}/s, ratio {ratios[-1]:.3f}")
        await _prove(url)
    return statistics.median(ratios)


async def _create_program(url: str) -> None:
    owner = await connect(url, role=OWNER_ROLE)
    assert await programs.create_program(owner, "benchmark") == 1
    parts = split(Program.model_validate({**rules_document(), "tier_sets": [_STATUS]}))
    await programs.publish_parts(owner, 1, parts, expected=0, client_id=None, note=None)
    await owner.close()


async def _fill(url: str) -> None:
    """Fill both programs with the same members, whose tier ran out at the end of last year, and what they had bought."""
    admin = await asyncpg.connect(url, command_timeout=3600)
    for table in (*_TABLES, "order_key"):
        await admin.execute(f'TRUNCATE loyalty."{table}"')
    for program in (1, _PLAIN):
        numbers = {"program": program, "members": _MEMBERS, "bought": "'2024-07-01Z'::timestamptz", "ends": _ENDS}
        await admin.execute(_FILL.format(**numbers), timeout=3600)
    await admin.execute("VACUUM ANALYZE", timeout=3600)
    await admin.execute("CHECKPOINT", timeout=3600)
    await admin.close()


_ENDS: Final = "('2026-01-01'::timestamp AT TIME ZONE 'Europe/Berlin')"


async def _update(url: str) -> float:
    """Return members per second of a plain UPDATE of the rows that a review changes: where they are, and their guard."""
    admin = await asyncpg.connect(url, command_timeout=3600)
    began = time.perf_counter()
    for statement in (_PLAIN_TIERS, _PLAIN_GUARDS):
        assert await admin.execute(statement, _PLAIN) == f"UPDATE {_MEMBERS}"
    seconds = time.perf_counter() - began
    await admin.close()
    return _MEMBERS / seconds


_PLAIN_TIERS: Final = (
    "UPDATE loyalty.member_tier SET tier = 'silver', since = ends_at, until = NULL, ends_at = NULL, below = '{}'"
    " WHERE program_id = $1"
)
_PLAIN_GUARDS: Final = (
    "UPDATE loyalty.member SET version = version + 1, booked_at = now(), due_at = now() + interval '1 year'"
    " WHERE program_id = $1"
)


async def _review(url: str) -> float:
    """Return members per second of the run."""
    one, other = await connect(url, role=OWNER_ROLE), await connect(url, role=OWNER_ROLE)
    async with create_pool(url, size=1) as pool:
        rulesets = Rulesets(Sessions(pool))
        await rulesets.latest(1)
        began = time.perf_counter()
        settled = await settle_due_points((one, other), rulesets, 1, now=datetime.now(UTC))
        seconds = time.perf_counter() - began
    await one.close()
    await other.close()
    assert settled.members == _MEMBERS
    return _MEMBERS / seconds


async def _prove(url: str) -> None:
    """Everybody is where what it bought last year leads, and was reviewed once."""
    owner = await connect(url, role=OWNER_ROLE)
    report = await check_rows(owner, 1)
    found = dict(await owner.fetch("SELECT tier, count(*) FROM loyalty.member_tier WHERE program_id = 1 GROUP BY 1"))
    reviews = await owner.fetchval(
        "SELECT count(*) FROM loyalty.operation WHERE program_id = 1 AND kind = 'tier_review'"
    )
    await owner.close()
    broken = {finding.name: finding.examples[0] for finding in report.findings if finding.offences}
    assert broken.keys() <= {"operations_have_their_key"}, broken
    assert found == {None: _MEMBERS // 2, "silver": _MEMBERS // 2}, found
    assert reviews == _MEMBERS


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
