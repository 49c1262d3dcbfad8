"""Tiers: where what was decided leads a member, at once and in the same operation.

It is judged once everything else is decided, from the member as it is afterwards, so that nothing else has to know of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from loyalty_engine.core.earning.evaluation import Earned
from loyalty_engine.core.engine.accounts import soonest
from loyalty_engine.core.engine.attributes import with_decimals
from loyalty_engine.core.engine.decision import Accepted, Changes, MemberWrite
from loyalty_engine.core.engine.facts import Facts, MemberState, OperationKind
from loyalty_engine.core.engine.fold import apply, move_member
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_moves
from loyalty_engine.core.engine.views import view_order
from loyalty_engine.core.memberships.membership import running
from loyalty_engine.core.points.book import Entries
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.program.tiers import Activities, Orders, PointsEarned, Quantity, Spend, TierMetric
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Order
from loyalty_engine.core.rules.view import View
from loyalty_engine.core.tiers.counters import add, amount_of, counter_of, take_back
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.metrics import Moved
from loyalty_engine.core.tiers.standings import MemberTiers, Standing, TierMove, next_end

_RAISING: Final[frozenset[OperationKind]] = frozenset({"order", "claim", "activity", "order_edit", "referral_reward"})
_LOWERING: Final[frozenset[OperationKind]] = frozenset({"return", "order_cancel", "order_edit"})
_COUNTED: Final = "counted"
"""Where the kept facts of an activity tell what it counted for: exactly that is taken back when it is reversed."""

_JOINING: Final[frozenset[OperationKind]] = frozenset({"plan_payment", "plan_trial", "plan_cancel", "plan_refund"})
_COUNTING: Final = _RAISING | _LOWERING | _JOINING | {"reversal", "merge", "referral_reversal"}
"""What may change how much a member has of a metric, or in which plans it is."""
_BY_POINTS: Final[frozenset[OperationKind]] = frozenset({"activity", "referral_reward", "referral_reversal"})
"""What changes neither orders nor spend nor goods."""
_BY_HAND: Final[frozenset[OperationKind]] = frozenset({"tier_grant", "tier_grant_end"})
"""What says itself where it leads."""


def climb(ruleset: Ruleset, facts: Facts, decision: Accepted) -> Accepted:
    """Return the decision with where each of its operations leads its member; the answer tells what came of all."""
    parts: list[Changes] = []
    first = facts.member.tiers if facts.member is not None else {}
    for part in decision.parts:
        led = _lead_other(ruleset, facts, _lead(ruleset, facts, part))
        parts.append(led)
        facts = apply(facts, led) if len(parts) < len(decision.parts) else facts
    start = len(decision.before)
    before, after = tuple(parts[:start]), tuple(parts[start + 1 :])
    changes = parts[start]
    if len(parts) > 1 and "tiers" in changes.answer:
        member_id = changes.operation.member_id
        net = _net([move for part in parts for move in part.tiers if move.member_id == member_id], first)
        changes = replace(changes, answer={**changes.answer, "tiers": show_moves(ruleset.ladders, net)})
    return Accepted(changes, before, after)


def foresee_tiers(
    ruleset: Ruleset, member: MemberState, order: Order, *, paid: PaidPoints | None, earned: Earned, now: datetime
) -> list[TierMove]:
    """Return where an order would lead its member if it were placed ``now``, for this price."""
    spend = max(order.goods_total - (paid.amount if paid is not None else 0), 0)
    grants = {wallet: (order.placed_at, _granted(earned, wallet)) for wallet in _counted(ruleset)}
    moved = replace(
        member,
        orders=member.orders + 1,
        spend=member.spend + spend,
        history=(PastOrder(order.placed_at, spend, order.lines), *member.history),
        earned={wallet: (*member.earned.get(wallet, ()), grant) for wallet, grant in grants.items()},
    )
    return _Deed("order", order.placed_at, now, moved, _view(ruleset, member, order, paid)).moves(ruleset.ladders)


def _granted(earned: Earned, wallet: str) -> int:
    return sum(grant.amount for grant in earned.grants if grant.wallet == wallet)


def _counted(ruleset: Ruleset) -> set[str]:
    """Return the wallets of which tier sets count what is earned."""
    return {ladder.metric.wallet for ladder in ruleset.ladders.values() if isinstance(ladder.metric, PointsEarned)}


def _net(moves: Sequence[TierMove], first: MemberTiers) -> list[TierMove]:
    """Join moves in one set; what led back to where it began is none."""
    last = {(move.member_id, move.tier_set): move for move in moves}
    joined = [replace(move, before=first.get(move.tier_set)) for move in last.values()]
    return [move for move in joined if move.before != move.after]


def _lead(ruleset: Ruleset, facts: Facts, part: Changes) -> Changes:
    """Return the changes with where they lead their member, which has had ``facts`` before them."""
    if part.member is None or part.operation.kind in _BY_HAND:
        return part
    before = facts.member if facts.member is not None and facts.member.id == part.member.after.id else None
    moved = move_member(facts, part)
    if moved is None or moved.id != part.member.after.id:
        return part
    tiers = before.tiers if before is not None else {}
    earned = _earn(ruleset, facts, before, part, entries=part.entries)
    counted, given_back = _count_activity(ruleset, part), _counted_before(facts, part)
    counters = take_back(add(moved.counters, counted), given_back) if counted or given_back else moved.counters
    moved = replace(moved, tiers=tiers, earned=earned, counters=counters)
    if part.operation.kind not in _COUNTING:
        return replace(part, member=_guard_with(part.member, moved, tiers))
    absorbed = facts.other if part.operation.kind == "merge" else None
    view = None
    if part.order is not None:
        view = _view(ruleset, facts.member, part.order.order, part.order.payment)
    operation, bought_at = part.operation, _bought_at(facts, part)
    deed = _Deed(
        kind=operation.kind,
        happened_at=bought_at or operation.effective_at,
        booked_at=operation.booked_at,
        member=moved,
        view=view,
        bought_at=bought_at,
        absorbed=absorbed,
        gained=_gained(part.entries),
    )
    moves = deed.moves(ruleset.ladders)
    tiers = {**tiers, **{move.tier_set: move.after for move in moves}}
    answer = {**part.answer, "tiers": show_moves(ruleset.ladders, moves)}
    kept = {**part.facts, _COUNTED: counted} if counted else part.facts
    guard = _guard_with(part.member, moved, tiers)
    return replace(part, member=guard, tiers=tuple(moves), answer=answer, facts=kept)


def _lead_other(ruleset: Ruleset, facts: Facts, part: Changes) -> Changes:
    """Return the changes with where they lead the second member: an advocate earns with its friends. No answer tells that."""
    other, guard = facts.other, part.other
    if other is None or guard is None or guard.after.id != other.id or part.operation.kind == "merge":
        return part
    earned = _earn(ruleset, facts, other, part, entries=part.other_entries)
    moved = replace(guard.after, tiers=other.tiers, earned=earned)
    moves: list[TierMove] = []
    operation = part.operation
    if operation.kind in _COUNTING & _BY_POINTS:
        deed = _Deed(
            kind=operation.kind,
            happened_at=operation.effective_at,
            booked_at=operation.booked_at,
            member=moved,
            view=None,
            bought_at=_bought_at(facts, part),
            gained=_gained(part.other_entries),
        )
        moves = deed.moves(ruleset.ladders)
    tiers = {**other.tiers, **{move.tier_set: move.after for move in moves}}
    return replace(part, tiers=(*part.tiers, *moves), other=_guard_with(guard, moved, tiers))


def _guard_with(guard: MemberWrite, moved: MemberState, tiers: MemberTiers) -> MemberWrite:
    after = guard.after
    due_at = soonest(after.due_at, next_end(tiers))
    after = replace(after, tiers=tiers, earned=moved.earned, counters=moved.counters, due_at=due_at)
    return MemberWrite(guard.expected_version, after)


def _count_activity(ruleset: Ruleset, part: Changes) -> dict[str, int]:
    """Return what an activity counts for in the member's row, by counter."""
    done = part.activity
    if done is None:
        return {}
    ladders = [(ladder.metric, ladder.window) for ladder in ruleset.ladders.values()]
    return {
        counter_of(metric, window, part.operation.effective_at): amount_of(metric, done.attributes)
        for metric, window in ladders
        if isinstance(metric, Activities) and metric.activity == done.kind
    }


