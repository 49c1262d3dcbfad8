"""What must hold of referrals whatever happens, and in whichever order it is heard of."""

from dataclasses import dataclass
from typing import Final, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.decision import Accepted
from loyalty_engine.core.engine.requests import Adjust, PlaceOrder, ReturnGoods
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import ShopOrder
from tests.core.engine_cases import NOW, line, order
from tests.core.referral_town import DAY, Life, person

FRIEND, ADVOCATE = 300, 500
"""What each of them is rewarded with."""


@dataclass(frozen=True)
class Event:
    """Something that is heard of: an order, goods of it that come back, a look at the referral, or points that are spent."""

    kind: Literal["order", "return", "approve", "reject", "spend"]
    number: int = 0
    amount: int = 0
    placed: int = 0


@dataclass(frozen=True)
class Story:
    """Events in the order in which they are heard of, and after which of them the worker comes by."""

    is_suspicious: bool
    events: tuple[Event, ...]
    worker: frozenset[int]

    @property
    def counts(self) -> bool:
        """Whether the friend counts in the end: nobody minds, and an order of it stands with 30 euros."""
        kinds = {event.kind for event in self.events}
        left = {event.number: event.amount for event in self.events if event.kind == "order"}
        for event in self.events:
            if event.kind == "return":
                left[event.number] -= event.amount
        is_good = "approve" in kinds if self.is_suspicious else "reject" not in kinds
        return is_good and any(amount >= 3000 for amount in left.values())


@st.composite
def stories(draw: st.DrawFn) -> Story:
    is_suspicious = draw(st.booleans())
    events: list[Event] = []
    for number in range(draw(st.integers(0, 3))):
        amount = draw(st.sampled_from([2000, 3000, 5000]))
        events.append(Event("order", number, amount, draw(st.integers(0, 9))))
        back = draw(st.sampled_from([0, 0, 1000, amount]))
        if back:
            events.append(Event("return", number, back))
    if draw(st.booleans()):
        events.append(Event("approve" if is_suspicious and draw(st.booleans()) else "reject"))
    events += [Event("spend", who) for who in draw(st.lists(st.integers(0, 1), max_size=2))]
    ordered = tuple(draw(st.permutations(events)))
    return Story(is_suspicious, ordered, frozenset(draw(st.sets(st.integers(0, len(ordered))))))


def live(story: Story) -> Life:
    """Let a story happen, an event a day from the tenth day on; the worker comes by in the end."""
    life = Life.of(3)
    if story.is_suspicious:
        life.see(0, device="x")
    life.register(1, device="x")
    for place, event in enumerate(story.events):
        day = 10 + 2 * place
        if place in story.worker:
            life.pass_time(day)
        assert isinstance(happen(life, event, day), Accepted)
        assert life.points(1) - spent(story, 1, place) in (0, FRIEND)
    life.pass_time(60)
    return life


def happen(life: Life, event: Event, day: int) -> object:
    number = ShopOrder(f"N-{event.number}")
    match event.kind:
        case "order":
            bought = order(line(event.amount), reference=number, placed_at=NOW + event.placed * DAY)
            return life.do(PlaceOrder(life.call(), person(1), bought), day)
        case "return":
            return life.do(ReturnGoods(life.call(), number, Goods({}, amount=event.amount)), day)
        case "spend":
            request = Adjust(life.call(), person(event.number), "points", -100, "why", if_short="debt")
            return life.do(request, day)
        case verdict:
            return life.review(1, verdict, day)


def spent(story: Story, who: int, place: int | None = None) -> int:
    events = story.events if place is None else story.events[: place + 1]
    return -100 * sum(event == Event("spend", who) for event in events)


@settings(deadline=None)
@given(stories())
def test_what_both_have_in_the_end_depends_on_what_happened_and_not_on_when_it_was_heard_of(story: Story) -> None:
    life = live(story)
    assert (life.state(1) == "rewarded") is story.counts
    assert life.points(1) == (FRIEND if story.counts else 0) + spent(story, 1)
    assert life.points(0) == (ADVOCATE if story.counts else 0) + spent(story, 0)
    assert life.counters(0).get("referral/friends/friends/lifetime/", 0) == story.counts


@settings(deadline=None)
@given(stories())
def test_it_does_not_matter_how_often_the_worker_comes_by(story: Story) -> None:
    always = Story(story.is_suspicious, story.events, frozenset(range(len(story.events) + 1)))
    never = Story(story.is_suspicious, story.events, frozenset())
    [often, seldom] = [live(one) for one in (always, never)]
    assert [(often.state(1), often.reasons(1), often.points(who)) for who in (0, 1)] == [
        (seldom.state(1), seldom.reasons(1), seldom.points(who)) for who in (0, 1)
    ]


RING: Final = 50


def test_a_ring_of_fifty_accounts_with_cancelled_orders_earns_nothing() -> None:
    life = Life.of(RING)
    life.town.check_rewards = lambda: None  # type: ignore[method-assign]  # checked once, in the end
    states = [life.register((n + 1) % RING, by=n) for n in range(1, RING - 1)]
    assert states == ["registered"] * (RING - 2)
    assert life.register(1, by=RING - 1) == "rejected"
    orders = [life.buy(n, day=1) for n in range(1, RING)]
    for n, order_id in enumerate(orders):
        if n % 2:
            life.bring_back(order_id, 10)
    life.pass_time(15)
    assert sum(life.points(n) for n in range(RING)) == 24 * (FRIEND + ADVOCATE)
    for n, order_id in enumerate(orders):
        if not n % 2:
            life.bring_back(order_id, 20)
    life.pass_time(99)
    type(life.town).check_rewards(life.town)
    assert [life.points(n) for n in range(RING)] == [0] * RING
    assert {life.state(n, 99) for n in range(1, RING)} == {"rejected", "reversed"}


def test_fifty_accounts_of_one_person_earn_nothing() -> None:
    life = Life.of(RING + 1)
    life.town.check_rewards = lambda: None  # type: ignore[method-assign]  # nobody is rewarded
    states = [life.register(n, device="phone", payment="card") for n in range(1, RING + 1)]
    assert states == ["registered"] + ["in_review"] * (RING - 1)
    for n in range(1, RING + 1):
        order_id = life.buy(n, day=1)
        if n == 1:
            life.bring_back(order_id, 2)
    life.pass_time(99)
    assert {life.points(n) for n in range(RING + 1)} == {0}
