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
    _inside: Mapping[str | None, Sequence[EarningGroup]] = field(init=False)

    def __post_init__(self) -> None:
        inside: dict[str | None, list[EarningGroup]] = {}
        for group in self.by_key.values():
            inside.setdefault(group.group, []).append(group)
        object.__setattr__(self, "_inside", inside)
        choices = {self.choose, *(group.choose for group in self.by_key.values())}
        object.__setattr__(self, "is_trivial", choices == {"all"})

    def find_losers(self, bids: Sequence[Bid]) -> dict[int, str | None]:
        """Return the positions of the bids that lose, each with the key of the group that decided so (None: no group)."""
        losers: dict[int, str | None] = {}
        self._settle(None, self._sort_out(bids), losers)
        return losers

    def _sort_out(self, bids: Sequence[Bid]) -> dict[str | None, list[Bid]]:
        """Return the bids by their group; a group in which only inner ones bid has an empty list."""
        sorted_out: dict[str | None, list[Bid]] = {}
        for bid in bids:
            if bid.group not in sorted_out:
                above = bid.group
                while above is not None and above not in sorted_out:
                    sorted_out[above] = []
                    above = self.by_key[above].group
            sorted_out.setdefault(bid.group, []).append(bid)
        return sorted_out

    def _settle(
        self, key: str | None, bids: Mapping[str | None, Sequence[Bid]], losers: dict[int, str | None]
    ) -> Sequence[Bid]:
        """Return the bids of one group that win inside it; enter the others as losers."""
        choose = self.choose if key is None else self.by_key[key].choose
        children = [_Child((-bid.priority, bid.position), (bid,)) for bid in bids.get(key, ())]
        for inner in self._inside.get(key, ()):
            if inner.key in bids:
                winners = self._settle(inner.key, bids, losers)
                children.append(_Child((-inner.priority, winners[0].position), winners))
        winners = _choose(choose, sorted(children, key=lambda child: child.rank))
        if choose != "all":
            kept = {bid.position for bid in winners}
            losers.update((bid.position, key) for child in children for bid in child.bids if bid.position not in kept)
        return winners


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
