"""Pools out of which members get promo codes of their own, and how long one that is given out can be used."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple

from loyalty_engine.core.kernel.codes import CodePattern, FoldedCode, fold_code
from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.promotions.codes import Bounds, CodeLimit

PoolKind = Literal["shared", "generated", "imported", "personal", "vouchers"]
"""``personal`` codes are made when a member gets one, ``vouchers`` were uploaded, and each is given out once."""

WhyNoCode = Literal[
    "code_pool_not_found", "code_pool_unsuited", "code_pool_paused", "code_pool_ended", "code_pool_empty"
]
"""Why nobody gets a code out of a pool; ``unsuited``: its codes are not given to members one by one."""


def gives_codes(kind: PoolKind) -> bool:
    """Tell whether members get codes of their own out of pools of a kind."""
    return kind in ("personal", "vouchers")


def default_limits(kind: PoolKind) -> tuple[CodeLimit, ...]:
    """Return how often codes can be used of which nobody says so: once each; one that all share without end."""
    return () if kind == "shared" else (CodeLimit("code", 1),)


class Candidate(NamedTuple):
    """A code that nobody has yet. ``shown`` is how people read it."""

    code: FoldedCode
    shown: str


@dataclass(frozen=True, slots=True)
class KnownPool:
    """A pool that exists, with its terms: codes can be used from ``starts_at`` until ``ends_at``, and so many days after
    they were given out, whichever is tighter; None: no such bound.

    ``next_codes`` are some of a pool of vouchers, drawn anew by every gather so that rivals seldom want the same: all that
    are left if there are fewer than a gather reads. ``entropy`` are bytes that nobody can foresee, drawn anew as well, of
    which codes of a personal pool are made; others have none.
    """

    key: str
    kind: PoolKind
    promotion: str | None = None
    pattern: str | None = None
    is_active: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    starts_after_days: int | None = None
    ends_after_days: int | None = None
    next_codes: tuple[Candidate, ...] = ()
    entropy: bytes = b""

    @property
    def bounds(self) -> Bounds:
        """From when until when its codes can be used, whenever they were given out."""
        return Bounds(self.starts_at, self.ends_at)

    def bounds_of(self, issued_at: datetime, zone: tzinfo) -> Bounds:
        """Return the bounds of its own that a code has which is given out then. Days are calendar days of the zone."""
        return Bounds(_after(issued_at, self.starts_after_days, zone), _after(issued_at, self.ends_after_days, zone))

    def draw(self, now: datetime, given: Container[FoldedCode], zone: tzinfo) -> Candidate | WhyNoCode:
        """Return a code that can be given out now and is not among ``given``, or why there is none. One that could never be
        used, because it would begin after its end, is not given out.
        """
        if not gives_codes(self.kind):
            return "code_pool_unsuited"
        if not self.is_active:
            return "code_pool_paused"
        starts_at, ends_at = self.bounds_of(now, zone).within(self.bounds)
        if ends_at is not None and ends_at <= max(now, starts_at or now):
            return "code_pool_ended"
        candidates = self.next_codes if self.kind == "vouchers" else self._make()
        return next((candidate for candidate in candidates if candidate.code not in given), "code_pool_empty")

    def _make(self) -> Iterator[Candidate]:
        pattern = None if self.pattern is None else CodePattern.parse(self.pattern)
        assert pattern is not None, "a pool of personal codes has a pattern"
        for shown in pattern.make(self.entropy):
            code = fold_code(shown)
            assert code is not None, "what a pattern makes can be typed"
            yield Candidate(code, shown)


def _after(start: datetime, days: int | None, zone: tzinfo) -> datetime | None:
    return None if days is None else Period(days, "days").after(start, zone)
