"""Opening and closing a member's account for one operation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.decision import MemberWrite
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.ruleset import Ruleset, WalletRules
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.memberships.membership import PlanMove, next_lapse
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.book import Book, Entries
from loyalty_engine.core.points.holds import Hold
from loyalty_engine.core.points.ledger import Ledger, LotT, LotTerms
from loyalty_engine.core.points.lifetimes import AT_ONCE, ActivationTerms
from loyalty_engine.core.points.passing import next_due
from loyalty_engine.core.points.redeeming import RedeemTerms
from loyalty_engine.core.points.tally import Tally
from loyalty_engine.core.tiers.standings import next_end

_SECOND: Final = 1 << 19
"""Which derived ids the rows of an operation's second member take."""

_NEW_MEMBER: Final = 1 << 20
"""Which derived id a new member takes: far behind those of postings and lots."""


def require_member(facts: Facts, pointer: str = "/member") -> MemberState:
    """Return the member that the request names; refuse when there is none or it is blocked."""
    if facts.member is None:
        refuse(RefusalCode.MEMBER_NOT_FOUND, pointer)
    if facts.member.status == "blocked":
        refuse(RefusalCode.MEMBER_BLOCKED, pointer)
    return facts.member


def booking_time(facts: Facts, now: datetime) -> datetime:
    """Return when a request is booked: a member's book never runs backwards, whatever the clocks of servers do."""
    for member in (facts.member, facts.other):
        if member is not None and member.booked_at > now:
            now = member.booked_at
    return now


def new_member(operation_id: UUID, now: datetime) -> MemberState:
    """Return a member that enrols with that operation."""
    return MemberState(
        id=nth(operation_id, _NEW_MEMBER),
        version=0,
        seq=0,
        status="active",
        booked_at=now,
        enrolled_at=now,
        sees_lots=True,
    )


def require_wallet(ruleset: Ruleset, key: str, pointer: str = "/wallet") -> WalletRules:
    """Return the wallet of that key; refuse when the program has none."""
    wallet = ruleset.wallets.get(key)
    if wallet is None:
        refuse(RefusalCode.WALLET_NOT_FOUND, pointer, wallet=key, known=sorted(ruleset.wallets))
    return wallet


def require_redeem_terms(ruleset: Ruleset, key: str, pointer: str = "/wallet") -> RedeemTerms:
    """Return how that wallet is spent; refuse when it cannot be."""
    terms = require_wallet(ruleset, key, pointer).redeem
    if terms is None:
        refuse(RefusalCode.WALLET_NOT_REDEEMABLE, pointer, wallet=key)
    return terms


def open_book(member: MemberState, operation_id: UUID, now: datetime, *, is_second: bool = False) -> Book:
    """Open the member's ledger for one operation; lots are judged as they stand at ``now``.

    The second member of an operation takes ids far behind those of the first.
    """
    return Book(
        operation_id=operation_id,
        member_id=member.id,
        seq=member.seq,
        balances=member.balances,
        lots=member.lots,
        now=now,
        ids_taken=_SECOND if is_second else 0,
    )


def open_tally(member: MemberState, now: datetime) -> Tally:
    """Open the same ledger for a look at what an operation would leave."""
    return Tally(member.balances, now)


def close_book(
    member: MemberState, book: Book, counters: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Entries, MemberState]:
    """Close the ledger; return its entries and the member after them, one version on, with its ``counters`` changed."""
    entries = book.close()
    check_balances(entries.balances)
    return entries, _after(member, book, entries, counters)


def check_balances(changed: Mapping[str, Balance]) -> None:
    """Refuse an operation after which a balance were larger than what every reader can hold."""
    for wallet, balance in changed.items():
        if balance.available + balance.pending + balance.held > MAX_BALANCE or balance.debt > MAX_BALANCE:
            refuse(RefusalCode.BALANCE_TOO_LARGE, "", wallet=wallet, largest=MAX_BALANCE)


def guard(before: MemberState, after: MemberState) -> MemberWrite:
    """Return the write that succeeds only if nobody else changed the member since ``before`` was read."""
    return MemberWrite(expected_version=before.version, after=after)


def terms_of(ruleset: Ruleset, wallet: str, activation: ActivationTerms | None) -> ActivationTerms:
    """Return when points of a wallet can be spent; ``activation`` is a rule's own."""
    rules = ruleset.wallets.get(wallet)
    return activation or (rules.activation if rules is not None else None) or AT_ONCE


