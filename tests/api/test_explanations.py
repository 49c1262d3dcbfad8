"""Reasons in plain English: each kind of verdict and miss has its words, and no reason of any decision case lacks them."""

from typing import Any, Final, get_args

import pytest

from loyalty_engine.api.explanations import explain, explain_codes, explain_tiers
from loyalty_engine.api.schemas.reasons import ReasonAnswer
from loyalty_engine.core.earning.evaluation import evaluate_earning
from loyalty_engine.core.promotions.codes import CodeLimit, CodeReason, WhyNotUsed
from loyalty_engine.core.rules.kept_reasons import keep_reason, show_kept_reason
from loyalty_engine.core.rules.reasons import PromotionReason
from tests.decisions.examples import SINGLE, Case, read_cases, read_counted, read_rules, read_ruleset, read_view

MONTHLY: Final = {"per": "member", "points": 100, "period": "month"}
COFFEE: Final = {"category": ["coffee"]}


def sentence(code: str, amount: int = 0, wallet: str = "points", **more: Any) -> str:  # noqa: ANN401 - JSON values
    reason = {"rule": "r", "applied": code == "applied", "code": code, "amount": amount, "wallet": wallet, **more}
    [text] = explain([reason])
    return text.removeprefix("r: ")


def missed(**fields: Any) -> str:  # noqa: ANN401 - JSON values
    miss = {"code": "unmet", "operator": "at_least", "actual": None, **fields}
    text = sentence("condition_failed", miss=miss)
    return text.removeprefix("not applied, needs ")


def excluded(condition: dict[str, Any]) -> str:
    text = sentence("condition_failed", miss={"code": "excluded", "condition": condition})
    return text.removeprefix("not applied, excluded because ")


def capped(limit: dict[str, Any], used: int = 60, wanted: int = 60) -> dict[str, Any]:
    return {"code": "capped", "limit": limit, "used": used, "wanted": wanted}


def test_a_verdict_says_what_was_given_or_why_nothing() -> None:
    assert sentence("applied", 40) == "applied, gives 40 points"
    assert sentence("inactive") == "not applied, the rule is switched off"
    assert sentence("not_open") == "not applied, the rule was closed at that time"
    assert sentence("nothing_to_earn") == "not applied, there is nothing, or too little, to earn on"


def test_a_cut_says_by_which_limit_and_what_was_used_of_it() -> None:
    assert sentence("applied", 40, limit=capped(MONTHLY)) == (
        "applied, gives 40 points, cut from 60 by the limit of 100 points per member and month (60 used)"
    )


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"per": "order", "points": 50}, "50 points at once"),
        ({"per": "member", "points": 50}, "50 points per member"),
        ({"per": "member", "times": 1, "period": "day"}, "1 time per member and day"),
        ({"per": "program", "points": 50}, "50 points for all members"),
        ({"per": "program", "times": 3, "period": "week"}, "3 times for all members per week"),
    ],
)
def test_each_limit_has_its_words(limit: dict[str, Any], words: str) -> None:
    text = sentence("limit_reached", limit=capped(limit, used=50, wanted=7))
    assert text == f"not applied, the limit of {words} is reached (50 used); would give 7 points"


def test_who_was_outdone_hears_in_which_group() -> None:
    outdone = {"code": "outdone", "group": "boosts", "wanted": 10}
    assert sentence("outdone", outdone=outdone) == (
        "not applied, another rule of the group boosts was chosen; would give 10 points"
    )
    outside = sentence("outdone", wallet="cashback", outdone={**outdone, "group": None})
    assert outside == "not applied, another rule was chosen; would give 10 cashback"


