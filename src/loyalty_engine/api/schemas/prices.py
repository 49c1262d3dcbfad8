"""Prices: what promotions took off an order, line by line and promotion by promotion."""

from pydantic import Field

from loyalty_engine.api.schemas.fields import Answer


class CheaperLine(Answer):
    """A line that promotions made cheaper."""

    id: str = Field(description="The line.", examples=["1"])
    amount: int = Field(description="What it costs now, in minor units.", examples=[1709])
    off: int = Field(description="What promotions took off it, in minor units.", examples=[190])


class LineDiscount(Answer):
    """What one promotion took off one line."""

    id: str = Field(description="The line.", examples=["1"])
    amount: int = Field(description="Minor units.", examples=[190])


class Discount(Answer):
    """What one promotion took off."""

    promotion: str = Field(description="The promotion.", examples=["autumn"])
    name: str = Field(description="Its name for people.", examples=["10 % off coffee"])
    amount: int = Field(description="Minor units in all.", examples=[190])
    lines: list[LineDiscount] = Field(description="What it took off lines.", examples=[[{"id": "1", "amount": 190}]])
    shipping: int = Field(description="What it took off shipping, in minor units.", examples=[0])
    metadata: dict[str, str] = Field(description="The promotion's own texts.", examples=[{"banner": "autumn"}])


class GiftAnswer(Answer):
    """Goods for nothing that the shop is to add."""

    promotion: str = Field(description="The promotion that gives them.", examples=["sample"])
    sku: str = Field(description="Stock-keeping unit.", examples=["sample-house-blend"])
    quantity: int = Field(description="How many.", examples=[1])
