"""Static checks of referral programmes, and what their authors can hardly want."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Final

from loyalty_engine.core.program.condition_checks import check_condition
from loyalty_engine.core.program.conditions import Condition, HistoryComparison, LinesComparison, walk
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.plans import keys_of
from loyalty_engine.core.program.referrals import (
    QualifiesByActivity,
    QualifiesByOrder,
    ReferralEntry,
    Reward,
    RewardPoints,
)

_NO_WALLET: Final = "is not the key of a wallet"


def words_for_advocates(vocabulary: Vocabulary) -> Vocabulary:
    """Return the words for conditions on a member that recommends: there is no order, and no activity."""
    facts = {name: fact for name, fact in vocabulary.facts.items() if fact.carrier in ("member", "time")}
    return Vocabulary(facts, {})


def check_referrals(program: Program) -> Iterator[Fault]:
    """Yield the faults and warnings of all referral programmes."""
    wallets = [wallet.key for wallet in program.wallets]
    vocabulary = words_for_advocates(Vocabulary.of(program.attributes, wallets, plans=keys_of(program.plans)))
    for index, entry in enumerate(program.referrals):
        pointer = f"/referrals/{index}"
        found = [*_check_entry(pointer, entry, program, vocabulary)]
        yield from found
        if not any(fault.severity == "error" for fault in found):
            yield from _lint(pointer, entry, program)


def _check_entry(pointer: str, entry: ReferralEntry, program: Program, vocabulary: Vocabulary) -> Iterator[Fault]:
    qualifies, advocate = entry.qualifies, entry.advocate
    if isinstance(qualifies, QualifiesByActivity) and qualifies.activity not in {
        kind.key for kind in program.activities
    }:
        message = "is not the key of a kind of activity"
        yield Fault(f"{pointer}/qualifies/activity", FaultCode.UNKNOWN_ACTIVITY, message)
    known = {wallet.key for wallet in program.wallets}
    for where, reward in rewards_of(entry):
        if isinstance(reward, RewardPoints) and reward.wallet not in known:
            yield Fault(f"{pointer}/{where}/wallet", FaultCode.UNKNOWN_WALLET, _NO_WALLET)
    if advocate.when is not None:
        yield from _check_when(f"{pointer}/advocate/when", advocate.when, vocabulary)
    for place, (one, other) in enumerate(pairwise(advocate.ladder), start=1):
        if other.from_friends <= one.from_friends:
            message = "must be more than that of the rung before"
            yield Fault(f"{pointer}/advocate/ladder/{place}/from_friends", FaultCode.OUT_OF_RANGE, message)


def _check_when(pointer: str, when: Condition, vocabulary: Vocabulary) -> Iterator[Fault]:
    asks_for_goods = False
    for here, _, node in walk(when, pointer):
        if isinstance(node, LinesComparison | HistoryComparison):
            asks_for_goods = True
            where = "lines" if isinstance(node, LinesComparison) else "history"
            yield Fault(f"{here}/{where}", FaultCode.FACT_NOT_AVAILABLE, "are not looked at: nothing is bought here")
    if not asks_for_goods:
        yield from check_condition(pointer, when, vocabulary)


def rewards_of(entry: ReferralEntry) -> Iterator[tuple[str, Reward]]:
    """Yield all rewards of both sides, each with where it stands."""
    for place, reward in enumerate(entry.friend.rewards):
        yield f"friend/rewards/{place}", reward
    for rung_place, rung in enumerate(entry.advocate.ladder):
        for place, reward in enumerate(rung.rewards):
            yield f"advocate/ladder/{rung_place}/rewards/{place}", reward


def _lint(pointer: str, entry: ReferralEntry, program: Program) -> Iterator[Fault]:
    if not any(True for _ in rewards_of(entry)):
        yield Fault(pointer, FaultCode.NOBODY_GETS_IT, "rewards neither friends nor advocates", "warning")
        return
    if isinstance(entry.qualifies, QualifiesByOrder):
        yield from _lint_order(pointer, entry, entry.qualifies, program)
    if entry.advocate.ladder and not entry.advocate.limits:
        message = "has no limit: one advocate can be rewarded for any number of friends"
        yield Fault(f"{pointer}/advocate", FaultCode.NO_LIMIT, message, "warning")


def _lint_order(pointer: str, entry: ReferralEntry, qualifies: QualifiesByOrder, program: Program) -> Iterator[Fault]:
    if qualifies.settles_after is None:
        message = (
            "rewards a friend as soon as it orders: the goods can still come back, and points can be spent by then"
        )
        yield Fault(f"{pointer}/qualifies", FaultCode.REWARDED_TOO_EARLY, message, "warning")
    best = entry.advocate.ladder[-1].rewards if entry.advocate.ladder else ()
    worth = _worth((*entry.friend.rewards, *best), program)
    if worth and worth >= qualifies.at_least:
        message = f"can be as little as what both sides are rewarded with, which is worth {int(worth)}"
        yield Fault(f"{pointer}/qualifies", FaultCode.FREE_OF_CHARGE, message, "warning")


def _worth(rewards: Iterable[Reward], program: Program) -> Fraction:
    """Return what rewards are worth in minor units when they are spent; promo codes count nothing."""
    redeem = {wallet.key: wallet.redeem for wallet in program.wallets}
    worth = Fraction(0)
    for reward in rewards:
        terms = redeem.get(reward.wallet) if isinstance(reward, RewardPoints) else None
        if isinstance(reward, RewardPoints) and terms is not None:
            worth += reward.points * Fraction(terms.worth.numerator, terms.worth.denominator)
    return worth
