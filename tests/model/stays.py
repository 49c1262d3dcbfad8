"""Plans of a naive program, and stays in them: everything that was paid for, one term behind the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from tests.model.calendar import days_after, months_after

SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class Plan:
    """What is sold: ``days`` or ``months`` for a price. ``refund`` is for so many days if it is a number."""

    key: str
    price: int
    days: int | None = None
    months: int = 1
    grace: int = 0
    trial: int | None = None
    refund: Literal["none", "prorated"] | int = "none"
    ends_at_once: bool = False
    takes_more: bool = False
    is_sold: bool = True

    def end_of(self, number: int, first: datetime) -> datetime:
        """Return when the last of so many terms in a row ends of which the first began then."""
        return months_after(first, number * self.months) if self.days is None else days_after(first, number * self.days)

    def back(self, term: "Term", now: datetime) -> int:
        """Return how much is given back of what a term cost when it ends now."""
        if self.refund == "none":
            return 0
        if self.refund == "prorated":
            left, whole = term.end - max(now, term.start), term.end - term.start
            return (
                0
                if left <= timedelta()
                else term.amount * (left // datetime.resolution) // (whole // datetime.resolution)
            )
        return term.amount if now < min(days_after(term.paid, self.refund), term.end) else 0


@dataclass(frozen=True)
class Term:
    """A payment, and for which time: the nth ``in_row`` of those that followed each other since ``first``.

    A trial is one, too, that has no ``number``.
    """

    start: datetime
    end: datetime
    paid: datetime
    first: datetime
    in_row: int = 0
    number: str | None = None
    amount: int = 0


@dataclass(frozen=True)
class Stay:
    """What a member has of a plan since it last joined. ``told`` are the payments that are still told.

    ``left`` is when somebody cancelled it, and ``cut`` when it is over for that.
    """

    plan: Plan
    since: datetime
    terms: tuple[Term, ...]
    told: tuple[Term, ...] = ()
    left: datetime | None = None
    cut: datetime | None = None

    @property
    def paid_until(self) -> datetime:
        """Until when it is paid for, or tried."""
        end = self.terms[-1].end
        return end if self.cut is None else min(end, self.cut)

    @property
    def ends(self) -> datetime:
        """When it is over: with grace, if anything was paid and nobody cancelled."""
        if self.cut is not None:
            return self.cut
        last = self.terms[-1]
        return last.end if last.number is None else days_after(last.end, self.plan.grace)

    def state(self, now: datetime) -> str:
        if now < self.paid_until:
            return "trial" if self.terms[-1].number is None else "active"
        if now < self.ends:
            return "in_grace"
        return "lapsed" if self.left is None else "cancelled"

    def gave(self, then: datetime) -> bool:
        """Tell whether it gave something to a receipt of that time."""
        return self.since - SLACK <= then < self.ends

    def cancel(self, now: datetime, *, at_once: bool) -> "Stay":
        """Return it ended: now, or when what was paid for is over, without grace."""
        cut = now if at_once else max(self.paid_until, now)
        return replace(self, left=now, cut=cut, told=() if at_once else self.told)

    def lose_last(self, now: datetime) -> "Stay":
        """Return it without its last term, as if that had not been paid; what began already ends now."""
        last = self.terms[-1]
        if last.start <= now or len(self.terms) == 1:
            return self.cancel(now, at_once=True)
        return replace(
            self,
            terms=self.terms[:-1],
            told=self.told[:-1],
            cut=None if self.cut is None else last.start,
        )

    def refunds(self, now: datetime) -> dict[str, int]:
        """Return how much is given back of which payments when it ends now."""
        found = {str(term.number): self.plan.back(term, now) for term in self.told}
        return {number: amount for number, amount in found.items() if amount}


def try_out(plan: Plan, now: datetime) -> Stay:
    """Return the stay of somebody who tries a plan that offers it."""
    assert plan.trial is not None
    return Stay(plan, now, (Term(now, days_after(now, plan.trial), now, now),))


def pay_for(plan: Plan, held: Stay | None, number: str, *, amount: int, paid: datetime, now: datetime) -> Stay:
    """Return the stay with another term: behind the last one while it goes on, or from the payment on."""
    terms: Sequence[Term] = ()
    told: Sequence[Term] = ()
    since = start = first = paid
    in_row = 1
    if held is not None and paid < held.ends:
        since, start, told = held.since, held.paid_until, held.told
        last = held.terms[-1]
        terms, first = held.terms, start
        if last.end != start:  # it was cut short
            terms = ()
        elif last.number is not None:
            first, in_row = last.first, last.in_row + 1
    term = Term(start, plan.end_of(in_row, first), paid, first, in_row, number, amount)
    return Stay(plan, since, (*terms, term), (*(one for one in told if one.end > now), term))


def longer(one: Stay | None, other: Stay) -> Stay:
    """Return which of two stays goes on for longer."""
    if one is None:
        return other
    return other if (other.ends, other.paid_until) > (one.ends, one.paid_until) else one
