"""Promo codes in a cart: what each opens, for whom, when and how often."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty_engine.core.earning.limits import NOTHING_COUNTED, Counted
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.codes import Bearer, CodeLimit, KnownCode, code_counters
from loyalty_engine.core.promotions.evaluation import Promoted, promote
from loyalty_engine.core.promotions.open_codes import Opened, judge_codes, open_promotions, remember_codes, used_codes
from loyalty_engine.core.rules.view import View
from tests.core.promotions.drawn import MEMBER, NOW, cart, promotions

XMAS, SPRING, EASTER = FoldedCode("XMAS"), FoldedCode("SPR1NG"), FoldedCode("EASTER")
ANNA, BEN = UUID(int=1), UUID(int=2)
ANNAS = Bearer(ANNA)
OFF = {"kind": "percent_off", "percent": "10%"}
RULES = promotions(
    {"key": "winter", "opened_by": "code", "effect": OFF},
    {"key": "always", "effect": OFF},
    {"key": "big", "opened_by": "code", "when": {"fact": "order.total", "at_least": 5000}, "effect": OFF},
)


def code(text: FoldedCode = XMAS, *limits: CodeLimit, **fields: Any) -> KnownCode:  # noqa: ANN401 - fields of a code
    return KnownCode(text, **{"promotion": "winter", "limits": limits, **fields})


def play(
    *typed: FoldedCode,
    known: tuple[KnownCode, ...],
    bearer: Bearer = ANNAS,
    at: datetime = NOW,
    counted: Counted = NOTHING_COUNTED,
    total: int = 1000,
) -> tuple[Opened, Promoted]:
    by_code = {one.code: one for one in known}
    opened = open_promotions(typed, by_code, RULES, bearer=bearer, at=at, day=at.date(), counted=counted)
    order = cart((total, 1))
    view = View(at=at, zone=UTC, order=order, member=MEMBER if bearer.member_id else None)
    return opened, promote(RULES, order, view, counted, codes=opened.codes)


def judged(*typed: FoldedCode, **how: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - what play takes
    return [(reason.code, reason.reason) for reason in judge_codes(*play(*typed, **how))]


DAY = timedelta(days=1)
TODAY = NOW.date().isoformat()
USED = Counted(
    {"code/XMAS/times/lifetime/": 3},
    {
        "code/XMAS/times/lifetime/": 100,
        f"code/XMAS/times/day/{TODAY}": 10,
        "code/XMAS/guest/77/times/lifetime/": 2,
    },
)


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
        (code(XMAS, CodeLimit("code", 101)), "used"),
        (code(XMAS, CodeLimit("code", 100)), "used_up"),
        (code(XMAS, CodeLimit("code", 11, "day")), "used"),
        (code(XMAS, CodeLimit("code", 10, "day")), "limit_reached"),
        (code(XMAS, CodeLimit("code", 1, "week")), "used"),
        (code(XMAS, CodeLimit("member", 4)), "used"),
        (code(XMAS, CodeLimit("member", 3)), "member_limit"),
        (code(XMAS, CodeLimit("member", 1, "day")), "used"),
        (code(XMAS, CodeLimit("guest", 3)), "member_limit"),
        (code(XMAS, CodeLimit("guest", 3), CodeLimit("member", 4)), "used"),
        (code(promotion="summer"), "promotion_gone"),
        (code(promotion="always"), "promotion_gone"),
        (code(promotion=None), "opens_nothing"),
    ],
)
def test_a_code_is_used_or_says_why_not(known: KnownCode, reason: str) -> None:
    assert judged(XMAS, known=(known,), counted=USED) == [("XMAS", reason)]


@pytest.mark.parametrize(
    ("known", "guest", "reason"),
    [
        (code(), None, "used"),
        (code(XMAS, CodeLimit("member", 1)), "77", "member_required"),
        (code(XMAS, CodeLimit("guest", 3)), None, "guest_required"),
        (code(XMAS, CodeLimit("guest", 3)), "77", "used"),
        (code(XMAS, CodeLimit("guest", 2)), "77", "guest_limit"),
        (code(XMAS, CodeLimit("guest", 1)), "78", "used"),
        (code(XMAS, CodeLimit("guest", 3), CodeLimit("member", 1)), "77", "used"),
        (code(XMAS, CodeLimit("code", 100), CodeLimit("guest", 3)), "77", "used_up"),
        (code(XMAS, CodeLimit("guest", 2), CodeLimit("code", 100)), "77", "used_up"),
        (code(XMAS, CodeLimit("guest", 2), CodeLimit("code", 100)), None, "used_up"),
        (code(XMAS, CodeLimit("member", 1), CodeLimit("code", 100)), None, "used_up"),
        (code(XMAS, CodeLimit("member", 1), CodeLimit("code", 10, "day")), None, "limit_reached"),
        (code(XMAS, CodeLimit("code", 10, "day"), CodeLimit("code", 100)), None, "used_up"),
    ],
)
def test_guests_are_counted_by_who_they_are(known: KnownCode, guest: str | None, reason: str) -> None:
    assert judged(XMAS, known=(known,), bearer=Bearer(None, guest), counted=USED) == [("XMAS", reason)]


def test_of_two_codes_for_one_promotion_the_first_that_can_be_used_is() -> None:
    known = (code(), code(SPRING), code(EASTER, is_active=False))
    assert judged(EASTER, SPRING, XMAS, known=known) == [
        ("EASTER", "paused"),
        ("SPR1NG", "used"),
        ("XMAS", "given_twice"),
    ]


def test_a_code_whose_promotion_fails_says_what_it_lacks() -> None:
    (reason,) = judge_codes(*play(XMAS, known=(code(promotion="big"),)))
    assert reason.as_json() == {
        "code": "XMAS",
        "promotion": "big",
        "used": False,
        "reason": "promotion_failed",
        "why": {
            "promotion": "big",
            "applied": False,
            "code": "condition_failed",
            "amount": 0,
            "miss": {
                "code": "unmet",
                "fact": "order.total",
                "operator": "at_least",
                "needed": 5000,
                "actual": 1000,
                "missing": 4000,
            },
        },
    }


def test_a_reached_limit_is_shown() -> None:
    (reason,) = judge_codes(*play(XMAS, known=(code(XMAS, CodeLimit("member", 3)),), counted=USED))
    assert reason.as_json()["limit"] == {"per": "member", "times": 3, "period": "lifetime"}


def test_only_trusted_callers_learn_why_a_code_is_not_used() -> None:
    opened, _ = play(XMAS, SPRING, known=(code(is_active=False),))
    assert [reason.untold().as_json() for reason in opened.refused] == [
        {"code": "XMAS", "promotion": None, "used": False, "reason": "unknown"},
        {"code": "SPR1NG", "promotion": None, "used": False, "reason": "unknown"},
    ]


@pytest.mark.parametrize(
    ("known", "bearer", "promotion", "reason"),
    [
        (code(XMAS, CodeLimit("member", 1)), Bearer(), None, "member_required"),
        (code(XMAS, CodeLimit("guest", 1)), Bearer(), None, "guest_required"),
        (code(XMAS, CodeLimit("code", 10, "day")), Bearer(), None, "limit_reached"),
        (code(XMAS, CodeLimit("guest", 2)), Bearer(None, "77"), "winter", "guest_limit"),
        (code(XMAS, CodeLimit("member", 3)), ANNAS, "winter", "member_limit"),
        (code(member_id=BEN), Bearer(), None, "unknown"),
        (code(promotion=None), Bearer(), None, "unknown"),
    ],
)
def test_what_a_code_opens_is_told_to_others_only_where_it_is_theirs(
    known: KnownCode, bearer: Bearer, promotion: str | None, reason: str
) -> None:
    (refused,) = play(XMAS, known=(known,), bearer=bearer, counted=USED)[0].refused
    assert (refused.untold().promotion, refused.untold().reason) == (promotion, reason)
    assert refused.promotion == known.promotion


@pytest.mark.parametrize(
    ("bearer", "uses"),
    [
        (
            Bearer(ANNA),
            [("code/XMAS/times/lifetime/", 5, True), ("code/XMAS/times/lifetime/", 2, False)],
        ),
        (
            Bearer(None, "77"),
            [("code/XMAS/times/lifetime/", 5, True), (f"code/XMAS/guest/77/times/day/{TODAY}", 1, True)],
        ),
    ],
)
def test_a_used_code_takes_once_from_each_of_its_limits(bearer: Bearer, uses: list[tuple[str, int, bool]]) -> None:
    limits = [CodeLimit("code", 9), CodeLimit("code", 5), CodeLimit("member", 2), CodeLimit("guest", 1, "day")]
    used = used_codes(*play(XMAS, known=(code(XMAS, *limits),), bearer=bearer))
    assert [(use.counter, use.cap, use.is_shared) for one in used for use in one.uses] == uses
    (memory,) = remember_codes(used)
    assert memory.counters == tuple((counter, is_shared) for counter, _, is_shared in uses)


def test_a_code_that_is_not_used_takes_nothing() -> None:
    assert used_codes(*play(XMAS, known=(code(XMAS, CodeLimit("code", 9), promotion="big"),))) == ()


def test_shared_counters_are_known_before_the_code_is() -> None:
    assert code_counters(XMAS, date(2026, 11, 22), "77") == (
        "code/XMAS/times/lifetime/",
        "code/XMAS/times/day/2026-11-22",
        "code/XMAS/times/week/2026-W47",
        "code/XMAS/times/month/2026-11",
        "code/XMAS/times/year/2026",
        "code/XMAS/guest/77/times/lifetime/",
        "code/XMAS/guest/77/times/day/2026-11-22",
        "code/XMAS/guest/77/times/week/2026-W47",
        "code/XMAS/guest/77/times/month/2026-11",
        "code/XMAS/guest/77/times/year/2026",
    )
