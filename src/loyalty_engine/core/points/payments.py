"""What points pay."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payment:
    """The wish to pay part of an order with points; ``points`` None means as many as possible."""

    wallet: str
    points: int | None


@dataclass(frozen=True, slots=True)
class PaidPoints:
    """What points paid of an order: ``points`` of ``wallet`` were worth ``amount`` minor units."""

    wallet: str
    points: int
    amount: int
