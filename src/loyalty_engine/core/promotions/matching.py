"""Which units go into which part of a bundle, when some would do for several parts."""

from collections.abc import Sequence
from dataclasses import dataclass

Classes = Sequence[tuple[frozenset[int], int]]
"""Units that are alike: the parts for which they would do, and how many there are."""

Flow = list[list[int]]
"""By part, how many units of each class go into it."""


def most_repeats(needs: Sequence[int], classes: Classes, most: int | None) -> int:
    """Return how many bundles can be had: part ``p`` takes ``needs[p]`` units, of classes that name it."""
    units = sum(count for fits, count in classes if fits)
    high = units // sum(needs)
    high = high if most is None else min(high, most)
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        if match([need * middle for need in needs], classes) is not None:
            low = middle
        else:
            high = middle - 1
    return low


def match(needs: Sequence[int], classes: Classes) -> Flow | None:
    """Return how units are shared out so that every part has what it needs; None when they do not do.

    Parts are filled in turn; where another one has the units that this one needs, it takes others for them (an augmenting
    path).
    """
    sharing = _Sharing(classes, [[0] * len(classes) for _ in needs], [count for _, count in classes])
    for part, need in enumerate(needs):
        missing = need
        while missing:
            moved = sharing.fill(part, missing, frozenset())
            if not moved:
                return None
            missing -= moved
    return sharing.flow


@dataclass(slots=True)
class _Sharing:
    """Units that are being shared out; ``free`` are those of each class that no part has."""

    classes: Classes
    flow: Flow
    free: list[int]

    def fill(self, part: int, wanted: int, asked: frozenset[int]) -> int:
        """Give a part up to ``wanted`` units more; return how many it got. Those that were ``asked`` wait themselves."""
        own = [number for number, (fits, _) in enumerate(self.classes) if part in fits]
        for number in own:
            moved = min(wanted, self.free[number])
            if moved:
                self.free[number] -= moved
                self.flow[part][number] += moved
                return moved
        for number in own:
            for other, has in enumerate(self.flow):
                if other == part or other in asked or not has[number]:
                    continue
                moved = self.fill(other, min(wanted, has[number]), asked | {part})
                if moved:
                    has[number] -= moved
                    self.flow[part][number] += moved
                    return moved
        return 0