def _counted_before(facts: Facts, part: Changes) -> Mapping[str, int]:
    """Return what an activity that is reversed had counted for."""
    if part.operation.kind != "reversal" or facts.reversed is None:
        return {}
    counted: Mapping[str, int] = facts.reversed.detail.get(_COUNTED, {})
    return counted


@dataclass(frozen=True, slots=True)
class _Deed:
    """What was done, with the member as it is afterwards. ``view`` is the order that was placed as conditions see it, if one
    was; ``bought_at`` when the one was placed of which goods came back, or that was given which a referral takes back;
    ``absorbed`` who became one with the member; ``gained`` the wallets in which it got points.
    """

    kind: OperationKind
    happened_at: datetime
    booked_at: datetime
    member: MemberState
    view: View | None
    bought_at: datetime | None = None
    absorbed: MemberState | None = None
    gained: frozenset[str] = frozenset()

    def moves(self, ladders: Mapping[str, Ladder]) -> list[TierMove]:
        """Return where it leads the member, in each set in which that is somewhere else."""
        moves = []
        for key, ladder in ladders.items():
            held, standing = self.member.tiers.get(key), self.lead(ladder)
            if standing is not None and standing != ladder.read(held):
                moves.append(TierMove(self.member.id, key, held, ladder.keep(standing)))
        return moves

    def lead(self, ladder: Ladder) -> Standing | None:
        """Return where the member is then."""
        member, now = self.member, self.booked_at
        runs = running(member.plans, now)
        return ladder.follow(
            self._lead(ladder), runs, member, at=now, level=lambda: ladder.level(member, now), as_of=now
        )

    def _lead(self, ladder: Ladder) -> Standing | None:
        standing = ladder.read(self.member.tiers.get(ladder.key))
        if self.absorbed is not None:
            return self._join(ladder, _higher(standing, ladder.read(self.absorbed.tiers.get(ladder.key))))
        bears = _bears_on(self.kind, ladder.metric)
        if bears and standing is not None and self.bought_at is not None and ladder.returns == "lower":
            reached, now = ladder.through(self.member), self.booked_at
            enrolled_at = self.member.enrolled_at
            standing = ladder.lower(standing, reached, now, bought_at=self.bought_at, enrolled_at=enrolled_at)
        if self.kind not in _RAISING:
            return standing
        if bears and self._gains(ladder):
            standing = self._count(ladder, standing)
        return self._enter(ladder, standing)

    def _join(self, ladder: Ladder, standing: Standing | None) -> Standing | None:
        """Two that have become one may have reached more together; nothing is kept for longer because of that."""
        level, enrolled_at = ladder.level(self.member, self.booked_at), self.member.enrolled_at
        if standing is not None and level <= standing.rank:
            return standing
        return ladder.rise(standing, level, self.booked_at, enrolled_at=enrolled_at) or standing

    @property
    def _at(self) -> datetime:
        return max(self.booked_at, self.happened_at)

    def _gains(self, ladder: Ladder) -> bool:
        """Tell whether a reward is one in what the ladder counts; everything else may lead up by itself."""
        metric = ladder.metric
        return self.kind != "referral_reward" or (isinstance(metric, PointsEarned) and metric.wallet in self.gained)

    def _count(self, ladder: Ladder, standing: Standing | None) -> Standing | None:
        """Lead up by all that there is; what is heard of late leads where it would have led then, if that still lasts."""
        for at, amount in ladder.amounts(self.member, self.happened_at, self._at):
            risen = ladder.rise(standing, ladder.rank_for(amount), at, enrolled_at=self.member.enrolled_at)
            if risen is not None and (at >= self._at or not ladder.has_ended(risen, self._at)):
                standing = risen
        return standing

    def _enter(self, ladder: Ladder, standing: Standing | None) -> Standing | None:
        if self.view is None or not ladder.entrances:
            return standing
        rank, enrolled_at = ladder.rank_by_condition(self.view), self.member.enrolled_at
        return ladder.rise(standing, rank, self._at, enrolled_at=enrolled_at, how="condition") or standing


