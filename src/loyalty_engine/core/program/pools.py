"""Pools of promo codes out of which a document gives codes. They live outside of it, and may be created after it."""

from collections.abc import Iterator, Mapping

from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault, FaultCode, first_faults
from loyalty_engine.core.program.promotions import CodeIssue
from loyalty_engine.core.program.referral_checks import rewards_of
from loyalty_engine.core.program.referrals import RewardCode


def pools_of(program: Program) -> Iterator[tuple[str, str]]:
    """Yield each place where a pool is named, as a JSON pointer, with the pool's key."""
    for place, promotion in enumerate(program.promotions):
        if isinstance(promotion.effect, CodeIssue):
            yield f"/promotions/{place}/effect/pool", promotion.effect.pool
    for place, entry in enumerate(program.referrals):
        for where, reward in rewards_of(entry):
            if isinstance(reward, RewardCode):
                yield f"/referrals/{place}/{where}/pool", reward.pool


def faults_of_pools(program: Program, known: Mapping[str, bool]) -> list[Fault]:
    """Return a warning for each place whose pool does not exist, or has no codes for single members; ``known`` tells of each
    pool that exists whether it has.

    No errors: a pool opens promotions of the document, so the document has to be there first.
    """
    return first_faults(_judge(pointer, known.get(key)) for pointer, key in pools_of(program) if not known.get(key))


def _judge(pointer: str, suits: bool | None) -> Fault:  # noqa: FBT001 - what is known of a pool
    if suits is None:
        message = "is not the key of a pool: nobody gets a code until there is one"
        return Fault(pointer, FaultCode.UNKNOWN_CODE_POOL, message, "warning")
    message = "is a pool whose codes are not given to members one by one"
    return Fault(pointer, FaultCode.UNSUITED_CODE_POOL, message, "warning")
