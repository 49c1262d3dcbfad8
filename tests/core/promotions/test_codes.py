"""Promo codes in a cart: what each opens, for whom, when and how often."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty_engine.core.earning.limits import NOTHING_COUNTED, Counted
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.codes import KnownCode, judge_codes, open_promotions, uses_of_codes
from loyalty_engine.core.promotions.evaluation import promote
from loyalty_engine.core.promotions.reasons import reasons_of
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import MEMBER, NOW, cart, promotions

XMAS, SPRING = FoldedCode("XMAS"), FoldedCode("SPR1NG")
ANNA, BEN = UUID(int=1), UUID(int=2)
OFF = {"kind": "percent_off", "percent": "10%"}
RULES = promotions({"key": "winter", "opened_by": "code", "effect": OFF}, {"key": "always", "effect": OFF})


def code(text: FoldedCode = XMAS, **fields: Any) -> KnownCode:  # noqa: ANN401 - fields of a code
    return KnownCode(text, **{"promotion": "winter", **fields})


def judged(
    *asked: FoldedCode,
    known: tuple[KnownCode, ...],
    member: UUID | None = ANNA,
    at: datetime = NOW,
    counted: Counted = NOTHING_COUNTED,
) -> list[tuple[str, str]]:
    opened = open_promotions(asked, {one.code: one for one in known}, RULES, member_id=member, at=at, counted=counted)
    order = cart((1000, 1))
    view = View(at=at, zone=NOW.tzinfo, order=order, member=MEMBER if member else None)  # type: ignore[arg-type]  # UTC
    promoted = promote(RULES, order, view, counted, codes=opened.codes)
    return [(reason.code, reason.reason) for reason in judge_codes(opened, promoted, reasons_of(promoted))]


DAY = timedelta(days=1)
USED = Counted({"code/XMAS/times/lifetime/": 3}, {"code/XMAS/times/lifetime/": 100})


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (code(), "used"),
        (code(SPRING), "unknown"),
        (code(is_active=False), "paused"),
        (code(starts_at=NOW), "used"),
        (code(starts_at=NOW + DAY), "not_started"),
        (code(ends_at=NOW), "expired"),
        (code(ends_at=NOW + DAY), "used"),
        (code(member_id=ANNA), "used"),
        (code(member_id=BEN), "wrong_member"),
        (code(uses=101), "used"),
        (code(uses=100), "used_up"),
        (code(uses_per_member=4), "used"),
        (code(uses_per_member=3), "member_limit"),
        (code(promotion="summer"), "promotion_gone"),
    ],
)
def test_a_code_is_used_or_says_why_not(known: KnownCode, reason: str) -> None:
    assert judged(XMAS, known=(known,), counted=USED) == [("XMAS", reason)]


def test_a_code_with_a_limit_per_member_is_not_for_guests() -> None:
    assert judged(XMAS, known=(code(uses_per_member=1),), member=None) == [("XMAS", "member_required")]


def test_of_two_codes_for_one_promotion_the_first_is_used() -> None:
    assert judged(SPRING, XMAS, known=(code(), code(SPRING))) == [("SPR1NG", "used"), ("XMAS", "given_twice")]


def test_only_trusted_callers_learn_why_a_code_is_not_used() -> None:
    opened = open_promotions((XMAS, SPRING), {XMAS: code(is_active=False)}, RULES, member_id=ANNA, at=NOW, counted=USED)
    assert [reason.untold().as_json() for reason in opened.refused] == [
        {"code": "XMAS", "promotion": None, "used": False, "reason": "unknown"},
        {"code": "SPR1NG", "promotion": None, "used": False, "reason": "unknown"},
    ]


def test_a_used_code_takes_from_its_limits() -> None:
    opened = open_promotions(
        (XMAS,), {XMAS: code(uses=5, uses_per_member=1)}, RULES, member_id=ANNA, at=NOW, counted=NOTHING_COUNTED
    )
    order = cart((1000, 1))
    view = View(at=NOW, zone=NOW.tzinfo, order=order, member=MEMBER)  # type: ignore[arg-type]  # UTC
    promoted = promote(RULES, order, view, NOTHING_COUNTED, codes=opened.codes)
    uses = [(use.counter, use.cap, use.is_shared) for use in uses_of_codes(opened, promoted)]
    assert uses == [("code/XMAS/times/lifetime/", 5, True), ("code/XMAS/times/lifetime/", 1, False)]
