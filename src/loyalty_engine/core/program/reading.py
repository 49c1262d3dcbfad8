"""From untrusted data, as a YAML or JSON reader returns it, to a Program or to the list of what is wrong with it.

Two passes: the form first (size, depth, numbers, texts; iterative, so that no document can exhaust the stack), then
the models. Faults carry pointers into the document as it was written and never repeat its values.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loyalty_engine.core.kernel.amounts import MAX_BALANCE
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault, FaultCode, first_faults, json_pointer
from loyalty_engine.core.program.fields import (
    CURRENCY_PATTERN,
    DECIMAL_PATTERN,
    KEY_PATTERN,
    MAX_NAME,
    MAX_TEXT,
    PERCENT_PATTERN,
    is_unnamed_tag,
)
from loyalty_engine.core.program.promotions import PromotionEntry

MAX_NESTING: Final = 40
MAX_NODES: Final = 500_000
"""Values in one document, counted as often as YAML aliases repeat them."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NOT_DATA: Final = "must be text, a whole number, true or false; write decimals and dates in quotes"

_FORMS: Final = {
    KEY_PATTERN: "must be a key: a to z first, then a to z, 0 to 9 and _, at most 63 characters",
    PERCENT_PATTERN: 'must be a percentage such as "2.5%"',
    CURRENCY_PATTERN: "must be three capital letters",
    DECIMAL_PATTERN: 'must be a decimal such as "1.25", with at most six places',
}

_FAULTS: Final[Mapping[str, tuple[FaultCode, str]]] = {
    "missing": (FaultCode.REQUIRED, "is required"),
    "union_tag_not_found": (FaultCode.REQUIRED, "is required"),
    "extra_forbidden": (FaultCode.UNKNOWN_FIELD, "is not a field here"),
    "literal_error": (FaultCode.UNKNOWN_CHOICE, "must be {expected}"),
    "union_tag_invalid": (FaultCode.UNKNOWN_CHOICE, "must be one of {expected_tags}"),
    "string_type": (FaultCode.WRONG_TYPE, "must be text"),
    "int_type": (FaultCode.WRONG_TYPE, "must be a whole number"),
    "bool_type": (FaultCode.WRONG_TYPE, "must be true or false"),
    "tuple_type": (FaultCode.WRONG_TYPE, "must be a list"),
    "mapping_type": (FaultCode.WRONG_TYPE, "must be an object with named entries"),
    "dict_type": (FaultCode.WRONG_TYPE, "must be an object with named entries"),
    "model_type": (FaultCode.WRONG_TYPE, "must be an object with fields"),
    "model_attributes_type": (FaultCode.WRONG_TYPE, "must be an object with fields"),
    "greater_than_equal": (FaultCode.OUT_OF_RANGE, "must be at least {ge}"),
    "less_than_equal": (FaultCode.OUT_OF_RANGE, "must be at most {le}"),
    "string_too_short": (FaultCode.TOO_SHORT, "must not be empty"),
    "too_short": (FaultCode.TOO_SHORT, "must not be empty"),
    "string_too_long": (FaultCode.TOO_LONG, "must have at most {max_length} characters"),
    "too_long": (FaultCode.TOO_LONG, "must have at most {max_length} entries"),
}
"""What pydantic finds, in our words. Faults that our own validators raise carry their code and words already."""

_OWN_CODES: Final = frozenset(code.value for code in FaultCode)

_Model = TypeVar("_Model", bound=BaseModel)

_Path = tuple["_Path", str | int] | None
"""Steps from the root, innermost last; a pointer is written only where there is a fault."""


def parse_program(raw: object) -> Program | list[Fault]:
    """Return the program that ``raw`` describes, or why it describes none. Never raises, whatever ``raw`` is.

    ``raw`` is plain data: dicts, lists, texts, whole numbers, booleans, null. At most 100 faults are listed.
    """
    faults = first_faults(_faults_of_form(raw))
    if faults:
        return faults
    return _parse(raw, Program)


def parse_promotion(raw: object) -> PromotionEntry | list[Fault]:
    """Return the promotion that ``raw`` describes, in the same way; pointers begin at the promotion."""
    faults = first_faults(_faults_of_form(raw))
    return faults or _parse(raw, PromotionEntry)


