"""Promo codes as texts: folded so that people may type them as they like, and made from random bytes that are handed in.

Folding drops spaces, hyphens and dots, ignores case, and takes letters for the digits they look like (O for 0, I and L for
1), as Crockford's base 32 does. Two codes that fold alike are one code.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NewType, cast

FoldedCode = NewType("FoldedCode", str)
"""A code as it is stored and compared: 4 to 64 of A to Z, without I, L and O, and 0 to 9."""

MIN_LENGTH: Final = 4
MAX_LENGTH: Final = 64
MAX_TYPED: Final = 128
"""How long a text may be that is folded."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""What made codes consist of: no two look alike, and U is left out so that no words come out."""

SLOT: Final = "#"
"""What a pattern has where a random character goes."""

MOST_MISSES: Final = 20
"""Draws in a row that may bring nothing but codes that are there already, before a pattern has no room for more."""

ENDLESS_SLOTS: Final = 10
"""Random characters with which there may be any number of codes."""

_ROOM_PER_CODE: Final = 1_000

_DROPPED: Final = {ord(character): None for character in " \t-_.\u00a0\u2010\u2011\u2012\u2013\u2014"}
_ALIKE: Final = str.maketrans("OIL", "011")
_FOLDED: Final = re.compile(r"[0-9A-HJKMNP-Z]{4,64}", re.ASCII)
_PATTERN: Final = re.compile(r"[0-9A-Za-z#-]{4,80}", re.ASCII)
_DRAWN: Final = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
"""The random character that each byte stands for."""


def fold_code(typed: str) -> FoldedCode | None:
    """Return the code that somebody typed; None when no code can be meant by it."""
    meant = typed.translate(_DROPPED)
    if len(typed) > MAX_TYPED or not meant.isascii():
        return None
    folded = _fold_part(meant)
    return FoldedCode(folded) if _FOLDED.fullmatch(folded) else None


@dataclass(frozen=True, slots=True)
class CodePattern:
    """How made codes look: letters, digits and hyphens as they stand, and ``#`` where a random character goes."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "CodePattern | None":
        """Return the pattern that a text describes; None when its codes could not be told apart or typed."""
        length = len(text.translate(_DROPPED))
        if not _PATTERN.fullmatch(text) or SLOT not in text or not MIN_LENGTH <= length <= MAX_LENGTH:
            return None
        return cls(text)

    @property
    def slots(self) -> int:
        """How many random characters a code has; each takes 5 bits."""
        return self.text.count(SLOT)

    @property
    def room(self) -> int:
        """How many different codes there are."""
        return int(len(ALPHABET) ** self.slots)

    @property
    def most(self) -> int:
        """How many codes it may become: who guesses finds one of them in a thousand texts at best."""
        return self.room // _ROOM_PER_CODE

    @property
    def is_endless(self) -> bool:
        """Whether codes can be made of it one by one, for as long as anybody wants some."""
        return self.slots >= ENDLESS_SLOTS

    @property
    def beginning(self) -> str:
        """What all its codes begin with once they are folded; may be empty."""
        return _fold_part(self.text.partition(SLOT)[0])

    def make(self, entropy: bytes) -> Iterator[str]:
        """Yield codes as they are shown, one for each so many bytes as it has random characters; rests are left.

        ``entropy`` must come from a source that nobody can foresee. Codes may come twice.
        """
        fixed = self.text.split(SLOT)
        for drawn in self._draw(entropy):
            yield fixed[0] + "".join([character + rest for character, rest in zip(drawn, fixed[1:], strict=True)])

    def draw(self, entropy: bytes) -> Iterator[list[FoldedCode]]:
        """Yield the same codes folded, each once and in ascending order, in up to 32 runs that are sorted as they are asked for."""
        runs = defaultdict(list)
        for drawn in self._draw(entropy):
            runs[drawn[0]].append(drawn)
        for first in sorted(runs):
            yield self._dress(sorted(set(runs.pop(first))))

    def show(self, code: FoldedCode) -> str:
        """Return a code of this pattern as people read it."""
        characters = iter(code)
        shown = []
        for sign in self.text:
            character = sign if sign == "-" else next(characters)
            shown.append(character if sign == SLOT else sign)
        return "".join(shown)

    def _draw(self, entropy: bytes) -> list[str]:
        drawn, slots = entropy.translate(_DRAWN).decode("ascii"), self.slots
        return [drawn[start : start + slots] for start in range(0, len(drawn) - slots + 1, slots)]

    def _dress(self, drawn: list[str]) -> list[FoldedCode]:
        """Put the fixed characters around the random ones: of most patterns these stand together."""
        before, *amid, after = (_fold_part(part) for part in self.text.split(SLOT))
        if not any(amid):  # for a million codes a join and a split take a tenth of the time that so many sums take
            return cast("list[FoldedCode]", f"{before}{f'{after} {before}'.join(drawn)}{after}".split(" "))
        fixed = (*amid, after)
        return [
            FoldedCode(before + "".join([one + rest for one, rest in zip(each, fixed, strict=True)])) for each in drawn
        ]


def _fold_part(text: str) -> str:
    return text.translate(_DROPPED).upper().translate(_ALIKE)
