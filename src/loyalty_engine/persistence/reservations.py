"""Reservations as rows: the order as it was decided, and all that it holds, as JSON and back again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from loyalty_engine.core.earning.evaluation import Grant, Use
from loyalty_engine.core.engine.reserved import Reservation
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.points.payments import PaidPoints
from loyalty_engine.persistence.codes import read_code_memory, show_code_memory
from loyalty_engine.persistence.orders import (
    read_memory,
    read_order,
    read_promoted,
    show_memory,
    show_order,
    show_promoted,
)

Json = dict[str, Any]


def show_reservation(reservation: Reservation) -> Json:
    """Return what has no column of its own; what is nothing is left out.

    When grants become spendable is up to their rules under the reservation's revision, so it is not kept.
    """
    payment = reservation.payment
    shown = {
        "revision": reservation.revision,
        "order": show_order(reservation.order),
        "parked_for": reservation.parked_for,
        "payment": [payment.wallet, payment.points, payment.amount] if payment is not None else None,
        "earned": show_memory(reservation.earned),
        "grants": [[grant.rule, grant.wallet, grant.amount] for grant in reservation.grants],
        "promoted": show_promoted(reservation.promoted),
        "codes": show_code_memory(reservation.codes),
        "uses": [[use.counter, use.amount, use.cap, use.is_shared] for use in reservation.uses],
        # As text, because JSONB does not keep the order of fields.
        "shown": None if reservation.shown is None else orjson.dumps(dict(reservation.shown)).decode(),
    }
    return {name: value for name, value in shown.items() if value}


def read_reservation(raw: Mapping[str, Any]) -> Reservation:
    """Turn a row of ``reservation`` as JSON into a reservation, whose grants do not tell when they become spendable."""
    body = raw["body"]
    return Reservation(
        id=UUID(raw["id"]),
        member_id=None if raw["own_member_id"] is None else UUID(raw["own_member_id"]),
        until=datetime.fromisoformat(raw["until"]),
        revision=body["revision"],
        order=read_order(body["order"]),
        parked_for=Identity(body["parked_for"]) if "parked_for" in body else None,
        payment=PaidPoints(*body["payment"]) if "payment" in body else None,
        earned=read_memory(body.get("earned", ())),
        grants=tuple(Grant(rule, wallet, amount) for rule, wallet, amount in body.get("grants", ())),
        promoted=read_promoted(body.get("promoted", ())),
        codes=read_code_memory(body.get("codes", ())),
        uses=tuple(Use(*use) for use in body.get("uses", ())),
        shown=orjson.loads(body["shown"]) if "shown" in body else None,
    )
