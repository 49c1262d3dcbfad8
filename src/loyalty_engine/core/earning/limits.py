"""Limits of earning rules: how much, and how often, per order, member and program, in calendar periods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, get_args

from loyalty_engine.core.earning.leases import find_leases, is_over
from loyalty_engine.core.kernel.calendars import CalendarPeriod, name_of
from loyalty_engine.core.program.earning import Limit, LimitPeriod
from loyalty_engine.core.rules.reasons import Capped

KEPT_DAYS: Final = 60
"""How long a member's counter of an ended period is kept: receipts that come later count anew."""

_SEPARATOR: Final = "/"


class Counted(NamedTuple):
    """What is used already: of the member's own counters, and of those that all share. A missing one is unused."""

    member: Mapping[str, int]
    shared: Mapping[str, int]


NOTHING_COUNTED: Final = Counted({}, {})


@dataclass(frozen=True, slots=True)
class CompiledLimit:
    """One limit. ``prefix`` and the period's name make the name of its counter; ``written`` is as in the document."""

    per: Literal["order", "member", "program"]
    counts_points: bool
    cap: int
    period: LimitPeriod
    prefix: str
    written: Mapping[str, Any]

    def counter_on(self, day: date) -> str:
        """Return the name of the counter for a day of the program's calendar."""
        return self.prefix if self.period == "lifetime" else self.prefix + name_of(self.period, day)


def compile_limits(rule: str, limits: Sequence[Limit]) -> tuple[CompiledLimit, ...]:
    """Return the compiled limits of a rule. Two of a kind share a counter: the tighter one wins."""
    return tuple(_compile(rule, limit) for limit in limits)


def _compile(rule: str, limit: Limit) -> CompiledLimit:
    what = "times" if limit.points is None else "points"
    cap = limit.points or limit.times
    assert cap is not None
    return CompiledLimit(
        per=limit.per,
        counts_points=limit.points is not None,
        cap=cap,
        period=limit.period,
        prefix=_SEPARATOR.join(("earning", rule, what, limit.period, "")),
        written=limit.model_dump(mode="json", exclude_defaults=True),
    )


def cut(limits: Sequence[CompiledLimit], wanted: int, day: date, counted: Counted) -> tuple[int, Capped | None]:
    """Return how much of ``wanted`` all limits allow, and the one that cut it most."""
    allowed, tightest = wanted, None
    for limit in limits:
        used = _used(limit, day, counted)
        room = max(limit.cap - used, 0)
        most = room if limit.counts_points else (wanted if room else 0)
        if most < allowed:
            allowed, tightest = most, Capped(limit.written, used, wanted)
    return allowed, tightest


def _used(limit: CompiledLimit, day: date, counted: Counted) -> int:
    match limit.per:
        case "order":
            return 0
        case "member":
            return counted.member.get(limit.counter_on(day), 0)
        case "program":
            return counted.shared.get(limit.counter_on(day), 0)


def drop_ended(counters: Mapping[str, int], now: datetime) -> dict[str, int]:
    """Return a member's counters without those of periods that ended more than :data:`KEPT_DAYS` ago, and without leases
    that ran out. ``now`` is local.
    """
    oldest = now.date() - timedelta(days=KEPT_DAYS)
    names = {period: name_of(period, oldest) for period in get_args(CalendarPeriod)}
    over = {name for name in find_leases(counters) if is_over(name, now)}
    return {name: used for name, used in counters.items() if name not in over and not _has_ended(name, names)}


def _has_ended(counter: str, oldest: Mapping[str, str]) -> bool:
    _, period, name = counter.rsplit(_SEPARATOR, 2)
    return period in oldest and name < oldest[period]
