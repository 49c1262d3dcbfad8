"""When points can be spent and when they expire, as functions of when they were earned, in the program's calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final, assert_never

from loyalty_engine.core.kernel.instants import end_of
from loyalty_engine.core.points.passing import Slide
from loyalty_engine.core.program.lifetimes import (
    Activation,
    AfterWait,
    AtOnce,
    Confirmed,
    Expiry,
    ExpiryAfter,
    ExpirySliding,
    Length,
)

Expires = Callable[[datetime], datetime]
"""From when points were earned to when they expire."""


@dataclass(frozen=True, slots=True)
class ActivationTerms:
    """When points can be spent: ``wait`` leads there from when they were earned; None: once they are confirmed."""

    wait: Callable[[datetime], datetime] | None

    def available_at(self, earned_at: datetime) -> datetime | None:
        """Return when points earned then can be spent; None when they wait to be confirmed."""
        return None if self.wait is None else self.wait(earned_at)


AT_ONCE: Final = ActivationTerms(lambda earned_at: earned_at)


def compile_activation(activation: Activation, zone: tzinfo) -> ActivationTerms:
    """Return the terms that a wallet or rule names."""
    match activation:
        case AtOnce():
            return AT_ONCE
        case AfterWait(length=length):
            return ActivationTerms(_after(length, zone))
        case Confirmed():
            return ActivationTerms(None)
        case _:
            assert_never(activation)


def compile_expiry(expiry: Expiry | None, zone: tzinfo) -> Expires | None:
    """Return when each lot expires by itself; None when it does not."""
    if not isinstance(expiry, ExpiryAfter):
        return None
    after, unit = _after(expiry.length, zone), expiry.to_end_of
    if unit is None:
        return after
    return lambda earned_at: end_of(unit, after(earned_at), zone)


def compile_slide(expiry: Expiry | None, zone: tzinfo) -> Slide | None:
    """Return until when an activity lets all points of a wallet last; None when its expiry does not slide."""
    return _after(expiry.length, zone) if isinstance(expiry, ExpirySliding) else None


def _after(length: Length, zone: tzinfo) -> Callable[[datetime], datetime]:
    period = length.period
    return lambda start: period.after(start, zone)