def lot_terms(wallet: WalletRules, earned_at: datetime, activation: ActivationTerms | None = None) -> LotTerms:
    """Return the terms under which that wallet issues points, funded by the program. ``activation`` is a rule's own."""
    waits = activation or wallet.activation
    cost_micros = 0 if wallet.redeem is None else wallet.redeem.cost_micros
    available_at = earned_at if waits is None else waits.available_at(earned_at)
    expires_at = None if wallet.expires_at is None else wallet.expires_at(earned_at)
    return LotTerms("program", cost_micros, earned_at, available_at, expires_at)


def grace_until(ruleset: Ruleset, now: datetime) -> datetime | None:
    """Return how long points last that come back after they would have expired; None: they stay expired."""
    policy = ruleset.returns
    return Period(policy.grace_days, "days").after(now, ruleset.zone) if policy.expired == "grace" else None


def touch(ruleset: Ruleset, ledger: Ledger[Any], wallets: Iterable[str], at: datetime) -> None:
    """Let the expiry of ``wallets`` slide where it does: the member earned or spent in them ``at`` that time."""
    for key in wallets:
        wallet = ruleset.wallets.get(key)
        until = None if wallet is None or wallet.slide is None else wallet.slide(at)
        if until is None:
            ledger.slide(key, None)
        elif until > ledger.now:
            ledger.slide(key, max(until, ledger.balance(key).expires_at or until))


def welcome(ruleset: Ruleset, ledger: Ledger[LotT], lot: LotT) -> None:
    """Let a new lot be an activity of its wallet, when it was earned and when it became spendable.

    Where expiry slides, points that come so late that they would have expired by now are gone: the order in which such
    receipts arrive must not matter, and what else happened in that time is not known any more.
    """
    wallet = ruleset.wallets.get(lot.wallet)
    if wallet is None or wallet.slide is None:
        ledger.slide(lot.wallet, None)
        return
    is_pending = lot.is_pending(ledger.now)
    at = lot.earned_at if is_pending else max(lot.earned_at, lot.available_at or lot.earned_at)
    touch(ruleset, ledger, (lot.wallet,), at)
    if not is_pending and lot.expires_at is None and wallet.slide(at) <= ledger.now:
        ledger.expire_rest(lot)


def _after(member: MemberState, book: Book, entries: Entries, counters: Mapping[str, Any]) -> MemberState:
    holds = member.holds
    if entries.hold_ends or entries.holds:
        ended = {end.hold_id for end in entries.hold_ends}
        holds = (*(held for held in holds if held.id not in ended), *entries.holds)
    return replace(
        member,
        version=member.version + 1,
        seq=entries.seq,
        booked_at=book.now,
        balances={**member.balances, **entries.balances},
        lots=(*book.lots(), *book.left_behind),
        holds=holds,
        due_at=soonest(*_moments(member, book, entries, holds), *_ends(member)),
        **counters,
    )


def soonest(*moments: datetime | None) -> datetime | None:
    """Return the first of some moments; None: there is none."""
    return min([at for at in moments if at is not None], default=None)


def due_next(member: MemberState, operation_id: UUID, now: datetime) -> datetime | None:
    """Return when time next does something to a member of whom nothing is due ``now``; too soon, when not all lots are known."""
    points = member.due_at
    if member.sees_lots:
        points = next_due(open_book(member, operation_id, now), member.holds)
    return soonest(points, *_ends(member))


def with_plans(member: MemberState, moves: Sequence[PlanMove]) -> MemberState:
    """Return the member with its memberships changed, and when something is next due with it."""
    plans = {**member.plans, **{move.plan: move.after for move in moves}}
    return replace(member, plans=plans, due_at=soonest(member.due_at, next_lapse(plans)))


def _ends(member: MemberState) -> tuple[datetime | None, ...]:
    """Return when the member's tiers and memberships end, as far as nobody booked that."""
    return (next_end(member.tiers), next_lapse(member.plans)) if member.tiers or member.plans else ()


def _moments(member: MemberState, book: Book, entries: Entries, holds: tuple[Hold, ...]) -> Iterable[datetime | None]:
    """Return moments of which the first is when time next does something to points, or is too soon when not all lots are known."""
    if member.sees_lots:
        return (next_due(book, holds),)
    balances = entries.balances.values()
    return (
        member.due_at,
        *(lot.next_due(book.now) for lot in entries.lots),
        *(balance.expires_at for balance in balances),
    )
