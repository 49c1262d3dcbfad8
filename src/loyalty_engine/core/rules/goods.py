"""Goods of an order that come back, or are confirmed: lines by quantity, or an amount where a till knows no lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goods:
    """Some of an order. ``lines`` map a line's id to a quantity in millionths, None: all that is left of the line.

    ``amount`` is minor units of goods without lines, ``shipping`` minor units of the shipping.
    """

    lines: Mapping[str, int | None] = field(default_factory=dict)
    amount: int = 0
    shipping: int = 0
