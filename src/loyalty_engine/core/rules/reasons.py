"""Why a rule applied or did not: what was needed, what there was, how much is missing.

These are made for every rule of every order, most of them for rules that fail. So they are named tuples (0.15 µs
each; a frozen dataclass takes 0.9), and what is known when a rule is compiled waits in one :class:`Need`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from loyalty_engine.core.kernel.quantities import show_quantity
from loyalty_engine.core.program.facts import FactType, Operator
from loyalty_engine.core.rules.order import Scalar

WhyNot = Literal[
    "condition_failed", "nothing_to_earn", "inactive", "not_open", "limit_reached", "outdone", "wallet_gone"
]
ReasonCode = Literal["applied"] | WhyNot
WhyNotPromoted = Literal[
    "inactive",
    "not_open",
    "code_needed",
    "not_for_this_buyer",
    "member_required",
    "condition_failed",
    "limit_reached",
    "nothing_to_discount",
    "outdone",
]


@dataclass(frozen=True, slots=True)
class Need:
    """What one comparison asks for.

    ``needed`` is the comparand as the document has it. ``bound`` is the least number with which the comparison holds
    (decimals in millionths), None when more would not help. ``lines`` is the selection that is measured, ``history``
    how far back, both as JSON; ``attribute`` is what is summed.
    """

    fact: str
    type: FactType
    operator: Operator
    needed: Any
    bound: int | None = None
    personal: bool = False
    lines: Mapping[str, Any] | None = None
    history: Mapping[str, Any] | None = None
    attribute: str | None = None
    shown: Mapping[str, Any] = field(init=False)
    """All of this that a reason shows, as JSON."""

    def __post_init__(self) -> None:
        shown: dict[str, Any] = {"code": "unmet", "fact": self.fact, "operator": self.operator, "needed": self.needed}
        about = {"lines": self.lines, "history": self.history, "attribute": self.attribute}
        shown.update((name, value) for name, value in about.items() if value is not None)
        if self.personal:
            shown["personal"] = True
        object.__setattr__(self, "shown", shown)


class Unmet(NamedTuple):
    """A comparison that does not hold. ``actual`` is None when the fact is absent, and always when it is personal."""

    need: Need
    actual: Scalar | tuple[str, ...] | None

    @property
    def missing(self) -> int | None:
        """How much more is needed, when more of it would help and the actual value may be shown."""
        if self.need.bound is None or self.actual is None:
            return None
        return self.need.bound - int(self.actual)  # type: ignore[arg-type]  # only numbers have a bound

    def measured(self) -> "tuple[Scalar | tuple[str, ...] | None, Scalar | None]":
        """Return what there is and what is missing, as people write values of the fact's type."""
        if self.need.type == "decimal":
            return _as_decimal(self.actual), _as_decimal(self.missing)  # type: ignore[arg-type]  # decimals are numbers
        return self.actual, self.missing

    def as_json(self) -> dict[str, Any]:
        actual, missing = self.measured()
        shown = {**self.need.shown, "actual": actual}
        if missing is not None:
            shown["missing"] = missing
        return shown


class NoneOf(NamedTuple):
    """An ``any`` of which no child holds, with the miss of every child."""

    misses: "tuple[Miss, ...]"

    def as_json(self) -> dict[str, Any]:
        return {"code": "none_of", "misses": [miss.as_json() for miss in self.misses]}


class Excluded(NamedTuple):
    """A ``not`` whose child holds. ``condition`` is that child as the document has it.

    It is ``personal`` when the child asks for a personal fact: that it holds then tells something of the member.
    """

    condition: Mapping[str, Any]
    personal: bool

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"code": "excluded", "condition": self.condition}
        return {**shown, "personal": True} if self.personal else shown


Miss = Unmet | NoneOf | Excluded
"""Why a condition does not hold. Of an ``all`` it is the first child that fails, in document order."""


class Capped(NamedTuple):
    """A limit that gave less than the ``wanted`` amount. ``limit`` is as the document has it, ``used`` what was spent
    of it before.
    """

    limit: Mapping[str, Any]
    used: int
    wanted: int

    def as_json(self) -> dict[str, Any]:
        return {"code": "capped", "limit": dict(self.limit), "used": self.used, "wanted": self.wanted}


class Outdone(NamedTuple):
    """Other rules of the group were chosen. ``group`` is None outside of groups, ``wanted`` what this one would give."""

    group: str | None
    wanted: int

    def as_json(self) -> dict[str, Any]:
        return {"code": "outdone", "group": self.group, "wanted": self.wanted}


Why = Miss | Capped | Outdone
"""What stands beside a verdict: the miss of a condition, the limit that cut or refused a grant, the group that chose."""


class Reason(NamedTuple):
    """Why one rule gave ``amount`` points, or minor units, of ``wallet``, or nothing.

    ``condition_failed`` comes with a miss, ``limit_reached`` and a cut ``applied`` with the limit, ``outdone`` with
    the group.
    """

    rule: str
    applied: bool
    code: ReasonCode
    amount: int
    wallet: str | None
    why: Why | None

    def as_json(self) -> dict[str, Any]:
        rule, applied, code, amount, wallet, why = self
        shown: dict[str, Any] = {"rule": rule, "applied": applied, "code": code, "amount": amount, "wallet": wallet}
        if why is not None:
            shown[_PLACES.get(type(why), "miss")] = why.as_json()
        return shown


class PromotionReason(NamedTuple):
    """Why one promotion took ``amount`` minor units off an order, or gave nothing. ``why`` is as in :class:`Reason`."""

    promotion: str
    applied: bool
    code: Literal["applied"] | WhyNotPromoted
    amount: int
    why: Why | None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "promotion": self.promotion,
            "applied": self.applied,
            "code": self.code,
            "amount": self.amount,
        }
        if self.why is not None:
            shown[_PLACES.get(type(self.why), "miss")] = self.why.as_json()
        return shown


_PLACES: Final[Mapping[type, str]] = {Capped: "limit", Outdone: "outdone"}


def _as_decimal(millionths: Scalar | None) -> str | None:
    return None if millionths is None else show_quantity(int(millionths))
