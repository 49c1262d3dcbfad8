"""Orders that are heard of late are judged by the rules of their time, as far as the program still has what those speak of."""

from dataclasses import replace
from typing import Any

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import Actor, ClaimOrder, EvaluateOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from tests.core.engine_cases import (
    DOCUMENT,
    MEMBER,
    NOW,
    accept,
    after,
    call,
    known_order,
    line,
    member,
    moves,
    order,
    place,
    refuse,
    ruleset_of,
)

POINTS, CASHBACK, STAMPS = DOCUMENT["wallets"]
BASE, COFFEE = DOCUMENT["earning_rules"][:2]


def rules_of(revision: int, *rules: dict[str, Any], **parts: Any) -> Ruleset:  # noqa: ANN401 - parts of the document
    return ruleset_of(revision=revision, earning_rules=list(rules), **parts)


def late(then: Ruleset) -> Facts:
    return Facts(member=member(100), then=then)


def test_a_late_order_earns_by_the_rules_of_its_time() -> None:
    then, today = rules_of(1, BASE), rules_of(2, {**BASE, "earn": {**BASE["earn"], "points": 5}})

    changes = accept(place(), late(then), rules=today)

    assert moves(changes) == [("points", "issued", "available", 10)]
    assert (changes.operation.revision, changes.answer["revision"]) == (1, 1)


def test_a_look_at_a_late_order_tells_the_same() -> None:
    then, today = rules_of(1, BASE), rules_of(2, {**BASE, "earn": {**BASE["earn"], "points": 5}})

    found = look(today, late(then), EvaluateOrder(Actor(1), MEMBER, order()), NOW)

    assert isinstance(found, Look)
    assert (found.answer["revision"], found.answer["effects"][0]["points"]) == (1, 10)


def test_a_claimed_order_earns_by_the_rules_of_its_time() -> None:
    then, today = rules_of(1, BASE), rules_of(2, {**BASE, "earn": {**BASE["earn"], "points": 5}})
    facts = replace(late(then), order=known_order())

    changes = accept(ClaimOrder(call(), known_order().id, MEMBER), facts, rules=today)

    assert (moves(changes), changes.operation.revision) == ([("points", "issued", "available", 10)], 1)


def test_nothing_is_given_in_a_wallet_that_is_gone() -> None:
    stamp = {"key": "stamp", "wallet": "stamps", "earn": {"kind": "fixed", "points": 3}}
    then, today = rules_of(1, BASE, stamp), rules_of(2, BASE, wallets=[POINTS, CASHBACK])

    changes = accept(place(), late(then), rules=today)

    assert moves(changes) == [("points", "issued", "available", 10)]
    assert [(reason.rule, reason.code) for reason in changes.reasons] == [("base", "applied"), ("stamp", "wallet_gone")]
    assert "stamps" not in after(changes).balances


def test_a_wallet_that_counts_something_else_by_now_is_gone() -> None:
    stamp = {"key": "stamp", "wallet": "stamps", "earn": {"kind": "fixed", "points": 3}}
    then = rules_of(1, stamp)
    today = rules_of(2, BASE, wallets=[POINTS, CASHBACK, {"key": "stamps", "unit": "money"}])

    changes = accept(place(), late(then), rules=today)

    assert [(reason.rule, reason.code) for reason in changes.reasons] == [("stamp", "wallet_gone")]
    assert changes.entries is not None
    assert changes.entries.postings == ()


def test_a_rule_whose_wallet_is_gone_outdoes_nobody_and_takes_from_no_limit() -> None:
    best = {"earning_groups": [{"key": "best", "choose": "best"}]}
    fixed = {**COFFEE, "when": None, "earn": {"kind": "fixed", "points": 5}, "group": "best"}
    stamp = {
        "key": "stamp",
        "wallet": "stamps",
        "earn": {"kind": "fixed", "points": 300},
        "group": "best",
        "limits": [{"per": "member", "times": 1}],
    }
    then = rules_of(1, {key: value for key, value in fixed.items() if value is not None}, stamp, **best)
    today = rules_of(2, BASE, wallets=[POINTS, CASHBACK])

    changes = accept(place(), late(then), rules=today)

    assert moves(changes) == [("points", "issued", "available", 5)]
    assert after(changes).counters == {}


def test_points_of_a_wallet_that_is_gone_pay_nothing() -> None:
    then, today = rules_of(1, BASE), rules_of(2, wallets=[CASHBACK, STAMPS])

    refusal = refuse(place(pay=20), late(then), rules=today)

    assert (refusal.code, refusal.pointer) == ("wallet_not_found", "/pay_with_points/wallet")


def test_an_attribute_that_only_today_knows_is_accepted_and_seen_by_no_rule_of_then() -> None:
    then = rules_of(1, BASE, attributes={"order": {"bags": {"type": "integer"}}})
    today = rules_of(2, BASE, attributes={"order": {"gift": {"type": "boolean"}}, "line": {"own": {"type": "boolean"}}})

    changes = accept(
        place(line(1000, attributes={"own": True}), attributes={"gift": True, "bags": 2}), late(then), rules=today
    )

    assert moves(changes) == [("points", "issued", "available", 10)]


def test_an_attribute_that_neither_knows_is_refused() -> None:
    refusal = refuse(place(attributes={"slots": 1}), late(rules_of(1, BASE)), rules=rules_of(2, BASE))

    assert (refusal.code, refusal.pointer) == ("attribute_not_declared", "/attributes/slots")


def test_points_last_as_the_rules_of_their_time_said_and_slide_as_todays_do() -> None:
    lasting = {**POINTS, "expiry": {"kind": "after", "length": {"days": 10}}}
    sliding = {**POINTS, "expiry": {"kind": "sliding", "length": {"days": 90}}}
    then, today = rules_of(1, BASE, wallets=[lasting]), rules_of(2, BASE, wallets=[sliding])

    changes = accept(place(), late(then), rules=today)

    assert changes.entries is not None
    (lot,) = changes.entries.lots
    assert str(lot.expires_at) == "2026-06-11 11:00:00+00:00"
    assert str(after(changes).balances["points"].expires_at) == "2026-08-30 11:00:00+00:00"


def test_the_same_facts_decide_the_same_twice() -> None:
    then, today = rules_of(1, BASE), rules_of(2, COFFEE)

    assert decide(today, late(then), place(), NOW) == decide(today, late(then), place(), NOW)
