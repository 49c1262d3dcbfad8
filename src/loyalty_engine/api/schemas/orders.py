"""Orders: what a shop or till sends, and what it gets back."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.bringing import BringingBody, MovesReferral
from loyalty_engine.api.schemas.codes import MAX_CODES, CodeAnswer, TypedCode, digest_guest, fold_codes
from loyalty_engine.api.schemas.fields import (
    Amount,
    Answer,
    Attributes,
    BalanceAnswer,
    Body,
    Code,
    IdentityField,
    InstantField,
    MemberField,
    OperationHead,
    PointsOrMax,
    ReservationIdField,
    Text,
)
from loyalty_engine.api.schemas.goods import ExchangeBody
from loyalty_engine.api.schemas.issued_codes import CodeOfOrder
from loyalty_engine.api.schemas.lines import LineBody, ReceiptBody, TenderBody, as_lines, as_tenders
from loyalty_engine.api.schemas.prices import CheaperLine, Discount, GiftAnswer
from loyalty_engine.api.schemas.reasons import NudgeAnswer, PromotionReasonAnswer, ReasonAnswer
from loyalty_engine.api.schemas.returns import ReturnAnswer
from loyalty_engine.api.schemas.tier_moves import TierMoves
from loyalty_engine.core.engine.requests import Exchange
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.codes import NO_CODES, Codes
from loyalty_engine.core.rules.order import Order, OrderReference, Receipt, ShopOrder


class PaymentBody(Body):
    """The wish to pay a part of the order with points."""

    wallet: Code = Field(description="The wallet to pay from.", examples=["points"])
    points: PointsOrMax = Field(description="How many points, or as many as possible.", examples=[200, "max"])


class BasketBody(Body):
    """What is bought, by whom, where."""

    member: MemberField | None = Field(
        default=None, description="Who bought; without it the order is a guest's.", examples=["card:2000012345"]
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field(description="ISO 4217 code.", examples=["EUR"])
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=1000)] = Field(
        description="What was bought.", examples=[[{"sku": "espresso-1kg", "category": "coffee", "amount": 1899}]]
    )
    channel: Code | None = Field(default=None, description="Where it was sold.", examples=["pos"])
    location: Code | None = Field(
        default=None, description="The store of a shop order; a receipt has its own.", examples=["berlin-1"]
    )
    shipping: Amount = Field(default=0, description="Delivery cost in minor units.", examples=[490])
    tenders: Annotated[list[TenderBody], Field(max_length=20)] = Field(
        default_factory=list, description="How it was paid.", examples=[[{"kind": "card", "amount": 1899}]]
    )
    attributes: Attributes = Field(
        default_factory=dict, description="Declared attributes.", examples=[{"gift_wrap": True}]
    )
    pay_with_points: PaymentBody | None = Field(
        default=None, description="Pay a part with points.", examples=[{"wallet": "points", "points": "max"}]
    )

    codes: Annotated[list[TypedCode], Field(max_length=MAX_CODES)] = Field(
        default_factory=list,
        description="Promo codes as the customer typed them, each once: case, spaces and hyphens do not matter.",
        examples=[["SUMMER-26"]],
    )
    unusable_codes: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="What an order does with codes that give nothing: it is refused, or goes on without them. An evaluation "
        "always goes on. Without codes it has no effect.",
        examples=["skip"],
    )
    guest: IdentityField | None = Field(
        default=None,
        description="Who buys without being a member, for codes that each guest can use so often; a digest is kept in its "
        "place. It has no effect without codes, nor where the order is a member's: then its uses count for the member.",
        examples=["email:guest@example.com"],
    )
    brought_by: BringingBody | None = Field(
        default=None,
        description="Whose code a new friend brought to its first checkout: the member is registered as a friend first, and what "
        "welcomes friends holds for this cart. If it cannot be registered the cart stands, and the answer's `referral` says why.",
        examples=[{"code": "7K3J-5Q2M-9XWB"}],
    )

    def as_order_at(self, placed_at: datetime, location: str | None) -> Order:
        """Return the core's order; ``location`` is where the API key is bound to, if the order does not say."""
        reference = self._reference()
        if isinstance(reference, Receipt):
            if self.location not in {None, reference.location}:
                fault = Fault("/location", "location_mismatch", "is not the receipt's location")
                raise ProblemError("validation_failed", errors=[fault])
            location = reference.location
        return Order(
            reference=reference,
            placed_at=placed_at,
            currency=self.currency,
            lines=as_lines(self.lines),
            channel=self.channel,
            location=self.location or location,
            shipping=self.shipping,
            tenders=as_tenders(self.tenders),
            attributes=self.attributes,
        )

    def as_payment(self) -> Payment | None:
        """Return the wish to pay with points."""
        wish = self.pay_with_points
        if wish is None:
            return None
        return Payment(wish.wallet, None if wish.points == "max" else wish.points)

    def as_codes(self, program_id: int, *, is_trusted: bool) -> Codes:
        """Return the promo codes; ``is_trusted`` tells whether the caller may learn which exist."""
        if not self.codes:
            return NO_CODES
        guest = None if self.guest is None else digest_guest(program_id, self.guest)
        return Codes(fold_codes(self.codes), self.unusable_codes == "skip", guest, is_trusted, tuple(self.codes))

    def _reference(self) -> OrderReference:
        """Return the number, which a basket does not have yet."""
        return ShopOrder("")


