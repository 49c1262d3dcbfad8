"""Orders, members and compiled conditions for tests of rules, in as few words as a test can bear."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.program.attributes import Attributes
from loyalty_engine.core.program.conditions import Condition, LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.conditions import Check, compile_condition
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.order import Line, MemberSnapshot, Order, Receipt, ShopOrder
from loyalty_engine.core.rules.selections import GroupedLines
from loyalty_engine.core.rules.view import View

Json = Mapping[str, Any]

PLACED_AT: Final = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
RECEIPT: Final = Receipt("store-1", "till-2", date(2026, 5, 31), "0042")

ATTRIBUTES: Final = Attributes.model_validate(
    {
        "member": {"vegan": {"type": "boolean"}, "birthday": {"type": "date"}},
        "order": {"slot": {"type": "text"}, "weight": {"type": "decimal"}, "bags": {"type": "integer"}},
        "line": {"cup": {"type": "boolean"}, "size": {"type": "integer"}, "litres": {"type": "decimal"}},
    }
)
VOCABULARY: Final = Vocabulary.of(ATTRIBUTES)

_CONDITION: Final[TypeAdapter[Condition]] = TypeAdapter(Condition)


def line(amount: int = 100, quantity: str = "1", **fields: Any) -> Line:  # noqa: ANN401  fields of Line
    return Line(id=fields.pop("id", "1"), amount=amount, quantity=parse_quantity(quantity), **fields)


def order(*lines: Line, **fields: Any) -> Order:  # noqa: ANN401  fields of Order
    known = {"reference": ShopOrder("1"), "placed_at": PLACED_AT, "currency": "EUR", **fields}
    return Order(lines=lines, **known)


def member(*, orders: int = 0, spend: int = 0, **attributes: str | int | bool) -> MemberSnapshot:
    return MemberSnapshot("active", orders, spend, attributes)


def view_of(
    of: Order | None = None,
    by: MemberSnapshot | None = None,
    net: Sequence[int] | None = None,
    *,
    history: tuple[PastOrder, ...] = (),
    zone: str = "UTC",
    at: datetime | None = None,
) -> View:
    """Return an order as rules see it; ``net`` are the amounts on which its lines earn."""
    seen = of or order()
    base = None
    if net is not None:
        base = GroupedLines([item._replace(amount=amount) for item, amount in zip(seen.lines, net, strict=True)])
    return View(at=at or seen.placed_at, zone=ZoneInfo(zone), order=seen, member=by, base=base, history=history)


def condition(written: Json) -> Condition:
    return _CONDITION.validate_python(written)


def selection(written: Json) -> LineSelection:
    return LineSelection.model_validate(written)


def check(written: Json) -> Check:
    return compile_condition(condition(written), VOCABULARY)


def miss(written: Json, of: Order, by: MemberSnapshot | None = None) -> dict[str, Any] | None:
    """Return the reason why the condition does not hold, as JSON; None when it holds."""
    found = check(written)(view_of(of, by))
    return None if found is None else found.as_json()
