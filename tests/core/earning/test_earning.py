"""Earning rules: how much they give, how it is rounded, on which amounts, and what never matters."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.base import compile_base, earning_base
from loyalty_engine.core.earning.evaluation import Earned, EarningRules, evaluate_earning
from loyalty_engine.core.earning.groups import Groups
from loyalty_engine.core.earning.rules import EarningRule, compile_earning
from loyalty_engine.core.program.earning import EarningPolicy, EarningRuleEntry
from loyalty_engine.core.rules.order import Line
from tests.core.orders import VOCABULARY, line, member, order, view_of

PER_EURO: Final = {"kind": "per_amount", "points": 1, "per": 100}
COFFEE: Final = {"category": ["coffee"]}


def rule(earn: dict[str, Any], policy: EarningPolicy | None = None, **fields: Any) -> EarningRule:  # noqa: ANN401  fields of a rule
    entry = EarningRuleEntry.model_validate({"key": "rule", "wallet": "points", "earn": earn, **fields})
    return compile_earning(entry, policy=policy or EarningPolicy(), vocabulary=VOCABULARY, zone=UTC)


def earned(compiled: EarningRule, *lines: Line, net: tuple[int, ...] | None = None) -> int:
    result = evaluate_earning(rules_of(compiled), view_of(order(*lines, channel="web", shipping=990), member(), net))
    return sum(grant.amount for grant in result.grants)


def rules_of(*rules: EarningRule) -> EarningRules:
    return EarningRules.of(rules, Groups({}, "all"))


@pytest.mark.parametrize(
    ("points", "per", "rounding", "amount", "expected"),
    [
        (1, 100, "floor", 1999, 19),
        (1, 100, "nearest", 1949, 19),
        (1, 100, "nearest", 1950, 20),
        (1, 100, "ceil", 1901, 20),
        (1, 100, "ceil", 1900, 19),
        (3, 200, "floor", 500, 7),
        (3, 200, "nearest", 500, 8),
        (7, 1, "floor", 10**12, 7 * 10**12),
        (1, 10**12, "floor", 10**12 - 1, 0),
    ],
)
def test_points_per_amount_are_rounded_as_the_rule_says(
    points: int, per: int, rounding: str, amount: int, expected: int
) -> None:
    compiled = rule({"kind": "per_amount", "points": points, "per": per}, rounding=rounding)
    assert earned(compiled, line(amount)) == expected


@pytest.mark.parametrize(
    ("rate", "amount", "expected"),
    [("2%", 1250, 25), ("2.5%", 1999, 49), ("100%", 7, 7), ("0.000001%", 10**8, 1), ("33.333333%", 300, 99)],
)
def test_a_percentage_is_exact_and_rounded_down(rate: str, amount: int, expected: int) -> None:
    assert earned(rule({"kind": "percent", "rate": rate}), line(amount)) == expected


def test_a_fixed_amount_does_not_depend_on_the_order() -> None:
    assert earned(rule({"kind": "fixed", "points": 20}), line(1)) == 20
    assert earned(rule({"kind": "fixed", "points": 20}), line(10**6), line(5)) == 20


def test_rounding_happens_once_after_all_lines() -> None:
    assert earned(rule(PER_EURO), line(150), line(150), line(150)) == 4


def test_the_policy_rounds_where_the_rule_does_not() -> None:
    policy = EarningPolicy(rounding="ceil")
    assert earned(rule(PER_EURO, policy), line(101)) == 2
    assert earned(rule(PER_EURO, policy, rounding="floor"), line(101)) == 1


def test_earning_stands_on_the_selected_lines() -> None:
    bought = (line(500, category="coffee"), line(700, category="tea"), line(300, category="coffee"))
    assert earned(rule({**PER_EURO, "of": COFFEE}), *bought) == 8
    assert earned(rule({"kind": "percent", "rate": "10%", "of": COFFEE}), *bought) == 80


def test_what_points_paid_does_not_earn_unless_the_policy_says_gross() -> None:
    bought = (line(1000, category="coffee"), line(1000, category="tea"))
    assert earned(rule(PER_EURO), *bought, net=(400, 900)) == 13
    assert earned(rule({**PER_EURO, "of": COFFEE}), *bought, net=(400, 900)) == 4
    net = compile_base(EarningPolicy(), VOCABULARY)
    gross = compile_base(EarningPolicy(base="gross"), VOCABULARY)
    base = earning_base(net, order(*bought), 700)
    assert base is not None
    assert [item.amount for item in base.lines] == [650, 650]
    assert earning_base(gross, order(*bought), 700) is None


def test_conditions_compare_what_was_bought_and_not_what_points_left() -> None:
    compiled = rule(PER_EURO, when={"lines": COFFEE, "amount": {"at_least": 1000}})
    assert earned(compiled, line(1000, category="coffee"), net=(400,)) == 4


def test_shipping_never_earns() -> None:
    assert earned(rule(PER_EURO), line(100)) == 1


def test_rules_add_up_and_each_has_its_reason_in_document_order() -> None:
    rules = [
        replace(rule(PER_EURO), key="base"),
        replace(rule({"kind": "fixed", "points": 5}, active=False), key="off"),
        replace(rule({"kind": "fixed", "points": 5}, when={"fact": "order.channel", "is": "app"}), key="app"),
        replace(rule({"kind": "percent", "rate": "1%"}), key="tiny"),
        replace(rule({"kind": "fixed", "points": 5}), key="gift"),
    ]
    compiled = rules_of(*rules)
    result = evaluate_earning(compiled, view_of(order(line(99), channel="web")))
    assert [tuple(grant)[:3] for grant in result.grants] == [("gift", "points", 5)]
    shown = [reason.as_json() for reason in result.reasons]
    assert compiled.explain_all(shown, result.seen) == [
        {"rule": "base", "applied": False, "code": "nothing_to_earn", "amount": 0, "wallet": "points"},
        {"rule": "off", "applied": False, "code": "inactive", "amount": 0, "wallet": "points"},
        {
            "rule": "app",
            "applied": False,
            "code": "condition_failed",
            "amount": 0,
            "wallet": "points",
            "miss": {"code": "unmet", "fact": "order.channel", "operator": "is", "needed": "app", "actual": "web"},
        },
        {"rule": "tiny", "applied": False, "code": "nothing_to_earn", "amount": 0, "wallet": "points"},
        {"rule": "gift", "applied": True, "code": "applied", "amount": 5, "wallet": "points"},
    ]


def test_without_rules_nothing_is_earned() -> None:
    assert evaluate_earning(rules_of(), view_of(order(line()), member())) == Earned((), (), (), {})


@pytest.mark.parametrize(
    ("fields", "reads"),
    [
        ({}, False),
        ({"when": {"fact": "member.orders", "is": 0}}, False),
        ({"when": {"fact": "member.attributes.vegan", "is": True}}, True),
        ({"when": {"fact": "member.attributes.vegan", "is": True}, "active": False}, False),
    ],
)
def test_a_rule_says_whether_it_reads_member_attributes(fields: dict[str, Any], reads: bool) -> None:
    assert rule(PER_EURO, **fields).reads_profile is reads


RULES: Final = [
    rule(PER_EURO, rounding="nearest"),
    rule({"kind": "per_amount", "points": 3, "per": 7, "of": COFFEE}),
    rule({"kind": "percent", "rate": "2.5%"}, rounding="ceil"),
    rule({"kind": "fixed", "points": 5}, when={"lines": COFFEE, "amount": {"at_least": 50}}),
    rule(PER_EURO, when={"any": [{"fact": "order.total", "more_than": 99}, {"lines": {}, "quantity": {"is": "1.5"}}]}),
    rule({"kind": "fixed", "points": 9}, when={"not": {"lines": {"attributes": {"cup": True}}, "amount": {"is": 0}}}),
]
COUNTING: Final = [
    *RULES,
    rule(PER_EURO, when={"fact": "order.lines", "at_least": 3}),
    rule(PER_EURO, when={"lines": COFFEE, "count": {"is": 2}}),
]
LINES: Final = st.lists(
    st.tuples(
        st.builds(
            line,
            amount=st.integers(0, 120),
            quantity=st.sampled_from(["0", "0.5", "1", "2"]),
            category=st.sampled_from([None, "coffee", "tea"]),
            attributes=st.sampled_from([{}, {"cup": True}, {"cup": False}]),
        ),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=5,
)


def evaluate(rules: Sequence[EarningRule], pairs: Sequence[tuple[Line, int]]) -> Earned:
    """Evaluate an order of lines, each with what points paid of it."""
    net = tuple(max(0, item.amount - paid) for item, paid in pairs)
    return evaluate_earning(rules_of(*rules), view_of(order(*(item for item, _ in pairs)), member(), net))


def shown(result: Earned) -> list[dict[str, Any]]:
    return [reason.as_json() for reason in result.reasons]


@settings(max_examples=60)
@given(LINES.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_the_order_of_lines_never_matters(orders: tuple[list[tuple[Line, int]], list[tuple[Line, int]]]) -> None:
    one, other = (evaluate(COUNTING, pairs) for pairs in orders)
    assert one.grants == other.grants
    assert shown(one) == shown(other)


@settings(max_examples=60)
@given(LINES, st.data())
def test_splitting_a_line_in_two_never_matters_unless_a_rule_counts_lines(
    pairs: list[tuple[Line, int]], data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(pairs) - 1))
    item, paid = pairs[position]
    paid = min(paid, item.amount)
    amount = data.draw(st.integers(0, item.amount))
    quantity = data.draw(st.integers(0, item.quantity))
    paid_first = data.draw(st.integers(max(0, paid - (item.amount - amount)), min(paid, amount)))
    halves = [
        (item._replace(amount=amount, quantity=quantity), paid_first),
        (item._replace(amount=item.amount - amount, quantity=item.quantity - quantity), paid - paid_first),
    ]
    whole = evaluate(RULES, pairs)
    split = evaluate(RULES, [*pairs[:position], *halves, *pairs[position + 1 :]])
    assert split.grants == whole.grants
    assert shown(split) == shown(whole)


@settings(max_examples=60)
@given(LINES)
def test_the_same_order_always_earns_the_same(pairs: list[tuple[Line, int]]) -> None:
    assert shown(evaluate(COUNTING, pairs)) == shown(evaluate(COUNTING, pairs))
    result = evaluate(COUNTING, pairs)
    assert [(g.rule, g.amount) for g in result.grants] == [(r.rule, r.amount) for r in result.reasons if r.applied]
    assert all(grant.amount > 0 for grant in result.grants)
