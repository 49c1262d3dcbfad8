"""Groups of earning rules that compete: which of those that would give something really do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from loyalty_engine.core.program.earning import EarningGroup

Choice = Literal["all", "best", "first"]


class Bid(NamedTuple):
    """What one rule would give: ``amount`` > 0 of ``wallet``. ``position`` is its place in the document."""

    position: int
    wallet: str
    amount: int
    group: str | None
    priority: int


class _Child(NamedTuple):
    """A rule or a group among its neighbours, with the bids that are left of it."""

    rank: tuple[int, int]
    bids: Sequence[Bid]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The groups of a program; ``choose`` holds for the rules and groups that are in none."""

    by_key: Mapping[str, EarningGroup]
    choose: Choice
    is_trivial: bool = field(init=False)
    """Whether every bid wins."""

    def __post_init__(self) -> None:
        choices = {self.choose, *(group.choose for group in self.by_key.values())}
        object.__setattr__(self, "is_trivial", choices == {"all"})

    def find_losers(self, bids: Sequence[Bid]) -> dict[int, str | None]:
        """Return the positions of the bids that lose, each with the key of the group that decided so (None: no group)."""
        losers: dict[int, str | None] = {}
        self._settle(None, bids, losers)
        return losers

    def _settle(self, key: str | None, bids: Sequence[Bid], losers: dict[int, str | None]) -> Sequence[Bid]:
        """Return the bids of one group that win inside it; enter the others as losers."""
        choose = self.choose if key is None else self.by_key[key].choose
        children = [_Child((-bid.priority, bid.position), (bid,)) for bid in bids if bid.group == key]
        for inner in self._inner_groups(key, bids):
            winners = self._settle(inner.key, [bid for bid in bids if self._is_inside(bid, inner.key)], losers)
            children.append(_Child((-inner.priority, winners[0].position), winners))
        winners = _choose(choose, sorted(children, key=lambda child: child.rank))
        kept = {bid.position for bid in winners}
        losers.update((bid.position, key) for child in children for bid in child.bids if bid.position not in kept)
        return winners

    def _inner_groups(self, key: str | None, bids: Sequence[Bid]) -> list[EarningGroup]:
        """Return the groups directly inside, in document order, in which somebody bids."""
        return [
            group
            for group in self.by_key.values()
            if group.group == key and any(self._is_inside(bid, group.key) for bid in bids)
        ]

    def _is_inside(self, bid: Bid, key: str) -> bool:
        at = bid.group
        while at is not None:
            if at == key:
                return True
            at = self.by_key[at].group
        return False


def _choose(choose: Choice, children: Sequence[_Child]) -> list[Bid]:
    """Return the winning bids; ``children`` come in the order of their rank."""
    match choose:
        case "all":
            return [bid for child in children for bid in child.bids]
        case "first":
            return list(children[0].bids)
        case "best":
            wallets = dict.fromkeys(bid.wallet for child in children for bid in child.bids)
            return [bid for wallet in wallets for bid in _best_in(wallet, children)]


def _best_in(wallet: str, children: Sequence[_Child]) -> list[Bid]:
    """Return the bids of the child that gives most in one wallet; among equals the first by rank."""
    offers = [[bid for bid in child.bids if bid.wallet == wallet] for child in children]
    return max(offers, key=lambda bids: sum(bid.amount for bid in bids))
