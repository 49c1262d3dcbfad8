"""The bars with promo codes: what two of them cost an order, and what it costs that all orders want the same one."""

import asyncio
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from benchmarks import traffic
from benchmarks.bars_http import PROCESSES, ROUNDS, SECONDS, drive
from benchmarks.load import Result
from benchmarks.stack import Stack, publish, rules_document, run_stack
from loyalty_engine.persistence.connections import OWNER_ROLE, connect

CODES: Final = 300_000
"""How many codes for one use there are of each kind: more than orders are sent."""
_SETTLE: Final = 5.0
_NO_END: Final = 10**12

Json = dict[str, Any]
Make = Callable[[], bytes]

_PROMOTIONS: Final[list[Json]] = [
    {"key": "first", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 100}},
    {
        "key": "second",
        "opened_by": "code",
        "effect": {"kind": "percent_off", "percent": "5%", "of": {"category": ["cat7"]}},
    },
]

_POOL: Final = """
INSERT INTO loyalty.code_pool (program_id, key, kind, promotion, terms, created_at)
SELECT 1, $1, 'imported', $2, jsonb_build_object('limits',
       jsonb_build_array(jsonb_build_object('per', 'code', 'times', $3::bigint, 'period', 'lifetime'))), now()
"""
_FILL: Final = """
INSERT INTO loyalty.promo_code (program_id, code, pool)
SELECT 1, $2 || lpad(n::text, 8, '0'), $1 FROM generate_series(0, $3::int - 1) n
"""


def accrue_with_codes() -> float:
    """P1c: accruals per second over HTTP with two codes for one use in each ÷ without codes, under the same rules."""
    with run_stack(processes=PROCESSES) as stack:
        _prepare(stack)
        plain = traffic.receipts(stack.token)
        coded = traffic.receipts(stack.token, codes=lambda number: (f"A{number:08}", f"B{number:08}"))
        return _compare(stack, ("with two codes", coded), ("without", plain))


def one_code_against_many() -> float:
    """P8c: accruals per second when all use one code with a limit ÷ when each uses another; beside it both tails."""
    with run_stack(processes=PROCESSES) as stack:
        _prepare(stack)
        one = traffic.receipts(stack.token, codes=lambda _: ("H00000000",))
        many = traffic.receipts(stack.token, codes=lambda number: (f"A{number:08}",))
        return _compare(stack, ("all with one code", one), ("each with its own", many))


def _compare(stack: Stack, one: tuple[str, Make], other: tuple[str, Make]) -> float:
    """Drive both in turn; return how many per second the one makes ÷ the other, a median of rounds."""
    drive(stack, other[1], _SETTLE)
    ratios = []
    for number in range(ROUNDS):
        sides = (one, other) if number % 2 else (other, one)
        results = {name: drive(stack, make, SECONDS) for name, make in sides}
        assert all(result.refused == 0 for result in results.values()), "every order must be accepted"
        mine, theirs = results[one[0]], results[other[0]]
        ratios.append(mine.per_second / theirs.per_second)
        _say(f"round {number + 1}: {one[0]} {_show(mine)}; {other[0]} {_show(theirs)}")
    return statistics.median(ratios)


def _show(result: Result) -> str:
    return (
        f"{result.per_second:.0f}/s, p50 {result.percentile(0.5) * 1e3:.1f}, p99 {result.percentile(0.99) * 1e3:.1f} ms"
    )


def _prepare(stack: Stack) -> None:
    asyncio.run(_publish(stack, [("first", "A", CODES, 1), ("second", "B", CODES, 1), ("hot", "H", 1, _NO_END)]))


async def _publish(stack: Stack, pools: Sequence[tuple[str, str, int, int]]) -> None:
    """Publish the promotions, and make the pools: each by its key, what its codes begin with, how many, and their uses."""
    owner = await connect(stack.database_url, role=OWNER_ROLE, statement_timeout="0")
    document = {**rules_document(), "promotions": _PROMOTIONS}
    await publish(owner, document)
    for key, beginning, count, uses in pools:
        await owner.execute(_POOL, key, "second" if key == "second" else "first", uses)
        await owner.execute(_FILL, key, beginning, count)
    await owner.execute("ANALYZE loyalty.promo_code")
    await owner.close()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
