"""Ids as people see them (``mem_01hq…``) and as the rows keep them (UUIDv7).

An operation gets one fresh id from outside; everything it creates takes an id derived from that one with
:func:`nth`. So the core needs no randomness, and a decision repeated over the same facts names the same rows.
"""

from typing import Final, Literal
from uuid import UUID

Prefix = Literal["mem", "op", "ord", "ret", "lot", "pst", "act", "red", "key", "ref", "rev", "job", "res", "rfl"]

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u, so that an id can be read out over the phone."""

_VALUES: Final = {char: value for value, char in enumerate(_ALPHABET)}
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_LENGTH: Final = 26
_BITS: Final = 128
_RANDOM_TAIL: Final = (1 << 62) - 1


class InvalidIdError(ValueError):
    """The text is not an id of the expected kind."""


def show_id(prefix: Prefix, value: UUID) -> str:
    """Return the public form: prefix, underscore, 26 base-32 characters."""
    n, pairs = value.int, _PAIRS
    # Written out: every answer shows three ids, and a loop takes twice as long.
    return (
        f"{prefix}_{pairs[n >> 120]}{pairs[n >> 110 & 1023]}{pairs[n >> 100 & 1023]}{pairs[n >> 90 & 1023]}"
        f"{pairs[n >> 80 & 1023]}{pairs[n >> 70 & 1023]}{pairs[n >> 60 & 1023]}{pairs[n >> 50 & 1023]}"
        f"{pairs[n >> 40 & 1023]}{pairs[n >> 30 & 1023]}{pairs[n >> 20 & 1023]}{pairs[n >> 10 & 1023]}"
        f"{pairs[n & 1023]}"
    )


def read_id(prefix: Prefix, text: str) -> UUID:
    """Return the id that ``text`` shows; raise :class:`InvalidIdError` for anything but the exact public form."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _LENGTH:
        raise InvalidIdError(text)
    number = 0
    for char in tail:
        value = _VALUES.get(char)
        if value is None:
            raise InvalidIdError(text)
        number = number << 5 | value
    if number >> _BITS:
        raise InvalidIdError(text)
    return UUID(int=number)


def nth(base: UUID, n: int) -> UUID:
    """Return the n-th id derived from ``base``: same time and version, next values of its random tail.

    Two operations collide with the odds of their random bits alone, so derived ids are as unique as fresh ones.
    """
    number = base.int
    return UUID(int=(number & ~_RANDOM_TAIL) | ((number + n) & _RANDOM_TAIL))


def family_of(base: UUID) -> tuple[UUID, UUID]:
    """Return the lowest and the highest id that :func:`nth` can derive from ``base``: where its rows are looked for."""
    fixed = base.int & ~_RANDOM_TAIL
    return UUID(int=fixed), UUID(int=fixed | _RANDOM_TAIL)
