"""Promo codes that referrals give out of a pool."""

from collections.abc import Set as AbstractSet
from datetime import datetime, tzinfo
from uuid import UUID

from loyalty_engine.core.kernel.codes import CodePattern, FoldedCode, fold_code
from loyalty_engine.core.promotions.codes import CodeRow
from loyalty_engine.core.promotions.pools import Candidate, KnownPool


def draw_code(
    pool: KnownPool, taken: AbstractSet[FoldedCode], *, member_id: UUID, now: datetime, zone: tzinfo
) -> CodeRow | None:
    """Return a code of a pool for that member; None when it has none that can be used."""
    starts_at, ends_at = pool.bounds_of(now, zone)
    if not pool.is_active or (ends_at is not None and ends_at <= now):
        return None
    found = next((candidate for candidate in _candidates(pool) if candidate.code not in taken), None)
    if found is None:
        return None
    return CodeRow(
        code=found.code,
        shown=found.shown,
        pool=pool.key,
        member_id=member_id,
        issued_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
        is_taken=pool.kind == "vouchers",
    )


def _candidates(pool: KnownPool) -> tuple[Candidate, ...]:
    if pool.kind == "vouchers":
        return pool.next_codes
    pattern = CodePattern.parse(pool.pattern) if pool.kind == "personal" and pool.pattern is not None else None
    if pattern is None:
        return ()
    made = ((fold_code(shown), shown) for shown in pattern.make(pool.entropy))
    return tuple(Candidate(code, shown) for code, shown in made if code is not None)
