"""The points that promotions give for an order, once it is known which of them apply."""

from collections.abc import Container, Sequence
from typing import Final

from loyalty_engine.core.earning.extras import Extra
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.returns.memory import PromotionMemory

BY_PROMOTION: Final = "promotion/"
"""What stands before a promotion's key where grants name the rule that gave them: no rule's key has a slash."""


def giver_of(promotion: str) -> str:
    """Return how grants name the promotion that gave them."""
    return f"{BY_PROMOTION}{promotion}"


def extras_of(promotions: Promotions, memory: Sequence[PromotionMemory], wallets: Container[str]) -> tuple[Extra, ...]:
    """Return what the promotions of ``memory`` add to what rules give: extra points first, then multiplied ones.

    Nothing comes of wallets that are not among ``wallets``: they are gone.
    """
    giving = [(giver_of(one.promotion), one) for one in memory if one.wallet in wallets]
    extra = [Extra(giver, one.wallet, one.points) for giver, one in giving if one.points]
    multiplied = [
        Extra(giver, one.wallet, multiplier=promotions.multipliers[one.promotion])
        for giver, one in giving
        if one.promotion in promotions.multipliers and not one.points
    ]
    return (*extra, *multiplied)
