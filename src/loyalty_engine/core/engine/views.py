"""Views: an order with its member and its past, put before the program's rules and promotions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from loyalty_engine.core.earning.leases import with_leases
from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.engine.attributes import history_with_decimals, read_decimals
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.tuples import new
from loyalty_engine.core.referrals.terms import count_friends, programme_of
from loyalty_engine.core.rules.order import MemberSnapshot, Order
from loyalty_engine.core.rules.selections import GroupedLines
from loyalty_engine.core.rules.view import View
from loyalty_engine.core.tiers.standings import MemberTiers


def view_order(
    ruleset: Ruleset,
    order: Order,
    member: MemberState | None,
    *,
    base: GroupedLines | None = None,
    paid_with_points: int = 0,
) -> View:
    """Return what rules see of an order, whose decimals are read already."""
    return View(
        at=order.placed_at,
        zone=ruleset.zone,
        order=order,
        member=None if member is None else snapshot(ruleset, member, order.placed_at),
        base=base,
        paid_with_points=paid_with_points,
        history=history_with_decimals(ruleset, member.history) if member is not None else (),
    )


class SeenTiers(NamedTuple):
    """What rules see of a member's tiers: see :class:`~loyalty_engine.core.rules.order.MemberSnapshot`."""

    tiers: Mapping[str, str]
    levels: Mapping[str, int]
    entitlements: tuple[str, ...]


_NO_TIERS: Final = SeenTiers({}, {}, ())


def see_tiers(ruleset: Ruleset, tiers: MemberTiers) -> SeenTiers:
    """Return what rules see of a member that is in these tiers."""
    levels = {key: ladder.rank_of(tiers.get(key)) for key, ladder in ruleset.ladders.items()}
    reached = {key: ruleset.ladders[key].tiers[rank - 1] for key, rank in levels.items() if rank}
    entitlements = (name for tier in reached.values() for name in tier.privileges.entitlements)
    return SeenTiers({key: tier.key for key, tier in reached.items()}, levels, tuple(dict.fromkeys(entitlements)))


def see_plans(ruleset: Ruleset, member: MemberState, at: datetime) -> tuple[str, ...]:
    """Return the keys of the plans in which a member was at that time: on trial, paid or in grace."""
    return tuple(key for key in ruleset.plans if key in member.plans and member.plans[key].ran(at))


def see_entitlements(ruleset: Ruleset, seen: SeenTiers, plans: Iterable[str]) -> tuple[str, ...]:
    """Return what tiers and plans entitle to."""
    given = (name for key in plans for name in ruleset.plans[key].privileges.entitlements)
    return tuple(dict.fromkeys((*seen.entitlements, *given)))


def counted_for(member: MemberState | None, shared: Mapping[str, int], now: datetime) -> Counted:
    """Return what is used at ``now`` of the member's own limits and of those that all share, reserved or for good."""
    return new(Counted, ({} if member is None else with_leases(member.counters, now), shared))


def snapshot(ruleset: Ruleset, member: MemberState, at: datetime) -> MemberSnapshot:
    """Return what rules see of a member, for what happened ``at`` that time."""
    profile, counters, friends = member.profile, member.counters, ruleset.referrals
    seen = see_tiers(ruleset, member.tiers) if ruleset.ladders else _NO_TIERS
    plans = see_plans(ruleset, member, at) if member.plans else ()
    assert member.status != "merged", "another member stands for it"
    fields = (
        member.status,
        member.orders,
        member.spend,
        read_decimals(ruleset.member_attributes, profile.attributes) if profile else {},
        profile.birthday if profile else None,
        member.enrolled_at,
        member.first_order_at,
        member.last_order_at,
        {wallet: balance.available for wallet, balance in member.balances.items()},
        member.id,
        seen.tiers,
        seen.levels,
        see_entitlements(ruleset, seen, plans) if plans else seen.entitlements,
        plans,
        count_friends(friends, counters) if friends else 0,
        programme_of(friends, counters) if friends else None,
    )
    return new(MemberSnapshot, fields)  # names would take three times as long, for every order and look
