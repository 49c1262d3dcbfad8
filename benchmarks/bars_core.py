"""P3 and P4: the core against a rule engine that people would otherwise take, and with many rules against few."""

import json
import statistics
import sys
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import zen

from benchmarks.stack import rules_document
from loyalty_engine.application.world import find_zone
from loyalty_engine.core.earning.evaluation import evaluate_earning
from loyalty_engine.core.engine.ruleset import compile_ruleset
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.rules.order import Line, MemberSnapshot, Order, ShopOrder
from loyalty_engine.core.rules.view import View

ROUNDS: Final = 15
_MANY: Final = 2_000
LINES: Final = (("cat1", 1899), ("bread", 250), ("dairy", 750), ("cat7", 50), ("cat7", 1250))


def zen_against_core() -> float:
    """P3: time of zen-engine's decision table ÷ time of our core with reasons, 5 lines and 20 rules."""
    ours, theirs = _our_evaluation(), _their_evaluation()
    assert ours() == theirs(), "both must grant the same points"
    ratios = []
    for number in range(ROUNDS):
        our_time, their_time = _time(ours, 2_000), _time(theirs, 200)
        ratios.append(their_time / our_time)
        if number % 5 == 0:
            sys.stdout.write(f"core {our_time * 1e6:.1f} µs, zen-engine {their_time * 1e6:.1f} µs\n")
    return statistics.median(ratios)


def many_against_few() -> float:
    """P4: time of our core with 2,000 active rules ÷ with 20, the same ones matching."""
    few, many = _our_evaluation(), _our_evaluation(_MANY)
    assert few() == many(), "the same rules must match"
    ratios = []
    for number in range(ROUNDS):
        time_of_few, time_of_many = _time(few, 2_000), _time(many, 2_000)
        ratios.append(time_of_many / time_of_few)
        if number % 5 == 0:
            sys.stdout.write(f"20 rules {time_of_few * 1e6:.1f} µs, {_MANY} rules {time_of_many * 1e6:.1f} µs\n")
    return statistics.median(ratios)


def _our_evaluation(rules: int = 20) -> Callable[[], int]:
    ruleset = compile_ruleset(split(Program.model_validate(rules_document(rules))), 1, find_zone=find_zone)
    order = Order(
        reference=ShopOrder("1"),
        placed_at=datetime(2026, 11, 21, tzinfo=UTC),
        currency="EUR",
        lines=tuple(Line(str(n), amount, 1_000_000, category=category) for n, (category, amount) in enumerate(LINES)),
        channel="pos",
    )
    member = MemberSnapshot("active", orders=3, spend=12_000)

    def evaluate() -> int:
        view = View(at=order.placed_at, zone=ruleset.zone, order=order, member=member)
        earned = evaluate_earning(ruleset.order_rules, view)
        return sum(grant.amount for grant in earned.grants)

    return evaluate


def _their_evaluation() -> Callable[[], int]:
    """Zen has no selections of lines: it is given the sums per category, which our side computes in its own time."""
    decision: Any = zen.ZenEngine().create_decision(json.dumps(_decision_table()))
    context = {
        "total": sum(amount for _, amount in LINES),
        "channel": "pos",
        "category": {name: sum(a for c, a in LINES if c == name) for name, _ in LINES},
    }

    def evaluate() -> int:
        rows = decision.evaluate(context)["result"]
        return sum(int(row["points"]) for row in rows)

    return evaluate


def _decision_table() -> dict[str, Any]:
    inputs = [
        {"id": "total", "name": "total", "field": "total"},
        {"id": "channel", "name": "channel", "field": "channel"},
        *({"id": f"c{n}", "name": f"cat{n}", "field": f"category.cat{n}"} for n in range(17)),
    ]
    blank = {entry["id"]: "" for entry in inputs}
    rules = [
        {"_id": "base", **blank, "points": "floor(total / 100)"},
        {"_id": "till", **blank, "total": ">= 4000", "channel": '"pos"', "points": "5"},
        *({"_id": f"category_{n}", **blank, f"c{n}": ">= 500", "points": "20"} for n in range(17)),
    ]
    content = {
        "hitPolicy": "collect",
        "inputs": inputs,
        "outputs": [{"id": "points", "name": "points", "field": "points"}],
        "rules": rules,
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {"id": "table", "type": "decisionTableNode", "name": "table", "position": {"x": 0, "y": 0}, "content": content},
        {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
    ]
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "2", "type": "edge", "sourceId": "table", "targetId": "out"},
    ]
    return {"nodes": nodes, "edges": edges}


def _time(call: Callable[[], object], count: int) -> float:
    return timeit.timeit(call, number=count) / count
