"""What became of an order since it was placed, as one cumulative state.

Every return, activation and edit computes its effect from the state before and after it, so any way of splitting them
ends at the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.rules.order import Order


@dataclass(frozen=True, slots=True)
class OrderState:
    """The sum of all that happened to an order.

    ``lines`` is how much of each line came back, in millionths of a unit; a line that is not named came back in no part,
    one of quantity 0 that is named came back whole. ``amount`` came back without lines, ``shipping`` of the shipping;
    ``refunded`` is all money paid back, ``restored`` the points of the payment that were given back. ``kept`` is what each
    earning rule's grant is reduced to, where it is; ``taken`` are the points that were taken back for that, by the id of the
    lot that had them; what is missing there is owed. ``confirmed`` is how much of each line the shop confirmed, None: the
    whole order; ``activated`` how many points of each wallet that made spendable. ``is_gone``: nothing is left, the order
    counts no more. ``offs`` is what promotions take off each line that is kept, and ``shipping_off`` off shipping, where that
    was priced again; None: a share of what they took off all of it. ``edited`` is its content, ``earned`` what it earned and
    ``promoted`` what promotions gave, since it was last edited.
    """

    lines: Mapping[str, int] = field(default_factory=dict)
    amount: int = 0
    shipping: int = 0
    refunded: int = 0
    restored: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)
    confirmed: Mapping[str, int] | None = field(default_factory=dict)
    activated: Mapping[str, int] = field(default_factory=dict)
    is_gone: bool = False
    offs: Mapping[str, int] | None = None
    shipping_off: int = 0
    edited: Order | None = None
    earned: tuple[RuleMemory, ...] | None = None
    promoted: tuple[PromotionMemory, ...] | None = None


UNTOUCHED: Final = OrderState()
