"""Kept reasons show exactly what the reasons themselves showed."""

import json

import pytest

from loyalty_engine.core.rules.kept_reasons import keep_reason, show_kept_reason
from loyalty_engine.core.rules.reasons import Excluded, Need, NoneOf, Reason, Unmet

TOTAL = Need("order.total", "integer", "at_least", 2000, bound=2000)
COFFEE = Need("lines.quantity", "decimal", "at_least", "1.5", bound=1_500_000, lines={"category": ["coffee"]})
CHANNEL = Need("order.channel", "text", "in", ["web", "app"])
VEGAN = Need("member.attributes.vegan", "boolean", "is", True, personal=True)

MISSES = [
    Unmet(TOTAL, 1899),
    Unmet(COFFEE, 250_000),
    Unmet(CHANNEL, None),
    Unmet(VEGAN, None),
    NoneOf((Unmet(TOTAL, 0), Excluded({"fact": "order.channel", "is": "pos"}, personal=False))),
    Excluded({"fact": "member.attributes.vegan", "is": True}, personal=True),
]


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
    ],
)
def test_a_reason_without_a_miss_is_shown_as_it_was(reason: Reason) -> None:
    assert show_kept_reason(json.loads(json.dumps(keep_reason(reason)))) == reason.as_json()


def test_twenty_failed_rules_stay_small() -> None:
    reasons = [Reason(f"category_{n}", False, "condition_failed", 0, "points", Unmet(TOTAL, 5)) for n in range(20)]
    assert len(json.dumps([keep_reason(reason) for reason in reasons])) < 1500
