"""Kept reasons show exactly what the reasons themselves showed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from loyalty_engine.core.rules.kept_reasons import keep_reason, show_kept_reason
from loyalty_engine.core.rules.order import MemberSnapshot, Order
from loyalty_engine.core.rules.reasons import Capped, Excluded, Need, NoneOf, Outdone, Reason, Unmet
from tests.core.earning.drawn import CONDITIONS, MEMBERS, ORDERS
from tests.core.orders import check, view_of

TOTAL = Need("order.total", "integer", "at_least", 2000, bound=2000)
COFFEE = Need("lines.quantity", "decimal", "at_least", "1.5", bound=1_500_000, lines={"category": ["coffee"]})
CHANNEL = Need("order.channel", "text", "in", ["web", "app"])
VEGAN = Need("member.attributes.vegan", "boolean", "is", True, personal=True)

TENDERS = Need("order.tenders", "texts", "includes", ["card", "app"])
PAST = Need("history.orders", "integer", "at_least", 2, bound=2, history={"days": 7})
PAST_EVER = Need("history.quantity", "decimal", "at_least", 2, bound=2_000_000, lines={"sku": ["1"]}, history={})
WEIGHT = Need("lines.sum", "decimal", "at_least", "1.5", bound=1_500_000, lines={}, attribute="weight")
BIRTHDAY = Need("member.birthday", "date", "in", {"days_before": 3}, personal=True)

MISSES = [
    Unmet(TENDERS, ("cash", "voucher")),
    Unmet(TENDERS, ()),
    Unmet(PAST, 1),
    Unmet(PAST, None),
    Unmet(PAST_EVER, 500_000),
    Unmet(WEIGHT, 0),
    Unmet(BIRTHDAY, None),
    NoneOf((Unmet(PAST, 0), NoneOf((Unmet(WEIGHT, 1), Unmet(BIRTHDAY, None))))),
    Excluded({"history": {}, "orders": {"is": 0}}, personal=False),
    Unmet(TOTAL, 1899),
    Unmet(COFFEE, 250_000),
    Unmet(CHANNEL, None),
    Unmet(VEGAN, None),
    NoneOf((Unmet(TOTAL, 0), Excluded({"fact": "order.channel", "is": "pos"}, personal=False))),
    Excluded({"fact": "member.attributes.vegan", "is": True}, personal=True),
]


MONTHLY = {"per": "member", "points": 100, "period": "month"}
ONCE = {"per": "program", "times": 1}


@pytest.mark.parametrize("miss", MISSES)
def test_a_missed_condition_is_shown_as_it_was(miss: Unmet | NoneOf | Excluded) -> None:
    reason = Reason("rule", applied=False, code="condition_failed", amount=0, wallet="points", why=miss)
    stored = json.loads(json.dumps(keep_reason(reason)))
    assert show_kept_reason(stored) == json.loads(json.dumps(reason.as_json()))


@pytest.mark.parametrize(
    "reason",
    [
        Reason("rule", applied=True, code="applied", amount=20, wallet="points", why=None),
        Reason("rule", applied=False, code="inactive", amount=0, wallet="points", why=None),
        Reason("rule", applied=False, code="nothing_to_earn", amount=0, wallet="cash", why=None),
        Reason("rule", applied=False, code="not_open", amount=0, wallet="points", why=None),
        Reason("rule", applied=True, code="applied", amount=40, wallet="points", why=Capped(MONTHLY, 60, 60)),
        Reason("rule", applied=False, code="limit_reached", amount=0, wallet="points", why=Capped(ONCE, 1, 20)),
        Reason("rule", applied=False, code="outdone", amount=0, wallet="points", why=Outdone("boosts", 10)),
        Reason("rule", applied=False, code="outdone", amount=0, wallet="points", why=Outdone(None, 10)),
    ],
)
def test_a_reason_without_a_missed_condition_is_shown_as_it_was(reason: Reason) -> None:
    assert show_kept_reason(json.loads(json.dumps(keep_reason(reason)))) == reason.as_json()


def test_twenty_failed_rules_stay_small() -> None:
    reasons = [Reason(f"category_{n}", False, "condition_failed", 0, "points", Unmet(TOTAL, 5)) for n in range(20)]
    assert len(json.dumps([keep_reason(reason) for reason in reasons])) < 1500


@settings(max_examples=60, deadline=None)
@given(CONDITIONS, ORDERS, MEMBERS)
def test_whatever_a_condition_misses_is_shown_as_it_was(
    written: dict[str, Any], bought: Order, by: MemberSnapshot | None
) -> None:
    missed = check(written)(view_of(bought, by))
    if missed is None:
        return
    reason = Reason("rule", applied=False, code="condition_failed", amount=0, wallet="points", why=missed)
    stored = json.loads(json.dumps(keep_reason(reason)))
    assert show_kept_reason(stored) == json.loads(json.dumps(reason.as_json()))
