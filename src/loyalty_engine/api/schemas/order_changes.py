"""Orders that change after they were accepted: edited before they are shipped, or confirmed so that points can be spent."""

from typing import Annotated

from pydantic import Field

from loyalty_engine.api.schemas.bringing import MovesReferral
from loyalty_engine.api.schemas.fields import Amount, BalanceAnswer, Body, OperationHead, ReasonCode
from loyalty_engine.api.schemas.goods import GoodsLineBody, as_quantities
from loyalty_engine.api.schemas.lines import LineBody, TenderBody
from loyalty_engine.api.schemas.orders import Effect, PaidWithPoints
from loyalty_engine.api.schemas.prices import CheaperLine, Discount, GiftAnswer
from loyalty_engine.api.schemas.returns import TakenPoints, WalletPoints
from loyalty_engine.api.schemas.tier_moves import TierMoves
from loyalty_engine.core.rules.goods import Goods

_ORDER = "ord_01m8054496erxvcc6weqy7k3j5"
_BALANCES = [{"wallet": "points", "available": 0, "pending": 24, "held": 0, "debt": 0}]


class EditBody(Body):
    """The whole order as it is now. What is left out is none, as in a new order."""

    lines: Annotated[list[LineBody], Field(min_length=1, max_length=1000)] = Field(
        description="All that is bought.", examples=[[{"id": "1", "category": "coffee", "amount": 2499}]]
    )
    shipping: Amount = Field(default=0, description="Delivery cost in minor units.", examples=[490])
    tenders: Annotated[list[TenderBody], Field(max_length=20)] = Field(
        default_factory=list, description="How it was paid.", examples=[[{"kind": "card", "amount": 2989}]]
    )
    reason: ReasonCode = Field(description="A reason code of your own.", examples=["customer_added_goods"])


class EditAnswer(MovesReferral, OperationHead):
    """An edited order: it costs and earns as if it had been placed like this."""

    order_id: str = Field(description="The order.", examples=[_ORDER])
    list_total: int = Field(description="Goods and shipping as reported, in minor units.", examples=[2989])
    total: int = Field(description="Goods and shipping after promotions, in minor units.", examples=[2989])
    lines: list[CheaperLine] = Field(
        description="The lines that promotions made cheaper, as they are now; the others cost what was reported.",
        examples=[[]],
    )
    discounts: list[Discount] = Field(description="What each promotion takes off now.", examples=[[]])
    gifts: list[GiftAnswer] = Field(description="Goods for nothing that the shop is to add.", examples=[[]])
    due: int = Field(description="What is left to pay in minor units.", examples=[2789])
    paid_with_points: PaidWithPoints | None = Field(
        description="What points paid, if anything; an edit leaves it as it was.",
        examples=[{"wallet": "points", "points": 200, "amount": 200}],
    )
    effects: list[Effect] = Field(
        description="What the order earns now.",
        examples=[[{"type": "grant_points", "wallet": "points", "points": 24, "rule": "base"}]],
    )
    taken: list[TakenPoints] = Field(
        description="Points that it had earned and that are taken back, by wallet.",
        examples=[[{"wallet": "points", "points": 0, "owed": 0, "forgiven": 0}]],
    )
    balances: list[BalanceAnswer] = Field(description="The member's balances afterwards.", examples=[_BALANCES])
    reason: str = Field(description="The reason code given.", examples=["customer_added_goods"])
    tiers: TierMoves = None


class ActivationBody(Body):
    """What is confirmed: the whole order, or some of its lines."""

    lines: Annotated[list[GoodsLineBody], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="By line, each once; the whole order by default.", examples=[[{"id": "1"}]]
    )

    def as_goods(self) -> Goods | None:
        """Return the core's goods; None: the whole order."""
        return None if self.lines is None else Goods(as_quantities(self.lines, "/lines"))


class ActivationAnswer(MovesReferral, OperationHead):
    """A confirmed order, or a part of one."""

    order_id: str = Field(description="The order.", examples=[_ORDER])
    activated: list[WalletPoints] = Field(
        description="Points that can be spent from now on.", examples=[[{"wallet": "points", "points": 24}]]
    )
    waiting: list[WalletPoints] = Field(
        description="Points of the order that still wait to be confirmed.", examples=[[]]
    )
    balances: list[BalanceAnswer] = Field(
        description="The member's balances afterwards.",
        examples=[[{"wallet": "points", "available": 24, "pending": 0, "held": 0, "debt": 0}]],
    )
