"""Refusals of reservations that cannot end: because there are none, or none any more."""

from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from loyalty_engine.core.engine.facts import Facts, KnownReservation
from loyalty_engine.core.engine.requests import ConfirmReservation, ReleaseReservation, ReserveOrder
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.rules.order import ShopOrder
from tests.core.engine.refused import NOBODY, Case
from tests.core.engine_cases import EARLIER, NOW, OTHER, call, order

SHOWN: Final[dict[str, Any]] = {"reservation_id": "res_01j0000000e00800000000000c"}
CART: Final = order(reference=ShopOrder(""))
TTL: Final = timedelta(minutes=15)


def reserved(
    *, until: timedelta = TTL, ended_by: UUID | None = None, how: Literal["confirmed", "released"] | None = None
) -> Facts:
    """Return facts about a guest's reservation."""
    held = Reservation(EARLIER, None, NOW + until, 3, CART, shown={})
    return Facts(reservation=KnownReservation(held, None, ended_by, how))


RESERVATION_CASES: Final = [
    Case("reservation_not_found", ReleaseReservation(call(), EARLIER), NOBODY, details=SHOWN),
    Case(
        "reservation_not_found",
        ReserveOrder(call(), None, CART, TTL, replaces=EARLIER),
        NOBODY,
        "/replaces",
        details=SHOWN,
    ),
    Case(
        "reservation_ended",
        ReleaseReservation(call(), EARLIER),
        reserved(ended_by=OTHER, how="released"),
        details={**SHOWN, "how": "released", "operation_id": "op_01j0000000e00800000000000b"},
    ),
    Case(
        "reservation_expired",
        ConfirmReservation(call(), EARLIER, ShopOrder("W-1")),
        reserved(until=timedelta()),
        details={**SHOWN, "until": "2026-06-01T12:00:00Z"},
    ),
]
