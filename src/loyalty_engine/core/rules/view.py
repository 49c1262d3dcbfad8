"""An order or activity and its member as rules see them: every fact by its name, and the lines, ready to be selected."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from operator import attrgetter
from typing import Final

from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.program.attributes import PYTHON_TYPES, ValueType
from loyalty_engine.core.program.facts import Fact
from loyalty_engine.core.program.windows import WEEKDAYS
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Activity, MemberSnapshot, Order, Receipt, Scalar
from loyalty_engine.core.rules.selections import GroupedLines

FactValue = Scalar | tuple[str, ...]


class View:
    """What rules see of one order or activity. Not shared between threads: it remembers what it worked out.

    Either ``order`` or ``activity`` is None. ``at`` is when it happened. ``member`` is None for a guest. ``lines`` are
    as the shop reported them; ``base`` are those that may earn, with the amounts on which they do.
    """

    __slots__ = (
        "_local",
        "_past",
        "activity",
        "at",
        "base",
        "history",
        "lines",
        "member",
        "order",
        "paid_with_points",
        "total",
        "zone",
    )

    def __init__(
        self,
        *,
        at: datetime,
        zone: tzinfo,
        order: Order | None = None,
        activity: Activity | None = None,
        member: MemberSnapshot | None = None,
        base: GroupedLines | None = None,
        paid_with_points: int = 0,
        history: tuple[PastOrder, ...] = (),
    ) -> None:
        self.at = at
        self.zone = zone
        self.order = order
        self.activity = activity
        self.member = member
        self.total = 0 if order is None else order.goods_total
        self.lines = GroupedLines(() if order is None else order.lines, 0, self.total)
        self.base = self.lines if base is None else base
        self.paid_with_points = paid_with_points
        self.history = history
        self._local: datetime | None = None
        self._past: tuple[tuple[PastOrder, GroupedLines], ...] | None = None

    @property
    def local(self) -> datetime:
        """When it happened, as clocks of the program show it."""
        if self._local is None:
            self._local = self.at.astimezone(self.zone)
        return self._local

    @property
    def past(self) -> tuple[tuple[PastOrder, GroupedLines], ...]:
        """Earlier orders of the member, newest first, each with its lines ready to be selected."""
        if self._past is None:
            self._past = tuple((past, GroupedLines(past.lines)) for past in self.history)
        return self._past

    def days_since(self, instant: datetime | None) -> int | None:
        """Return how many calendar days ago something was; 0 when it is later than this, None when it never was."""
        if instant is None:
            return None
        return max((self.local.date() - instant.astimezone(self.zone).date()).days, 0)


Reader = Callable[[View], FactValue | None]
"""Reads one fact; None means that it is absent."""


def reader_of(fact: Fact) -> Reader:
    """Return how ``fact`` is read from a view."""
    if fact.wallet is not None:
        return _balance_reader(fact.wallet)
    if fact.tier_set is not None:
        return _tier_reader(fact.tier_set) if fact.type == "text" else _level_reader(fact.tier_set)
    if fact.attribute is None:
        return READERS[fact.name]
    return attribute_reader(fact)


def attribute_reader(fact: Fact) -> Callable[[View], Scalar | None]:
    """Return how a declared attribute is read.

    A value of another type than declared (declarations change, old members keep theirs) counts as absent.
    """
    assert fact.attribute is not None
    name, expected = fact.attribute, _python_type(fact)
    carrier = attrgetter(fact.carrier)

    def read(view: View) -> Scalar | None:
        carries = carrier(view)
        value: Scalar | None = None if carries is None else carries.attributes.get(name)
        return value if type(value) is expected else None

    return read


def _python_type(fact: Fact) -> type[Scalar]:
    declared: ValueType = fact.type  # type: ignore[assignment]  # attributes are never clocks or several texts
    return PYTHON_TYPES[declared]


def _balance_reader(wallet: str) -> Reader:
    return lambda view: None if view.member is None else view.member.balances.get(wallet, 0)


def _tier_reader(tier_set: str) -> Reader:
    return lambda view: None if view.member is None else view.member.tiers.get(tier_set)


def _level_reader(tier_set: str) -> Reader:
    return lambda view: None if view.member is None else view.member.levels.get(tier_set, 0)


def _location(view: View) -> str | None:
    order = view.order
    if order is None:
        return None
    if order.location is None and isinstance(order.reference, Receipt):
        return order.reference.location
    return order.location


def _till(view: View) -> str | None:
    reference = view.order.reference if view.order is not None else None
    return reference.till if isinstance(reference, Receipt) else None


def _age(view: View) -> int | None:
    born = view.member.birthday if view.member is not None else None
    today = view.local.date()
    if born is None or born > today:
        return None
    return today.year - born.year - (birthday_in(today.year, born) > today)


def birthday_in(year: int, born: date) -> date:
    """Return the birthday in a year; 29 February becomes the 28th where there is none."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _of_order(name: str) -> Reader:
    read = attrgetter(name)
    return lambda view: None if view.order is None else read(view.order)


def _of_activity(name: str) -> Reader:
    read = attrgetter(name)
    return lambda view: None if view.activity is None else read(view.activity)


def _of_member(name: str) -> Reader:
    read = attrgetter(name)
    return lambda view: None if view.member is None else read(view.member)


def _days_since(name: str) -> Reader:
    read = attrgetter(name)
    return lambda view: None if view.member is None else view.days_since(read(view.member))


READERS: Final[Mapping[str, Reader]] = {
    "order.total": attrgetter("total"),
    "order.lines": lambda view: len(view.lines.lines),
    "order.shipping": _of_order("shipping"),
    "order.currency": _of_order("currency"),
    "order.channel": _of_order("channel"),
    "order.location": _location,
    "order.till": _till,
    "order.tenders": lambda view: None if view.order is None else tuple(t.kind for t in view.order.tenders),
    "order.paid_with_points": attrgetter("paid_with_points"),
    "activity.subject": _of_activity("subject"),
    "activity.location": _of_activity("location"),
    "time.date": lambda view: view.local.date().isoformat(),
    "time.month": attrgetter("local.month"),
    "time.day": attrgetter("local.day"),
    "time.weekday": lambda view: WEEKDAYS[view.local.weekday()],
    "time.clock": lambda view: f"{view.local.hour:02}:{view.local.minute:02}",
    "member.exists": lambda view: view.member is not None,
    "member.id": lambda view: None if view.member is None or view.member.id is None else show_id("mem", view.member.id),
    "member.status": _of_member("status"),
    "member.orders": _of_member("orders"),
    "member.spend": _of_member("spend"),
    "member.days_since_first_order": _days_since("first_order_at"),
    "member.days_since_last_order": _days_since("last_order_at"),
    "member.days_since_enrolment": _days_since("enrolled_at"),
    "member.entitlements": _of_member("entitlements"),
    "member.plans": _of_member("plans"),
    "member.age": _age,
    "member.referrals": _of_member("referrals"),
    "member.brought_by": _of_member("brought_by"),
}
"""How each of the engine's own facts is read. ``program/facts.py`` says what they mean."""
