"""What an order earns beside the rules: because of something else, which names the giver and has limits of its own."""

from typing import NamedTuple

from loyalty_engine.core.earning.rules import Multiplier


class Extra(NamedTuple):
    """``points`` of a wallet; or, where there is a ``multiplier``, more of what the rules give in it.

    ``giver`` stands where grants name their rule; no rule may have that name.
    """

    giver: str
    wallet: str
    points: int = 0
    multiplier: Multiplier | None = None
