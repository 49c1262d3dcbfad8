"""The bars with promotions: the core by itself, and the service with 20 of them against without."""

import asyncio
import json
import statistics
import sys
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any, Final

import zen

from benchmarks import traffic
from benchmarks.bars_core import LINES
from benchmarks.bars_http import PROCESSES, SECONDS, drive
from benchmarks.bars_http import ROUNDS as HTTP_ROUNDS
from benchmarks.stack import Stack, publish, rules_document, run_stack
from loyalty_engine.application.world import find_zone
from loyalty_engine.core.earning.limits import NOTHING_COUNTED
from loyalty_engine.core.engine.ruleset import compile_ruleset
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.promotions.evaluation import promote
from loyalty_engine.core.rules.order import Line, MemberSnapshot, Order, ShopOrder
from loyalty_engine.core.rules.view import View
from loyalty_engine.persistence.connections import OWNER_ROLE, connect

ROUNDS: Final = 15
_FEW, _MANY = 20, 2_000
_SETTLE: Final = 3.0
"""Seconds of traffic after a publication, in which all processes take it over."""

Json = dict[str, Any]


def zen_against_promotions() -> float:
    """P3p: time of zen-engine's decision table ÷ time of our core, 5 lines and 20 promotions of which 2 apply.

    Zen only says how much is off in all; ours also what is off each line, and why the others give nothing.
    """
    ours, theirs = _our_promotions(_FEW), _their_promotions()
    assert ours() == theirs(), "both must take the same off"
    ratios = []
    for number in range(ROUNDS):
        our_time, their_time = _time(ours, 2_000), _time(theirs, 200)
        ratios.append(their_time / our_time)
        if number % 5 == 0:
            _say(f"core {our_time * 1e6:.1f} µs, zen-engine {their_time * 1e6:.1f} µs")
    return statistics.median(ratios)


def many_against_few_promotions() -> float:
    """P4p: time of our core with 2,000 active promotions ÷ with 20, the same ones applying."""
    few, many = _our_promotions(_FEW), _our_promotions(_MANY)
    assert few() == many(), "the same promotions must apply"
    ratios = []
    for number in range(ROUNDS):
        time_of_few, time_of_many = _time(few, 2_000), _time(many, 2_000)
        ratios.append(time_of_many / time_of_few)
        if number % 5 == 0:
            _say(f"{_FEW} promotions {time_of_few * 1e6:.1f} µs, {_MANY} promotions {time_of_many * 1e6:.1f} µs")
    return statistics.median(ratios)


def accrue_with_promotions() -> float:
    """P1p: accruals per second over HTTP with 20 promotions, of which 2 apply, ÷ without any."""
    with run_stack(processes=PROCESSES) as stack:
        sales, ratios = traffic.receipts(stack.token), []
        for number in range(HTTP_ROUNDS):
            rates = []
            for count in (0, _FEW) if number % 2 else (_FEW, 0):
                _publish(stack, count)
                drive(stack, sales, _SETTLE)
                rates.append((count, drive(stack, sales, SECONDS).per_second))
            by_count = dict(rates)
            ratios.append(by_count[_FEW] / by_count[0])
            _say(f"round {number + 1}: {by_count[_FEW]:.0f}/s with {_FEW} promotions, {by_count[0]:.0f}/s without")
        return statistics.median(ratios)


def evaluate_with_promotions() -> float:
    """P10p: evaluations ÷ accruals per second over HTTP, with 20 promotions of which 2 apply."""
    with run_stack(processes=PROCESSES) as stack:
        _publish(stack, _FEW)
        looks, sales, ratios = traffic.evaluations(stack.token), traffic.receipts(stack.token), []
        drive(stack, sales, _SETTLE)
        for number in range(HTTP_ROUNDS):
            look, sale = drive(stack, looks, SECONDS), drive(stack, sales, SECONDS)
            ratios.append(look.per_second / sale.per_second)
            _say(f"round {number + 1}: evaluate {look.per_second:.0f}/s, accrue {sale.per_second:.0f}/s")
        return statistics.median(ratios)


