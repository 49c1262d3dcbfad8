"""Promo codes in a cart: which promotions they open, what became of each, and what their limits count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from loyalty_engine.core.earning.evaluation import Use
from loyalty_engine.core.earning.limits import Counted
from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.codes import (
    Bearer,
    CodeLimit,
    CodeMemory,
    CodeReason,
    KnownCode,
    WhyNotUsed,
    counter_of,
)
from loyalty_engine.core.promotions.evaluation import Promoted
from loyalty_engine.core.promotions.offers import Promotion
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.promotions.reasons import explain_unseen, reasons_of


@dataclass(frozen=True, slots=True)
class OpenCode:
    """A code that opens a promotion, and what it takes from its limits if that applies."""

    code: FoldedCode
    promotion: Promotion
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the codes of an order open: by the keys of promotions; and those that open nothing. ``typed`` are all of them."""

    codes: Mapping[str, OpenCode]
    refused: tuple[CodeReason, ...] = ()
    typed: tuple[FoldedCode, ...] = ()


NOTHING_OPENED: Final = Opened({})


def open_promotions(
    typed: Sequence[FoldedCode],
    known: Mapping[FoldedCode, KnownCode],
    promotions: Promotions,
    *,
    bearer: Bearer,
    at: datetime,
    day: date,
    counted: Counted,
) -> Opened:
    """Return what the codes of an order open that is placed ``at`` that time, on that ``day`` of the program's calendar.

    Of several codes for one promotion the first that can be used opens it.
    """
    codes: dict[str, OpenCode] = {}
    refused: list[CodeReason] = []
    for folded in typed:
        code = known.get(folded)
        if code is None:
            refused.append(CodeReason(folded, None, is_used=False, reason="unknown"))
            continue
        promotion = promotions.by_code.get(code.promotion or "")
        why, limit = _refuse(code, promotion, bearer, at), None
        if why is None:
            why, limit = _judge_limits(code, bearer, day, counted)
        if why is None and promotion is not None and promotion.key in codes:
            why = "given_twice"
        if why is None and promotion is not None:
            codes[promotion.key] = OpenCode(folded, promotion, _uses(code, bearer, day))
        elif why is not None:
            refused.append(CodeReason(folded, code.promotion, is_used=False, reason=why, limit=limit))
    return Opened(codes, tuple(refused), tuple(typed))


def judge_codes(opened: Opened, promoted: Promoted) -> tuple[CodeReason, ...]:
    """Return what became of every code once promotions were played, in the order in which they were typed."""
    if not opened.typed:
        return ()
    used = {one.promotion.key for one in promoted.applied}
    found = {reason.promotion: reason for reason in reasons_of(promoted)}
    judged = {reason.code: reason for reason in opened.refused}
    for key, code in opened.codes.items():
        if key in used:
            judged[code.code] = CodeReason(code.code, key, is_used=True, reason="used")
        else:
            why = found.get(key) or explain_unseen(code.promotion, promoted.seen)
            judged[code.code] = CodeReason(code.code, key, is_used=False, reason="promotion_failed", why=why)
    return tuple([judged[code] for code in opened.typed])


def used_codes(opened: Opened, promoted: Promoted) -> tuple[OpenCode, ...]:
    """Return the codes whose promotions applied."""
    if not opened.codes:
        return ()
    return tuple([opened.codes[one.promotion.key] for one in promoted.applied if one.promotion.key in opened.codes])


def remember_codes(used: Sequence[OpenCode]) -> tuple[CodeMemory, ...]:
    """Return what it takes to give uses back."""
    return tuple(
        [
            CodeMemory(one.code, one.promotion.key, tuple((use.counter, use.is_shared) for use in one.uses))
            for one in used
        ]
    )


