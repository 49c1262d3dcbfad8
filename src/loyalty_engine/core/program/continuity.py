"""What a later revision must keep of the one before it, because amounts that members have depend on it.

Every amount of a program is in minor units of its currency, and a balance without its wallet could neither be spent
nor explained.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.parts import PLAN, SETTINGS, WALLET, Part, Settings, read_part
from loyalty_engine.core.program.plans import keys_of
from loyalty_engine.core.program.wallets import MoneyWallet, PointsWallet


@dataclass(frozen=True, slots=True)
class Breaks:
    """What a program changes that may be in use; whether it is, only the stored balances know.

    ``removed`` are the keys of wallets that are gone; ``recast`` those that count something else now, by their place.
    ``plans_removed`` are keys of plans that are gone.
    """

    changes_currency: bool
    removed: tuple[str, ...]
    recast: tuple[tuple[int, str], ...]
    plans_removed: tuple[str, ...] = ()

    @property
    def wallets(self) -> tuple[str, ...]:
        """Keys of the wallets that must not be in use."""
        return (*self.removed, *(key for _, key in self.recast))


def find_breaks(before: Iterable[Part], after: Program) -> Breaks:
    """Return what ``after`` changes of the published parts ``before``: nothing when it is the first revision."""
    currency = after.program.currency
    units: dict[str, str] = {}
    plans: list[str] = []
    for part in before:
        if part.key.startswith(PLAN):
            plans.append(part.key.removeprefix(PLAN))
        if part.key != SETTINGS and not part.key.startswith(WALLET):
            continue
        match read_part(part):
            case Settings(program=identity):
                currency = identity.currency
            case (PointsWallet() | MoneyWallet()) as wallet:
                units[wallet.key] = wallet.unit
            case _:
                pass
    kept, kept_plans = {wallet.key for wallet in after.wallets}, keys_of(after.plans)
    return Breaks(
        changes_currency=currency != after.program.currency,
        removed=tuple(key for key in units if key not in kept),
        recast=tuple(
            (place, wallet.key)
            for place, wallet in enumerate(after.wallets)
            if units.get(wallet.key, wallet.unit) != wallet.unit
        ),
        plans_removed=tuple(key for key in plans if key not in kept_plans),
    )


def faults_of(
    breaks: Breaks, *, has_history: bool, used_wallets: frozenset[str], used_plans: frozenset[str] = frozenset()
) -> list[Fault]:
    """Return a fault for each break of what is in use.

    ``has_history`` tells whether the program has a member or an operation; ``used_wallets`` hold balances, and members are in
    ``used_plans``.
    """
    faults: list[Fault] = []
    if breaks.changes_currency and has_history:
        message = "cannot change: the programme has members or operations"
        faults.append(Fault("/program/currency", FaultCode.CURRENCY_IN_USE, message))
    for key in breaks.removed:
        if key in used_wallets:
            message = f"must keep {key}: members have balances in it"
            faults.append(Fault("/wallets", FaultCode.WALLET_IN_USE, message))
    for place, key in breaks.recast:
        if key in used_wallets:
            message = "cannot change: members have balances in this wallet"
            faults.append(Fault(f"/wallets/{place}/unit", FaultCode.WALLET_IN_USE, message))
    for key in breaks.plans_removed:
        if key in used_plans:
            message = f"must keep {key}: members are in it; it need not be sold any more"
            faults.append(Fault("/plans", FaultCode.PLAN_IN_USE, message))
    return faults
