"""What the models cannot know: whether the parts of a program fit each other and the world.

The world (time zones, currencies) is handed in: reading it would be I/O.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from loyalty_engine.core.program.activities import ActivityKind
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.earning import EarningGroup, EarningRuleEntry
from loyalty_engine.core.program.earning_checks import check_earning
from loyalty_engine.core.program.faults import Fault, FaultCode, first_faults
from loyalty_engine.core.program.plan_checks import check_plans
from loyalty_engine.core.program.plans import PlanEntry
from loyalty_engine.core.program.promotion_checks import check_promotions
from loyalty_engine.core.program.promotions import PromotionEntry, PromotionGroup
from loyalty_engine.core.program.referral_checks import check_referrals
from loyalty_engine.core.program.referrals import ReferralEntry
from loyalty_engine.core.program.tier_checks import check_tiers
from loyalty_engine.core.program.tiers import TierSet
from loyalty_engine.core.program.wallets import Wallet


def check_program(
    program: Program, *, time_zones: frozenset[str], currencies: Mapping[str, int], now: datetime | None = None
) -> list[Fault]:
    """Return every fault and warning of ``program``, in document order: at most a hundred of each.

    ``time_zones`` are the names the system knows; ``currencies`` maps ISO 4217 codes to their minor-unit digits. ``now`` is
    the wall clock in the program's zone; without it no window counts as passed.
    """
    return first_faults(_faults(program, time_zones, currencies, now))


def _faults(
    program: Program, time_zones: frozenset[str], currencies: Mapping[str, int], now: datetime | None
) -> Iterator[Fault]:
    if program.program.currency not in currencies:
        yield Fault("/program/currency", FaultCode.UNKNOWN_CURRENCY, "is not an ISO 4217 currency")
    if program.program.time_zone not in time_zones:
        yield Fault("/program/time_zone", FaultCode.UNKNOWN_TIME_ZONE, "is not an IANA time zone")
    yield from _check_keys("/wallets", program.wallets)
    for index, wallet in enumerate(program.wallets):
        yield from _check_wallet(f"/wallets/{index}", wallet)
    yield from _check_keys("/activities", program.activities)
    yield from _check_keys("/earning_groups", program.earning_groups)
    yield from _check_keys("/earning_rules", program.earning_rules)
    yield from check_earning(program, now)
    yield from _check_keys("/promotion_groups", program.promotion_groups)
    yield from _check_keys("/promotions", program.promotions)
    yield from check_promotions(program, now)
    yield from _check_keys("/tier_sets", program.tier_sets)
    yield from check_tiers(program)
    yield from _check_keys("/plans", program.plans)
    yield from check_plans(program)
    yield from _check_keys("/referrals", program.referrals)
    yield from check_referrals(program)


def _check_keys(
    pointer: str,
    entries: Sequence[
        Wallet
        | ActivityKind
        | EarningGroup
        | EarningRuleEntry
        | PromotionGroup
        | PromotionEntry
        | TierSet
        | PlanEntry
        | ReferralEntry
    ],
) -> Iterator[Fault]:
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
