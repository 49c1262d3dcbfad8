"""One promotion, compiled: whom it is for, when it is open, what it takes, what it gives, and how much of that at most."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from functools import cache, partial
from typing import Any, Final, Literal, assert_never

from loyalty_engine.core.earning.index import Door, find_door
from loyalty_engine.core.earning.rules import Multiplier, compile_multiplier
from loyalty_engine.core.kernel.amounts import Ratio, Rounding
from loyalty_engine.core.kernel.calendars import name_of
from loyalty_engine.core.program.conditions import HistoryComparison, HistoryWindow, walk
from loyalty_engine.core.program.earning import LimitPeriod
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.promotions import (
    AmountOff,
    Bundle,
    BuyGet,
    CodeIssue,
    ExtraPoints,
    Gift,
    PercentOff,
    PointsTimes,
    PromotionEffect,
    PromotionEntry,
    PromotionLimit,
    PromotionPolicy,
    ShippingOff,
    Stepped,
    TotalPrice,
    UnitPrice,
)
from loyalty_engine.core.promotions.effects import Effect, Share, Terms, compile_effect, compile_share
from loyalty_engine.core.promotions.lacks import Next, compile_next
from loyalty_engine.core.rules.conditions import Check, compile_condition, reads_profile
from loyalty_engine.core.rules.openings import Opening, compile_opening
from loyalty_engine.core.rules.recall import Recall, compile_recall, must_remember
from loyalty_engine.core.rules.selections import Selection
from loyalty_engine.core.rules.view import READERS, View

_SEPARATOR: Final = "/"


@dataclass(frozen=True, slots=True)
class PromotionCap:
    """A limit: its counter's name begins with ``prefix``. ``written`` is as in the document."""

    per: Literal["member", "location", "program"]
    counts_amount: bool
    cap: int
    period: LimitPeriod
    partial: bool
    prefix: str
    written: Mapping[str, Any]

    def counter_on(self, day: date, location: str | None) -> str:
        """Return the name of the counter for a day of the program's calendar, in a location where that counts."""
        name = "" if self.period == "lifetime" else name_of(self.period, day)
        where = f"{location or ''}{_SEPARATOR}" if self.per == "location" else ""
        return f"{self.prefix}{where}{name}"


@dataclass(frozen=True, slots=True, eq=False)
class Promotion:
    """A compiled promotion. ``position`` is its place in the document; ``door`` what an order must have to be shown to it;
    ``written`` its effect as the document has it; ``next`` how much more would give more; ``multiplies`` how it multiplies
    what earning rules give.

    ``share`` is the effect where that is all there is to it, without floor and limits; ``turn`` is its place among those
    that play: of higher priority first.

    ``recall`` and ``must_remember`` are as in :class:`~loyalty_engine.core.earning.rules.EarningRule`.
    """

    key: str
    name: str | None
    position: int
    is_active: bool
    needs_code: bool
    audience: Literal["anyone", "members", "guests"]
    channels: frozenset[str] | None
    locations: frozenset[str] | None
    opening: Opening | None
    check: Check | None
    effect: Effect
    share: Share | None
    written: PromotionEffect
    next: Next | None
    multiplies: Multiplier | None
    at_most: int | None
    floor: Ratio | None
    caps: tuple[PromotionCap, ...]
    needs_member: bool
    group: str | None
    priority: int
    door: Door | None
    reads_profile: bool
    history: tuple[tuple[HistoryWindow, bool], ...]
    metadata: Mapping[str, str]
    recall: Callable[[], Recall] | None
    must_remember: bool
    is_for_all: bool = field(init=False)
    """Whether nothing but its condition and its limits may refuse it."""
    turn: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        has_crowd = self.audience != "anyone" or self.channels is not None or self.locations is not None
        is_for_all = not (has_crowd or self.needs_code or self.needs_member or self.opening is not None)
        object.__setattr__(self, "is_for_all", is_for_all)
        object.__setattr__(self, "turn", (-self.priority, self.position))

    @property
    def issues(self) -> str | None:
        """The pool out of which it gives the buyer a promo code; None: it gives none."""
        return self.written.pool if isinstance(self.written, CodeIssue) else None

    def is_for(self, view: View) -> bool:
        """Tell whether it is for this buyer, channel and location."""
        if self.audience != "anyone" and (view.member is not None) != (self.audience == "members"):
            return False
        if self.channels is not None and READERS["order.channel"](view) not in self.channels:
            return False
        return self.locations is None or READERS["order.location"](view) in self.locations


