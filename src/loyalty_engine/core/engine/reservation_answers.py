"""Answers about reservations: what is reserved, what became of it, and the order that it became."""

from collections.abc import Iterable, Sequence

from loyalty_engine.core.earning.evaluation import Grant
from loyalty_engine.core.engine.answers import Json, head, show_balances, show_sale
from loyalty_engine.core.engine.decision import Operation, ReservationEnd
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.price_answers import show_effects
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.sales import Sale
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant


def show_fixed(ruleset: Ruleset, sale: Sale, grants: Sequence[Grant]) -> Json:
    """Show what of a sale is the same whenever it becomes an order: everything but the balances."""
    shown = show_sale(ruleset, sale, grants=grants, after={})
    del shown["balances"]
    return shown


def show_reservation(operation: Operation, held: Reservation, *, after: MemberState | None) -> Json:
    """Show what an order would come to, and until when that is promised. A reservation takes the operation's id."""
    assert held.shown is not None
    return {
        "id": show_id("res", held.id),
        **head(operation),
        "status": "reserved",
        "until": show_instant(held.until),
        **held.shown,
        "balances": show_balances(after),
    }


def show_confirmation(
    operation: Operation, held: Reservation, grants: Iterable[Grant], *, after: MemberState | None
) -> Json:
    """Show the order that a reservation became, like one that was placed."""
    assert held.shown is not None
    status = "credited" if held.member_id is not None else "guest" if held.parked_for is None else "parked"
    return {
        "id": show_id("ord", operation.id),
        **head(operation),
        "status": status,
        **held.shown,
        "effects": show_effects(grants),
        "balances": show_balances(after),
        "reservation_id": show_id("res", held.id),
    }


def show_release(operation: Operation, end: ReservationEnd, *, reason: str | None, after: MemberState | None) -> Json:
    """Show a reservation that was released, or replaced by another one."""
    return {
        "reservation_id": show_id("res", end.reservation_id),
        **head(operation),
        "status": end.how,
        "reason": reason,
        "balances": show_balances(after),
    }
