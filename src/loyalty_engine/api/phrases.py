"""Conditions and limits of a program document as English phrases, for people who read explanations.

They are given as JSON, as the document has them. Amounts stay in minor units and names stay keys: translating them is
the reader's business.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

Json = Mapping[str, Any]

NEEDED: Final = {
    "is": "to be",
    "is_not": "not to be",
    "in": "to be one of",
    "not_in": "to be none of",
    "at_least": "at least",
    "more_than": "more than",
    "at_most": "at most",
    "less_than": "less than",
    "includes": "to include one of",
    "excludes": "to include none of",
}
"""What a fact needs, by operator; a value follows."""

_HELD: Final = {
    **{operator: f"is {words}" for operator, words in NEEDED.items()},
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "includes": "includes one of",
    "excludes": "includes none of",
}
_COUNTED: Final = {**NEEDED, "is": "exactly", "is_not": "anything but"}
_PAST: Final = {
    "orders": "orders",
    "spend": "spent",
    "quantity": "bought",
    "days_since_last": "days since the last order",
}


def show_value(value: object) -> str:
    """Show a value of the document; of several any will do."""
    match value:
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(show_value(inner) for inner in value) or "nothing"
        case _:
            return str(value)


def show_comparison(operator: str, needed: object) -> str:
    """Show what a fact needs: ``at least 2000``."""
    if operator == "exists":
        return "to be known" if needed else "to be absent"
    return f"{NEEDED[operator]} {show_value(needed)}"


def show_fact(fact: str, lines: Json | None, attribute: str | None = None) -> str:
    """Show what is measured: ``lines.amount of lines with category coffee``."""
    name = fact if attribute is None else f"the sum of {attribute}"
    return f"{name} of {_show_lines(lines)}" if lines else name


def show_past(measure: str, operator: str, needed: object, *, window: Json, lines: Json | None) -> str:
    """Show what the past needs: ``at least 2 orders in the last 7 days``."""
    counted = f"{_COUNTED[operator]} {show_value(needed)} {_PAST[measure]}"
    if lines:
        preposition = {"orders": "with", "days_since_last": "with", "spend": "on", "quantity": "of"}[measure]
        counted = f"{counted} {preposition} {_show_lines(lines)}"
    return f"{counted} {_show_window(window)}"


def show_birthday(window: Json) -> str:
    """Show when somebody has to come: ``a day from 3 days before to 2 days after the birthday``."""
    match window:
        case {"calendar": unit}:
            return f"the {unit} of the birthday"
        case {"days_before": before, "days_after": after}:
            return f"a day from {_days(before)} before to {_days(after)} after the birthday"
        case {"days_before": before}:
            return f"the birthday or up to {_days(before)} before it"
        case {"days_after": after}:
            return f"the birthday or up to {_days(after)} after it"
        case _:
            return "the birthday"


def show_limit(limit: Json, wallet: str) -> str:
    """Show a limit: ``the limit of 100 points per member and month``."""
    if "times" in limit:
        most = f"{limit['times']} {'time' if limit['times'] == 1 else 'times'}"
    else:
        most = f"{limit['points']} {wallet}"
    period = limit.get("period", "lifetime")
    match limit["per"]:
        case "order":
            return f"the limit of {most} at once"
        case "member":
            return f"the limit of {most} per member" + ("" if period == "lifetime" else f" and {period}")
        case _:
            return f"the limit of {most} for all members" + ("" if period == "lifetime" else f" per {period}")


def show_budget(limit: Json) -> str:
    """Show a limit of a promotion: ``the limit of 100000 off per program and month``."""
    if "times" in limit:
        most = f"{limit['times']} {'time' if limit['times'] == 1 else 'times'}"
    else:
        most = f"{limit['amount']} off"
    period = limit.get("period", "lifetime")
    return f"the limit of {most} per {limit['per']}" + ("" if period == "lifetime" else f" and {period}")


def show_tier(tier_set: str, before: str | None, after: str | None, until: datetime | None) -> str:
    """Show where a member went in a tier set: ``gold in status instead of silver, until 2027-12-31``."""
    instead = f" instead of {before}" if before not in {None, after} else ""
    lasting = "" if until is None else f", until {until:%Y-%m-%d}"
    return f"{after or 'no tier'} in {tier_set}{instead}{lasting}"


def show_condition(condition: Json) -> str:
    """Show a condition of the document as something that holds: ``order.channel is web``."""
    match condition:
        case {"all": children}:
            return " and ".join(_in_brackets(child, "any") for child in children)
        case {"any": children}:
            return " or ".join(_in_brackets(child, "all") for child in children)
        case {"not": child}:
            return f"not ({show_condition(child)})"
        case {"fact": fact}:
            return f"{fact} {_show_held(condition, 'fact')}"
        case {"history": window}:
            measure, comparison = _single(condition, "history", "lines")
            operator, needed = _single(comparison)
            return f"there are {show_past(measure, operator, needed, window=window, lines=condition.get('lines'))}"
        case {"lines": lines}:
            measure, comparison = _single(condition, "lines")
            shown = show_fact(f"lines.{measure}", lines, comparison.get("attribute"))
            return f"{shown} {_show_held(comparison, 'attribute')}"
        case {"birthday": window}:
            return f"it is {show_birthday(window)}"
        case _:
            return str(dict(condition))


def _in_brackets(condition: Json, other: str) -> str:
    shown = show_condition(condition)
    return f"({shown})" if other in condition else shown


def _show_held(comparison: Json, subject: str) -> str:
    operator, value = _single(comparison, subject)
    if operator == "exists":
        return "is known" if value else "is absent"
    return f"{_HELD[operator]} {show_value(value)}"


def _single(fields: Json, *others: str) -> tuple[str, Any]:
    """Return the one field that is none of the others."""
    return next((name, value) for name, value in fields.items() if name not in others)


def _show_lines(lines: Json) -> str:
    wanted = {name: value for name, value in lines.items() if name != "except"}
    shown = f"lines with {_show_filter(wanted)}" if wanted else "lines"
    return f"{shown} but not {_show_filter(lines['except'])}" if "except" in lines else shown


def _show_filter(fields: Json) -> str:
    chosen = {**fields, **fields.get("attributes", {})}
    chosen.pop("attributes", None)
    return " and ".join(f"{name} {show_value(value)}" for name, value in chosen.items())


def _show_window(window: Json) -> str:
    match window:
        case {"days": days}:
            return f"in the last {_days(days)}"
        case {"calendar": "day"}:
            return "on that day"
        case {"calendar": unit}:
            return f"in that {unit}"
        case _:
            return "at any time before"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