def _parse(raw: object, model: type[_Model]) -> _Model | list[Fault]:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    return first_faults(_faults_of_models(raw, details))


def _faults_of_form(raw: object) -> Iterator[Fault]:
    waiting: list[tuple[Any, int, _Path]] = [(raw, 1, None)]
    nodes = 0
    while waiting:
        value, depth, path = waiting.pop()
        nodes += 1
        if nodes > MAX_NODES:
            yield Fault("", FaultCode.TOO_LARGE, f"must have at most {MAX_NODES} values")
            return
        if fault := _fault_of_value(value, depth, path):
            yield fault
        elif isinstance(value, dict):
            waiting.extend((child, depth + 1, (path, key)) for key, child in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend((value[i], depth + 1, (path, i)) for i in reversed(range(len(value))))


def _fault_of_value(value: object, depth: int, path: _Path) -> Fault | None:
    code, message = FaultCode.MALFORMED, ""
    match value:
        case bool() | None:
            pass
        case int():
            if not -MAX_BALANCE <= value <= MAX_BALANCE:
                code, message = FaultCode.OUT_OF_RANGE, f"must lie between -{MAX_BALANCE} and {MAX_BALANCE}"
        case str():
            if len(value) > MAX_TEXT:
                code, message = FaultCode.TOO_LONG, f"must have at most {MAX_TEXT} characters"
            elif _UNSTORABLE.search(value):
                message = "must be text without NUL and lone surrogates"
        case list() | dict() if depth > MAX_NESTING:
            code, message = FaultCode.TOO_DEEP, f"must not be nested more than {MAX_NESTING} levels deep"
        case dict():
            if not all(isinstance(key, str) and len(key) <= MAX_NAME and not _UNSTORABLE.search(key) for key in value):
                message = f"must have texts of at most {MAX_NAME} characters as names"
        case list():
            pass
        case _:
            code, message = FaultCode.WRONG_TYPE, _NOT_DATA
    return Fault(json_pointer(_steps_of(path)), code, message) if message else None


def _steps_of(path: _Path) -> list[str | int]:
    steps: list[str | int] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return steps[::-1]


def _faults_of_models(raw: object, details: Sequence[ErrorDetails]) -> Iterator[Fault]:
    for detail in details:
        steps = _document_steps(detail["loc"])
        context = detail.get("ctx", {})
        if detail["type"] == "too_short" and _find(raw, steps):
            continue  # pydantic counts valid items only; the invalid ones have a fault of their own
        if "discriminator" in context:
            steps.append(context["discriminator"].strip("'"))
        code, message = _explain(detail)
        yield Fault(json_pointer(steps), code, message)


def _explain(detail: ErrorDetails) -> tuple[FaultCode, str]:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "string_pattern_mismatch":
            return FaultCode.MALFORMED, _FORMS.get(context["pattern"], "has the wrong form")
        case kind if kind in _FAULTS:
            code, template = _FAULTS[kind]
            return code, template.format(**context)
        case kind if kind in _OWN_CODES:
            return FaultCode(kind), detail["msg"]
        case _:
            return FaultCode.MALFORMED, "is not valid"


def _document_steps(location: Sequence[str | int]) -> list[str | int]:
    """Return pydantic's location without the branches of unions that it names: they are not in the document."""
    steps: list[str | int] = []
    tag_allowed = False
    for step in location:
        if tag_allowed or is_unnamed_tag(step) or step == "[key]":
            tag_allowed = False
            continue
        steps.append(step)
        match steps:
            case ["wallets", int()] | ["earning_rules", int(), "earn"] | ["promotions", int(), "effect"] | ["effect"]:
                tag_allowed = True
            case ["wallets" | "earning_rules", int(), "activation"] | ["wallets", int(), "expiry"]:
                tag_allowed = True
            case ["tier_sets", int(), "metric" | "window" | "lasts"]:
                tag_allowed = True
            case ["plans", int(), "refund"]:
                tag_allowed = True
            case ["referrals", int(), "qualifies"] | ["referrals", int(), *_, "rewards", int()]:
                tag_allowed = True
            case _:
                tag_allowed = False
    return steps


def _find(raw: Any, steps: Sequence[str | int]) -> Any:  # noqa: ANN401  whatever stands there
    for step in steps:
        raw = raw[step]
    return raw
