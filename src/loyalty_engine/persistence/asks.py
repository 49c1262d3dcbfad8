"""Asks: what one request wants gather to read."""

from dataclasses import dataclass
from uuid import UUID

from loyalty_engine.core.kernel.identities import Identity


@dataclass(frozen=True, slots=True)
class Ask:
    """The keys under which gather finds everything a decision needs.

    The member is found by ``member_id``, else by ``identity``, else as the member of ``redemption_id``.
    ``identities`` are names whose owners the decision must know. ``order_id`` also fetches the order's content.
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

    def as_row(self, n: int) -> tuple[object, ...]:
        """Return the composite value ``ask_v1``."""
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
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What every first statement returns beside the facts: is the caller's key still good, which rules are current."""

    generation: int | None
    revision: int
