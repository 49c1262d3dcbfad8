"""What points are worth when they are spent, and how many of them an order may be paid with."""

from dataclasses import dataclass, field
from typing import Final

from loyalty_engine.core.kernel.amounts import MAX_AMOUNT, Ratio
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse

_MICROS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RedeemTerms:
    """How a wallet may be spent.

    ``worth`` is minor units per point and exact for every multiple of ``step`` (the document's check proves it).
    ``max_share`` is the largest part of an order's total that points may pay.
    """

    worth: Ratio
    min_points: int
    step: int
    max_share: Ratio
    cost_micros: int = field(init=False)
    """What one point costs its funder, in millionths of a minor unit, rounded to nearest."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost_micros", self.worth.of(_MICROS, "nearest"))

    def value_of(self, points: int) -> int:
        """Return the minor units that ``points`` (a multiple of the step) pay."""
        return self.worth.of(points, "floor")

    def most_payable(self, available: int, total: int) -> int:
        """Return the most points that an order of ``total`` minor units can be paid with; 0 when none can."""
        cap = self.max_share.of(total, "floor")
        by_amount = cap * self.worth.denominator // self.worth.numerator
        points = min(available, by_amount) // self.step * self.step
        return points if points >= self.min_points else 0

    def check(self, points: int, pointer: str) -> None:
        """Refuse an amount that cannot be spent from this wallet, whatever the balance."""
        if points < self.min_points:
            refuse(RefusalCode.POINTS_BELOW_MINIMUM, pointer, points=points, min_points=self.min_points)
        self.check_step(points, pointer)

    def check_step(self, points: int, pointer: str) -> None:
        """Refuse an amount that is not worth whole minor units; the minimum does not hold for a part of a hold."""
        if points % self.step:
            refuse(RefusalCode.POINTS_NOT_IN_STEP, pointer, points=points, step=self.step)
        if self.value_of(points) > MAX_AMOUNT:
            refuse(RefusalCode.POINTS_ABOVE_SHARE, pointer, points=points, most=self.most_payable(points, MAX_AMOUNT))
