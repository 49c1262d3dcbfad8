"""Postings: one movement of a positive amount from one account to another. It cannot be unbalanced.

Member accounts hold what a member has or owes; program accounts say where points came from or went. Program
balances are never stored, they are sums of postings.
"""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from loyalty_engine.core.points.balances import Balance

MemberAccount = Literal["available", "pending", "held", "debt"]
ProgramAccount = Literal["issued", "redeemed", "adjusted", "expired", "transit", "opening"]
Account = MemberAccount | ProgramAccount

MEMBER_ACCOUNTS: Final[tuple[MemberAccount, ...]] = ("available", "pending", "held", "debt")


@dataclass(frozen=True, slots=True)
class Posting:
    """One row of the ledger with the member's balances in that wallet after it.

    ``seq`` counts the member's postings from 1 without gaps. ``lot_id`` is set where exactly one lot is meant;
    which lots paid a redemption is told by its lot uses.
    """

    id: UUID
    operation_id: UUID
    member_id: UUID
    seq: int
    wallet: str
    source: Account
    destination: Account
    amount: int
    lot_id: UUID | None
    after: Balance
