"""The proof: what `examples/supermarket_demo.yaml` gives, computed from the data's rows without the engine.

It shares no code with what it judges: no rule, no rounding and no conversion to cents, which here goes over the decimal
text. So the figures of that document stand here once more.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from loyalty_engine.cli.demo.columns import Product, Row

_BABY_FROM: Final = 500
_BIG_SHOP_FROM: Final = 10_000

Points = Mapping[int, Mapping[str, int]]
"""Households, and what each earned in each wallet."""


@dataclass(slots=True)
class _Basket:
    household: int = 0
    total: int = 0
    fresh: int = 0
    baby: int = 0
    fuel: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a computation compares with the engine: households looked at, and those with another figure in a wallet."""

    households: int
    wrong: tuple[int, ...]
    totals: Mapping[str, int] = field(default_factory=dict)


def expect_points(rows: Iterable[Row], products: Mapping[int, Product], numbers: Collection[str]) -> Points:
    """Return what the receipts of those numbers earn."""
    baskets: defaultdict[int, _Basket] = defaultdict(_Basket)
    wanted = {int(number) for number in numbers}
    for row in rows:
        if row.basket_id in wanted:
            _add(baskets[row.basket_id], row, products.get(row.product_id))
        elif len(baskets) == len(wanted):
            break  # the rows of a basket stand together
    earned: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for basket in baskets.values():
        wallets = earned[basket.household]
        wallets["points"] += basket.total // 100 + 2 * basket.fresh // 100
        wallets["points"] += (20 if basket.baby >= _BABY_FROM else 0) + (50 if basket.total >= _BIG_SHOP_FROM else 0)
        wallets["cashback"] += basket.fuel // 100
    return earned


def compare(expected: Points, found: Points) -> Comparison:
    """Return where ``found`` differs from ``expected``; a wallet that is not named holds nothing."""
    households = sorted({*expected, *found})
    wrong = [
        household
        for household in households
        if Counter(expected.get(household, {})) != Counter(found.get(household, {}))
    ]
    totals: Counter[str] = Counter()
    for wallets in expected.values():
        totals.update(wallets)
    return Comparison(len(households), tuple(wrong), totals)


def _add(basket: _Basket, row: Row, product: Product | None) -> None:
    cents = int(f"{row.sales_value:.2f}".replace(".", ""))
    basket.household = row.household_id
    basket.total += cents
    if product is None:
        return
    if product.department in {"PRODUCE", "MEAT", "SEAFOOD"}:
        basket.fresh += cents
    if product.department == "FUEL":
        basket.fuel += cents
    if product.category == "BABY FOODS":
        basket.baby += cents