def document_with_promotions(count: int) -> dict[str, object]:
    """Return the program of the other bars with so many promotions; two of them apply to the bench's orders."""
    applying: list[Json] = [
        {"key": "tenth", "effect": {"kind": "percent_off", "percent": "10%", "of": {"category": ["cat7"]}}},
        {
            "key": "till",
            "when": {"all": [{"fact": "order.channel", "is": "pos"}, {"fact": "order.total", "at_least": 4000}]},
            "effect": {"kind": "amount_off", "amount": 200},
        },
    ]
    others = [{"key": f"other_{number}", **_other(number)} for number in range(count - len(applying))]
    return {**rules_document(), "promotions": [*applying, *others] if count else []}


def _other(number: int) -> Json:
    """Return a promotion that none of the bench's orders gets, of a kind that large shops have by the hundred."""
    goods = {"sku": [f"sku{number}"]}
    together = [{"of": {"brand": [f"brand{number}"]}}, {"of": {"brand": [f"other_brand{number}"]}}]
    kinds: list[Json] = [
        {"effect": {"kind": "percent_off", "percent": "15%", "of": goods}},
        {"effect": {"kind": "bundle", "parts": together, "price": 500}},
        {"effect": {"kind": "buy_get", "buy": {"of": goods, "quantity": 2}, "get": {}}},
        {
            "when": {"fact": "order.location", "is": f"store{number}"},
            "effect": {"kind": "percent_off", "percent": "5%"},
        },
        {
            "when": {"lines": {"category": [f"range{number}"]}, "amount": {"at_least": 900}},
            "effect": {"kind": "amount_off", "amount": 100},
        },
    ]
    return kinds[number % len(kinds)]


def _our_promotions(count: int) -> Callable[[], int]:
    document = Program.model_validate(document_with_promotions(count))
    ruleset = compile_ruleset(split(document), 1, find_zone=find_zone)
    lines = tuple(Line(str(n), amount, 1_000_000, category=category) for n, (category, amount) in enumerate(LINES))
    placed_at = datetime(2026, 11, 21, tzinfo=UTC)
    order = Order(ShopOrder("1"), placed_at, "EUR", lines, channel="pos")
    member = MemberSnapshot("active", orders=3, spend=12_000)

    def evaluate() -> int:
        view = View(at=placed_at, zone=ruleset.zone, order=order, member=member)
        promoted = promote(ruleset.promotions, order, view, NOTHING_COUNTED)
        return sum([applied.value for applied in promoted.applied])

    return evaluate


def _their_promotions() -> Callable[[], int]:
    """Zen has no selections of lines: it is given the sums per category, which our side computes in its own time."""
    names = ["cat7", *(f"range{number}" for number in range(_FEW - 2))]
    inputs = [
        {"id": "total", "name": "total", "field": "total"},
        {"id": "channel", "name": "channel", "field": "channel"},
        *({"id": name, "name": name, "field": f"category.{name}"} for name in names),
    ]
    blank = {entry["id"]: "" for entry in inputs}
    rules = [
        {"_id": "tenth", **blank, "cat7": "> 0", "off": "floor(category.cat7 / 10)"},
        {"_id": "till", **blank, "total": ">= 4000", "channel": '"pos"', "off": "200"},
        *({"_id": name, **blank, name: ">= 900", "off": "100"} for name in names[1:]),
    ]
    content = {
        "hitPolicy": "collect",
        "inputs": inputs,
        "outputs": [{"id": "off", "name": "off", "field": "off"}],
        "rules": rules,
    }
    place = {"x": 0, "y": 0}
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": place},
        {"id": "table", "type": "decisionTableNode", "name": "table", "position": place, "content": content},
        {"id": "out", "type": "outputNode", "name": "out", "position": place},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "2", "type": "edge", "sourceId": "table", "targetId": "out"},
    ]
    decision: Any = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    context = {
        "total": sum(amount for _, amount in LINES),
        "channel": "pos",
        "category": {name: sum(a for c, a in LINES if c == name) for name, _ in LINES},
    }
    return lambda: sum(int(row["off"]) for row in decision.evaluate(context)["result"])


def _publish(stack: Stack, count: int) -> None:
    asyncio.run(_publish_now(stack, document_with_promotions(count)))


async def _publish_now(stack: Stack, document: dict[str, object]) -> None:
    owner = await connect(stack.database_url, role=OWNER_ROLE, statement_timeout="0")
    await publish(owner, document)
    await owner.close()


def _time(call: Callable[[], object], count: int) -> float:
    """Return the CPU time of one call: steadier than wall time on a shared machine."""
    return timeit.timeit(call, number=count, timer=process_time) / count


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
