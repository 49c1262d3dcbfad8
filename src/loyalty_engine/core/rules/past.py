"""Conditions on what a member bought before, and around a birthday, compiled to measures of a view."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from typing import assert_never

from loyalty_engine.core.kernel.calendars import first_day_of, start_of
from loyalty_engine.core.kernel.instants import at_wall_time
from loyalty_engine.core.program.conditions import BirthdayWindow, HistoryComparison, HistoryWindow, LineSelection
from loyalty_engine.core.program.facts import Vocabulary
from loyalty_engine.core.rules.history import PastOrder
from loyalty_engine.core.rules.selections import GroupedLines, compile_selection, measure_of
from loyalty_engine.core.rules.view import View, birthday_in

PastMeasure = Callable[[View], int | None]
"""One number about earlier orders; None when there is nothing to speak of."""

_Found = tuple[PastOrder, GroupedLines]


def start_of_window(window: HistoryWindow, at: datetime, zone: tzinfo) -> datetime | None:
    """Return since when earlier orders count; None: for ever."""
    if window.days is not None:
        local = at.astimezone(zone)
        return at_wall_time(local.replace(tzinfo=None) - timedelta(days=window.days), zone)
    return None if window.calendar is None else start_of(window.calendar, at, zone)


def compile_history(condition: HistoryComparison, vocabulary: Vocabulary) -> PastMeasure:
    """Return the measure of a history condition that ``check_program`` found no error in."""
    window, name = condition.history, condition.measure
    selection = None if condition.lines is None else compile_selection(condition.lines, vocabulary)
    lines = selection or compile_selection(LineSelection(), vocabulary)

    def found(view: View) -> list[_Found]:
        since = start_of_window(window, view.at, view.zone)
        within = [
            (past, bought)
            for past, bought in view.past
            if past.placed_at <= view.at and (since is None or past.placed_at >= since)
        ]
        return within if selection is None else [each for each in within if lines.pick(each[1])]

    match name:
        case "orders":
            return lambda view: len(found(view))
        case "spend" if selection is None:
            return lambda view: sum(past.spend for past, _ in found(view))
        case "spend" | "quantity":
            measure = measure_of(lines, "amount" if name == "spend" else "quantity")
            return lambda view: sum(measure(bought) for _, bought in found(view))
        case "days_since_last":
            return lambda view: view.days_since(max((past.placed_at for past, _ in found(view)), default=None))
        case _:
            assert_never(name)


def is_birthday(window: BirthdayWindow, view: View) -> bool | None:
    """Tell whether the day of ``view`` lies around the member's birthday; None when nobody knows it."""
    born = view.member.birthday if view.member is not None else None
    if born is None:
        return None
    today = view.local.date()
    return any(
        _is_around(window, birthday_in(year, born), today) for year in (today.year - 1, today.year, today.year + 1)
    )


def _is_around(window: BirthdayWindow, birthday: date, today: date) -> bool:
    if window.calendar is not None:
        return first_day_of(window.calendar, birthday) == first_day_of(window.calendar, today)
    return -window.days_before <= (today - birthday).days <= window.days_after
