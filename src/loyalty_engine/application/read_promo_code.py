"""Read a promo code: in its pool, with its state and with what is left of its limits."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.code_states import CodeState, LimitStand, shared_counters, stand_of, state_of
from loyalty_engine.core.promotions.codes import KnownCode
from loyalty_engine.persistence.code_pools import CodePool, find_pool
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.promo_codes import PromoCode, find_code, read_used


@dataclass(frozen=True, slots=True)
class ReadCode:
    """A code as it stands."""

    code: PromoCode
    pool: CodePool
    known: KnownCode
    state: CodeState
    limits: tuple[LimitStand, ...]


async def read_promo_code(
    connection: Connection, program_id: int, folded: FoldedCode, *, now: datetime, zone: tzinfo
) -> ReadCode | None:
    """Return a code as it stands ``now``, by the program's clock and ``zone``; None when there is none."""
    code = await find_code(connection, program_id, folded)
    if code is None:
        return None
    pool = await find_pool(connection, program_id, code.pool)
    assert pool is not None
    known, day = _combine(code, pool), now.astimezone(zone).date()
    counters = shared_counters(known, day)
    used = await read_used(connection, program_id, counters, now=now) if counters else {}
    stands = stand_of(known, used, day)
    return ReadCode(code, pool, known, state_of(known, stands, now), stands)


def _combine(code: PromoCode, pool: CodePool) -> KnownCode:
    """Return what holds for the code: its own times, within those of its pool."""
    starts_at, ends_at = code.bounds.within(pool.terms.bounds)
    return KnownCode(
        code.code,
        pool.promotion,
        is_active=code.is_active and pool.is_active,
        starts_at=starts_at,
        ends_at=ends_at,
        member_id=code.member_id,
        limits=pool.terms.limits,
    )
