"""Codes that are given to members: out of which pools, how long they last, and with which orders they come."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import apply
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import Actor, EvaluateOrder, IssueCode
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.codes import CodeRow
from loyalty_engine.core.promotions.pools import Candidate, KnownPool
from tests.core.engine_cases import (
    MEMBER,
    NOW,
    accept,
    after,
    call,
    line,
    member,
    order,
    place,
    refuse,
    ruleset_of,
    with_member,
)

RULES = ruleset_of(
    promotions=[
        {"key": "thanks", "when": {"fact": "order.total", "at_least": 500}, "effect": {"kind": "issue_code", "pool": "next"}},
        {"key": "again", "when": {"fact": "order.total", "at_least": 2000}, "effect": {"kind": "issue_code", "pool": "next"}},
        {"key": "next_time", "opened_by": "code", "effect": {"kind": "percent_off", "percent": "10%"}},
    ]
)  # fmt: skip
CINEMA = Candidate(FoldedCode("C1NEMA01"), "CINEMA-01")
CINEMA_2 = Candidate(FoldedCode("C1NEMA02"), "CINEMA-02")
ENTROPY = bytes(range(16))


def personal(**fields: Any) -> KnownPool:  # noqa: ANN401 - fields of a pool
    known = {"promotion": "next_time", "pattern": "TNX-########", "entropy": ENTROPY}
    return KnownPool("next", "personal", **{**known, **fields})


def vouchers(**fields: Any) -> KnownPool:  # noqa: ANN401 - fields of a pool
    return KnownPool("next", "vouchers", **{"next_codes": (CINEMA, CINEMA_2), **fields})


def knowing(pool: KnownPool, **fields: Any) -> Facts:  # noqa: ANN401 - fields of facts
    return with_member(member(), pools={pool.key: pool}, **fields)


ISSUE = IssueCode(call(), MEMBER, "next")


def test_a_personal_code_is_made_for_its_member() -> None:
    changes = accept(ISSUE, knowing(personal()), rules=RULES)

    assert changes.codes == (CodeRow(FoldedCode("TNX01234567"), "TNX-01234567", "next", MEMBER, NOW),)
    assert (changes.operation.kind, after(changes).version) == ("code", 5)
    shown = {name: changes.answer[name] for name in ("code", "pool", "promotion", "starts_at", "ends_at")}
    assert shown == {
        "code": "TNX-01234567",
        "pool": "next",
        "promotion": "next_time",
        "starts_at": None,
        "ends_at": None,
    }


def test_a_voucher_is_given_out_as_it_was_uploaded() -> None:
    changes = accept(ISSUE, knowing(vouchers()), rules=RULES)

    (row,) = changes.codes
    assert (row.code, row.shown, row.is_taken) == ("C1NEMA01", "CINEMA-01", True)
    assert changes.answer["promotion"] is None


# Noon of 1 June in UTC is 14:00 in Berlin, and so is 13:00 UTC once summer time has ended.
@pytest.mark.parametrize(
    ("terms", "starts_at", "ends_at"),
    [
        ({}, None, None),
        ({"ends_after_days": 30}, None, datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ({"ends_after_days": 150}, None, datetime(2026, 10, 29, 13, tzinfo=UTC)),
        ({"starts_after_days": 1}, datetime(2026, 6, 2, 12, tzinfo=UTC), None),
    ],
)
def test_a_code_lasts_as_the_pool_says(
    terms: dict[str, Any], starts_at: datetime | None, ends_at: datetime | None
) -> None:
    (row,) = accept(ISSUE, knowing(personal(**terms)), rules=RULES).codes
    assert (row.starts_at, row.ends_at) == (starts_at, ends_at)


@pytest.mark.parametrize(
    ("terms", "told", "kept"),
    [
        (
            {"ends_after_days": 30, "ends_at": datetime(2026, 6, 20, tzinfo=UTC)},
            (None, "2026-06-20T00:00:00Z"),
            (None, datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ),
        (
            {"starts_after_days": 1, "starts_at": datetime(2026, 7, 1, tzinfo=UTC)},
            ("2026-07-01T00:00:00Z", None),
            (datetime(2026, 6, 2, 12, tzinfo=UTC), None),
        ),
        (
            {"ends_after_days": 5, "ends_at": datetime(2026, 6, 20, tzinfo=UTC)},
            (None, "2026-06-06T12:00:00Z"),
            (None, datetime(2026, 6, 6, 12, tzinfo=UTC)),
        ),
    ],
)
def test_a_code_is_told_what_holds_and_keeps_what_is_its_own(
    terms: dict[str, Any], told: tuple[str | None, str | None], kept: tuple[datetime | None, datetime | None]
) -> None:
    issued = accept(ISSUE, knowing(personal(**terms)), rules=RULES)
    ordered = accept(place(line(500)), knowing(personal(**terms)), rules=RULES)

    for changes, answer in ((issued, issued.answer), (ordered, ordered.answer["codes_issued"][0])):
        assert (answer["starts_at"], answer["ends_at"]) == told
        (row,) = changes.codes
        assert (row.starts_at, row.ends_at) == kept


def test_a_code_begins_at_the_latest_before_its_pool_ends() -> None:
    ends_at = datetime(2026, 6, 6, 12, 0, 1, tzinfo=UTC)
    changes = accept(ISSUE, knowing(vouchers(starts_after_days=5, ends_at=ends_at)), rules=RULES)
    assert changes.answer["starts_at"] == "2026-06-06T12:00:00Z"


def test_no_voucher_of_an_order_is_spent_that_could_never_be_used() -> None:
    never = vouchers(starts_after_days=5, ends_at=datetime(2026, 6, 6, 12, tzinfo=UTC))
    changes = accept(place(line(500)), knowing(never), rules=RULES)
    assert (changes.codes, [one["reason"] for one in changes.answer["codes_issued"]]) == ((), ["code_pool_ended"])


def test_what_was_given_out_over_the_same_gather_is_not_given_again() -> None:
    facts = knowing(vouchers())
    for code in ("C1NEMA01", "C1NEMA02"):
        changes = accept(ISSUE, facts, rules=RULES)
        assert [row.code for row in changes.codes] == [code]
        facts = apply(facts, changes)
    assert refuse(ISSUE, facts, rules=RULES).code == "code_pool_empty"


def test_an_order_gets_the_codes_of_its_promotions() -> None:
    changes = accept(place(line(2000)), knowing(personal()), rules=RULES)

    assert [row.shown for row in changes.codes] == ["TNX-01234567", "TNX-89ABCDEF"]
    assert changes.answer["codes_issued"] == [
        {
            "code": "TNX-01234567",
            "starts_at": None,
            "ends_at": None,
            "promotion": "next_time",
            "pool": "next",
            "issued_by": "thanks",
            "reason": None,
        },
        {
            "code": "TNX-89ABCDEF",
            "starts_at": None,
            "ends_at": None,
            "promotion": "next_time",
            "pool": "next",
            "issued_by": "again",
            "reason": None,
        },
    ]
    assert changes.answer["total"] == 2000


def test_an_order_stands_when_no_voucher_is_left() -> None:
    changes = accept(place(line(2000)), knowing(vouchers(next_codes=(CINEMA,))), rules=RULES)

    assert [row.code for row in changes.codes] == ["C1NEMA01"]
    told = [(one["issued_by"], one["code"], one["reason"]) for one in changes.answer["codes_issued"]]
    assert told == [("thanks", "CINEMA-01", None), ("again", None, "code_pool_empty")]


def test_a_missing_pool_is_no_reason_to_refuse_an_order() -> None:
    changes = accept(place(line(500)), with_member(member()), rules=RULES)
    assert [one["reason"] for one in changes.answer["codes_issued"]] == ["code_pool_not_found"]


def test_guests_get_no_code() -> None:
    changes = accept(place(line(2000), by=None), replace(knowing(personal()), member=None), rules=RULES)

    assert (changes.codes, changes.answer["codes_issued"]) == ((), [])
    assert {reason.promotion: reason.code for reason in changes.promotion_reasons}["thanks"] == "member_required"


def test_a_look_foresees_a_code_without_its_text() -> None:
    looked = look(RULES, knowing(personal()), EvaluateOrder(Actor(1), MEMBER, order(line(500))), NOW)

    assert isinstance(looked, Look)
    assert looked.answer["codes_issued"] == [
        {
            "code": None,
            "starts_at": None,
            "ends_at": None,
            "promotion": "next_time",
            "pool": "next",
            "issued_by": "thanks",
            "reason": None,
        }
    ]
