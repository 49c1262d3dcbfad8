"""Referral codes: how a member is told to friends. They are the member's id in a short form, so everybody has one.

A code is the last sixty bits of the member's id, which are random, in twelve characters of Crockford's base 32. So it
needs no row and no writing, and it never changes. It is no secret: it tells nobody the rest of the id.
"""

from typing import Final
from uuid import UUID

from loyalty_engine.core.kernel.codes import ALPHABET, FoldedCode
from loyalty_engine.core.program.referrals import CODE_SLOT

_LENGTH: Final = 12
_PART: Final = 4
_BITS: Final = 5
_TAIL: Final = (1 << _LENGTH * _BITS) - 1
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}


def code_of(member_id: UUID) -> str:
    """Return a member's code as it is shown: three times four characters."""
    tail = member_id.int
    characters = [ALPHABET[tail >> shift & 31] for shift in range((_LENGTH - 1) * _BITS, -1, -_BITS)]
    return "-".join("".join(characters[at : at + _PART]) for at in range(0, _LENGTH, _PART))


def tail_of(code: FoldedCode) -> int | None:
    """Return the last sixty bits of the id of the member whose code it is; None when no member has such a code."""
    if len(code) != _LENGTH or not _VALUES.keys() >= set(code):
        return None
    tail = 0
    for character in code:
        tail = tail << _BITS | _VALUES[character]
    return tail


def is_code_of(code: FoldedCode, member_id: UUID) -> bool:
    """Tell whether it is that member's code."""
    return tail_of(code) == member_id.int & _TAIL


def link_of(template: str, member_id: UUID) -> str:
    """Return the address that a member passes on."""
    return template.replace(CODE_SLOT, code_of(member_id).replace("-", ""))
