"""List expirations: when which of a member's points expire, if none of them is spent before."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_engine.core.engine.facts import MemberState


@dataclass(frozen=True, slots=True)
class ExpiringPart:
    """Points of one wallet; ``pending`` of them cannot be spent yet. ``slides``: the member can move the moment on."""

    wallet: str
    points: int
    pending: int
    slides: bool


@dataclass(frozen=True, slots=True)
class Expiration:
    """A moment at which points expire."""

    expires_at: datetime
    parts: tuple[ExpiringPart, ...]


def list_expirations(
    member: MemberState, now: datetime, *, wallet: str | None = None, until: datetime | None = None
) -> list[Expiration]:
    """Return the expirations of a settled member after ``now`` and up to ``until``, next ones first."""
    sums: dict[datetime, dict[tuple[str, bool], ExpiringPart]] = defaultdict(dict)
    for at, part in _find(member, now):
        if (wallet is None or part.wallet == wallet) and (until is None or at <= until):
            name = part.wallet, part.slides
            known = sums[at].get(name)
            sums[at][name] = part if known is None else _add(known, part)
    return [
        Expiration(at, tuple(part for _, part in sorted(parts.items(), key=lambda entry: entry[0])))
        for at, parts in sorted(sums.items())
    ]


def _add(one: ExpiringPart, other: ExpiringPart) -> ExpiringPart:
    return replace(one, points=one.points + other.points, pending=one.pending + other.pending)


def _find(member: MemberState, now: datetime) -> Iterator[tuple[datetime, ExpiringPart]]:
    """Yield what expires and when, lot by lot.

    What a sliding expiry takes are the points that can be spent; those that wait begin to slide when they no longer do.
    """
    for lot in member.lots:
        if not lot.remaining:
            continue
        is_pending = lot.is_pending(now)
        slides_to = member.balances[lot.wallet].expires_at
        if lot.expires_at is not None:
            pending = lot.remaining if is_pending else 0
            yield lot.expires_at, ExpiringPart(lot.wallet, lot.remaining, pending, slides=False)
        elif slides_to is not None and not is_pending:
            yield slides_to, ExpiringPart(lot.wallet, lot.remaining, 0, slides=True)
