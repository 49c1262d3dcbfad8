"""Whole numbers of money and points: exact ratios, named rounding, fair allocation. No floats anywhere.

Money is in minor units of the program's currency (cents), points in points. Both are plain ``int``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

Rounding = Literal["floor", "nearest", "ceil"]
"""``nearest`` rounds a half up (away from zero for the non-negative amounts we round)."""

MAX_AMOUNT: Final = 10**12
"""Largest amount one line, redemption or adjustment may carry; 1,000 of them still fit a JSON-safe integer."""

MAX_BALANCE: Final = 2**53 - 1
"""Largest balance: what every JSON reader still holds exactly."""

_PAIR: Final = 2
_FEW: Final = 4
"""So many largest remainders are found faster one by one than by sorting them all."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """An exact non-negative rate, such as 3 points per 200 cents. The denominator is at least 1."""

    numerator: int
    denominator: int

    def of(self, amount: int, rounding: Rounding) -> int:
        """Return ``amount`` × this ratio, rounded once as named."""
        product = amount * self.numerator
        match rounding:
            case "floor":
                return product // self.denominator
            case "nearest":
                return (2 * product + self.denominator) // (2 * self.denominator)
            case "ceil":
                return -(-product // self.denominator)

    @classmethod
    def parse_percent(cls, text: str) -> "Ratio":
        """Read ``"2.5%"`` exactly; raise ``ValueError`` for anything else or for a negative rate."""
        number = text.removesuffix("%")
        if number == text or not number.replace(".", "", 1).isdecimal() or not number.isascii():
            raise ValueError(text)
        fraction = Fraction(number) * Fraction(1, 100)
        return cls(fraction.numerator, fraction.denominator)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split ``total`` ≥ 0 in proportion to ``weights`` ≥ 0 by largest remainder.

    The parts always sum to the whole and each lies within one unit of its exact share. Equal remainders go to the
    earlier position, so callers who want a result independent of order pass a canonical order. When all weights
    are zero the first position takes everything; without positions the total must be zero.
    """
    if not weights:
        if total:
            message = "cannot allocate a positive total to nobody"
            raise ValueError(message)
        return []
    whole = sum(weights)
    if whole == 0:
        return [total] + [0] * (len(weights) - 1)
    if len(weights) == _PAIR:  # the first part is the nearest whole number, a half goes up
        first = (2 * total * weights[0] + whole) // (2 * whole)
        return [first, total - first]
    parts, remainders = [], []
    for weight in weights:
        share = total * weight
        parts.append(share // whole)
        remainders.append(share % whole)
    missing = total - sum(parts)
    if missing > _FEW:
        by_remainder = sorted(
            range(len(parts)), key=remainders.__getitem__, reverse=True
        )  # equal ones keep their order
        for position in by_remainder[:missing]:
            parts[position] += 1
        return parts
    while missing:
        position = remainders.index(max(remainders))
        parts[position] += 1
        remainders[position] = -1
        missing -= 1
    return parts
