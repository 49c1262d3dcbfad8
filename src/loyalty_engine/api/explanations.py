"""Reasons in plain English: one sentence per rule, made from what was stored with the operation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]

_OPERATORS: Final = {
    "is": "to be",
    "is_not": "not to be",
    "in": "to be one of",
    "not_in": "to be none of",
    "at_least": "at least",
    "more_than": "more than",
    "at_most": "at most",
    "less_than": "less than",
}


def explain(reasons: Sequence[Json]) -> list[str]:
    """Return one sentence per reason, in the order of the program's rules."""
    return [f"{reason['rule']}: {_verdict(reason)}" for reason in reasons]


def _verdict(reason: Json) -> str:
    match reason["code"]:
        case "applied":
            return f"applied, gives {reason['amount']} {reason['wallet'] or 'points'}"
        case "inactive":
            return "not applied, the rule is switched off"
        case "nothing_to_earn":
            return "not applied, the amount is too small to earn anything"
        case _ if reason.get("miss"):
            return f"not applied, {_show_miss(reason['miss'])}"
        case code:
            return f"not applied ({code})"


def _show_miss(miss: Json) -> str:
    match miss["code"]:
        case "unmet":
            return f"needs {_show_need(miss)}, {_show_actual(miss)}"
        case "none_of":
            return "needs one of these: " + "; or ".join(_show_miss(inner) for inner in miss["misses"])
        case "excluded":
            return f"excluded because {_show_condition(miss['condition'])}"
        case code:
            return str(code)


def _show_need(miss: Json) -> str:
    return f"{_show_fact(miss['fact'], miss.get('lines'))} {_show_comparison(miss['operator'], miss['needed'])}"


def _show_actual(miss: Json) -> str:
    if miss.get("personal"):
        return "what it was is personal"
    actual = "absent" if miss["actual"] is None else _show_value(miss["actual"])
    missing = f" ({_show_value(miss['missing'])} missing)" if "missing" in miss else ""
    return f"was {actual}{missing}"


def _show_fact(fact: str, lines: Json | None) -> str:
    if not lines:
        return fact
    chosen = {**lines, **lines.get("attributes", {})}
    chosen.pop("attributes", None)
    return f"{fact} of lines with {' and '.join(f'{name} {_show_value(value)}' for name, value in chosen.items())}"


def _show_comparison(operator: str, needed: object) -> str:
    if operator == "exists":
        return "to be known" if needed else "to be absent"
    return f"{_OPERATORS[operator]} {_show_value(needed)}"


def _show_condition(condition: Json) -> str:
    """Show a condition of the document, as it stands there."""
    match condition:
        case {"all": children}:
            return " and ".join(_show_condition(child) for child in children)
        case {"any": children}:
            return " or ".join(_show_condition(child) for child in children)
        case {"not": child}:
            return f"not ({_show_condition(child)})"
        case {"fact": fact}:
            return f"{fact} {_show_held(condition, 'fact')}"
        case {"lines": lines}:
            measure = next(name for name in condition if name != "lines")
            return f"{_show_fact(f'lines.{measure}', lines)} {_show_held(condition[measure])}"
        case _:
            return str(dict(condition))


def _show_held(comparison: Json, subject: str | None = None) -> str:
    operator = next(name for name in comparison if name != subject)
    value = comparison[operator]
    if operator == "exists":
        return "is known" if value else "is absent"
    verb = {"is": "is", "is_not": "is not", "in": "is one of", "not_in": "is none of"}.get(operator)
    return f"{verb or f'is {_OPERATORS[operator]}'} {_show_value(value)}"


def _show_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(_show_value(inner) for inner in value)
        case _:
            return str(value)
