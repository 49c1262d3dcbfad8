"""What holds for all programs: the index, limits, groups and multipliers change what they should and nothing else."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.evaluation import evaluate_earning
from loyalty_engine.core.rules.order import MemberSnapshot, Order
from tests.core.earning.drawn import (
    LIMITS,
    MEMBERS,
    MULTIPLIERS,
    ORDERS,
    PLAIN,
    PLAIN_RULES,
    POLICIES,
    RULES,
    WALLETS,
    amounts,
    compile_rules,
    evaluate,
    rules,
    used,
    view_of,
    without_index,
)

Json = dict[str, Any]

FREE = st.lists(rules(PLAIN), min_size=1, max_size=5)
"""Rules that give by themselves, without limits and outside of groups."""


@settings(max_examples=60, deadline=None)
@given(RULES, POLICIES, ORDERS, MEMBERS, st.integers(0, 400), st.integers(0, 40), st.integers(0, 2))
def test_looking_at_every_rule_gives_what_the_index_gives(
    drawn: list[Json], policy: Json, bought: Order, by: MemberSnapshot | None, paid: int, points: int, times: int
) -> None:
    ruleset, compiled = compile_rules(drawn, policy=policy)
    counted = used(points, times, len(drawn))
    found = evaluate_earning(compiled, view_of(ruleset, bought, by, paid), counted)
    looked = evaluate_earning(without_index(compiled), view_of(ruleset, bought, by, paid), counted)

    assert (found.grants, found.uses) == (looked.grants, looked.uses)
    seen = {reason.rule: reason for reason in looked.reasons}
    assert all(seen[reason.rule] == reason for reason in found.reasons)
    assert all(not seen[rule].applied for rule in seen.keys() - {reason.rule for reason in found.reasons})


@settings(max_examples=60, deadline=None)
@given(RULES, ORDERS, MEMBERS)
def test_every_rule_has_one_reason_and_it_is_true(drawn: list[Json], bought: Order, by: MemberSnapshot | None) -> None:
    ruleset, compiled = compile_rules(drawn)
    view = view_of(ruleset, bought, by)
    earned = evaluate_earning(compiled, view)
    told = compiled.explain_all([reason.as_json() for reason in earned.reasons], earned.seen)

    assert [reason["rule"] for reason in told] == [f"r{place}" for place in range(len(drawn))]
    looked_at = {reason.rule for reason in earned.reasons}
    for rule, reason in zip(compiled.rules, told, strict=True):
        if rule.key in looked_at:
            continue
        assert (reason["applied"], reason["amount"], reason["wallet"]) == (False, 0, rule.wallet)
        miss = rule.check(view) if rule.check is not None else None
        match reason["code"]:
            case "inactive":
                assert not rule.is_active
            case "condition_failed":
                assert miss is not None
                if "all" not in drawn[int(rule.key[1:])]["when"]:
                    assert reason["miss"] == miss.as_json()
            case code:
                assert code == "nothing_to_earn"
                assert rule.gives is None or rule.gives.amount(view) == 0


@settings(max_examples=30, deadline=None)
@given(RULES, POLICIES, ORDERS, MEMBERS, st.integers(0, 400), st.data())
def test_the_order_of_lines_never_matters(
    drawn: list[Json], policy: Json, bought: Order, by: MemberSnapshot | None, paid: int, data: st.DataObject
) -> None:
    shuffled = replace(bought, lines=tuple(data.draw(st.permutations(bought.lines))))
    ruleset, compiled = compile_rules(drawn, policy=policy)
    one, other = (evaluate_earning(compiled, view_of(ruleset, each, by, paid)) for each in (bought, shuffled))
    assert one == other


@settings(max_examples=30, deadline=None)
@given(ORDERS, st.integers(0, 400), POLICIES, st.data())
def test_a_line_split_in_two_earns_the_same_on_the_whole_order(
    bought: Order, paid: int, policy: Json, data: st.DataObject
) -> None:
    """Also where points paid, or tax is taken off; on a selection of lines a cent may fall to either side."""
    place = data.draw(st.integers(0, len(bought.lines) - 1))
    item = bought.lines[place]
    amount = data.draw(st.integers(0, item.amount))
    tax = data.draw(st.integers(max(0, item.tax - (item.amount - amount)), min(item.tax, amount)))
    halves = (
        item._replace(id="a", amount=amount, tax=tax),
        item._replace(id="b", amount=item.amount - amount, tax=item.tax - tax),
    )
    cut = replace(bought, lines=(*bought.lines[:place], *halves, *bought.lines[place + 1 :]))
    whole = {**policy, "choose": "all"}
    whole.pop("excluded", None)
    per_euro = [{"wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}}]
    assert amounts(evaluate(per_euro, cut, policy=whole, paid=paid)) == amounts(
        evaluate(per_euro, bought, policy=whole, paid=paid)
    )


@settings(max_examples=30, deadline=None)
@given(FREE, st.lists(MULTIPLIERS, max_size=2), LIMITS, ORDERS, st.integers(0, 3), st.integers(0, 40))
def test_a_higher_cap_never_gives_less_and_none_gives_most(
    drawn: list[Json], factors: list[Json], limits: list[Json], bought: Order, more: int, spent: int
) -> None:
    """Outside of groups: in a group a rule that is cut makes room for another."""
    factors = [{name: value for name, value in rule.items() if name != "group"} for rule in factors]
    raised = [{**limit, what: limit[what] + more} for limit in limits for what in ("points", "times") if what in limit]
    totals = []
    for caps in (limits, raised, []):
        ruleset, compiled = compile_rules([{**drawn[0], "limits": caps}, *drawn[1:], *factors])
        counted = used(spent, spent, 1)
        totals.append(amounts(evaluate_earning(compiled, view_of(ruleset, bought), counted)))
    low, high, none = totals
    assert all(amount <= high[rule] <= none[rule] for rule, amount in low.items())
    assert high.keys() <= none.keys()


@settings(max_examples=30, deadline=None)
@given(st.lists(PLAIN_RULES, min_size=1, max_size=5), st.lists(MULTIPLIERS, min_size=1, max_size=3), ORDERS)
def test_a_multiplier_adds_to_what_others_give_and_never_lowers_it(
    drawn: list[Json], factors: list[Json], bought: Order
) -> None:
    plain, multiplied = amounts(evaluate(drawn, bought)), amounts(evaluate([*drawn, *factors], bought))
    assert {rule: amount for rule, amount in multiplied.items() if rule in plain} == plain
    assert all(amount > 0 for amount in multiplied.values())


@settings(max_examples=30, deadline=None)
@given(FREE, ORDERS)
def test_the_best_is_at_least_as_good_as_any_single_rule(drawn: list[Json], bought: Order) -> None:
    everything = evaluate(drawn, bought, policy={"choose": "all"})
    best = evaluate(drawn, bought, policy={"choose": "best"})
    for wallet in WALLETS:
        offers = [grant.amount for grant in everything.grants if grant.wallet == wallet]
        assert [grant.amount for grant in best.grants if grant.wallet == wallet] == ([max(offers)] if offers else [])
    losers = {reason.rule for reason in best.reasons if reason.code == "outdone"}
    assert losers == amounts(everything).keys() - amounts(best).keys()


@settings(max_examples=30, deadline=None)
@given(st.lists(rules(PLAIN, priority=st.integers(-1, 1)), min_size=1, max_size=5), ORDERS)
def test_the_first_is_one_rule_and_has_the_highest_priority(drawn: list[Json], bought: Order) -> None:
    everything = amounts(evaluate(drawn, bought, policy={"choose": "all"}))
    first = amounts(evaluate(drawn, bought, policy={"choose": "first"}))
    ranked = sorted(everything, key=lambda rule: (-drawn[int(rule[1:])].get("priority", 0), int(rule[1:])))
    assert list(first.items()) == [(rule, everything[rule]) for rule in ranked[:1]]


@settings(max_examples=30, deadline=None)
@given(st.lists(PLAIN_RULES, max_size=8), ORDERS)
def test_of_a_group_inside_one_that_chooses_best_all_or_none_of_a_wallet_win(drawn: list[Json], bought: Order) -> None:
    """In each wallet the winners of the groups best, first and all are one rule, one of first, or all of all."""
    earned = evaluate(drawn, bought)
    outdone = {reason.rule for reason in earned.reasons if reason.code == "outdone"}
    for wallet in WALLETS:
        winners = [drawn[int(g.rule[1:])].get("group") for g in earned.grants if g.wallet == wallet]
        inside = [group for group in winners if group is not None]
        assert len(set(inside)) <= 1
        assert len(inside) <= 1 or set(inside) == {"all"}
    assert outdone.isdisjoint(amounts(earned))