def _bears_on(kind: OperationKind, metric: TierMetric) -> bool:
    """Tell whether an operation of the kind may change how much there is of a metric."""
    match metric:
        case PointsEarned():
            return True
        case Activities():
            return kind == "activity"
        case Spend() | Orders() | Quantity():
            return kind not in _BY_POINTS
        case _:
            assert_never(metric)


def _higher(one: Standing | None, other: Standing | None) -> Standing | None:
    """Return the better of two standings: the higher one, and of two alike the one that is kept longer."""
    if one is None or other is None:
        return one or other
    if one.rank != other.rank:
        return max(one, other, key=lambda standing: standing.rank)
    if one.until is None or (other.until is not None and other.until <= one.until):
        return one
    return other


def _view(ruleset: Ruleset, member: MemberState | None, order: Order, paid: PaidPoints | None) -> View | None:
    """Return what conditions see that lead to tiers: the order, and the member before it; None: there are none."""
    if not any(ladder.entrances for ladder in ruleset.ladders.values()):
        return None
    return view_order(ruleset, with_decimals(ruleset, order), member, paid_with_points=paid.amount if paid else 0)


def _bought_at(facts: Facts, part: Changes) -> datetime | None:
    """Return when the order was placed of which goods come back, or the reward was given that is taken back; None: nothing is."""
    if part.operation.kind == "referral_reversal" and facts.referral is not None:
        lots = {lot.id: lot for member in (facts.member, facts.other) if member is not None for lot in member.lots}
        given = [lots[one.lot_id] for one in facts.referral.given if one.lot_id in lots]
        return given[0].earned_at if given else None
    if part.operation.kind not in _LOWERING or part.order_change is None:
        return None
    known = next((known for known in facts.returned.values() if known.id == part.operation.order_id), None)
    return known.order.placed_at if known is not None and known.order is not None else None


