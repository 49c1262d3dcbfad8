"""What a promo code is worth at a moment, as those who look after codes see it: its state, and what is left of its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from loyalty_engine.core.promotions.codes import CodeLimit, KnownCode, counter_of

CodeState = Literal["active", "paused", "not_started", "expired", "used_up"]


@dataclass(frozen=True, slots=True)
class LimitStand:
    """A limit, with how much of it is used by now; None: that depends on who brings the code."""

    limit: CodeLimit
    used: int | None

    @property
    def left(self) -> int | None:
        """How many more uses there are."""
        return None if self.used is None else max(self.limit.times - self.used, 0)


def shared_counters(code: KnownCode, day: date) -> tuple[str, ...]:
    """Return the counters by which all uses of a code are limited, on a day of the program's calendar."""
    return tuple(counter_of(code.code, limit.period, day) for limit in code.limits if limit.per == "code")


def stand_of(code: KnownCode, used: Mapping[str, int], day: date) -> tuple[LimitStand, ...]:
    """Return all limits of a code; ``used`` is what the counters have that all share."""
    return tuple(
        LimitStand(limit, used.get(counter_of(code.code, limit.period, day), 0) if limit.per == "code" else None)
        for limit in code.limits
    )


def state_of(code: KnownCode, stands: tuple[LimitStand, ...], at: datetime) -> CodeState:
    """Return what a code is ``at`` a moment; what is wrong first in the order of the states' list counts."""
    if not code.is_active:
        return "paused"
    if code.starts_at is not None and at < code.starts_at:
        return "not_started"
    if code.ends_at is not None and at >= code.ends_at:
        return "expired"
    if any(stand.left == 0 and stand.limit.period == "lifetime" for stand in stands):
        return "used_up"
    return "active"
