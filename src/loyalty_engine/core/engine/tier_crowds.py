"""Crowds: members whose tiers run out in the same moment, because a calendar says so, are reviewed by what they have in common.

Each goes where :func:`~loyalty_engine.core.engine.tier_reviews.review_tiers` would lead it; who has more of its own to look
at is left to that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from loyalty_engine.core.engine.accounts import soonest
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Operation
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.tier_answers import show_moves
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import EPOCH, show_instant
from loyalty_engine.core.program.tiers import Calendar, Orders, Spend
from loyalty_engine.core.rules.history import MOST_ORDERS
from loyalty_engine.core.tiers.ladder import Ladder
from loyalty_engine.core.tiers.standings import MemberTier, TierMove

_INSTANT: Final = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Waiting:
    """A member with whom nothing is due but one tier, ``held`` in ``tier_set``. ``ends_at`` is when time next does something
    else to it. Its ``member`` has totals, balances and tiers, nothing more.
    """

    member: MemberState
    tier_set: str
    held: MemberTier
    ends_at: datetime | None


class Bought(NamedTuple):
    """What a member bought in a time: ``orders`` and ``spend`` up to a moment, ``found`` how many orders there are since."""

    orders: int
    spend: int
    found: int


class Stretch(NamedTuple):
    """The time in which orders count as of ``at``: from ``since`` on, before ``until``."""

    at: datetime
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """What becomes of one member: its tier, and the operation that is to be kept."""

    member_id: UUID
    operation_id: UUID
    expected_version: int
    due_at: datetime | None
    effective_at: datetime
    tier_set: str
    after: MemberTier
    facts: Mapping[str, Any]
    answer: Mapping[str, Any]


def has_crowds(ruleset: Ruleset) -> bool:
    """Tell whether there is a ladder whose members can be reviewed by what they have in common."""
    return any(_measure(ladder) is not None for ladder in ruleset.ladders.values())


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where members of a kind go, and what they are told. :data:`EPOCH` stands for what is each one's own: since when it is
    there, and as of when it reached that.
    """

    after: MemberTier
    answer: Mapping[str, Any]


@dataclass(slots=True)
class Crowd:
    """Reviews members ``now``, each kind of them once. Mutable: it knows the kinds that it saw."""

    ruleset: Ruleset
    now: datetime
    _kinds: dict[tuple[object, ...], _Kind | None] = field(default_factory=dict)
    _stretches: dict[tuple[object, ...], tuple[Stretch, ...] | None] = field(default_factory=dict)

    def stretches_of(self, waiting: Waiting) -> tuple[Stretch, ...] | None:
        """Return which times count for the review of a member; None: it has to be looked at by itself."""
        held = waiting.held
        name = (waiting.tier_set, held.until, held.ends_at, held.how)
        if name not in self._stretches:
            self._stretches[name] = _stretches_of(self.ruleset.ladders.get(waiting.tier_set), held)
        return self._stretches[name]

    def review(self, waiting: Waiting, bought: Mapping[datetime, Bought], operation_id: UUID) -> Review | None:
        """Return what becomes of a member that ``bought`` so much as of each moment; None: look at it by itself."""
        ladder, held = self.ruleset.ladders[waiting.tier_set], waiting.held
        if any(each.found > MOST_ORDERS for each in bought.values()):
            return None
        amounts = {at: _amount(ladder, each) for at, each in bought.items()}
        ranks = tuple(ladder.rank_for(amount) for amount in amounts.values())
        name = (waiting.tier_set, held.tier, held.until, held.ends_at, held.how, held.below, ranks)
        if name not in self._kinds:
            self._kinds[name] = self._meet(waiting, amounts)
        kind = self._kinds[name]
        return None if kind is None else _tell(waiting, kind, operation_id)

    def _meet(self, waiting: Waiting, amounts: Mapping[datetime, int]) -> _Kind | None:
        """Decide about the first member of a kind."""
        held, ladders = waiting.held, self.ruleset.ladders
        after = _lead(ladders[waiting.tier_set], held, amounts, self.now)
        if after is None or held.ends_at is None:
            return None
        operation = Operation(
            id=waiting.member.id,
            kind="tier_review",
            call=_CALL,
            effective_at=held.ends_at,
            booked_at=self.now,
            revision=self.ruleset.revision,
            member_id=waiting.member.id,
        )
        moves = show_moves(ladders, [TierMove(waiting.member.id, waiting.tier_set, held, after)])
        return _Kind(after, {**head(operation), "tiers": moves})


_CALL: Final = Call(UUID(int=0), Actor(0), request_hash=b"")
"""Of nobody."""


def _tell(waiting: Waiting, kind: _Kind, operation_id: UUID) -> Review:
    member, held, after, answer = waiting.member, waiting.held, kind.after, kind.answer
    assert held.ends_at is not None
    if after.reached_at == EPOCH:
        after = replace(after, reached_at=held.reached_at or held.since)
    if after.since == EPOCH:
        after = replace(after, since=held.since)
        answer = {**answer, "tiers": [{**move, "since": show_instant(held.since)} for move in answer["tiers"]]}
    return Review(
        member_id=member.id,
        operation_id=operation_id,
        expected_version=member.version,
        due_at=soonest(waiting.ends_at, after.ends_at),
        effective_at=held.ends_at,
        tier_set=waiting.tier_set,
        after=after,
        facts=show_facts(member),
        answer={**answer, "operation_id": show_id("op", operation_id), "member_id": show_id("mem", member.id)},
    )


def _amount(ladder: Ladder, bought: Bought) -> int:
    return bought.spend if _measure(ladder) == "spend" else bought.orders


def _stretches_of(ladder: Ladder | None, held: MemberTier) -> tuple[Stretch, ...] | None:
    if (
        ladder is None
        or _measure(ladder) is None
        or held.how in ("granted", "plan")
        or held.until is None
        or held.ends_at is None
    ):
        return None
    return tuple(_stretch(ladder, at) for at in sorted({held.until, held.ends_at}))


def _measure(ladder: Ladder) -> Literal["spend", "orders"] | None:
    """Return what of its members' orders a ladder counts whose windows are the same for all; None: something else."""
    if not isinstance(ladder.window.written, Calendar):
        return None
    match ladder.metric:
        case Spend():
            return "spend"
        case Orders():
            return "orders"
        case _:
            return None


def _stretch(ladder: Ladder, at: datetime) -> Stretch:
    span = ladder.window.ending(at, None)
    assert span.start is not None
    assert span.end is not None
    return Stretch(at, span.start, min(span.end, at + _INSTANT))


def _lead(ladder: Ladder, held: MemberTier, amounts: Mapping[datetime, int], now: datetime) -> MemberTier | None:
    """Return where a tier that ran out leads; since :data:`EPOCH` if since whenever it was. None: there is more to it."""
    standing = ladder.read(replace(held, since=EPOCH, before=None, reached_at=None))
    if standing is None or held.ends_at is None or ladder.ends_at(standing) != held.ends_at:
        return None
    went = ladder.review(standing, amounts.__getitem__, held.ends_at, enrolled_at=None)
    after = ladder.keep(went[-1])
    return None if after.ends_at is not None and after.ends_at <= now else after
