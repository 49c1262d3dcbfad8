"""Limits over many orders of several members, against a model that adds up what was given."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.earning.evaluation import Use, evaluate_earning
from loyalty_engine.core.earning.limits import drop_ended
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply, fold
from loyalty_engine.core.engine.requests import PlaceOrder
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.program.reading import parse_program
from loyalty_engine.core.rules.order import ShopOrder
from tests.core.earning.drawn import compile_rules, view_of
from tests.core.engine_cases import MEMBER, OTHER, call, line, order

ZONE: Final = ZoneInfo("Europe/Berlin")
START: Final = datetime(2026, 3, 27, tzinfo=UTC)
MEMBERS: Final = (MEMBER, OTHER)
CAPS: Final = {"member_month": 50, "member_day": 2, "program_week": 120, "order": 40}

VISITS: Final = st.lists(
    st.tuples(st.sampled_from(MEMBERS), st.integers(0, 10 * 24), st.integers(1, 60)), min_size=1, max_size=12
)
"""Who buys, how many hours after the start, for how many euros; orders may come late."""


@cache
def rules() -> Ruleset:
    program = parse_program(
        {
            "version": 1,
            "program": {"name": "Limits", "currency": "EUR", "time_zone": "Europe/Berlin"},
            "wallets": [{"key": "points", "unit": "points"}],
            "earning_rules": [
                {
                    "key": "base",
                    "wallet": "points",
                    "earn": {"kind": "per_amount", "points": 1, "per": 100},
                    "limits": [
                        {"per": "order", "points": 40},
                        {"per": "member", "points": 50, "period": "month"},
                        {"per": "member", "times": 2, "period": "day"},
                        {"per": "program", "points": 120, "period": "week"},
                    ],
                }
            ],
        }
    )
    assert isinstance(program, Program), program
    return compile_ruleset(split(program), 1, find_zone=ZoneInfo)


def place(n: int, by: UUID, hours: int, euros: int) -> PlaceOrder:
    at = START + timedelta(hours=hours)
    return PlaceOrder(call(n), by, order(line(100 * euros), reference=ShopOrder(str(n)), placed_at=at))


def decide_all(visits: list[tuple[UUID, int, int]]) -> list[Changes]:
    """Decide one order upon the other; each member's state and the shared counters go on from those before."""
    members = {by: MemberState(by, version=1, seq=0, status="active", booked_at=START) for by in MEMBERS}
    now = START + timedelta(days=11)
    facts = Facts()
    made = []
    for n, (by, hours, euros) in enumerate(visits, start=1):
        seen = Facts(member=members[by], counters=facts.counters)
        decision = decide(rules(), seen, place(n, by, hours, euros), now)
        assert isinstance(decision, Accepted)
        facts = apply(seen, decision.changes)
        assert facts.member is not None
        members[by] = facts.member
        made.append(decision.changes)
    return made


def expected(visits: list[tuple[UUID, int, int]]) -> list[int]:
    given_by: Counter[Any] = Counter()
    amounts = []
    for by, hours, euros in visits:
        day = (START + timedelta(hours=hours)).astimezone(ZONE).date()
        month, week = (by, "month", day.month), ("week", day.isocalendar()[:2])
        daily = (by, "day", day)
        amount = min(
            euros, CAPS["order"], CAPS["member_month"] - given_by[month], CAPS["program_week"] - given_by[week]
        )
        if given_by[daily] == CAPS["member_day"]:
            amount = 0
        given_by.update({month: amount, week: amount, daily: 1 if amount else 0})
        amounts.append(amount)
    return amounts


@settings(max_examples=60, deadline=None)
@given(VISITS)
def test_limits_give_exactly_what_is_left_of_them(visits: list[tuple[UUID, int, int]]) -> None:
    made = decide_all(visits)
    assert [sum(effect["points"] for effect in changes.answer["effects"]) for changes in made] == expected(visits)
    for changes in made:
        assert [take.amount for take in changes.takes] == [effect["points"] for effect in changes.answer["effects"]]
        assert {take.cap for take in changes.takes} <= {CAPS["program_week"]}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.just(MEMBER), st.integers(0, 240), st.integers(1, 60)), min_size=1, max_size=8))
def test_a_fold_writes_the_counters_that_the_last_decision_left(visits: list[tuple[UUID, int, int]]) -> None:
    made = decide_all(visits)
    (written,) = fold(made).members
    counters = written.after.counters
    points = sum(effect["points"] for changes in made for effect in changes.answer["effects"])
    assert sum(used for name, used in counters.items() if "/points/" in name) == points


@pytest.mark.parametrize("caps", [(100, 25), (25, 100), (25, 25)])
def test_two_limits_of_one_counter_take_once_under_the_tighter_cap(caps: tuple[int, int]) -> None:
    limits = [{"per": "program", "points": cap} for cap in caps]
    earn = {"kind": "fixed", "points": 10}
    ruleset, compiled = compile_rules([{"wallet": "points", "earn": earn, "limits": limits}])
    earned = evaluate_earning(compiled, view_of(ruleset, order()))
    assert earned.uses == (Use("earning/r0/points/lifetime/", 10, 25, True),)


def test_counters_are_kept_for_sixty_days_after_their_period() -> None:
    counters = {
        "earning/a/points/day/2026-03-31": 1,
        "earning/a/points/day/2026-04-01": 2,
        "earning/a/times/week/2026-W13": 3,
        "earning/a/times/week/2026-W14": 4,
        "earning/a/points/month/2026-03": 5,
        "earning/a/points/month/2026-04": 6,
        "earning/a/points/quarter/2026-Q1": 7,
        "earning/a/points/quarter/2026-Q2": 8,
        "earning/a/points/year/2025": 9,
        "earning/a/points/year/2026": 10,
        "earning/a/points/lifetime/": 11,
    }
    now = datetime(2026, 5, 31, tzinfo=UTC)
    assert sorted(drop_ended(counters, now).values()) == [2, 4, 6, 8, 10, 11]
    assert drop_ended({}, now) == {}
