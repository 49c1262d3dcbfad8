"""What points pay."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaidPoints:
    """What points paid of an order: ``points`` of ``wallet`` were worth ``amount`` minor units."""

    wallet: str
    points: int
    amount: int
