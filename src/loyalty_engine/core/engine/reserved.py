"""Reservations as they are kept: a sale that was decided and is final as soon as it is confirmed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_engine.core.earning.evaluation import Grant, Use
from loyalty_engine.core.earning.memory import RuleMemory
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.core.promotions.codes import CodeMemory
from loyalty_engine.core.returns.memory import PromotionMemory
from loyalty_engine.core.rules.order import Order


@dataclass(frozen=True, slots=True)
class Reservation:
    """An order as it was priced under ``revision``, held until ``until``, for its member or, None, a guest.

    ``uses`` is all that it holds of limits, ``payment`` what points will pay of it: they are set aside by the hold that has
    the reservation's id. ``grants`` is what it will earn, ``shown`` the part of its answer that tells so. ``parked_for`` is an
    unknown card for which the order will wait.
    """

    id: UUID
    member_id: UUID | None
    until: datetime
    revision: int
    order: Order
    parked_for: Identity | None = None
    payment: PaidPoints | None = None
    earned: tuple[RuleMemory, ...] = ()
    grants: tuple[Grant, ...] = ()
    promoted: tuple[PromotionMemory, ...] = ()
    codes: tuple[CodeMemory, ...] = ()
    uses: tuple[Use, ...] = ()
    shown: Mapping[str, Any] | None = None