def open_again(memory: Sequence[CodeMemory], promotions: Promotions, *, takes_uses: bool) -> Opened:
    """Return what the codes of an order open that was accepted with them. Their uses are taken anew where they are given
    back first, so there is room for these.
    """
    codes: dict[str, OpenCode] = {}
    for one in memory:
        promotion = promotions.by_code.get(one.promotion)
        if promotion is not None:
            counters = one.counters if takes_uses else ()
            uses = tuple([Use(name, 1, MAX_BALANCE, is_shared) for name, is_shared in counters])
            codes[one.promotion] = OpenCode(one.code, promotion, uses)
    return Opened(codes)


def _refuse(code: KnownCode, promotion: Promotion | None, bearer: Bearer, at: datetime) -> WhyNotUsed | None:
    if not code.is_active:
        return "paused"
    if code.starts_at is not None and at < code.starts_at:
        return "not_started"
    if code.ends_at is not None and at >= code.ends_at:
        return "expired"
    if code.member_id is not None and code.member_id != bearer.member_id:
        return "wrong_member"
    if promotion is None:
        return "opens_nothing" if code.promotion is None else "promotion_gone"
    return None


def _judge_limits(
    code: KnownCode, bearer: Bearer, day: date, counted: Counted
) -> tuple[WhyNotUsed | None, CodeLimit | None]:
    """Return why the limits of a code leave no use, and the one that was reached.

    What all share comes first, and of that what is for ever: of a code that is used up, nothing else is told.
    """
    limits = _limits(code, bearer)
    shared = sorted([limit for limit in limits if limit.per == "code"], key=lambda limit: limit.period != "lifetime")
    why, limit = _find_reached(code, shared, bearer, day=day, counted=counted)
    why = why or _miss_bearer(code, bearer)
    if why is not None:
        return why, limit
    own = [limit for limit in limits if limit.per != "code"]
    return _find_reached(code, own, bearer, day=day, counted=counted)


def _miss_bearer(code: KnownCode, bearer: Bearer) -> WhyNotUsed | None:
    """Tell whether a code counts by who brings it, and that is not known."""
    if bearer.member_id is not None:
        return None
    counted = {limit.per for limit in code.limits}
    if "guest" in counted:
        return "guest_required" if bearer.guest is None else None
    return "member_required" if "member" in counted else None


def _limits(code: KnownCode, bearer: Bearer) -> list[CodeLimit]:
    """Return the limits that hold for who brings a code."""
    counted = {limit.per for limit in code.limits}
    own = "member" if bearer.member_id is not None and "member" in counted else "guest"
    return [limit for limit in code.limits if limit.per in ("code", own)]


def _place(code: KnownCode, limit: CodeLimit, bearer: Bearer, day: date) -> tuple[str, bool]:
    """Return the counter of a limit, and whether it is shared: those of members are their own."""
    is_own = limit.per != "code" and bearer.member_id is not None
    guest = None if is_own or limit.per == "code" else bearer.guest
    return counter_of(code.code, limit.period, day, guest), not is_own


def _find_reached(
    code: KnownCode, limits: Sequence[CodeLimit], bearer: Bearer, *, day: date, counted: Counted
) -> tuple[WhyNotUsed | None, CodeLimit | None]:
    for limit in limits:
        name, is_shared = _place(code, limit, bearer, day)
        if (counted.shared if is_shared else counted.member).get(name, 0) < limit.times:
            continue
        if limit.per == "code":
            return "used_up" if limit.period == "lifetime" else "limit_reached", limit
        return "guest_limit" if is_shared else "member_limit", limit
    return None, None


def _uses(code: KnownCode, bearer: Bearer, day: date) -> tuple[Use, ...]:
    """Return what one use takes; two limits of one counter take once, under the tighter cap."""
    caps: dict[tuple[str, bool], int] = {}
    for limit in _limits(code, bearer):
        place = _place(code, limit, bearer, day)
        caps[place] = min(caps.get(place, limit.times), limit.times)
    return tuple([Use(name, 1, cap, is_shared) for (name, is_shared), cap in caps.items()])
