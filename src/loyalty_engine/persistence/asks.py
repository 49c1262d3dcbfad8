"""Asks: what one request wants gather to read."""

from dataclasses import dataclass
from uuid import UUID

from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.rules.history import HistoryRange


@dataclass(frozen=True, slots=True)
class Ask:
    """The keys under which gather finds everything a decision needs.

    The member is found by ``member_id``, else by ``identity``, else as the member of ``redemption_id``.
    ``identities`` are names whose owners the decision must know. ``order_id`` also fetches the order's content.
    ``history`` is which earlier orders of the member are read, ``counters`` which shared counters, and ``mark`` the kind
    of an activity with what the member may set once for it.
    """

    client_id: int
    scope: str
    key: str | None
    member_id: UUID | None = None
    identity: Identity | None = None
    identities: tuple[Identity, ...] | None = None
    natural_key: str | None = None
    order_id: UUID | None = None
    redemption_id: UUID | None = None
    wants_lots: bool = False
    wants_profile: bool = False
    history: HistoryRange | None = None
    counters: tuple[str, ...] = ()
    mark: tuple[str, str] | None = None

    def as_row(self, n: int) -> tuple[object, ...]:
        """Return the composite value ``ask_v2``."""
        history = self.history
        kind, mark = self.mark or (None, None)
        return (
            n,
            self.client_id,
            self.scope,
            self.key,
            self.member_id,
            self.identity,
            self.identities,
            self.natural_key,
            self.order_id,
            self.redemption_id,
            self.wants_lots,
            self.wants_profile,
            history is not None,
            history is not None and history.with_lines,
            history.since if history else None,
            history.until if history else None,
            self.counters or None,
            kind,
            mark,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What every first statement returns beside the facts: is the caller's key still good, which rules are current."""

    generation: int | None
    revision: int
