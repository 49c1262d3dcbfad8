"""What is wrong with a program document: a closed list of codes, each fault with the place it speaks of.

Faults never repeat values of the document; the pointer says where to look.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

MAX_FAULTS: Final = 100

Severity = Literal["error", "warning"]


class FaultCode(StrEnum):
    """Stable codes, found while reading, by the checks of a read document, and against what is in use."""

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
    FACT_NOT_AVAILABLE = "fact_not_available"
    TOO_MANY_NODES = "too_many_nodes"
    NEVER_HOLDS = "never_holds"
    UNKNOWN_ACTIVITY = "unknown_activity"
    UNKNOWN_GROUP = "unknown_group"
    UNKNOWN_RULE = "unknown_rule"
    CYCLIC_GROUPS = "cyclic_groups"
    MIXED_GROUP = "mixed_group"
    ORDER_REQUIRED = "order_required"
    EMPTY_WINDOW = "empty_window"
    NEVER_OPEN = "never_open"
    WINDOW_PASSED = "window_passed"
    TOO_MANY_LIMITS = "too_many_limits"
    NO_END = "no_end"
    UNCOUNTABLE = "uncountable"
    UNBOUNDED = "unbounded"
    FREE_OF_CHARGE = "free_of_charge"
    WHOLE_CART = "whole_cart"
    LESS_FOR_MORE = "less_for_more"
    NO_LIMIT = "no_limit"
    NEVER_FIRST = "never_first"
    NEVER_BEST = "never_best"
    NOBODY_GETS_IT = "nobody_gets_it"
    IGNORED = "ignored"
    REWARDED_TOO_EARLY = "rewarded_too_early"
    NO_PRICE = "no_price"
    NOT_A_PAYMENT = "not_a_payment"
    NOTHING_GIVEN_BACK = "nothing_given_back"
    UNKNOWN_PLAN = "unknown_plan"
    UNKNOWN_CODE_POOL = "unknown_code_pool"
    UNSUITED_CODE_POOL = "unsuited_code_pool"

    CURRENCY_IN_USE = "currency_in_use"
    WALLET_IN_USE = "wallet_in_use"
    PLAN_IN_USE = "plan_in_use"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``pointer`` is a JSON pointer (RFC 6901) into the document; "" is the whole.

    A document with an ``error`` cannot be published; a ``warning`` can, and is shown.
    """

    pointer: str
    code: FaultCode
    message: str
    severity: Severity = "error"


def json_pointer(steps: Sequence[str | int]) -> str:
    """Return the JSON pointer that follows ``steps`` from the root, with ``~`` and ``/`` escaped."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def first_faults(faults: Iterable[Fault]) -> list[Fault]:
    """Return at most a hundred errors and a hundred warnings, in order.

    When there are more, another fault of that severity says so; after the errors nothing is looked for any more.
    """
    found: list[Fault] = []
    counts: Counter[Severity] = Counter()
    for fault in faults:
        counts[fault.severity] += 1
        if counts[fault.severity] <= MAX_FAULTS:
            found.append(fault)
        elif fault.severity == "error":
            break
    message = f"has more faults; these are the first {MAX_FAULTS}"
    exceeded = [severity for severity, count in counts.items() if count > MAX_FAULTS]
    return found + [Fault("", FaultCode.TOO_MANY_FAULTS, message, severity) for severity in exceeded]
