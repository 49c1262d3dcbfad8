"""A stand-in for the data: tables with the package's columns and a handful of literal rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from loyalty_engine.cli.demo.columns import Columns, Product, Row, products_of, rows_of

PRODUCTS: Final[Columns] = {
    "product_id": [11, 12, 13, 14, 15],
    "department": ["PRODUCE", "MEAT", "FUEL", "GROCERY", "MISCELLANEOUS"],
    "product_category": ["TROPICAL FRUIT", "BEEF", "COUPON/MISC ITEMS", "BABY FOODS", None],
    "brand": ["National", "Private", "National", "National", "National"],
}

# Basket by basket: fruit and an article nobody describes; fuel in thousands of small units, a gift of quantity 0 and a
# residue; meat and baby food whose total their number does not divide; a large purchase, of the first household again.
TRANSACTIONS: Final[Columns] = {
    "basket_id": [
        31198570044,
        31198570044,
        31198655051,
        31198655051,
        31198655051,
        31198705046,
        31198705046,
        31198720013,
    ],
    "household_id": [900, 900, 1228, 1228, 1228, 906, 906, 900],
    "store_id": [330, 330, 406, 406, 406, 319, 319, 330],
    "transaction_timestamp": [
        *[datetime.fromisoformat("2017-01-01T11:53:26")] * 2,
        *[datetime.fromisoformat("2017-03-12T07:30:00")] * 3,
        *[datetime.fromisoformat("2017-07-02T03:59:59")] * 2,
        datetime.fromisoformat("2018-01-01T04:01:20"),
    ],
    "product_id": [11, 99, 13, 15, 15, 12, 14, 14],
    "quantity": [1, 1, 8725, 0, 0, 1, 3, 2],
    "sales_value": [4.35, 0.57, 20.06, 0.0, 8.881784e-16, 9.95, 5.00, 100.10],
}


class LiteralTables:
    """These rows, as the demo reads tables."""

    def read_products(self) -> Mapping[int, Product]:
        return products_of([PRODUCTS])

    def read_rows(self) -> Iterator[Row]:
        return rows_of([TRANSACTIONS])
