"""Terms: a plan compiled. Until when a payment pays, when a membership ends, and what is given back then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Final, Literal, assert_never

from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.memberships.membership import Membership, Paid, Payment
from loyalty_engine.core.program.plans import FullRefund, NoRefund, PlanEntry, PlanRefund, ProratedRefund
from loyalty_engine.core.program.tiers import Privileges

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """The terms of one plan. All that was paid for stays as it was when it was: they are for what comes."""

    key: str
    name: str
    price: int
    term: Period
    grace: Period | None
    trial: Period | None
    refund: PlanRefund
    cancels: Literal["at_end", "at_once"]
    overpaid: Literal["refuse", "accept"]
    is_sold: bool
    privileges: Privileges
    activity: str | None
    zone: tzinfo

    @classmethod
    def of(cls, written: PlanEntry, zone: tzinfo) -> "PlanTerms":
        """Return the terms of a plan that ``check_program`` found no error in."""
        return cls(
            key=written.key,
            name=written.name or written.key,
            price=written.price,
            term=written.term.period,
            grace=None if written.grace is None else written.grace.period,
            trial=None if written.trial is None else written.trial.period,
            refund=written.refund,
            cancels=written.cancels,
            overpaid=written.overpaid,
            is_sold=written.sold,
            privileges=written.privileges,
            activity=written.activity,
            zone=zone,
        )

    def accepts(self, amount: int) -> bool:
        """Tell whether somebody who pays so much gets a term for it."""
        return amount == self.price or (amount > self.price and self.overpaid == "accept")

    def begin_trial(self, now: datetime) -> Membership:
        """Return the membership of somebody who tries it. The plan must have a trial."""
        assert self.trial is not None
        until = self.trial.after(now, self.zone)
        return Membership(since=now, paid_until=until, ends_at=until, anchor=until, is_trial=True, tried=True)

    def pay(self, held: Membership | None, payment: Payment, now: datetime) -> Membership:
        """Return the membership once a term was paid.

        While it goes on, in grace too, the term follows what was paid for before; afterwards it begins anew. Terms that
        follow each other end as if they were one: monthly from 31 January to the end of February, then to 31 March.
        """
        at = payment.paid_at
        since, start, anchor, terms = at, at, at, 0
        paid: tuple[Paid, ...] = ()
        if held is not None and held.runs(at):
            since, start, paid = held.since, held.paid_until, held.paid
            anchor, terms = self._continue(held)
        until = self._times(terms + 1).after(anchor, self.zone)
        ends_at = until if self.grace is None else self.grace.after(until, self.zone)
        kept = tuple(one for one in paid if one.until > now)
        return Membership(
            since=since,
            paid_until=until,
            ends_at=ends_at,
            anchor=anchor,
            terms=terms + 1,
            tried=held is not None and held.tried,
            is_over=ends_at <= now,
            paid=(*kept, Paid(payment, start, until)),
        )

    def cancel(self, held: Membership, now: datetime, *, at_once: bool) -> Membership:
        """Return a membership that goes on, cancelled: it ends when what was paid for is over, without grace, or at once."""
        ends_at = now if at_once else max(held.paid_until, now)
        return replace(
            held,
            paid_until=min(held.paid_until, ends_at),
            ends_at=ends_at,
            cancelled_at=now,
            is_over=ends_at <= now,
            paid=() if at_once else held.paid,
        )

    def take_back(self, held: Membership, now: datetime) -> Membership:
        """Return a membership without the time that is left of what was paid last: it ends now, or when that would begin.

        Without grace if it was cancelled, or if only a trial is left of it.
        """
        last, rest = held.paid[-1], held.paid[:-1]
        if last.since <= now or last.since == held.since:
            return self.cancel(held, now, at_once=True)
        has_grace = self.grace is not None and held.cancelled_at is None and (rest or not held.tried)
        ends_at = self.grace.after(last.since, self.zone) if self.grace is not None and has_grace else last.since
        anchor, terms = (held.anchor, held.terms - 1) if held.terms else (last.since, 0)
        return replace(
            held,
            paid_until=last.since,
            ends_at=ends_at,
            anchor=anchor,
            terms=terms,
            is_trial=held.tried and not rest and last.since == anchor,
            paid=rest,
        )

    def refundable(self, paid: Paid, now: datetime) -> int:
        """Return how much of a payment is given back if its time ends now, in minor units."""
        match self.refund:
            case NoRefund():
                return 0
            case FullRefund(within=within):
                until = within.period.after(paid.payment.paid_at, self.zone)
                return paid.payment.amount if now < until and now < paid.until else 0
            case ProratedRefund():
                left = max(paid.until - max(now, paid.since), timedelta()) // _MICROSECOND
                return paid.payment.amount * left // ((paid.until - paid.since) // _MICROSECOND)
            case _:
                assert_never(self.refund)

    def refunds(self, paid: Sequence[Paid], now: datetime) -> Sequence[tuple[Paid, int]]:
        """Return what is given back of each of these payments if their time ends now; those of which nothing is are missing."""
        both = ((one, self.refundable(one, now)) for one in paid)
        return [(one, amount) for one, amount in both if amount]

    def _continue(self, held: Membership) -> tuple[datetime, int]:
        """Return where the row of terms began that another one continues, and how many it has."""
        if held.terms and self._times(held.terms).after(held.anchor, self.zone) == held.paid_until:
            return held.anchor, held.terms
        return held.paid_until, 0

    def _times(self, count: int) -> Period:
        return Period(self.term.count * count, self.term.unit)
