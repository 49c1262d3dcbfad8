"""Terms: a referral programme compiled. What counts until when, what brings which reward, and what is counted where.

All that is counted of referrals lies in the counters of the two members, so that it is guarded by their versions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from loyalty_engine.core.kernel.calendars import name_of
from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.program.earning import LimitPeriod
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.program.lifetimes import Length
from loyalty_engine.core.program.referral_checks import words_for_advocates
from loyalty_engine.core.program.referrals import (
    QualifiesByOrder,
    ReferralEntry,
    ReferralGuards,
    ReferralLimit,
    Reward,
    RewardCode,
)
from loyalty_engine.core.rules.conditions import Check, compile_condition, reads_profile

_PREFIX: Final = "referral"


@dataclass(frozen=True, slots=True)
class ReferralTerms:
    """The terms of one programme. ``when`` tells why a member may not recommend; ``reads_profile``: it looks at its profile."""

    key: str
    link: str | None
    zone: tzinfo
    activity: str | None
    at_least: int
    within: Period | None
    settles_after: Period | None
    enrolled_within: Period | None
    friend: tuple[Reward, ...]
    ladder: tuple[tuple[int, tuple[Reward, ...]], ...]
    limits: tuple[ReferralLimit, ...]
    guards: ReferralGuards
    when: Check | None
    reads_profile: bool

    @classmethod
    def of(cls, written: ReferralEntry, vocabulary: Vocabulary, zone: tzinfo) -> "ReferralTerms":
        """Return the terms of a programme that ``check_program`` found no error in."""
        qualifies, advocate, words = written.qualifies, written.advocate, words_for_advocates(vocabulary)
        return cls(
            key=written.key,
            link=written.link,
            zone=zone,
            activity=None if isinstance(qualifies, QualifiesByOrder) else qualifies.activity,
            at_least=qualifies.at_least if isinstance(qualifies, QualifiesByOrder) else 0,
            within=_period(qualifies.within),
            settles_after=_period(qualifies.settles_after),
            enrolled_within=_period(written.friend.enrolled_within),
            friend=written.friend.rewards,
            ladder=tuple((rung.from_friends, rung.rewards) for rung in advocate.ladder),
            limits=advocate.limits,
            guards=written.guards,
            when=None if advocate.when is None else compile_condition(advocate.when, words),
            reads_profile=advocate.when is not None and reads_profile(advocate.when, words),
        )

    @property
    def pools(self) -> tuple[str, ...]:
        """Pools out of which it may give codes at once, each as often as it may."""
        rewards = (*self.friend, *(reward for _, some in self.ladder for reward in some))
        return tuple(sorted(reward.pool for reward in rewards if isinstance(reward, RewardCode)))

    def ends_at(self, registered_at: datetime) -> datetime | None:
        """Return until when something must have happened to count."""
        return None if self.within is None else self.within.after(registered_at, self.zone)

    def settles_at(self, happened_at: datetime) -> datetime:
        """Return when that can come back no more."""
        return happened_at if self.settles_after is None else self.settles_after.after(happened_at, self.zone)

    def is_new(self, enrolled_at: datetime | None, now: datetime) -> bool:
        """Tell whether somebody who enrolled then can still be a friend."""
        if self.enrolled_within is None or enrolled_at is None:
            return True
        return now < self.enrolled_within.after(enrolled_at, self.zone)

    def rewards_for(self, number: int) -> tuple[Reward, ...]:
        """Return what an advocate gets for the ``number``-th friend that counts, from 1 on."""
        reached = [rewards for least, rewards in self.ladder if least <= number]
        return reached[-1] if reached else ()

    def rewarded_counters(self, at: datetime) -> tuple[tuple[str, int], ...]:
        """Return the advocate's counters of rewarded friends, each with how many there may be."""
        day = at.astimezone(self.zone).date()
        return tuple((_counter(self.key, "rewarded", limit.period, day), limit.friends) for limit in self.limits)

    def day_counter(self, at: datetime) -> str:
        """Return the advocate's counter of friends who registered on that day."""
        return _counter(self.key, "registered", "day", at.astimezone(self.zone).date())


def friends_counter(key: str) -> str:
    """Return the advocate's counter of friends that count."""
    return f"{_PREFIX}/{key}/friends/lifetime/"


def friend_counter(key: str) -> str:
    """Return the friend's counter that is 1 as long as its referral stands."""
    return f"{_PREFIX}/{key}/brought/lifetime/"


def count_friends(keys: Iterable[str], counters: Mapping[str, int]) -> int:
    """Return how many friends of a member count, in all programmes."""
    return sum([counters.get(friends_counter(key), 0) for key in keys])


def programme_of(keys: Iterable[str], counters: Mapping[str, int]) -> str | None:
    """Return the programme under which a member was brought; None: nobody did, or its referral does not stand."""
    return next((key for key in keys if counters.get(friend_counter(key), 0) > 0), None)


def _counter(key: str, what: str, period: LimitPeriod, day: date) -> str:
    return f"{_PREFIX}/{key}/{what}/{period}/{'' if period == 'lifetime' else name_of(period, day)}"


def _period(length: Length | None) -> Period | None:
    return None if length is None else length.period