class CartBody(BasketBody):
    """A basket that may have its number."""

    order_id: Text | None = Field(default=None, description="The shop's own order id.", examples=["W-10001"])
    receipt: ReceiptBody | None = Field(
        default=None,
        description="The till's receipt.",
        examples=[{"location": "berlin-1", "till": "3", "business_date": "2026-11-21", "number": "000123"}],
    )

    def _reference(self) -> OrderReference:
        return ShopOrder(self.order_id or "") if self.receipt is None else self.receipt.as_reference()


class OrderBody(CartBody):
    """A purchase: exactly one of ``order_id`` (a shop's) and ``receipt`` (a till's) says which."""

    placed_at: InstantField = Field(description="When it was bought.", examples=["2026-11-21T10:15:00+01:00"])

    returns: Annotated[list[ExchangeBody], Field(min_length=1, max_length=10)] | None = Field(
        default=None,
        description="Goods of earlier orders that come back on the same receipt; they are dealt with first.",
        examples=[[{"order": {"order_id": "W-10001"}, "lines": [{"id": "1"}]}]],
    )

    @model_validator(mode="after")
    def _check_reference(self) -> Self:
        if (self.order_id is None) == (self.receipt is None):
            raise PydanticCustomError("reference", "must have exactly one of order_id and receipt")
        return self

    def as_exchanges(self) -> tuple[Exchange, ...]:
        """Return what comes back."""
        if self.returns is None:
            return ()
        return tuple(body.as_exchange(f"/returns/{position}") for position, body in enumerate(self.returns))


class EvaluationBody(CartBody):
    """A cart or order to look at; it needs no number yet."""

    placed_at: InstantField | None = Field(
        default=None, description="When it would be bought; now by default.", examples=["2026-11-21T10:15:00+01:00"]
    )
    explain: Literal["relevant", "all"] = Field(
        default="relevant",
        description="Which rules to explain: those that had a say, or all: also those for goods, places and the like "
        "that the order does not have, and those that are switched off.",
        examples=["relevant"],
    )
    replaces: ReservationIdField | None = Field(
        default=None,
        description="A reservation of the same cart: the look is as if it were released, as reserving anew with "
        "`replaces` would do.",
        examples=["res_01m8054496erxvcc6weqy7k3j5"],
    )


class ClaimBody(Body):
    """The member who takes over an order."""

    member: MemberField


class PaidWithPoints(Answer):
    """What points paid."""

    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="Points spent.", examples=[200])
    amount: int = Field(description="What they paid in minor units.", examples=[200])


class Effect(Answer):
    """One thing that the decision did."""

    type: Literal["grant_points"] = Field(description="What was done.", examples=["grant_points"])
    wallet: str = Field(description="Key of the wallet.", examples=["points"])
    points: int = Field(description="Points, or minor units of a money wallet.", examples=[18])
    rule: str | None = Field(default=None, description="The rule that did it.", examples=["base"])
    promotion: str | None = Field(
        default=None, description="The promotion that did it, instead of a rule.", examples=["double_points"]
    )


