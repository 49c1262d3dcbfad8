"""A purchase as the shop or till reports it, in the form that rules can see. Amounts are minor units."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

Scalar = str | int | bool
"""What a declared attribute may hold. Decimal attributes travel as millionths (``kernel.quantities``)."""

ReceiptType = Literal["sale", "return"]

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order known by the shop's own id."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A till's receipt. The number is a text: leading zeros matter. The date is the business date as the till sent it."""

    location: str
    till: str
    business_date: date
    number: str
    type: ReceiptType = "sale"


OrderReference = ShopOrder | Receipt


def return_key(reference: OrderReference, shop: str | None) -> str:
    """Return the text under which a return can be accepted only once: a shop may number it like an order."""
    key = natural_key(reference, shop)
    return key if isinstance(reference, Receipt) else f"return|{key}"


def payment_key(number: str, shop: str | None) -> str:
    """Return the text under which a payment for a membership counts only once, whichever member and plan it is for."""
    return f"payment|{natural_key(ShopOrder(number), shop)}"


def natural_key(reference: OrderReference, shop: str | None) -> str:
    """Return the text under which an order can be accepted only once, for ever.

    A receipt is told by location, till, business date, type and number; a shop order by its id within ``shop``,
    the location that the API client is bound to, if any.
    """
    parts: tuple[str, ...]
    match reference:
        case ShopOrder(order_id):
            parts = ("order", shop or "", order_id)
        case Receipt(location, till, day, number, kind):
            parts = ("receipt", location, till, day.isoformat(), kind, number)
    key = "|".join(parts)
    if "\\" not in key and key.count("|") == len(parts) - 1:
        return key
    return "|".join([part.replace("\\", "\\\\").replace("|", "\\|") for part in parts])


def till_scope(location: str, till: str) -> str:
    """Return the text that keeps a till's own idempotency keys apart from those of every other till."""
    return "/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in (location, till))


class Line(NamedTuple):
    """One position: its total ``amount`` before our discounts, and a quantity in millionths (0 is allowed).

    ``tax`` is the part of the amount that is tax, 0 when the shop does not tell. Once an order is priced, ``amount`` is what
    is left to pay and ``off`` what promotions took off: both together are what the shop reported.

    A tuple, because carts have many: a frozen dataclass takes four times as long to make.
    """

    id: str
    amount: int
    quantity: int
    sku: str | None = None
    category: str | None = None
    brand: str | None = None
    unit: str | None = None
    attributes: Mapping[str, Scalar] = _NONE
    tax: int = 0
    off: int = 0


def line_reader(name: str) -> Callable[[Line], Any]:
    """Return what reads a field of a line by its place, which takes half the time of its name."""
    return itemgetter(Line._fields.index(name))


@dataclass(frozen=True, slots=True)
class Tender:
    """How a part of the order was paid outside the engine: cash, card, and the like."""

    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Order:
    """A whole purchase. ``placed_at`` is when it happened and picks the rules; ``shipping`` is what delivery cost.

    ``goods_total`` is the sum of the lines, without shipping; ``shipping_off`` is what promotions took off that.
    """

    reference: OrderReference
    placed_at: datetime
    currency: str
    lines: tuple[Line, ...]
    channel: str | None = None
    location: str | None = None
    shipping: int = 0
    tenders: tuple[Tender, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    shipping_off: int = 0
    goods_total: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "goods_total", sum([line.amount for line in self.lines]))

    @property
    def total(self) -> int:
        """What is to be paid for goods and shipping."""
        return self.goods_total + self.shipping

    def at_prices(self, lines: tuple[Line, ...], shipping: int, shipping_off: int) -> "Order":
        """Return the same order at other prices. ``replace`` takes twice the time, for every order with promotions."""
        return Order(
            self.reference,
            self.placed_at,
            self.currency,
            lines,
            self.channel,
            self.location,
            shipping,
            self.tenders,
            self.attributes,
            shipping_off,
        )

    @property
    def off(self) -> int:
        """What promotions took off lines and shipping."""
        return sum([line.off for line in self.lines], self.shipping_off)


@dataclass(frozen=True, slots=True)
class Activity:
    """What a member did that is no purchase, in the form that rules can see."""

    kind: str
    subject: str | None = None
    location: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


class MemberSnapshot(NamedTuple):
    """What rules can see of a member. ``None`` in its place means a guest. ``balances`` are what is available.

    ``tiers`` are the keys of its tiers by tier set, of those in which it is in one; ``levels`` tell for every set how high.
    """

    status: Literal["active", "blocked"]
    orders: int
    spend: int
    attributes: Mapping[str, Scalar] = _NONE
    birthday: date | None = None
    enrolled_at: datetime | None = None
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    balances: Mapping[str, int] = _NONE
    id: UUID | None = None
    tiers: Mapping[str, str] = _NONE
    levels: Mapping[str, int] = _NONE
    entitlements: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    referrals: int = 0
    brought_by: str | None = None