def compile_promotion(
    entry: PromotionEntry,
    position: int,
    *,
    policy: PromotionPolicy,
    vocabulary: Vocabulary,
    zone: tzinfo,
    rounding_of_points: Rounding = "floor",
) -> Promotion:
    """Return the compiled form of a promotion that ``check_program`` found no error in.

    ``rounding_of_points`` is that of the program's policy of earning.
    """
    when = entry.when
    terms = Terms(policy.percent_of == "list", entry.rounding or policy.rounding, vocabulary)
    return Promotion(
        key=entry.key,
        name=entry.name,
        position=position,
        is_active=entry.active,
        needs_code=entry.opened_by == "code",
        audience=entry.audience,
        channels=None if entry.channels is None else frozenset(entry.channels),
        locations=None if entry.locations is None else frozenset(entry.locations),
        opening=compile_opening(entry.window, entry.schedule, zone),
        check=None if when is None else compile_condition(when, vocabulary),
        effect=compile_effect(entry.effect, terms),
        share=None if entry.floor is not None or entry.at_most or entry.limits else compile_share(entry.effect, terms),
        written=entry.effect,
        next=compile_next(entry.effect, terms),
        multiplies=compile_multiplier(entry.effect, entry.rounding or rounding_of_points, vocabulary)
        if isinstance(entry.effect, PointsTimes)
        else None,
        at_most=entry.at_most,
        floor=None if entry.floor is None else Ratio.parse_percent(entry.floor),
        caps=tuple(
            _compile_cap(entry.key, limit) for limit in sorted(entry.limits, key=lambda limit: not limit.partial)
        ),
        needs_member=isinstance(entry.effect, CodeIssue) or any(limit.per == "member" for limit in entry.limits),
        group=entry.group,
        priority=entry.priority,
        door=find_door(when, _goods_of(entry.effect, terms), vocabulary),
        reads_profile=entry.active and when is not None and reads_profile(when, vocabulary),
        history=()
        if when is None or not entry.active
        else tuple(
            (node.history, node.reads_lines) for _, _, node in walk(when) if isinstance(node, HistoryComparison)
        ),
        metadata=entry.metadata,
        recall=None if when is None else cache(partial(compile_recall, when, vocabulary)),
        must_remember=when is not None and must_remember(when),
    )


def _goods_of(effect: PromotionEffect, terms: Terms) -> Selection | None:
    """Return lines without which an effect gives nothing; None when it does without any."""
    match effect:
        case PercentOff(of=of) | AmountOff(of=of) | UnitPrice(of=of) | TotalPrice(of=of) | Stepped(of=of):
            return terms.select(of)
        case BuyGet(buy=buy, get=get):
            return _any_of([terms.select(buy.of), terms.select(get.of or buy.of)])
        case Bundle(parts=parts):
            return _any_of([terms.select(part.of) for part in parts])
        case Gift(of=of):
            return terms.select(of) if effect.per_amount or effect.per_quantity else None
        case PointsTimes(of=of):
            return terms.select(of)
        case ShippingOff() | ExtraPoints() | CodeIssue():
            return None
        case _:
            assert_never(effect)


def _any_of(parts: Sequence[Selection | None]) -> Selection | None:
    """Return lines of any part, where all are told by one field: who has some may be told what else it takes."""
    keyed = [part for part in parts if part is not None and part.key is not None]
    keys = [part.key for part in keyed if part.key is not None]
    if not keys:
        return None
    if len(keys) < len(parts) or len({field.name for field, _ in keys}) > 1:
        return keyed[0]
    return replace(keyed[0], key=(keys[0][0], frozenset().union(*(values for _, values in keys))))


def _compile_cap(promotion: str, limit: PromotionLimit) -> PromotionCap:
    what = "times" if limit.amount is None else "amount"
    cap = limit.amount or limit.times
    assert cap is not None
    return PromotionCap(
        per=limit.per,
        counts_amount=limit.amount is not None,
        cap=cap,
        period=limit.period,
        partial=limit.partial,
        prefix=_SEPARATOR.join(("promotion", promotion, what, limit.per, limit.period, "")),
        written=limit.model_dump(mode="json", exclude_defaults=True),
    )
