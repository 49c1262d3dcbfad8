"""Properties of any sequence of decisions: conservation, determinism, folding, and that line order never matters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Refused
from loyalty_engine.core.engine.facts import Facts, KnownRedemption, MemberState
from loyalty_engine.core.engine.fold import apply, fold
from loyalty_engine.core.engine.requests import Adjust, CancelRedemption, PlaceOrder, Redeem, Request
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.lots import Lot
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.order import Line, ShopOrder
from tests.core.engine_cases import MEMBER, NOW, call, line, order, ruleset, with_member

CATEGORIES = st.sampled_from([None, "coffee", "tea", "milk"])
LINES = st.builds(
    lambda amount, category, cups: line(amount, category=category, attributes={"cup": True} if cups else {}),
    st.sampled_from([1, 99, 100]) | st.integers(0, 5000),
    CATEGORIES,
    st.booleans(),
)
PAYMENTS = st.none() | st.builds(Payment, st.sampled_from(["points", "cashback"]), st.none() | st.integers(1, 60))

STEPS = st.one_of(
    st.tuples(st.just("order"), st.lists(LINES, min_size=1, max_size=5), PAYMENTS),
    st.tuples(st.just("redeem"), st.sampled_from(["points", "cashback"]), st.integers(1, 20)),
    st.tuples(st.just("adjust"), st.integers(-200, 200).filter(bool), st.sampled_from(["refuse", "debt"])),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
)
"""What a member may do; redemptions are counted in steps of five."""

EMPTY = MemberState(MEMBER, version=1, seq=0, status="active", booked_at=NOW - timedelta(days=1))


def request_of(step: tuple[Any, ...], n: int, redemptions: Sequence[UUID]) -> Request | None:
    match step:
        case ("order", lines, payment):
            numbered = tuple(found._replace(id=str(place)) for place, found in enumerate(lines))
            return PlaceOrder(call(n), MEMBER, order(*numbered, reference=ShopOrder(str(n))), payment)
        case ("redeem", wallet, fives):
            return Redeem(call(n), MEMBER, wallet, 5 * fives)
        case ("adjust", points, if_short):
            return Adjust(call(n), MEMBER, "points", points, "error", if_short=if_short)
        case ("cancel", place):
            return CancelRedemption(call(n), redemptions[place], "why") if place < len(redemptions) else None
        case _:
            raise AssertionError(step)


class Member:
    """One member's story: facts as the next request would see them, and all changes so far."""

    def __init__(self) -> None:
        self.facts = Facts(member=EMPTY)
        self.changes: list[Changes] = []
        self.lots: dict[UUID, Lot] = {}
        self.redemptions: dict[UUID, KnownRedemption] = {}

    @property
    def state(self) -> MemberState:
        assert self.facts.member is not None
        return self.facts.member

    def act(self, step: tuple[Any, ...], n: int) -> None:
        request = request_of(step, n, list(self.redemptions))
        if request is None:
            return
        decision = decide(ruleset(), self.seen_by(request), request, NOW)
        assert decision == decide(ruleset(), self.seen_by(request), request, NOW)
        if isinstance(decision, Accepted):
            self.keep(request, decision.changes)

    def seen_by(self, request: Request) -> Facts:
        """Show what gather would: the lots that a redemption emptied, too, when it is to be taken back."""
        if not isinstance(request, CancelRedemption):
            return self.facts
        redemption = self.redemptions[request.redemption_id]
        emptied = [self.lots[use.lot_id] for use in redemption.uses if not self.lots[use.lot_id].remaining]
        return with_member(replace(self.state, lots=(*self.state.lots, *emptied)), redemption=redemption)

    def keep(self, request: Request, changes: Changes) -> None:
        entries = changes.entries
        assert entries is not None
        self.facts = replace(apply(self.facts, changes), redemption=None)
        self.changes.append(changes)
        self.lots.update((lot.id, lot) for lot in entries.lots)
        self.lots.update(entries.lots_changed)
        operation_id = changes.operation.id
        if isinstance(request, Redeem):
            self.redemptions[operation_id] = KnownRedemption(
                operation_id, MEMBER, request.wallet, request.points, entries.uses, None
            )
        if isinstance(request, CancelRedemption):
            known = self.redemptions[request.redemption_id]
            self.redemptions[request.redemption_id] = replace(known, cancelled_by=operation_id)


def live(steps: Sequence[tuple[Any, ...]]) -> Member:
    lived = Member()
    for n, step in enumerate(steps, start=1):
        lived.act(step, n)
    return lived


def of_member(balances: Mapping[tuple[UUID, str], Balance]) -> dict[str, Balance]:
    assert {member_id for member_id, _ in balances} <= {MEMBER}
    return {wallet: balance for (_, wallet), balance in balances.items()}


