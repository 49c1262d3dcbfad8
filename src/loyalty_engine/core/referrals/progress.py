"""Progress: how far an advocate is with its friends, what the next one brings, and what is left of its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loyalty_engine.core.program.earning import LimitPeriod
from loyalty_engine.core.program.referrals import Reward
from loyalty_engine.core.referrals.terms import ReferralTerms, friends_counter


@dataclass(frozen=True, slots=True)
class Rung:
    """What each friend brings from a number of friends on; ``missing`` are the friends before the first of them."""

    from_friends: int
    missing: int
    rewards: tuple[Reward, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """For how many friends there is a reward in a period, and for how many there was one."""

    friends: int
    period: LimitPeriod
    used: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How many ``friends`` count in a programme, and what the next one brings to the advocate."""

    programme: str
    friends: int
    rewards: tuple[Reward, ...]
    next_rung: Rung | None
    limits: tuple[Room, ...]


def progress_of(terms: ReferralTerms, counters: Mapping[str, int], now: datetime) -> Progress:
    """Return how far an advocate with these counters is at ``now``."""
    friends = counters.get(friends_counter(terms.key), 0)
    following = next(((least, rewards) for least, rewards in terms.ladder if least > friends + 1), None)
    used = [counters.get(name, 0) for name, _ in terms.rewarded_counters(now)]
    return Progress(
        programme=terms.key,
        friends=friends,
        rewards=terms.rewards_for(friends + 1),
        next_rung=None if following is None else Rung(following[0], following[0] - 1 - friends, following[1]),
        limits=tuple(Room(limit.friends, limit.period, n) for limit, n in zip(terms.limits, used, strict=True)),
    )