def _earn(
    ruleset: Ruleset, facts: Facts, before: MemberState | None, part: Changes, *, entries: Entries | None
) -> Mapping[str, Moved]:
    """Return what a member earned in wallets of which a tier set counts that, by when what earned it happened."""
    counted = _counted(ruleset)
    if not counted:
        return {}
    known = dict(before.earned) if before is not None else {}
    if part.operation.kind == "merge" and facts.other is not None:
        known = {wallet: (*known.get(wallet, ()), *facts.other.earned.get(wallet, ())) for wallet in counted}
    at = _bought_at(facts, part) or part.operation.effective_at
    for wallet in counted if entries is not None else ():
        points = _issued(entries, wallet)
        if points:
            known[wallet] = (*known.get(wallet, ()), (at, points))
    return known


def _issued(entries: Entries | None, wallet: str) -> int:
    """Return how many points the program gave, less those that it took back."""
    postings = [posting for posting in entries.postings if posting.wallet == wallet] if entries is not None else []
    given = sum(posting.amount for posting in postings if posting.source == "issued")
    return given - sum(posting.amount for posting in postings if posting.destination == "issued")


def _gained(entries: Entries | None) -> frozenset[str]:
    """Return the wallets in which a member got points from the program."""
    if entries is None:
        return frozenset()
    return frozenset(posting.wallet for posting in entries.postings if posting.source == "issued")
