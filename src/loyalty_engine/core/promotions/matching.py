"""Which units go into which part of a bundle, when some would do for several parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

Fits = frozenset[int]
"""The parts for which units would do."""

Units = Sequence[tuple[Fits, int]]
"""Units that are alike: the parts for which they would do, and how many there are; those to be had first come first."""

_START: Final = -1


def pack(needs: Sequence[int], units: Units, most: int | None) -> tuple[int, list[int]]:
    """Return how many bundles can be had, and how many of each of ``units`` are in them: the first of them that do.

    Part ``p`` of a bundle takes ``needs[p]`` units. As long as that does not come out, some parts lack units; there are
    no more bundles than these parts can have by themselves. Each such answer is less than the one before.
    """
    times = sum(count for fits, count in units if fits) // sum(needs)
    times = times if most is None else min(times, most)
    while True:
        packing = _Packing([need * times for need in needs])
        used = [packing.add(fits, count) for fits, count in units]
        lacking = packing.lacking()
        if not lacking:
            return times, used
        there = sum(count for fits, count in units if not fits.isdisjoint(lacking))
        times = there // sum(needs[part] for part in lacking)


def shortage(needs: Sequence[int], units: Units) -> list[int]:
    """Return how many units each part lacks of ``needs`` when as many as possible are in place."""
    packing = _Packing(list(needs))
    for fits, count in units:
        packing.add(fits, count)
    return packing.room


@dataclass(slots=True)
class _Packing:
    """Units that are being shared out. ``room`` is what each part still lacks, ``has`` what it has, by what fits."""

    room: list[int]
    has: list[dict[Fits, int]] = field(init=False)
    closed: set[int] = field(default_factory=set)
    """Parts that are full, and so is every other one to which their units could move. They stay so."""

    def __post_init__(self) -> None:
        self.has = [{} for _ in self.room]

    def add(self, fits: Fits, count: int) -> int:
        """Find places for as many of these units as possible; what has a place keeps one. Return how many they are."""
        left = count
        while left:
            moved = self._place(fits, left)
            if not moved:
                break
            left -= moved
        return count - left

    def lacking(self) -> set[int]:
        """Return a set of parts that lack units, with all parts that have units which these could use."""
        found = [part for part, room in enumerate(self.room) if room][:1]
        seen = set(found)
        while found:
            part = found.pop()
            for other, has in enumerate(self.has):
                if other not in seen and any(part in fits for fits in has):
                    seen.add(other)
                    found.append(other)
        return seen

    def _place(self, fits: Fits, count: int) -> int:
        """Place some units where there is room; in full parts others make way, on the shortest way to such a place."""
        came: dict[int, tuple[int, Fits]] = dict.fromkeys(sorted(fits - self.closed), (_START, fits))
        waiting = list(came)
        for reached in waiting:
            if self.room[reached]:
                return self._move(reached, came, count)
        for part in waiting:
            for own in self.has[part]:
                for other in own - came.keys():
                    if other in self.closed:
                        continue
                    came[other] = part, own
                    if self.room[other]:
                        return self._move(other, came, count)
                    waiting.append(other)
        self.closed.update(came)
        return 0

    def _move(self, part: int, came: dict[int, tuple[int, Fits]], count: int) -> int:
        """Move units along the way that was found; return how many."""
        moved, here = min(count, self.room[part]), part
        while came[here][0] != _START:
            here, moving = came[here]
            moved = min(moved, self.has[here][moving])
        self.room[part] -= moved
        while part != _START:
            before, moving = came[part]
            self.has[part][moving] = self.has[part].get(moving, 0) + moved
            if before != _START:
                self.has[before][moving] -= moved
                if not self.has[before][moving]:
                    del self.has[before][moving]
            part = before
        return moved