@given(st.lists(STEPS, max_size=25))
def test_nothing_is_lost_and_nothing_comes_from_nowhere(steps: list[tuple[Any, ...]]) -> None:
    lived = live(steps)

    sums: Counter[tuple[str, str]] = Counter()
    for changes in lived.changes:
        assert changes.entries is not None
        for posting in changes.entries.postings:
            assert posting.amount > 0
            sums[posting.wallet, posting.source] -= posting.amount
            sums[posting.wallet, posting.destination] += posting.amount
    for wallet, balance in lived.state.balances.items():
        assert balance == Balance(available=sums[wallet, "available"], debt=-sums[wallet, "debt"])
        assert min(balance.available, balance.debt) == 0
        lots = [lot for lot in lived.lots.values() if lot.wallet == wallet]
        assert balance.available == sum(lot.remaining for lot in lots)
        assert all(0 <= lot.remaining <= lot.amount for lot in lots)
    for wallet in ("points", "cashback"):
        assert sum(amount for (found, _), amount in sums.items() if found == wallet) == 0


@given(st.lists(STEPS, max_size=25))
def test_postings_are_numbered_without_gaps_and_continue_each_other(steps: list[tuple[Any, ...]]) -> None:
    lived = live(steps)

    postings = [posting for changes in lived.changes for posting in changes.entries.postings]  # type: ignore[union-attr]  # kept only with entries
    assert [posting.seq for posting in postings] == list(range(1, len(postings) + 1))
    assert lived.state.seq == len(postings)
    assert lived.state.version == 1 + len(lived.changes)
    balances: dict[str, Balance] = {}
    for posting in postings:
        before = balances.get(posting.wallet, Balance())
        expected = before.add(posting.source, -posting.amount).add(posting.destination, posting.amount)
        assert posting.after == expected
        balances[posting.wallet] = expected


@given(st.lists(STEPS, max_size=25))
def test_each_lot_is_its_amount_less_its_uses(steps: list[tuple[Any, ...]]) -> None:
    lived = live(steps)

    used: Counter[UUID] = Counter()
    for changes in lived.changes:
        assert changes.entries is not None
        for use in changes.entries.uses:
            used[use.lot_id] += use.amount
    assert all(lot.remaining == lot.amount - used[lot.id] for lot in lived.lots.values())
    assert {lot for lot in lived.state.lots if lot.remaining} == {lot for lot in lived.lots.values() if lot.remaining}


@given(st.lists(STEPS, min_size=1, max_size=16))
def test_a_fold_writes_what_single_writes_leave_behind(steps: list[tuple[Any, ...]]) -> None:
    lived = live(steps)

    write = fold(lived.changes)

    assert of_member(write.balances) == lived.state.balances
    assert {lot.id: lot for lot in write.lots} == lived.lots
    assert write.lots_changed == {}
    if lived.changes:
        (guard,) = write.members
        assert guard.expected_version == 1
        assert replace(guard.after, history=()) == replace(lived.state, history=())  # history is no row


@given(st.lists(STEPS, min_size=2, max_size=16), st.data())
def test_a_fold_upon_earlier_writes_changes_their_lots(steps: list[tuple[Any, ...]], data: st.DataObject) -> None:
    lived = live(steps)
    cut = data.draw(st.integers(0, len(lived.changes)))
    before, write = fold(lived.changes[:cut]), fold(lived.changes[cut:])

    lots = {lot.id: lot for lot in (*before.lots, *write.lots)}
    lots.update(write.lots_changed)

    assert lots == lived.lots
    assert of_member({**before.balances, **write.balances}) == lived.state.balances


@given(st.lists(LINES, min_size=1, max_size=8), st.integers(0, 900), st.integers(0, 40), st.booleans(), st.data())
def test_the_order_of_lines_never_matters(
    lines: list[Line], shipping: int, fives: int, has_ids: bool, data: st.DataObject
) -> None:
    """Whether the shop names its lines or they are called by their position, and however many points pay."""
    facts = with_member(live([("adjust", 200, "refuse")]).state)
    named = [found._replace(id=f"shop-{place}") for place, found in enumerate(lines)]
    shuffled = data.draw(st.permutations(named))

    def answer(given_lines: Sequence[Line]) -> object:
        sent = given_lines if has_ids else [found._replace(id=str(n)) for n, found in enumerate(given_lines, start=1)]
        payment = Payment("points", 5 * fives) if fives else None
        request = PlaceOrder(call(9), MEMBER, order(*sent, shipping=shipping), payment)
        decision = decide(ruleset(), facts, request, NOW)
        if isinstance(decision, Refused):
            return decision
        assert isinstance(decision, Accepted)
        changes = decision.changes
        return changes.answer, changes.entries, changes.member, changes.reasons

    assert answer(named) == answer(shuffled)


@given(st.lists(LINES, min_size=1, max_size=6), st.integers(0, 500))
def test_what_points_paid_never_earns(lines: list[Line], shipping: int) -> None:
    """What an order earns lies between what its unpaid part and all of it would earn."""
    numbered = tuple(found._replace(id=str(place), category=None, attributes={}) for place, found in enumerate(lines))
    goods = sum(found.amount for found in numbered)
    facts = with_member(live([("adjust", 200, "refuse")]).state)

    request = PlaceOrder(call(9), MEMBER, order(*numbered, shipping=shipping), Payment("points", None))
    decision = decide(ruleset(), facts, request, NOW)

    assert isinstance(decision, Accepted)
    answer = decision.changes.answer
    paid = answer["paid_with_points"]["amount"] if answer["paid_with_points"] else 0
    earned = sum(effect["points"] for effect in answer["effects"])
    assert (goods - paid) // 100 <= earned <= goods // 100
    assert answer["due"] == goods + shipping - paid
