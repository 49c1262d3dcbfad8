"""Quantities of goods: pieces, kilograms, litres, as whole millionths so that 0.355 kg stays exact."""

import re
from typing import Final

SCALE: Final = 1_000_000
"""How many parts one unit has."""

MAX_QUANTITY: Final = 10**9 * SCALE

_FORM: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?", re.ASCII)


def parse_quantity(text: str) -> int:
    """Return the millionths that a decimal text such as ``"1.25"`` means; raise ``ValueError`` otherwise."""
    if _FORM.fullmatch(text) is None:
        raise ValueError(text)
    whole, _, rest = text.partition(".")
    value = int(whole) * SCALE + int(rest.ljust(6, "0") or "0")
    if value > MAX_QUANTITY:
        raise ValueError(text)
    return value


def show_quantity(value: int) -> str:
    """Return the shortest decimal text of a quantity in millionths."""
    whole, rest = divmod(value, SCALE)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)
