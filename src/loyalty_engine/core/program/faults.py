"""What is wrong with a program document: a closed list of codes, each fault with the place it speaks of.

Faults never repeat values of the document; the pointer says where to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class FaultCode(StrEnum):
    """Stable codes. The first group is found while reading, the second by the checks of a read document."""

    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_CHOICE = "unknown_choice"
    UNKNOWN_CONDITION = "unknown_condition"
    NOT_EXACTLY_ONE = "not_exactly_one"
    WRONG_TYPE = "wrong_type"
    MALFORMED = "malformed"
    OUT_OF_RANGE = "out_of_range"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    TOO_MANY_FAULTS = "too_many_faults"

    UNKNOWN_CURRENCY = "unknown_currency"
    UNKNOWN_TIME_ZONE = "unknown_time_zone"
    DUPLICATE_KEY = "duplicate_key"
    UNKNOWN_WALLET = "unknown_wallet"
    MONEY_WALLET_REQUIRED = "money_wallet_required"
    INEXACT_REDEEM = "inexact_redeem"
    MINIMUM_NOT_IN_STEP = "minimum_not_in_step"
    UNKNOWN_FACT = "unknown_fact"
    UNDECLARED_ATTRIBUTE = "undeclared_attribute"
    UNKNOWN_OPTION = "unknown_option"
    OPERATOR_NOT_ALLOWED = "operator_not_allowed"
    TOO_MANY_NODES = "too_many_nodes"
    NEVER_HOLDS = "never_holds"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``pointer`` is a JSON pointer (RFC 6901) into the document; "" is the whole.

    A document with an ``error`` cannot be published; a ``warning`` can, and is shown.
    """

    pointer: str
    code: FaultCode
    message: str
    severity: Literal["error", "warning"] = "error"


def json_pointer(steps: Sequence[str | int]) -> str:
    """Return the JSON pointer that follows ``steps`` from the root, with ``~`` and ``/`` escaped."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
