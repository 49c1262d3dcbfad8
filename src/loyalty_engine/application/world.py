"""The world outside the program document: the time zones and currencies there are. Read once per process."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from iso4217 import Currency

_NOT_PLACES: Final = {"Factory", "localtime"}
"""Names that zone directories hold beside the zones themselves; what they mean differs between machines."""


@dataclass(frozen=True, slots=True)
class World:
    """Names of the IANA time zones, and for each currency of ISO 4217 the digits of its minor unit."""

    time_zones: frozenset[str]
    currencies: Mapping[str, int]


def find_zone(name: str) -> tzinfo:
    """Return an IANA time zone; each is read once per process."""
    return ZoneInfo(name)


@cache
def read_world() -> World:
    """Return the world; the first call reads files. Currencies without a minor unit (gold, test codes) are none."""
    currencies = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    return World(frozenset(available_timezones() - _NOT_PLACES), currencies)
