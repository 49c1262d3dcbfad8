"""Promotions that are of no use where promotions compete, because another one is open whenever they are and wins.

An answer is a proof for every order whose goods cost something: a few cents that a share rounds to nothing do not count.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final, Literal

from loyalty_engine.core.kernel.amounts import Ratio
from loyalty_engine.core.program.faults import Fault, FaultCode
from loyalty_engine.core.program.implications import implies, is_open_during, names_all_of, selects_all_of
from loyalty_engine.core.program.promotions import (
    AmountOff,
    CodeIssue,
    ExtraPoints,
    Gift,
    PercentOff,
    PointsTimes,
    PromotionEntry,
    PromotionGroup,
    PromotionPolicy,
    ShippingOff,
    Stepped,
    TotalPrice,
    UnitPrice,
)

MAX_PAIRS: Final = 100_000
"""How many pairs of one group are compared: a document of thousands must be checked within a second or two."""

_Rank = tuple[int, int]
"""Whoever has the lower one goes first."""


@dataclass(frozen=True, slots=True)
class _Rival:
    """A promotion in a competition: ``side`` is the entry of the group through which it takes part, itself or a group."""

    place: int
    promotion: PromotionEntry
    side: str
    priority: int

    @property
    def rank(self) -> _Rank:
        """Where its side stands when no other promotion of that side takes part."""
        return -self.priority, self.place

    @property
    def pointer(self) -> str:
        """Where it stands in the document."""
        return f"/promotions/{self.place}"


def find_losers(
    promotions: Sequence[PromotionEntry],
    groups: Mapping[str, PromotionGroup],
    policy: PromotionPolicy,
    *,
    faulty: Container[int] = (),
) -> Iterator[Fault]:
    """Yield a warning for each promotion that never wins. Groups must be free of faults.

    Nothing is said of promotions whose places are ``faulty``; their groups must be there all the same.
    """
    told: set[int] = set()
    for key in (None, *groups):
        choose = policy.choose if key is None else groups[key].choose
        if choose == "all":
            continue
        members = list(_members_of(key, choose, promotions, groups))
        rivals = [one for one in members if one.promotion.active and one.place not in faulty]
        pairs = _first_losers(rivals, members) if choose == "first" else _best_losers(rivals, policy)
        for loser, winner in pairs:
            if loser.place not in told:
                told.add(loser.place)
                if choose == "first":
                    message = f"never gets its turn: {winner.pointer} is open whenever this is, and goes first"
                    yield Fault(loser.pointer, FaultCode.NEVER_FIRST, message, "warning")
                else:
                    message = f"never saves more than {winner.pointer}, which is open whenever this is"
                    yield Fault(loser.pointer, FaultCode.NEVER_BEST, message, "warning")


def _members_of(
    key: str | None,
    choose: Literal["best", "first"],
    promotions: Sequence[PromotionEntry],
    groups: Mapping[str, PromotionGroup],
) -> Iterator[_Rival]:
    """Yield who belongs to a group. What a group saves is known only where the best of it counts as well."""
    for place, promotion in enumerate(promotions):
        side, priority, above = f"promotion/{promotion.key}", promotion.priority, promotion.group
        while above != key and above is not None and (choose == "first" or groups[above].choose == "best"):
            side, priority, above = f"group/{above}", groups[above].priority, groups[above].group
        if above == key:
            yield _Rival(place, promotion, side, priority)


def _first_losers(rivals: Sequence[_Rival], members: Sequence[_Rival]) -> Iterator[tuple[_Rival, _Rival]]:
    """Yield each that loses where the first wins, with one that wins. A side is as early as its earliest member."""
    earliest: dict[str, _Rank] = {}
    for member in members:
        earliest[member.side] = min(earliest.get(member.side, member.rank), member.rank)
    winners = sorted((rival for rival in rivals if _is_unlimited(rival.promotion)), key=lambda rival: rival.rank)
    pairs = (
        (loser, winner)
        for loser in rivals
        for winner in _before(earliest[loser.side], winners)
        if winner.side != loser.side
    )
    for loser, winner in islice(pairs, MAX_PAIRS):
        if _is_open_with(winner.promotion, loser.promotion) and _gives_wherever(winner.promotion, loser.promotion):
            yield loser, winner


def _before(rank: _Rank, ranked: Sequence[_Rival]) -> Iterator[_Rival]:
    return takewhile(lambda rival: rival.rank < rank, ranked)


def _best_losers(rivals: Sequence[_Rival], policy: PromotionPolicy) -> Iterator[tuple[_Rival, _Rival]]:
    """Yield each that loses where the best wins, with one that wins. Of two that save the same the first wins."""

    def beats(winner: _Rival, loser: _Rival) -> bool:
        one, other = winner.promotion, loser.promotion
        return _is_unlimited(one) and _is_open_with(one, other) and _saves_as_much(one, other, policy)

    winners = [rival for rival in rivals if _is_unlimited(rival.promotion)]
    pairs = ((loser, winner) for loser in rivals for winner in winners if winner.side != loser.side)
    for loser, winner in islice(pairs, MAX_PAIRS):
        if beats(winner, loser) and (winner.rank < loser.rank or not beats(loser, winner)):
            yield loser, winner


def _is_unlimited(promotion: PromotionEntry) -> bool:
    """Tell whether it needs no code, and nothing can use it up."""
    return promotion.opened_by == "itself" and not promotion.limits and promotion.floor is None


def _is_open_with(one: PromotionEntry, other: PromotionEntry) -> bool:
    """Tell whether ``one`` is open to every order to which ``other`` is."""
    return (
        one.audience in ("anyone", other.audience)
        and names_all_of(one.channels, other.channels)
        and names_all_of(one.locations, other.locations)
        and is_open_during(one.window, other.window)
        and one.schedule in (None, other.schedule)
        and implies(other.when, one.when)
    )


def _gives_wherever(one: PromotionEntry, other: PromotionEntry) -> bool:
    """Tell whether ``one`` gives something to every order to which it is open and ``other`` gives something."""
    effect = one.effect
    match effect:
        case ExtraPoints() | PointsTimes(of=None) | CodeIssue():
            return other.audience == "members"
        case Gift():
            return effect.per_amount is None and effect.per_quantity is None
        case PercentOff(units=None) | AmountOff(each="order" | "line"):
            match other.effect:
                case (
                    PercentOff(of=taken)
                    | AmountOff(of=taken)
                    | UnitPrice(of=taken)
                    | TotalPrice(of=taken)
                    | Stepped(of=taken)
                ):
                    return selects_all_of(effect.of, taken)
                case _:
                    return selects_all_of(effect.of, None)
        case _:
            return False


def _saves_as_much(one: PromotionEntry, other: PromotionEntry, policy: PromotionPolicy) -> bool:
    """Tell whether ``one`` takes at least as much off every cart as ``other`` does."""
    if one.at_most is not None and (other.at_most is None or one.at_most < other.at_most):
        return False
    rounded_alike = (one.rounding or policy.rounding) == (other.rounding or policy.rounding)
    match one.effect, other.effect:
        case PercentOff() as mine, PercentOff() as theirs:
            wider = mine.of == theirs.of or (policy.percent_of == "rest" and selects_all_of(mine.of, theirs.of))
            all_units = mine.units is None or (mine.units, mine.of) == (theirs.units, theirs.of)
            return rounded_alike and wider and all_units and _is_share_of(theirs.percent, mine.percent)
        case AmountOff() as mine, AmountOff() as theirs:
            return mine.each == theirs.each and mine.amount >= theirs.amount and selects_all_of(mine.of, theirs.of)
        case UnitPrice() as mine, UnitPrice() as theirs:
            all_units = mine.units is None or (mine.units, mine.of) == (theirs.units, theirs.of)
            return mine.price <= theirs.price and all_units and selects_all_of(mine.of, theirs.of)
        case TotalPrice() as mine, TotalPrice() as theirs:
            return mine.price <= theirs.price and mine.of == theirs.of
        case ShippingOff() as mine, ShippingOff() as theirs:
            return _takes_as_much_shipping(mine, theirs, rounded_alike=rounded_alike)
        case (PercentOff(units=None) | AmountOff(each="order" | "line")) as mine, (
            ExtraPoints() | PointsTimes() | CodeIssue()
        ):
            return selects_all_of(mine.of, None)
        case _:
            return False


def _takes_as_much_shipping(mine: ShippingOff, theirs: ShippingOff, *, rounded_alike: bool) -> bool:
    if mine.amount is not None:
        return theirs.amount is not None and mine.amount >= theirs.amount
    share = mine.percent or "100%"
    if _is_share_of("100%", share):
        return True
    return theirs.amount is None and rounded_alike and _is_share_of(theirs.percent or "100%", share)


def _is_share_of(part: str, whole: str) -> bool:
    smaller, larger = Ratio.parse_percent(part), Ratio.parse_percent(whole)
    return smaller.numerator * larger.denominator <= larger.numerator * smaller.denominator
