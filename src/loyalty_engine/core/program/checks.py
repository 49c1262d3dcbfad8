"""What the models cannot know: whether the parts of a program fit each other and the world.

The world (time zones, currencies) is handed in: reading it would be I/O.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from loyalty_engine.core.program.condition_checks import check_condition, check_selection
from loyalty_engine.core.program.document import (
    EarningRuleEntry,
    Fixed,
    MoneyWallet,
    PercentOfAmount,
    PointsWallet,
    Program,
    Wallet,
)
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode, first_faults


def check_program(program: Program, *, time_zones: frozenset[str], currencies: Mapping[str, int]) -> list[Fault]:
    """Return every fault and warning of ``program``, in document order: at most a hundred of each.

    ``time_zones`` are the names the system knows; ``currencies`` maps ISO 4217 codes to their minor-unit digits.
    """
    return first_faults(_faults(program, time_zones, currencies))


def _faults(program: Program, time_zones: frozenset[str], currencies: Mapping[str, int]) -> Iterator[Fault]:
    if program.program.currency not in currencies:
        yield Fault("/program/currency", FaultCode.UNKNOWN_CURRENCY, "is not an ISO 4217 currency")
    if program.program.time_zone not in time_zones:
        yield Fault("/program/time_zone", FaultCode.UNKNOWN_TIME_ZONE, "is not an IANA time zone")
    yield from _check_keys("/wallets", program.wallets)
    for index, wallet in enumerate(program.wallets):
        yield from _check_wallet(f"/wallets/{index}", wallet)
    wallets = {wallet.key: wallet for wallet in program.wallets}
    vocabulary = Vocabulary.of(program.attributes)
    yield from _check_keys("/earning_rules", program.earning_rules)
    for index, rule in enumerate(program.earning_rules):
        yield from _check_earning_rule(f"/earning_rules/{index}", rule, wallets, vocabulary)


def _check_keys(pointer: str, entries: Sequence[Wallet | EarningRuleEntry]) -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for index, entry in enumerate(entries):
        seen[entry.key] += 1
        if seen[entry.key] > 1:
            yield Fault(f"{pointer}/{index}/key", FaultCode.DUPLICATE_KEY, "is used by an earlier entry")


def _check_wallet(pointer: str, wallet: Wallet) -> Iterator[Fault]:
    redeem = wallet.redeem
    if redeem is None:
        return
    exact_step = redeem.worth.denominator
    if redeem.step % exact_step:
        message = f"must be a multiple of {exact_step}, so that every step is worth whole minor units"
        yield Fault(f"{pointer}/redeem/step", FaultCode.INEXACT_REDEEM, message)
    elif redeem.min_points % redeem.step:
        message = f"is not a multiple of the step {redeem.step}: the next multiple is the real minimum"
        yield Fault(f"{pointer}/redeem/min_points", FaultCode.MINIMUM_NOT_IN_STEP, message, "warning")


def _check_earning_rule(
    pointer: str, rule: EarningRuleEntry, wallets: Mapping[str, Wallet], vocabulary: Vocabulary
) -> Iterator[Fault]:
    match wallets.get(rule.wallet), rule.earn:
        case None, _:
            yield Fault(f"{pointer}/wallet", FaultCode.UNKNOWN_WALLET, "is not the key of a wallet")
        case PointsWallet(), PercentOfAmount():
            message = "is not possible in a points wallet; use per_amount, or a wallet with unit money"
            yield Fault(f"{pointer}/earn/kind", FaultCode.MONEY_WALLET_REQUIRED, message)
        case PointsWallet() | MoneyWallet(), _:
            pass
    if rule.when is not None:
        yield from check_condition(f"{pointer}/when", rule.when, vocabulary)
    if not isinstance(rule.earn, Fixed) and rule.earn.of is not None:
        yield from check_selection(f"{pointer}/earn/of", rule.earn.of, vocabulary)
