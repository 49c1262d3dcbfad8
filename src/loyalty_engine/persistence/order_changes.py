"""What became of orders as JSON, and goods that come back. What is as it was at first is left out."""

from collections.abc import Mapping
from typing import Any, Final

from loyalty_engine.core.returns.state import UNTOUCHED, OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.persistence.orders import (
    Json,
    read_memory,
    read_order,
    read_promoted,
    show_memory,
    show_order,
    show_promoted,
)

_PLAIN: Final = ("amount", "shipping", "refunded", "restored", "is_gone", "shipping_off")
_MAPS: Final = ("lines", "kept", "taken", "activated")


def show_state(state: OrderState) -> Json:
    """Return an order's cumulative state."""
    shown: Json = {name: value for name in _PLAIN if (value := getattr(state, name)) != getattr(UNTOUCHED, name)}
    shown |= {name: dict(value) for name in _MAPS if (value := getattr(state, name))}
    if state.confirmed is None:
        shown["confirmed"] = None
    elif state.confirmed:
        shown["confirmed"] = dict(state.confirmed)
    if state.offs is not None:
        shown["offs"] = dict(state.offs)
    if state.edited is not None:
        shown["edited"] = show_order(state.edited)
    if state.earned is not None:
        shown["earned"] = show_memory(state.earned)
    if state.promoted is not None:
        shown["promoted"] = show_promoted(state.promoted)
    return shown


def read_state(raw: Mapping[str, Any]) -> OrderState:
    """Turn what :func:`show_state` returned into a state again."""
    fields = dict(raw)
    if "edited" in fields:
        fields["edited"] = read_order(fields["edited"])
    if "earned" in fields:
        fields["earned"] = read_memory(fields["earned"])
    if "promoted" in fields:
        fields["promoted"] = read_promoted(fields["promoted"])
    return OrderState(**fields)


def show_goods(goods: Goods) -> Json:
    """Return goods of an order."""
    shown: Json = {"lines": dict(goods.lines)} if goods.lines else {}
    shown |= {name: value for name in ("amount", "shipping") if (value := getattr(goods, name))}
    return shown


def read_goods(raw: Mapping[str, Any]) -> Goods:
    """Turn what :func:`show_goods` returned into goods again."""
    return Goods(**raw)
