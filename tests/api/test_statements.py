"""Money in statements has the minor digits of its currency."""

import pytest

from loyalty_engine.api.statements import show_money


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (1899, "EUR", "18.99 EUR"),
        (5, "EUR", "0.05 EUR"),
        (-105, "EUR", "-1.05 EUR"),
        (1899, "JPY", "1899 JPY"),
        (1899, "KWD", "1.899 KWD"),
        (1899, "XXX", "1899 XXX"),
        (1899, "ZZZ", "1899 ZZZ"),
    ],
)
def test_money_is_shown_as_people_read_it(amount: int, currency: str, expected: str) -> None:
    assert show_money(amount, currency) == expected
