"""The registry of facts: every name a condition may compare, with its type and its meaning.

How a fact is read from an order stands in ``rules/view.py``; a test proves that both name the same facts.

An absent fact (a guest has no member facts, a receipt without a channel has no ``order.channel``) is not zero and not
empty: every comparison with it is false, except ``is_not``, ``not_in`` and ``exists: false``, which are true.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.attributes import Attributes, Scalar, ValueType, read_value
from loyalty_engine.core.program.windows import WEEKDAYS, is_clock

Equality = Literal["is", "is_not", "in", "not_in"]
Ordering = Literal["at_least", "more_than", "at_most", "less_than"]
Operator = Equality | Ordering | Literal["exists", "includes", "excludes"]

FactType = ValueType | Literal["clock", "texts"]
"""Beside the types of attributes: ``clock`` is a time of day ("17:30"), ``texts`` are several texts at once."""

Carrier = Literal["order", "activity", "member", "time"]
"""What a fact speaks of: the first step of its name."""

_EQUALITY: Final[tuple[Operator, ...]] = ("is", "is_not")
_MEMBERSHIP: Final[tuple[Operator, ...]] = ("in", "not_in")
_ORDERING: Final[tuple[Operator, ...]] = ("at_least", "more_than", "at_most", "less_than")
_ALL: Final[tuple[Operator, ...]] = (*_EQUALITY, *_MEMBERSHIP, *_ORDERING, "exists")

OPERATORS: Final[Mapping[FactType, tuple[Operator, ...]]] = {
    "text": (*_EQUALITY, *_MEMBERSHIP, "exists"),
    "boolean": (*_EQUALITY, "exists"),
    "integer": _ALL,
    "decimal": _ALL,
    "date": _ALL,
    "clock": _ALL,
    "texts": ("includes", "excludes"),
}
"""Which operators fit which type. Texts have no order, and a list of booleans says nothing."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name in the document, its type and what it means.

    ``options`` closes the set of possible texts, ``bounds`` that of whole numbers. ``personal`` facts never show their actual value in a reason.
    ``attribute`` is the declared attribute behind the fact, ``wallet`` the wallet, ``tier_set`` the set; all None for a fact
    of the engine's own.
    """

    name: str
    type: FactType
    doc: str
    options: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    personal: bool = False
    attribute: str | None = None
    wallet: str | None = None
    tier_set: str | None = None

    @property
    def carrier(self) -> Carrier:
        """What the fact speaks of."""
        return self.name.partition(".")[0]  # type: ignore[return-value]  # names begin with their carrier


FACTS: Final = (
    Fact(
        "order.total",
        "integer",
        "Sum of the lines without shipping, in minor units: for promotions as reported, for rules what promotions left.",
    ),
    Fact("order.lines", "integer", "How many lines the order has."),
    Fact("order.shipping", "integer", "What delivery costs, in minor units."),
    Fact("order.currency", "text", "ISO 4217 code of the order's amounts."),
    Fact("order.channel", "text", "Sales channel that the shop or till names."),
    Fact("order.location", "text", "Store; for a receipt without one, the store of its till."),
    Fact("order.till", "text", "Till that wrote the receipt. Shop orders have none."),
    Fact("order.tenders", "texts", "Kinds of tender with which the order was paid outside the engine."),
    Fact("order.paid_with_points", "integer", "Minor units of the order that points paid."),
    Fact("activity.subject", "text", "What the activity was about, as the shop names it."),
    Fact("activity.location", "text", "Store in which the activity happened."),
    Fact("time.date", "date", "Day on which it happened, in the program's zone."),
    Fact("time.month", "integer", "Month of that day, 1 to 12.", bounds=(1, 12)),
    Fact("time.day", "integer", "Day of the month, 1 to 31.", bounds=(1, 31)),
    Fact("time.weekday", "text", "Weekday of that day.", options=WEEKDAYS),
    Fact("time.clock", "clock", "Time of day at which it happened, in the program's zone."),
    Fact("member.exists", "boolean", "False for a guest. The one member fact that guests have."),
    Fact("member.id", "text", "The member's id, such as mem_01m8054496erxvcc6weqy7k3j5: what is for one member only."),
    Fact("member.status", "text", "Status of the member.", options=("active", "blocked")),
    Fact("member.orders", "integer", "Orders accepted before this one."),
    Fact("member.spend", "integer", "Minor units paid for goods before this order, less what points paid."),
    Fact("member.days_since_first_order", "integer", "Calendar days since the first order before this one."),
    Fact("member.days_since_last_order", "integer", "Calendar days since the latest order before this one."),
    Fact("member.days_since_enrolment", "integer", "Calendar days since the member enrolled."),
    Fact(
        "member.entitlements",
        "texts",
        "What the tiers and plans that the member is in before this order entitle it to.",
    ),
    Fact("member.age", "integer", "Full years of age on that day.", personal=True),
    Fact("member.plans", "texts", "Plans whose member it was then: on trial, paid or in grace."),
    Fact("member.referrals", "integer", "Friends that the member brought and that count."),
    Fact("member.brought_by", "text", "Referral programme in which the member is a friend, as long as that stands."),
)
"""What every program knows, in the order in which documentation lists it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name that the conditions of one program may use: facts by name, types of line attributes by name.

    ``activity`` is the kind of activity whose rules these words are for; None means orders.
    """

    facts: Mapping[str, Fact]
    line_attributes: Mapping[str, ValueType]
    activity: str | None = None

    @classmethod
    def of(
        cls,
        attributes: Attributes,
        wallets: Iterable[str] = (),
        activity: ActivityKind | None = None,
        *,
        tier_sets: Mapping[str, Sequence[str]] = MappingProxyType({}),
        plans: Sequence[str] = (),
    ) -> "Vocabulary":
        """Return the engine's own facts together with those of the program, as far as the trigger has them.

        ``tier_sets`` are the keys of tiers by those of their sets, ``plans`` those of plans.
        """
        absent: Carrier = "activity" if activity is None else "order"
        facts = (*FACTS, *_declared(attributes, activity), *_balances(wallets), *_tiers(tier_sets), *_plans(plans))
        return cls(
            facts={fact.name: fact for fact in facts if fact.carrier != absent},
            line_attributes={name: definition.type for name, definition in attributes.line.items()},
            activity=None if activity is None else activity.key,
        )


def read_comparand(fact_type: FactType, written: Scalar) -> Scalar:
    """Return what stands right of an operator as the core holds it; raise ``ValueError`` when it does not fit the type.

    Times of day stay text: they sort as the clock does.
    """
    match fact_type:
        case "texts":
            return read_value("text", written)
        case "clock":
            if isinstance(written, str) and is_clock(written):
                return written
            raise ValueError(fact_type)
        case _:
            return read_value(fact_type, written)


def _declared(attributes: Attributes, activity: ActivityKind | None) -> Iterator[Fact]:
    for name, definition in attributes.order.items():
        doc = definition.description or "Declared attribute of the order."
        yield Fact(f"order.attributes.{name}", definition.type, doc, attribute=name)
    for name, definition in (activity.attributes if activity else {}).items():
        doc = definition.description or "Declared attribute of the activity."
        yield Fact(f"activity.attributes.{name}", definition.type, doc, attribute=name)
    for name, definition in attributes.member.items():
        doc = definition.description or "Declared attribute of the member."
        yield Fact(f"member.attributes.{name}", definition.type, doc, personal=True, attribute=name)


def _balances(wallets: Iterable[str]) -> Iterator[Fact]:
    for key in wallets:
        yield Fact(f"member.balances.{key}", "integer", "Available in that wallet before.", wallet=key)


def _tiers(tier_sets: Mapping[str, Sequence[str]]) -> Iterator[Fact]:
    for key, tiers in tier_sets.items():
        options = tuple(tiers)
        yield Fact(f"member.tiers.{key}", "text", "Tier of that set before; absent below all.", options, tier_set=key)
        doc = "Which of the tiers of that set it is, counted from below; 0 below all."
        yield Fact(f"member.levels.{key}", "integer", doc, bounds=(0, len(options)), tier_set=key)


def _plans(plans: Sequence[str]) -> Iterator[Fact]:
    """Yield the fact about plans with the keys that there are; without any it stays what it is everywhere."""
    if plans:
        known = next(fact for fact in FACTS if fact.name == "member.plans")
        yield replace(known, options=tuple(plans))
