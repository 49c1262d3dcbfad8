"""What is remembered of the promotions that an order got, so that it can be priced again when goods come back."""

from typing import NamedTuple


class PromotionMemory(NamedTuple):
    """One promotion that took ``amount`` minor units off the lines and ``shipping`` off shipping, and gave ``points`` of ``wallet``.

    ``held`` is as in :class:`~loyalty_engine.core.earning.memory.RuleMemory`.
    """

    promotion: str
    amount: int
    shipping: int = 0
    points: int = 0
    wallet: str = ""
    held: str = ""
