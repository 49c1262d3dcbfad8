"""Opening and closing a member's account for one operation."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar
from uuid import UUID

from loyalty_engine.core.engine.decision import MemberWrite
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.ruleset import Ruleset, WalletRules
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.book import Book, Entries, LotTerms
from loyalty_engine.core.points.redeeming import RedeemTerms
from loyalty_engine.core.points.tally import Tally

_Book = TypeVar("_Book", bound=Book)

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
    return now if facts.member is None else max(now, facts.member.booked_at)


def new_member(operation_id: UUID, now: datetime) -> MemberState:
    """Return a member that enrols with that operation."""
    return MemberState(
        id=nth(operation_id, _NEW_MEMBER), version=0, seq=0, status="active", booked_at=now, enrolled_at=now
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


def open_book(member: MemberState, operation_id: UUID, now: datetime) -> Book:
    """Open the member's ledger for one operation; lots are judged as they stand at ``now``."""
    return _open(Book, member, operation_id, now)


def open_tally(member: MemberState, operation_id: UUID, now: datetime) -> Tally:
    """Open the same ledger for a look at what the operation would leave."""
    return _open(Tally, member, operation_id, now)


def _open(kind: type[_Book], member: MemberState, operation_id: UUID, now: datetime) -> _Book:
    return kind(
        operation_id=operation_id,
        member_id=member.id,
        seq=member.seq,
        balances=member.balances,
        lots=member.lots,
        now=now,
    )


def close_book(
    member: MemberState, book: Book, now: datetime, counters: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Entries, MemberState]:
    """Close the ledger; return its entries and the member after them, one version on, with its ``counters`` changed."""
    entries = book.close()
    check_balances(entries.balances)
    return entries, _after(member, entries, now, counters)


def check_balances(changed: Mapping[str, Balance]) -> None:
    """Refuse an operation after which a balance were larger than what every reader can hold."""
    for wallet, balance in changed.items():
        if balance.available > MAX_BALANCE or balance.debt > MAX_BALANCE:
            refuse(RefusalCode.BALANCE_TOO_LARGE, "", wallet=wallet, largest=MAX_BALANCE)


def guard(before: MemberState, after: MemberState) -> MemberWrite:
    """Return the write that succeeds only if nobody else changed the member since ``before`` was read."""
    return MemberWrite(expected_version=before.version, after=after)


def lot_terms(wallet: WalletRules, earned_at: datetime) -> LotTerms:
    """Return the terms under which that wallet issues points: funded by the program, spendable at once, for ever."""
    cost = wallet.redeem.cost_micros if wallet.redeem else 0
    return LotTerms(funder="program", cost_micros=cost, earned_at=earned_at, available_at=earned_at, expires_at=None)


def _after(member: MemberState, entries: Entries, now: datetime, counters: Mapping[str, Any]) -> MemberState:
    lots = [replace(lot, remaining=entries.lots_changed.get(lot.id, lot.remaining)) for lot in member.lots]
    return replace(
        member,
        version=member.version + 1,
        seq=entries.seq,
        booked_at=now,
        balances={**member.balances, **entries.balances},
        lots=tuple(lot for lot in (*lots, *entries.lots) if lot.remaining),
        **counters,
    )
