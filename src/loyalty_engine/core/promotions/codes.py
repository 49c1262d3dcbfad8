"""Promo codes as they are known, what is remembered of those that were used, and what became of each."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple, get_args
from uuid import UUID

from loyalty_engine.core.kernel.calendars import name_of
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.rules.reasons import PromotionReason

WhyNotUsed = Literal[
    "unknown",
    "paused",
    "not_started",
    "expired",
    "wrong_member",
    "opens_nothing",
    "promotion_gone",
    "member_required",
    "guest_required",
    "used_up",
    "limit_reached",
    "member_limit",
    "guest_limit",
    "given_twice",
    "promotion_failed",
]

_HIDDEN: Final = frozenset(
    {"paused", "not_started", "expired", "wrong_member", "opens_nothing", "promotion_gone", "used_up"}
)
"""What only trusted callers may learn of a code: to others it is unknown."""

_NOT_YET_HIS: Final = frozenset({"member_required", "guest_required", "limit_reached"})
"""What is told before it is clear whether who brings a code may use it: others than trusted callers do not learn for what."""

CodePeriod = Literal["lifetime", "day", "week", "month", "year"]


class CodeLimit(NamedTuple):
    """A code can be used so many ``times`` in each period: in all, by each member, or by each guest.

    Guests are told apart by a digest of who they are. Where a code has limits of only one of these two kinds, those for
    guests hold for each member too, and those for members leave guests out.
    """

    per: Literal["code", "member", "guest"]
    times: int
    period: CodePeriod = "lifetime"


class Bounds(NamedTuple):
    """From when until when a code can be used; None: there is no such bound."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def within(self, outer: "Bounds") -> "Bounds":
        """Return from when until when both hold: the code's own bounds never widen those of its pool."""
        starts = [moment for moment in (self.starts_at, outer.starts_at) if moment is not None]
        ends = [moment for moment in (self.ends_at, outer.ends_at) if moment is not None]
        return Bounds(max(starts, default=None), min(ends, default=None))


UNBOUND: Final = Bounds()


@dataclass(frozen=True, slots=True)
class KnownCode:
    """A code that exists: it opens ``promotion`` from ``starts_at`` until ``ends_at``, for ``member_id`` alone if one is
    named. None: without end; a code without a promotion is a partner's voucher, which opens nothing here.

    What its pool says of all its codes is in these fields already.
    """

    code: FoldedCode
    promotion: str | None
    is_active: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    member_id: UUID | None = None
    limits: tuple[CodeLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Codes:
    """The promo codes of a cart, in the order in which they were typed, no two alike; at most 10.

    ``skips_unusable``: those that give nothing are passed over, and told; else they refuse the order. ``guest`` is a digest
    of who buys without being a member, by which uses of guests are counted. Only who ``is_trusted`` learns of codes that
    exist and may not be used. ``texts`` are the codes letter by letter, so that the caller finds its own in the answer.
    """

    typed: tuple[FoldedCode, ...] = ()
    skips_unusable: bool = False
    guest: str | None = None
    is_trusted: bool = False
    texts: tuple[str, ...] = ()

    def text_of(self, code: str) -> str:
        """Return one of the codes as it was typed."""
        return self.texts[self.typed.index(FoldedCode(code))] if self.texts else code


NO_CODES: Final = Codes()


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who brings codes: a member, a guest whose digest is known, or, with neither, one who cannot be told from others."""

    member_id: UUID | None = None
    guest: str | None = None


def code_counters(code: FoldedCode, day: date, guest: str | None) -> tuple[str, ...]:
    """Return the shared counters by which uses of a code may be limited, on a day of the program's calendar."""
    owners = (None,) if guest is None else (None, guest)
    return tuple([counter_of(code, period, day, owner) for owner in owners for period in get_args(CodePeriod)])


def counter_of(code: FoldedCode, period: CodePeriod, day: date, guest: str | None = None) -> str:
    """Return the counter of the uses of a code, by all or one guest; within a member's own counters, those by that member."""
    owner = "" if guest is None else f"guest/{guest}/"
    return f"code/{code}/{owner}times/{period}/{'' if period == 'lifetime' else name_of(period, day)}"


@dataclass(frozen=True, slots=True)
class CodeMemory:
    """A code that was used for a promotion, and the counters it took one from: their names, and whether all share them."""

    code: FoldedCode
    promotion: str
    counters: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code that is issued to a member out of a pool; ``shown`` is how people read it.

    Its times are those that follow from when it is issued; those of the pool hold beside them, as they are by then.
    ``is_taken`` says that it was in the pool before and is given out now.
    """

    code: FoldedCode
    shown: str
    pool: str
    member_id: UUID
    issued_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_taken: bool = False


class CodeReason(NamedTuple):
    """What became of a code. ``limit`` is the one that was reached, ``why`` the reason of its promotion, where that did not
    apply.
    """

    code: str
    promotion: str | None
    is_used: bool
    reason: Literal["used"] | WhyNotUsed
    why: PromotionReason | None = None
    limit: CodeLimit | None = None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "code": self.code,
            "promotion": self.promotion,
            "used": self.is_used,
            "reason": self.reason,
        }
        if self.limit is not None:
            shown["limit"] = self.limit._asdict()
        return shown if self.why is None else {**shown, "why": self.why.as_json()}

    def untold(self) -> "CodeReason":
        """Return the same for somebody who may not learn whether a code exists, nor what it opens for others."""
        if self.reason in _HIDDEN:
            return CodeReason(self.code, None, is_used=False, reason="unknown")
        return self._replace(promotion=None) if self.reason in _NOT_YET_HIS else self
