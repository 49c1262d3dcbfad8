"""Preview ladders: where a document would move members if it were published now, and what it would cost. Writes nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from loyalty_engine.application.pages import NOBODY, call_of_nobody, read_page
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.ladder_changes import Forecast, look_back_for_forecast
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.due import list_members

_PAGE: Final = 250
_BEGINNING: Final = UUID(int=0)


async def preview_ladders(
    connection: Connection,
    rulesets: Rulesets,
    program_id: int,
    after: Ruleset,
    *,
    now: datetime,
    behind: UUID = _BEGINNING,
    most: int | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Forecast:
    """Return what publishing the rules ``after`` would do to members of a program at ``now``, which its clock shows: to those
    ``behind`` one by id, so many at ``most``, None: to all.

    It decides as the publication does, page by page; ``tell`` hears of how many members each page was.
    """

    def ask(before: Ruleset, member_id: UUID) -> Ask:
        lookback = look_back_for_forecast(before, after, now)
        return Ask(NOBODY, "", None, member_id, now=now, lookback=lookback, wants_plans=bool(after.plans))

    forecast, last, left = Forecast(), behind, most
    while page := await list_members(connection, program_id, after=last, limit=min(_PAGE, left or _PAGE)):
        before, members = await read_page(connection, rulesets, program_id, page, ask=ask)
        for member in members:
            forecast.add(member, before, after, call=call_of_nobody(), now=max(now, member.booked_at))
        tell(len(members))
        last, left = page[-1], None if left is None else left - len(page)
        if left == 0:
            forecast.last = last
            break
    return forecast
