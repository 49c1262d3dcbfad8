"""Promo codes in a cart: which promotions they open, what became of each, and what their limits count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from loyalty_engine.core.earning.evaluation import Use
from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.evaluation import Promoted, Promotions
from loyalty_engine.core.rules.reasons import PromotionReason

WhyNotUsed = Literal[
    "unknown",
    "paused",
    "not_started",
    "expired",
    "wrong_member",
    "member_required",
    "used_up",
    "member_limit",
    "given_twice",
    "promotion_gone",
    "promotion_failed",
]

_HIDDEN = frozenset({"paused", "not_started", "expired", "wrong_member", "used_up"})
"""What only trusted callers may learn of a code: to others it is unknown."""


@dataclass(frozen=True, slots=True)
class KnownCode:
    """A code that exists: it opens ``promotion`` from ``starts_at`` until ``ends_at``, for ``member_id`` alone if one is
    named, ``uses`` times in all and ``uses_per_member`` times each; None: without end.
    """

    code: FoldedCode
    promotion: str
    is_active: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    member_id: UUID | None = None
    uses: int | None = None
    uses_per_member: int | None = None

    @property
    def counter(self) -> str:
        """The counter of all its uses: shared, or within a member's own."""
        return f"code/{self.code}/times/lifetime/"


@dataclass(frozen=True, slots=True)
class CodeMemory:
    """A code that was used for a promotion, and the counters it took one from: their names, and whether all share them."""

    code: FoldedCode
    promotion: str
    counters: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code that is issued to a member out of a pool; ``shown`` is how people read it.

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
    """What became of a code. ``why`` is the reason of its promotion, where that did not apply."""

    code: str
    promotion: str | None
    is_used: bool
    reason: Literal["used"] | WhyNotUsed
    why: PromotionReason | None = None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "code": self.code,
            "promotion": self.promotion,
            "used": self.is_used,
            "reason": self.reason,
        }
        return shown if self.why is None else {**shown, "why": self.why.as_json()}

    def untold(self) -> "CodeReason":
        """Return the same for somebody who may not learn whether a code exists."""
        return CodeReason(self.code, None, is_used=False, reason="unknown") if self.reason in _HIDDEN else self


@dataclass(frozen=True, slots=True)
class Opened:
    """The promotions that codes open, each with its code, and the codes that open nothing."""

    codes: Mapping[str, KnownCode]
    refused: tuple[CodeReason, ...]


def open_promotions(
    asked: Sequence[FoldedCode],
    known: Mapping[FoldedCode, KnownCode],
    promotions: Promotions,
    *,
    member_id: UUID | None,
    at: datetime,
    counted: Counted,
) -> Opened:
    """Return what the codes of an order placed ``at`` that time open for its member; None is a guest."""
    keys = {promotion.key for promotion in promotions.promotions}
    codes: dict[str, KnownCode] = {}
    refused: list[CodeReason] = []
    for folded in asked:
        code = known.get(folded)
        if code is None:
            refused.append(CodeReason(folded, None, is_used=False, reason="unknown"))
            continue
        why = _refuse(code, member_id, at, counted)
        if why is None and code.promotion not in keys:
            why = "promotion_gone"
        if why is None and code.promotion in codes:
            why = "given_twice"
        if why is None:
            codes[code.promotion] = code
        else:
            refused.append(CodeReason(folded, code.promotion, is_used=False, reason=why))
    return Opened(codes, tuple(refused))


def judge_codes(opened: Opened, promoted: Promoted, reasons: Iterable[PromotionReason]) -> tuple[CodeReason, ...]:
    """Return what became of every code once promotions were played."""
    used = {one.promotion.key for one in promoted.applied}
    found = {reason.promotion: reason for reason in reasons}
    judged = [
        CodeReason(code.code, key, is_used=True, reason="used")
        if key in used
        else CodeReason(code.code, key, is_used=False, reason="promotion_failed", why=found.get(key))
        for key, code in opened.codes.items()
    ]
    return (*judged, *opened.refused)


def uses_of_codes(opened: Opened, promoted: Promoted) -> Iterable[Use]:
    """Yield what the codes that were used take from their limits."""
    for one in promoted.applied:
        code = opened.codes.get(one.promotion.key)
        if code is None:
            continue
        if code.uses is not None:
            yield Use(code.counter, 1, code.uses, is_shared=True)
        if code.uses_per_member is not None:
            yield Use(code.counter, 1, code.uses_per_member, is_shared=False)


def _refuse(code: KnownCode, member_id: UUID | None, at: datetime, counted: Counted) -> WhyNotUsed | None:
    if not code.is_active:
        return "paused"
    if code.starts_at is not None and at < code.starts_at:
        return "not_started"
    if code.ends_at is not None and at >= code.ends_at:
        return "expired"
    if code.member_id is not None and code.member_id != member_id:
        return "wrong_member"
    if code.uses_per_member is not None and member_id is None:
        return "member_required"
    if code.uses is not None and counted.shared.get(code.counter, 0) >= code.uses:
        return "used_up"
    if code.uses_per_member is not None and counted.member.get(code.counter, 0) >= code.uses_per_member:
        return "member_limit"
    return None
