"""Promotions that no order can get, because what they ask for contradicts whom, where or when they are for."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from loyalty_engine.core.program.conditions import (
    AnyOf,
    BirthdayComparison,
    Condition,
    FactComparison,
    HistoryComparison,
    conjuncts,
    walk,
)
from loyalty_engine.core.program.contradictions import contradicting_together
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.promotions import CodeIssue, PromotionEntry
from loyalty_engine.core.program.windows import WEEKDAYS, Hours, Window, parse_moment

Given = Sequence[FactComparison]
"""What holds of every order that a promotion is open to."""

_DAY: Final = timedelta(days=1)
_INSTANT: Final = timedelta.resolution
_LISTED_DAYS: Final = 366
"""Of a window this long, or shorter, the days are looked at one by one: a longer one has every month and weekday."""


def find_unreachable(pointer: str, promotion: PromotionEntry, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Yield a warning for each part of a promotion because of which nobody can get it."""
    if promotion.audience == "guests":
        for place, limit in enumerate(promotion.limits):
            if limit.per == "member":
                message = "counts per member, and guests are none: nobody gets the promotion"
                yield Fault(f"{pointer}/limits/{place}/per", FaultCode.NOBODY_GETS_IT, message, "warning")
        if isinstance(promotion.effect, CodeIssue):
            message = "gives codes to members, and guests are none: nobody gets the promotion"
            yield Fault(f"{pointer}/effect", FaultCode.NOBODY_GETS_IT, message, "warning")
    when = promotion.when
    if when is None:
        return
    here = f"{pointer}/when"
    for reason, alternatives in (
        ("for this audience", [_of_audience(promotion, when)]),
        ("in these channels and locations", [_of_places(promotion)]),
        ("while the promotion is open", list(_of_times(promotion))),
    ):
        found = [_find_impossible(here, when, given, vocabulary) for given in alternatives]
        if found and found[0] is not None and None not in found:
            yield Fault(found[0], FaultCode.NEVER_HOLDS, f"can never hold {reason}", "warning")


def _find_impossible(pointer: str, condition: Condition, given: Given, vocabulary: Vocabulary) -> str | None:
    """Return the pointer of what cannot hold together with ``given``; None when the condition may hold."""
    facts = {comparison.fact for comparison in given}
    nodes = list(conjuncts(condition, pointer))
    compared = [(here, node) for here, node in nodes if isinstance(node, FactComparison) and node.fact in facts]
    for here in contradicting_together([("", comparison) for comparison in given] + compared, vocabulary):
        return here
    are_guests = any(comparison.fact == "member.exists" and comparison.is_ is False for comparison in given)
    for here, node in nodes:
        match node:
            case AnyOf():
                found = [
                    _find_impossible(f"{here}/any/{place}", child, given, vocabulary)
                    for place, child in enumerate(node.children)
                ]
                if None not in found:
                    return here
            case BirthdayComparison() if are_guests:
                return here
            case HistoryComparison() if are_guests and node.comparison.operator != "is_not":
                return here
            case _:
                pass
    return None


def _of_audience(promotion: PromotionEntry, when: Condition) -> Given:
    match promotion.audience:
        case "anyone":
            return []
        case "members":
            return [_compare("member.exists", is_=True)]
        case "guests":
            asked = {node.fact for _, _, node in walk(when) if isinstance(node, FactComparison)}
            absent = sorted(fact for fact in asked if fact.startswith("member.") and fact != "member.exists")
            return [_compare("member.exists", is_=False), *(_compare(fact, exists=False) for fact in absent)]


def _of_places(promotion: PromotionEntry) -> Given:
    named = {"order.channel": promotion.channels, "order.location": promotion.locations}
    return [_compare(fact, in_=names) for fact, names in named.items() if names is not None]


def _of_times(promotion: PromotionEntry) -> Iterator[Given]:
    """Yield what holds of the time in the window, once for each of the hours of the schedule."""
    in_window = [] if promotion.window is None else _of_window(promotion.window)
    if promotion.schedule is None:
        yield in_window
        return
    for hours in promotion.schedule:
        for in_hours in _of_hours(hours):
            yield [*in_window, *in_hours]


def _of_window(window: Window) -> list[FactComparison]:
    given: list[FactComparison] = []
    first = None if window.starts_at is None else parse_moment(window.starts_at)
    last = None if window.ends_at is None else parse_moment(window.ends_at) - _INSTANT
    if first is not None:
        given.append(_compare("time.date", at_least=first.date().isoformat()))
    if last is not None:
        given.append(_compare("time.date", at_most=last.date().isoformat()))
    if first is not None and last is not None and last - first < _LISTED_DAYS * _DAY:
        given += _of_days(first, last)
    return given


def _of_days(first: datetime, last: datetime) -> list[FactComparison]:
    days = [first.date() + number * _DAY for number in range((last.date() - first.date()).days + 1)]
    given = [
        _compare("time.month", in_=tuple(sorted({day.month for day in days}))),
        _compare("time.day", in_=tuple(sorted({day.day for day in days}))),
        _compare("time.weekday", in_=tuple(sorted({_weekday(day) for day in days}))),
    ]
    if len(days) == 1:
        given += _of_clock(f"{first:%H:%M}", f"{last + _INSTANT:%H:%M}")
    return given


def _of_hours(hours: Hours) -> Iterator[list[FactComparison]]:
    """Yield what holds in hours of the week: of those past midnight, in their evening and in their morning."""
    if hours.starts < hours.ends:
        yield [_compare("time.weekday", in_=hours.weekdays), *_of_clock(hours.starts, hours.ends)]
        return
    following = tuple(WEEKDAYS[(WEEKDAYS.index(day) + 1) % len(WEEKDAYS)] for day in hours.weekdays)
    yield [_compare("time.weekday", in_=hours.weekdays), *_of_clock(hours.starts, "24:00")]
    if hours.ends != "00:00":
        yield [_compare("time.weekday", in_=following), *_of_clock("00:00", hours.ends)]


def _of_clock(starts: str, ends: str) -> list[FactComparison]:
    given = [_compare("time.clock", at_least=starts)]
    if ends not in ("24:00", "00:00"):
        given.append(_compare("time.clock", less_than=ends))
    return given


def _weekday(day: date) -> str:
    return WEEKDAYS[day.weekday()]


def _compare(fact: str, **compared: object) -> FactComparison:
    return FactComparison.model_validate(
        {"fact": fact, **{name.removesuffix("_"): value for name, value in compared.items()}}
    )
