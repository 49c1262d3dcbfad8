"""Memberships as they are kept: what was paid for, until when. Their state follows from that and the time alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

State = Literal["trial", "active", "in_grace", "lapsed", "cancelled"]
"""``lapsed`` and ``cancelled`` memberships give nothing; one that was cancelled and is paid for still is ``active``."""

_SLACK: Final = timedelta(minutes=5)
"""How much earlier than a membership a receipt may be dated that came with it: clocks differ."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the shop reports it: ``number`` is the shop's own id of it."""

    number: str
    amount: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment, and the time it paid for."""

    payment: Payment
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """What a member has of one plan.

    ``since`` is when it began and has gone on since; it is paid for, or tried, until ``paid_until``, and over at ``ends_at``:
    later by a time of grace, if it has one. ``is_over``: that it ended is booked. ``tried``: it began with a trial once, and
    ``is_trial`` as long as nothing was paid since. ``paid`` are the payments whose time was not over when the last one came
    in, and the last one. ``terms`` ones of the same length follow each other from ``anchor`` on.
    """

    since: datetime
    paid_until: datetime
    ends_at: datetime
    anchor: datetime
    terms: int = 0
    is_trial: bool = False
    tried: bool = False
    cancelled_at: datetime | None = None
    is_over: bool = False
    paid: tuple[Paid, ...] = ()

    def state(self, now: datetime) -> State:
        """Return what it is ``now``, whether or not anybody booked its end."""
        if self.paid_until > now:
            return "trial" if self.is_trial else "active"
        if self.ends_at > now:
            return "in_grace"
        return "lapsed" if self.cancelled_at is None else "cancelled"

    def runs(self, now: datetime) -> bool:
        """Tell whether it gives something now: it is tried, paid for or in grace."""
        return self.ends_at > now

    def ran(self, then: datetime) -> bool:
        """Tell whether it gave something then, at some time before or after now."""
        return self.since - _SLACK <= then < self.ends_at


@dataclass(frozen=True, slots=True)
class PlanMove:
    """A member's membership in a plan changes: it was ``before``, None: there was none."""

    member_id: UUID
    plan: str
    before: Membership | None
    after: Membership


Memberships = Mapping[str, Membership]
"""What a member has of plans, by their keys; one that it never had is missing."""


def next_lapse(plans: Memberships) -> datetime | None:
    """Return when the first of the memberships ends whose end is not booked; None: there is none."""
    return min((held.ends_at for held in plans.values() if not held.is_over), default=None)


def lapses(plans: Memberships, now: datetime) -> Iterator[tuple[str, Membership]]:
    """Yield the memberships that are over without that being booked, by plan."""
    for plan, held in plans.items():
        if not held.is_over and held.ends_at <= now:
            yield plan, held


def join(own: Memberships, theirs: Memberships) -> Memberships:
    """Return what a member has that had both: of each plan the membership that goes on for longer."""
    joined = dict(own)
    for plan, held in theirs.items():
        known = own.get(plan)
        if known is None or (held.ends_at, held.paid_until) > (known.ends_at, known.paid_until):
            joined[plan] = held
    return joined


def running(plans: Memberships, now: datetime) -> Mapping[str, datetime]:
    """Return until when the memberships go on that give something now, by plan."""
    return {plan: held.ends_at for plan, held in plans.items() if held.runs(now)}