class SoldOrder(MovesReferral):
    """What an order comes to: its price, what pays it, and what it gives."""

    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    list_total: int = Field(description="Goods and shipping as reported, in minor units.", examples=[1899])
    total: int = Field(description="Goods and shipping after promotions, in minor units.", examples=[1899])
    lines: list[CheaperLine] = Field(
        description="The lines that promotions made cheaper, as they are now; the others cost what was reported.",
        examples=[[]],
    )
    discounts: list[Discount] = Field(description="What each promotion took off.", examples=[[]])
    gifts: list[GiftAnswer] = Field(description="Goods for nothing that the shop is to add.", examples=[[]])
    codes: list[CodeAnswer] = Field(
        default_factory=list,
        description="What became of each promo code, in the order sent.",
        examples=[[{"code": "SUMMER26", "promotion": "summer", "used": True, "reason": "used"}]],
    )
    paid_with_points: PaidWithPoints | None = Field(
        description="What points paid, if anything.", examples=[{"wallet": "points", "points": 200, "amount": 200}]
    )
    due: int = Field(description="What is left to pay in minor units.", examples=[1699])
    effects: list[Effect] = Field(
        description="What the order earned.",
        examples=[[{"type": "grant_points", "wallet": "points", "points": 16, "rule": "base"}]],
    )
    payable: list[PaidWithPoints] = Field(
        description="The most of this order that each wallet could have paid.",
        examples=[[{"wallet": "points", "points": 400, "amount": 400}]],
    )
    codes_issued: list[CodeOfOrder] = Field(
        description="The promo codes for later that promotions give the member.", examples=[[]]
    )


class SettledOrder(SoldOrder):
    """What an order comes to: for one that was placed, or for one that is only looked at."""

    status: Literal["credited", "parked", "guest"] = Field(
        description="Whether a member was credited, or the order waits to be claimed.", examples=["credited"]
    )
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 16, "pending": 0, "held": 0, "debt": 0}]],
    )
    tiers: TierMoves = None


class OrderAnswer(SettledOrder, OperationHead):
    """An accepted order."""

    id: str = Field(description="The order.", examples=["ord_01m8054496erxvcc6weqy7k3j5"])
    reservation_id: str | None = Field(
        default=None,
        description="The reservation that it was confirmed from; left out if none.",
        examples=["res_01m8054496erxvcc6weqy7k3j3"],
    )
    returns: list[ReturnAnswer] | None = Field(
        default=None,
        description="What came back on the same receipt, and returns that had waited for this order; left out if none.",
        examples=[[]],
    )


class EvaluationAnswer(SettledOrder):
    """What an order would do, with the reasons. Nothing was written."""

    member_id: str | None = Field(
        description="The member, if it is known.", examples=["mem_01m8054496erxvcc6weqy7k3j5"]
    )
    revision: int = Field(description="The program's revision that decided.", examples=[3])
    effective_at: str = Field(description="When it would happen.", examples=["2026-11-21T10:15:00Z"])
    reasons: list[ReasonAnswer] = Field(
        description="The rules, as far as asked for, and why they did or did not apply.", examples=[[]]
    )
    promotions: list[PromotionReasonAnswer] = Field(
        description="The promotions, as far as asked for, and why they did or did not apply.", examples=[[]]
    )
    nudges: list[NudgeAnswer] = Field(
        description="What could be added to the cart so that promotions give more: the nearest five, nearest first.",
        examples=[
            [
                {
                    "promotion": "free_delivery",
                    "name": "Free delivery",
                    "measure": "amount",
                    "needed": 5000,
                    "actual": 4680,
                    "missing": 320,
                    "effect": {"kind": "shipping_off"},
                }
            ]
        ],
    )


class ClaimAnswer(MovesReferral, OperationHead):
    """A claimed order."""

    order_id: str = Field(description="The order.", examples=["ord_01m8054496erxvcc6weqy7k3j5"])
    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    total: int = Field(description="Goods and shipping in minor units.", examples=[1899])
    effects: list[Effect] = Field(
        description="What the order earned.",
        examples=[[{"type": "grant_points", "wallet": "points", "points": 18, "rule": "base"}]],
    )
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 18, "pending": 0, "held": 0, "debt": 0}]],
    )
    tiers: TierMoves = None