@pytest.mark.parametrize(
    ("miss", "words"),
    [
        (
            {"fact": "history.orders", "history": {"days": 7}, "needed": 2, "actual": 1, "missing": 1},
            "at least 2 orders in the last 7 days, found 1 (1 missing)",
        ),
        (
            {"fact": "history.spend", "history": {"calendar": "month"}, "lines": COFFEE, "needed": 900, "actual": 0},
            "at least 900 spent on lines with category coffee in that month, found 0",
        ),
        (
            {"fact": "history.quantity", "history": {}, "needed": "1.5", "actual": "1", "missing": "0.5"},
            "at least 1.5 bought at any time before, found 1 (0.5 missing)",
        ),
        (
            {"fact": "history.days_since_last", "history": {"days": 1}, "operator": "is", "needed": 3},
            "exactly 3 days since the last order in the last 1 day, none is known",
        ),
        (
            {"fact": "history.orders", "history": {"calendar": "day"}, "operator": "is_not", "needed": 0, "actual": 0},
            "anything but 0 orders on that day, found 0",
        ),
        (
            {"fact": "lines.sum", "attribute": "weight", "lines": COFFEE, "needed": "1.5", "actual": "1"},
            "the sum of weight of lines with category coffee at least 1.5, was 1",
        ),
        (
            {"fact": "lines.amount", "lines": {"except": {"category": ["tobacco"]}}, "needed": 2000, "actual": 0},
            "lines.amount of lines but not category tobacco at least 2000, was 0",
        ),
        (
            {"fact": "lines.count", "lines": {"brand": ["A"], "except": {"sku": ["x", "y"]}}, "needed": 1, "actual": 0},
            "lines.count of lines with brand A but not sku x, y at least 1, was 0",
        ),
        (
            {"fact": "order.tenders", "operator": "includes", "needed": ["card", "app"], "actual": ["cash"]},
            "order.tenders to include one of card, app, was cash",
        ),
        (
            {"fact": "order.tenders", "operator": "excludes", "needed": "voucher", "actual": ["cash", "voucher"]},
            "order.tenders to include none of voucher, was cash, voucher",
        ),
        ({"fact": "order.tenders", "operator": "includes", "needed": "card", "actual": []}, "order.tenders to include one of card, was nothing"),
        ({"fact": "member.age", "needed": 18, "personal": True}, "member.age at least 18, what it was is personal"),
        ({"fact": "time.clock", "needed": "18:00", "actual": "17:55"}, "time.clock at least 18:00, was 17:55"),
        ({"fact": "order.channel", "operator": "exists", "needed": True}, "order.channel to be known, was absent"),
    ],
)  # fmt: skip
def test_each_miss_has_its_words(miss: dict[str, Any], words: str) -> None:
    assert missed(**miss) == words


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({}, "the birthday"),
        ({"days_before": 3}, "the birthday or up to 3 days before it"),
        ({"days_after": 1}, "the birthday or up to 1 day after it"),
        ({"days_before": 3, "days_after": 2}, "a day from 3 days before to 2 days after the birthday"),
        ({"calendar": "week"}, "the week of the birthday"),
    ],
)
def test_a_birthday_has_its_words_but_no_date(window: dict[str, Any], words: str) -> None:
    text = missed(fact="member.birthday", operator="in", needed=window, personal=True)
    assert text == f"{words}, and when that is is personal"
    assert excluded({"birthday": window}) == f"it is {words}"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"fact": "order.channel", "is": "web"}, "order.channel is web"),
        ({"fact": "order.tenders", "includes": "card"}, "order.tenders includes one of card"),
        ({"fact": "order.tenders", "excludes": ["a", "b"]}, "order.tenders includes none of a, b"),
        ({"lines": COFFEE, "sum": {"attribute": "weight", "more_than": 2}}, "the sum of weight of lines with category coffee is more than 2"),
        ({"lines": {}, "count": {"is": 2}}, "lines.count is 2"),
        ({"history": {"days": 7}, "lines": COFFEE, "orders": {"at_least": 2}}, "there are at least 2 orders with lines with category coffee in the last 7 days"),
        ({"not": {"fact": "order.channel", "exists": True}}, "not (order.channel is known)"),
        (
            {"all": [{"fact": "a", "is": 1}, {"any": [{"fact": "b", "is": 2}, {"fact": "c", "is": 3}]}]},
            "a is 1 and (b is 2 or c is 3)",
        ),
        (
            {"any": [{"fact": "a", "is": 1}, {"all": [{"fact": "b", "is": 2}, {"fact": "c", "is": 3}]}]},
            "a is 1 or (b is 2 and c is 3)",
        ),
    ],
)  # fmt: skip
def test_each_condition_that_excludes_has_its_words(condition: dict[str, Any], words: str) -> None:
    assert excluded(condition) == words


def test_what_is_personal_excludes_without_being_told() -> None:
    vegan = {"code": "excluded", "condition": {"fact": "member.attributes.vegan", "is": True}, "personal": True}
    text = sentence("condition_failed", miss=vegan)
    assert text == "not applied, excluded by a condition on what is personal"


@pytest.mark.parametrize("reason", get_args(WhyNotUsed))
def test_every_reason_of_a_code_has_its_words(reason: WhyNotUsed) -> None:
    why = PromotionReason("ten", applied=False, code="code_needed", amount=0, why=None)
    limit = CodeLimit("member", 3, "week")
    told = CodeReason(
        "XMAS",
        "ten",
        is_used=False,
        reason=reason,
        why=why if reason == "promotion_failed" else None,
        limit=limit if "limit" in reason or reason == "used_up" else None,
    )
    [text] = explain_codes([told.as_json()])
    assert text.startswith("XMAS: not used, ")
    assert "None" not in text


def test_a_code_that_was_used_says_what_for() -> None:
    assert explain_codes([CodeReason("XMAS", "ten", is_used=True, reason="used").as_json()]) == ["XMAS: used for ten"]


def test_a_code_says_which_limit_is_reached() -> None:
    limit = CodeLimit("member", 3, "week")
    told = CodeReason("XMAS", "ten", is_used=False, reason="member_limit", limit=limit).as_json()
    assert explain_codes([told]) == ["XMAS: not used, the limit of 3 times per member and week is reached"]


CASES: Final = read_cases(*SINGLE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_reason_of_every_decision_case_can_be_told(case: Case) -> None:
    ruleset = read_ruleset(case)
    rules = read_rules(case, ruleset)
    earned = evaluate_earning(rules, read_view(case, ruleset), read_counted(case))
    kept = [show_kept_reason(keep_reason(reason)) for reason in earned.reasons]
    told = rules.explain_all(kept, earned.seen)
    texts = explain(told)
    assert [text.partition(":")[0] for text in texts] == [rule.key for rule in rules.rules]
    assert not [text for text in texts if "{" in text or "None" in text or "(condition_failed)" in text]
    assert [ReasonAnswer(**reason).model_dump(exclude_unset=True) for reason in told] == told


@pytest.mark.parametrize(
    ("before", "after", "until", "text"),
    [
        (None, "silver", None, "silver in status"),
        ("silver", "gold", "2027-12-31T23:00:00Z", "gold in status instead of silver, until 2027-12-31"),
        ("gold", "gold", "2028-12-31T23:00:00Z", "gold in status, until 2028-12-31"),
        ("gold", None, None, "no tier in status instead of gold"),
    ],
)
def test_a_tier_is_told_with_the_one_before_and_its_end(
    before: str | None, after: str | None, until: str | None, text: str
) -> None:
    move = {"set": "status", "from": before, "tier": after, "since": "2026-01-15T09:00:00Z", "until": until}
    assert explain_tiers([move]) == [f"tiers: {text}"]
