"""Changed ladders: where a publication moves members, and what their privileges would have cost on what they bought.

What is booked and what is only foreseen is the same decision, so a preview tells what publishing does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from loyalty_engine.core.engine.decision import Changes
from loyalty_engine.core.engine.due import settle
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_reviews import adopt_ladders
from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.kernel.ids import nth
from loyalty_engine.core.program.tiers import Tier
from loyalty_engine.core.tiers.lookback import Lookback, longer

PREVIEW_DAYS: Final = 365
"""What was bought in so many days is what privileges are weighed by."""

MOST_NAMED: Final = 10
"""How many members a forecast names for each way that some go."""

_ADOPTED: Final = 1 << 20
"""How far behind those of time the derived id lies of the operation that follows a publication."""

_LEAST: Final = Fraction(1, 100)
"""Of goods that cost next to nothing nobody can tell what they cost before the discount."""


def adopt(ruleset: Ruleset, member: MemberState, call: Call, now: datetime) -> tuple[Changes, ...]:
    """Return all that a publication does to a member: what was due under the new ladders, and where these lead it."""
    done = settle(ruleset, member, call, operation_id=call.operation_id, now=now)
    for changes in done:
        member = changes.member.after if changes.member is not None else member
    led = adopt_ladders(ruleset, member, call, operation_id=nth(call.operation_id, _ADOPTED), now=now)
    return done if led is None else (*done, led)


@dataclass(frozen=True, slots=True)
class Step:
    """From which tier to which, None: below all, in a tier set."""

    tier_set: str
    before: str | None
    after: str | None


@dataclass(slots=True)
class Forecast:
    """What a publication would come to. Mutable while members are added.

    ``steps`` count members, also those that stay where they are. ``discounts`` are minor units and ``points`` are points
    by wallet that privileges would have given more, or less (< 0), on what members bought in :data:`PREVIEW_DAYS` days, if
    they had had their new tier instead of today's all the time and had bought the same. ``named`` are the first members
    that go each way; behind ``last`` others are left out, None: nobody is.
    """

    members: int = 0
    steps: Counter[Step] = field(default_factory=Counter)
    discounts: int = 0
    points: Counter[str] = field(default_factory=Counter)
    named: dict[Step, list[UUID]] = field(default_factory=dict)
    last: UUID | None = None

    def add(self, member: MemberState, before: Ruleset, after: Ruleset, *, call: Call, now: datetime) -> None:
        """Add a member, with all that either rules look at and what it bought and earned in the days in question."""
        was, becomes = _settled(before, member, call, now), member
        for changes in adopt(after, member, call, now):
            becomes = changes.member.after if changes.member is not None else becomes
        old, new = _tiers_of(before, was), _tiers_of(after, becomes)
        self.members += 1
        self._count(becomes.id, [*_steps(old, new)])
        since = now - timedelta(days=PREVIEW_DAYS)
        spend = sum(past.spend for past in member.history if past.placed_at >= since)
        self.discounts += _times(spend, _share(new) - _share(old), max(1 - _share(old), _LEAST))
        for wallet, moved in member.earned.items():
            earned = sum(points for at, points in moved if at >= since)
            had = _extra(old, wallet)
            self.points[wallet] += _times(earned, _extra(new, wallet) - had, 1 + had)

    def _count(self, member_id: UUID, steps: Sequence[Step]) -> None:
        self.steps.update(steps)
        for step in steps:
            named = self.named.setdefault(step, []) if step.before != step.after else None
            if named is not None and len(named) < MOST_NAMED:
                named.append(member_id)


def look_back_for_forecast(before: Ruleset, after: Ruleset, now: datetime) -> Lookback:
    """Return what has to be read of members: what both rules' ladders look at, and what privileges are weighed by."""
    found = [rules.lookback for rules in (before, after) if rules.lookback is not None]
    days: int | None = PREVIEW_DAYS
    earned: dict[str, int | None] = dict.fromkeys(_multiplied(before, after), PREVIEW_DAYS)
    for each in found:
        days = longer(days, each.days)
        for wallet, most in each.earned:
            earned[wallet] = longer(earned.get(wallet, 0), most)
    with_lines = any(each.with_lines for each in found)
    return Lookback(days, with_lines, tuple(earned.items()), orders_at=now, earned_at=now)


def _multiplied(*rulesets: Ruleset) -> list[str]:
    tiers = [tier for rules in rulesets for ladder in rules.ladders.values() for tier in ladder.tiers]
    return [multiplier.wallet for tier in tiers for multiplier in tier.privileges.multipliers]


def _times(amount: int, share: Fraction, of: Fraction) -> int:
    """Return the share of an amount that itself is so much ``of`` the whole, rounded towards nothing."""
    product = amount * share.numerator * of.denominator
    size = abs(product) // (share.denominator * of.numerator)
    return size if product >= 0 else -size


def _share(tiers: Mapping[str, Tier | None]) -> Fraction:
    """Return the share of goods that tiers take off."""
    found = [tier.privileges.discount for tier in tiers.values() if tier is not None]
    rates = [Ratio.parse_percent(discount.percent) for discount in found if discount is not None]
    return sum((Fraction(rate.numerator, rate.denominator) for rate in rates), Fraction())


def _extra(tiers: Mapping[str, Tier | None], wallet: str) -> Fraction:
    """Return how many points more tiers give for each that rules give."""
    found = [each for tier in tiers.values() if tier is not None for each in tier.privileges.multipliers]
    return sum((Fraction(each.factor) - 1 for each in found if each.wallet == wallet), Fraction())


def _settled(ruleset: Ruleset, member: MemberState, call: Call, now: datetime) -> MemberState:
    for changes in settle(ruleset, member, call, operation_id=call.operation_id, now=now):
        member = changes.member.after if changes.member is not None else member
    return member


def _tiers_of(ruleset: Ruleset, member: MemberState) -> Mapping[str, Tier | None]:
    ranks = {key: ladder.rank_of(member.tiers.get(key)) for key, ladder in ruleset.ladders.items()}
    return {key: ruleset.ladders[key].tiers[rank - 1] if rank else None for key, rank in ranks.items()}


def _steps(old: Mapping[str, Tier | None], new: Mapping[str, Tier | None]) -> Iterator[Step]:
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        yield Step(key, before.key if before else None, after.key if after else None)
