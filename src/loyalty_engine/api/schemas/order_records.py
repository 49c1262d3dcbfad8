"""Orders as they are kept: what was reported, who has its points, and what came back."""

from typing import Any, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery, QueryText
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.fields import Answer, DayField, IdentityField
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.quantities import show_quantity
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.order import Receipt, ReceiptType, ShopOrder, natural_key
from loyalty_engine.persistence.reading.orders import OrderRecord, OrderStatus


class OrdersQuery(PageQuery):
    """Which orders are wanted: those that wait for a card, or the one of a shop's or till's own number."""

    parked_for: IdentityField | None = Field(
        default=None, description="The card that they wait for.", examples=["card:2000012345"]
    )
    order_id: QueryText | None = Field(default=None, description="The shop's own order id.", examples=["W-10001"])
    location: QueryText | None = Field(
        default=None,
        description="A receipt's location, or that of the API key that sent an order_id.",
        examples=["b-1"],
    )
    till: QueryText | None = Field(default=None, description="A receipt's till.", examples=["3"])
    business_date: DayField | None = Field(
        default=None, description="A receipt's business date.", examples=["2026-11-21"]
    )
    number: QueryText | None = Field(default=None, description="A receipt's number.", examples=["000123"])
    type: ReceiptType | None = Field(default=None, description="A receipt's type; sale by default.", examples=["sale"])

    def number_within(self, shop: str | None) -> str | None:
        """Return the number that is looked for; ``shop`` is where the caller's own ids belong.

        Raises :class:`ProblemError` unless exactly one of a card, an order id and a whole receipt is named.
        """
        receipt = (self.till, self.business_date, self.number)
        if sum((self.parked_for is not None, self.order_id is not None, any(receipt))) != 1:
            message = "is missing, or one of order_id and a receipt; they cannot be combined"
            raise ProblemError("validation_failed", errors=[Fault("parked_for", "filters", message)])
        if self.order_id is not None:
            return natural_key(ShopOrder(self.order_id), self.location or shop)
        if self.parked_for is not None:
            return None
        if not (self.location and self.till and self.business_date and self.number):
            message = "belongs to a receipt with location, till, business_date and number"
            raise ProblemError("validation_failed", errors=[Fault("number", "filters", message)])
        found = Receipt(self.location, self.till, self.business_date, self.number, self.type or "sale")
        return natural_key(found, None)


