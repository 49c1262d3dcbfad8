"""Properties of time: how often what became due is booked, and in which order receipts arrive, changes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.due import refresh, settle_due
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import PlaceOrder, Request, ReturnGoods
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, ShopOrder
from tests.core.engine_cases import MEMBER, NOW, call, line, order, ruleset_of
from tests.core.lives import LIFE, MEMBERS, RULES, Life, Step, new_member
from tests.core.store import Store

DELAYS = st.lists(st.sampled_from([1, 24 * 3600, 5 * 86400, 17 * 86400]) | st.integers(1, 90 * 86400), max_size=8)


def settle(store: Store, at: timedelta, n: int) -> None:
    """Book what became due with each member, as the periodic run does."""
    for place, member_id in enumerate(MEMBERS):
        member = store.see(member_id)
        now = max(NOW + at, member.booked_at)
        if member.status == "merged" or member.due_at is None or member.due_at > now:
            continue
        asked = call(10_000 + 10 * n + place)
        changes = settle_due(store.ruleset, member, asked, operation_id=asked.operation_id, now=now)
        if changes is not None:
            store.record(changes)


def shown(member: MemberState) -> dict[str, Any]:
    """Return what time can change of a member, and what it cannot."""
    lots = {lot.id: lot for lot in member.lots}
    holds = {hold.id for hold in member.holds}
    return {"balances": member.balances, "lots": lots, "holds": holds, "seq": member.seq, "spend": member.spend}


@settings(deadline=None)
@given(RULES, LIFE, DELAYS)
def test_one_long_time_is_many_short_ones(
    ruleset: Ruleset, steps: list[tuple[timedelta, Step]], delays: list[int]
) -> None:
    life = Life(ruleset).live(steps)
    end = life.now + timedelta(days=500)
    for member_id in MEMBERS:
        member = life.store.see(member_id)
        if member.status == "merged":
            continue
        at = max(life.now, member.booked_at)

        jump = settled(ruleset, member, [end])
        walk = settled(ruleset, member, [at + timedelta(seconds=sum(delays[:n])) for n in range(len(delays))] + [end])

        assert shown(walk) == shown(jump)
        assert settled(ruleset, jump, [end]) is jump
        moved_on = refresh(jump, end).after
        assert shown(moved_on) == shown(jump)


def settled(ruleset: Ruleset, member: MemberState, moments: Sequence[Any]) -> MemberState:
    """Return the member after what was due at these moments was booked, one after the other."""
    for n, now in enumerate(moments):
        asked = call(20_000 + n)
        changes = settle_due(ruleset, member, asked, operation_id=asked.operation_id, now=max(now, member.booked_at))
        if changes is not None:
            assert changes.member is not None
            member = changes.member.after
    return member


@settings(deadline=None)
@given(RULES, LIFE, st.lists(st.integers(0, 24), max_size=10))
def test_nobody_sees_whether_a_job_ran(ruleset: Ruleset, steps: list[tuple[timedelta, Step]], runs: list[int]) -> None:
    """Every request is answered alike, and all points end in the same lots; the clock steps back nowhere."""
    left_alone, run_over = Life(ruleset), Life(ruleset)
    for n, (pause, step) in enumerate(steps):
        if n in runs:
            settle(run_over.store, run_over.now + abs(pause) - NOW, n)
        left_alone.live([(abs(pause), step)])
        run_over.live([(abs(pause), step)])

    settle(left_alone.store, left_alone.now - NOW, 100)
    settle(run_over.store, run_over.now - NOW, 100)
    assert [type(one) for one in run_over.decisions] == [type(one) for one in left_alone.decisions]
    assert run_over.store.lots == left_alone.store.lots
    for member_id in MEMBERS:
        one, other = run_over.store.see(member_id), left_alone.store.see(member_id)
        assert (one.balances, one.holds, one.orders, one.spend) == (
            other.balances,
            other.holds,
            other.orders,
            other.spend,
        )


ORDERLY: dict[str, Any] = {
    "wallets": [
        {
            "key": "points",
            "unit": "points",
            "activation": {"kind": "after", "length": {"days": 5}},
            "expiry": {"kind": "after", "length": {"days": 30}},
        },
        {
            "key": "cashback",
            "unit": "money",
            "activation": {"kind": "after", "length": {"days": 2}},
            "expiry": {"kind": "sliding", "length": {"days": 90}},
        },
        {"key": "stamps", "unit": "points", "expiry": {"kind": "sliding", "length": {"days": 20}}},
    ],
    "earning_rules": [
        {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 10}},
        {"key": "back", "wallet": "cashback", "earn": {"kind": "percent", "rate": "5%"}},
        {"key": "now", "wallet": "cashback", "earn": {"kind": "fixed", "points": 3}, "activation": {"kind": "at_once"}},
        {"key": "stamp", "wallet": "stamps", "earn": {"kind": "per_line", "points": 2}},
    ],
    "policies": {"returns": {"unmatched_days": 30}},
}
"""Rules without limits and without questions about the member. Receipts come in before any sliding expiry passes, or after."""

RECEIPTS = st.lists(
    st.tuples(
        st.integers(0, 60 * 24),
        st.lists(st.integers(0, 900), min_size=1, max_size=3),
        st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, 2])), max_size=3),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda told: told[0],
)
"""How many hours ago it was, the amounts of two pieces each, and which pieces came back."""


def requests_of(told: Sequence[tuple[int, list[int], list[tuple[int, int]]]]) -> list[Request]:
    """Return receipts and their returns, each with an operation of its own."""
    found: list[Request] = []
    for place, (hours, amounts, back) in enumerate(told):
        lines: list[Line] = [line(amount, id=str(n), quantity=2 * SCALE) for n, amount in enumerate(amounts)]
        number, placed_at = ShopOrder(str(place)), NOW - timedelta(hours=hours)
        found.append(PlaceOrder(call(1 + 10 * place), MEMBER, order(*lines, reference=number, placed_at=placed_at)))
        left = Counter({str(n): 2 for n in range(len(amounts))})
        for n, (which, pieces) in enumerate(back, start=2):
            name = str(which)
            if left[name] >= pieces:
                left[name] -= pieces
                found.append(ReturnGoods(call(n + 10 * place), number, Goods({name: pieces * SCALE})))
    return found


@settings(deadline=None)
@given(RECEIPTS, st.data())
def test_the_order_of_arrival_does_not_matter(
    told: list[tuple[int, list[int], list[tuple[int, int]]]], data: st.DataObject
) -> None:
    """Receipts come in late, their returns before or after them; what they leave is the same at once and ever after."""
    ruleset = ruleset_of(**ORDERLY)
    requests = requests_of(told)

    ends = []
    for arrived in (requests, data.draw(st.permutations(requests))):
        store = Store({3: ruleset})
        store.enrol(replace(new_member(MEMBER), balances={}, lots=(), due_at=None))
        for request in arrived:
            store.accept(request, NOW)
        ends.append([standing(store, ruleset, days) for days in (0, 1, 3, 20, 60, 200)])

    assert ends[0] == ends[1]


def standing(store: Store, ruleset: Ruleset, days: int) -> dict[str, Any]:
    """Return what there is after some days."""
    member = settled(ruleset, store.see(MEMBER), [NOW + timedelta(days=days)])
    counts = (member.orders, member.spend, member.first_order_at, member.last_order_at)
    known = {kept.row.order.reference: replace(kept.state, taken={}) for kept in store.orders.values()}
    history = Counter(map(repr, member.history))
    return {**shown(member), "seq": 0, "counts": counts, "orders": known, "history": history}
