"""The small types that every part of the program document is made of: keys, names, amounts, shares, decimals.

They are strict: no text for a number, no true for 1, no unknown field. Every limit stands here, once.
"""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from loyalty_engine.core.kernel.amounts import MAX_AMOUNT, MAX_BALANCE, Ratio
from loyalty_engine.core.kernel.quantities import SCALE, parse_quantity

MAX_NAME: Final = 200
MAX_TEXT: Final = 1_000
MAX_VALUES: Final = 5_000
"""How many values one list may name, such as the SKUs of a line selection."""

KEY_PATTERN: Final = "^[a-z][a-z0-9_]{0,62}$"
PERCENT_PATTERN: Final = r"^[0-9]{1,3}(\.[0-9]{1,6})?%$"
CURRENCY_PATTERN: Final = "^[A-Z]{3}$"
DECIMAL_PATTERN: Final = r"^[0-9]{1,10}(\.[0-9]{1,6})?$"

_UNNAMED_TAG: Final = re.compile(r"<[a-z_ ]+>")


class Entry(BaseModel):
    """The base of everything people write in a program document: strict, closed and frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def is_unnamed_tag(step: object) -> bool:
    """Tell whether pydantic put ``step`` into a location to name a branch that the document does not name."""
    return isinstance(step, str) and _UNNAMED_TAG.fullmatch(step) is not None


def _kind_of_value(value: Any) -> str | None:  # noqa: ANN401  what people wrote, not yet checked
    match value:
        case bool():
            return "<boolean>"
        case int():
            return "<integer>"
        case str():
            return "<text>"
        case list() | tuple():
            return "<list>"
        case _:
            return None


def _check_share(text: str) -> str:
    rate = Ratio.parse_percent(text)
    if not 0 < rate.numerator <= rate.denominator:
        raise PydanticCustomError("out_of_range", "must be more than 0% and at most 100%")
    return text


def _check_decimal(text: str) -> str:
    try:
        parse_quantity(text)
    except ValueError as error:
        raise PydanticCustomError("out_of_range", "must be at most 1000000000") from error
    return text


def _check_positive(decimal: int | str) -> int | str:
    if parse_quantity(str(decimal)) == 0:
        raise PydanticCustomError("out_of_range", "must be more than 0")
    return decimal


def _check_factor(decimal: int | str) -> int | str:
    if not SCALE < parse_quantity(str(decimal)) <= 100 * SCALE:
        raise PydanticCustomError("out_of_range", "must be more than 1 and at most 100")
    return decimal


Key = Annotated[str, Field(pattern=KEY_PATTERN)]
"""How the document, the API and reports name a thing for ever; names for people may change, keys do not."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]

Positive = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
"""Points or minor units, at least 1 and at most ``kernel.amounts.MAX_AMOUNT``."""

Whole = Annotated[int, Field(ge=0, le=MAX_BALANCE)]
"""A total that a condition compares with: it may exceed what one line may carry."""

Percent = Annotated[str, Field(pattern=PERCENT_PATTERN), AfterValidator(_check_share)]
"""A share as people write it, ``"2.5%"``: a text, because 2.5 would be a float. More than 0% and at most 100%."""

DecimalText = Annotated[str, Field(pattern=DECIMAL_PATTERN), AfterValidator(_check_decimal)]
"""A decimal as text, ``"1.25"``: at most six places, at most 10^9."""

Decimal = Annotated[
    Annotated[Whole, Tag("<integer>")] | Annotated[DecimalText, Tag("<text>")],
    Discriminator(
        _kind_of_value, custom_error_type="wrong_type", custom_error_message='must be a whole number or "1.25"'
    ),
]
"""A decimal: a whole number, or a text when it has places."""

PositiveDecimal = Annotated[Decimal, AfterValidator(_check_positive)]
"""A decimal that is more than 0."""

DecimalFactor = Annotated[Decimal, AfterValidator(_check_factor)]
"""A decimal that is more than 1 and at most 100."""

Value = Annotated[
    Annotated[bool, Tag("<boolean>")] | Annotated[int, Tag("<integer>")] | Annotated[Text, Tag("<text>")],
    Discriminator(
        _kind_of_value,
        custom_error_type="wrong_type",
        custom_error_message="must be text, a whole number or true/false",
    ),
]
"""What a fact is compared with. Whether it fits the fact's type is a check of its own (``checks.py``)."""

Values = Annotated[tuple[Value, ...], Field(strict=False, min_length=1, max_length=MAX_VALUES)]

Choice = Annotated[
    Annotated[bool, Tag("<boolean>")]
    | Annotated[int, Tag("<integer>")]
    | Annotated[Text, Tag("<text>")]
    | Annotated[Values, Tag("<list>")],
    Discriminator(
        _kind_of_value, custom_error_type="wrong_type", custom_error_message="must be a value or a list of values"
    ),
]
"""One value, or a list of which any will do."""

Texts = Annotated[tuple[Text, ...], Field(strict=False, min_length=1, max_length=MAX_VALUES)]