class ClaimState(Answer):
    """Who took an order over."""

    member_id: str = Field(description="The member.", examples=["mem_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="The operation that credited it.", examples=["op_01m8054496erxvcc6weqy7k3j6"])


class OrderSummary(Answer):
    """An order without its lines."""

    id: str = Field(description="The order.", examples=["ord_01m8054496erxvcc6weqy7k3j5"])
    operation_id: str = Field(description="The operation that accepted it.", examples=["op_01m8054496erxvcc6weqy7k3j5"])
    reference: dict[str, str] = Field(
        description="The shop's order_id, or the parts of a till's receipt.", examples=[{"order_id": "W-10001"}]
    )
    status: OrderStatus = Field(
        description="credited at once, claimed later, or waiting as parked or guest; partly_returned, returned or "
        "cancelled once goods of it came back.",
        examples=["credited"],
    )
    member_id: str | None = Field(
        description="The member that was credited at once.", examples=["mem_01m8054496erxvcc6weqy7k3j5"]
    )
    claim: ClaimState | None = Field(description="Who took it over later, if anybody.", examples=[None])
    parked_for: str | None = Field(description="The unknown card that it came with.", examples=["card:2000012345"])
    placed_at: str = Field(description="When it was bought.", examples=["2026-11-21T10:15:00Z"])
    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    goods_total: int = Field(description="Sum of the lines in minor units.", examples=[1899])
    shipping: int = Field(description="Delivery cost in minor units.", examples=[0])
    total: int = Field(description="Goods and shipping in minor units.", examples=[1899])
    off: int = Field(description="What promotions took off in all, in minor units.", examples=[0])
    paid_with_points: int = Field(description="What points paid in minor units.", examples=[200])
    channel: str | None = Field(description="Where it was sold.", examples=["pos"])
    location: str | None = Field(description="The store.", examples=["berlin-1"])

    @classmethod
    def of(cls, record: OrderRecord, **more: Any) -> Self:  # noqa: ANN401 - the fields that a subclass adds
        """Show an order."""
        return cls(
            id=show_id("ord", record.id),
            operation_id=show_id("op", record.id),
            reference=dict(record.reference),
            status=record.status,
            member_id=show_id("mem", record.member_id) if record.member_id else None,
            claim=_show_claim(record),
            parked_for=record.parked_for,
            placed_at=show_instant(record.placed_at),
            currency=record.currency,
            goods_total=record.goods_total,
            shipping=record.shipping,
            total=record.goods_total + record.shipping,
            off=record.off,
            paid_with_points=record.paid_with_points,
            channel=record.channel,
            location=record.location,
            **more,
        )


class OrderLine(Answer):
    """One position as it was reported, at the price that promotions left."""

    id: str = Field(description="The line within its order.", examples=["1"])
    amount: int = Field(description="What it costs in minor units, after promotions.", examples=[499])
    off: int = Field(default=0, description="What promotions took off it, in minor units.", examples=[50])
    quantity: str = Field(description="Pieces or units as a decimal text.", examples=["1.25"])
    tax: int = Field(default=0, description="The part of the amount that is tax.", examples=[80])
    sku: str | None = Field(default=None, description="Stock-keeping unit.", examples=["4006381333931"])
    category: str | None = Field(default=None, description="Category of goods.", examples=["coffee"])
    brand: str | None = Field(default=None, description="Brand.", examples=["Acme"])
    unit: str | None = Field(default=None, description="Unit of the quantity.", examples=["kg"])
    attributes: dict[str, Any] = Field(
        default_factory=dict, description="Declared attributes.", examples=[{"own_cup": True}]
    )
    returned: str | None = Field(
        description="How much of it came back, as a decimal text; null is nothing.", examples=["0.5"]
    )


class OrderTender(Answer):
    """How a part of an order was paid."""

    kind: str = Field(description="Kind of payment.", examples=["card"])
    amount: int = Field(description="Minor units.", examples=[499])


class GoodsReturned(Answer):
    """What came back of an order so far."""

    amount: int = Field(description="Value of goods that came back without lines, in minor units.", examples=[0])
    shipping: int = Field(description="Shipping that came back, in minor units.", examples=[0])
    refunded: int = Field(description="Money that was to be paid back, in minor units.", examples=[0])
    points_restored: int = Field(description="Points of the payment that came back.", examples=[0])


class RulePoints(Answer):
    """What one rule gave for an order."""

    rule: str = Field(description="The rule.", examples=["base"])
    earned: int = Field(description="Points that it gave.", examples=[16])
    kept: int = Field(description="What of them the member keeps after goods came back.", examples=[16])


class PromotionShare(Answer):
    """What one promotion took off an order."""

    promotion: str = Field(description="The promotion.", examples=["autumn"])
    amount: int = Field(description="Minor units off the lines.", examples=[150])
    shipping: int = Field(description="Minor units off shipping.", examples=[0])
    code: str | None = Field(
        description="The promo code that opened it, if one did, as codes are compared.", examples=["SUMMER26"]
    )


class OrderRecordAnswer(OrderSummary):
    """An order as it is by now: as it was reported, or last edited, and what came back of it."""

    lines: list[OrderLine] = Field(
        description="What was bought.", examples=[[{"id": "1", "amount": 1899, "quantity": "1", "category": "coffee"}]]
    )
    tenders: list[OrderTender] = Field(description="How it was paid.", examples=[[{"kind": "card", "amount": 1699}]])
    attributes: dict[str, Any] = Field(description="Declared attributes.", examples=[{"gift_wrap": True}])
    is_edited: bool = Field(description="Whether it was edited after it was reported.", examples=[False])
    returned: GoodsReturned = Field(
        description="What came back of it so far.",
        examples=[{"amount": 0, "shipping": 0, "refunded": 0, "points_restored": 0}],
    )
    promotions: list[PromotionShare] = Field(
        description="What each promotion took off.",
        examples=[[{"promotion": "autumn", "amount": 150, "shipping": 0, "code": None}]],
    )
    points: list[RulePoints] = Field(
        description="What it earned, rule by rule; empty while nobody has its points, and for orders that older "
        "releases accepted.",
        examples=[[{"rule": "base", "earned": 16, "kept": 16}]],
    )

    @classmethod
    def with_lines(cls, record: OrderRecord) -> Self:
        """Show all of an order."""
        return cls.of(
            record,
            lines=[OrderLine(**line, returned=_show_returned(record.state, line["id"])) for line in record.lines],
            tenders=[OrderTender(kind=kind, amount=amount) for kind, amount in record.tenders],
            attributes=dict(record.attributes),
            is_edited=record.state.edited is not None,
            returned=GoodsReturned(
                amount=record.state.amount,
                shipping=record.state.shipping,
                refunded=record.state.refunded,
                points_restored=record.state.restored,
            ),
            promotions=[
                PromotionShare(
                    promotion=one.promotion,
                    amount=one.amount,
                    shipping=one.shipping,
                    code=record.codes.get(one.promotion),
                )
                for one in record.promoted
            ],
            points=[
                RulePoints(rule=rule, earned=points, kept=record.state.kept.get(rule, points))
                for rule, points in record.earned.items()
            ],
        )


class OrdersPage(Page[OrderSummary]):
    """Orders, newest first."""


def _show_claim(record: OrderRecord) -> ClaimState | None:
    if record.claimed_by is None or record.claimed_in is None:
        return None
    return ClaimState(member_id=show_id("mem", record.claimed_by), operation_id=show_id("op", record.claimed_in))


def _show_returned(state: OrderState, line_id: str) -> str | None:
    """Return how much of a line came back; a line of quantity 0 comes back as ``0``."""
    quantity = state.lines.get(line_id)
    return None if quantity is None else show_quantity(quantity)
