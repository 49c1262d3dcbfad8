"""Grants: what an API key is given, and the one rule about it: nobody hands out more than they have themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_engine.application.tokens import Mode
from loyalty_engine.persistence.clients import Client, Key


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new key is to be: for whom, what it may do, where it stands, how long it lives.

    ``scopes`` are of the catalogue. A till always stands in a location.
    """

    name: str
    scopes: Sequence[str]
    location: str | None
    till: str | None
    expires_at: datetime | None
    mode: Mode


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made just now, and its secret, which cannot be read again."""

    key: Key
    secret: str


@dataclass(frozen=True, slots=True)
class Excess:
    """Not granted: the granter lacks these scopes itself, or it stands in a place that the key would not."""

    scopes: tuple[str, ...]
    leaves_location: bool
    leaves_till: bool


@dataclass(frozen=True, slots=True)
class ExpiryPassed:
    """Not granted: the key would have ended before it began."""


def find_excess(granter: Client, scopes: Sequence[str], location: str | None, till: str | None) -> Excess | None:
    """Return by what a key would exceed its granter; None when it does not."""
    excess = Excess(
        scopes=tuple(scope for scope in scopes if scope not in granter.scopes),
        leaves_location=granter.location is not None and granter.location != location,
        leaves_till=granter.till is not None and granter.till != till,
    )
    return excess if excess.scopes or excess.leaves_location or excess.leaves_till else None
