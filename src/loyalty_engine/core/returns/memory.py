"""What is remembered of the promotions that an order got, so that it can be priced again when goods come back."""

from collections.abc import Mapping
from typing import NamedTuple


class PromotionMemory(NamedTuple):
    """One promotion that took minor units off ``lines``, by their ids, and off ``shipping``, and gave ``points`` of ``wallet``.

    ``held`` is as in :class:`~loyalty_engine.core.earning.memory.RuleMemory`.
    """

    promotion: str
    lines: Mapping[str, int]
    shipping: int = 0
    points: int = 0
    wallet: str = ""
    held: str = ""

    @property
    def value(self) -> int:
        """How much less there was to pay."""
        return sum(self.lines.values()) + self.shipping

    @property
    def amount(self) -> int:
        """How much it took off the lines."""
        return sum(self.lines.values())
