"""``loyalty settle``: the periodic run that books what time did to members who were not touched."""

import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loyalty_engine.cli.database import open_database, own_connection, require_program
from loyalty_engine.cli.failures import one_line, read_settings

if TYPE_CHECKING:
    from loyalty_engine.application.rulesets import Rulesets
    from loyalty_engine.persistence.connections import Connection

COLLECT_AFTER: Final = 50_000
"""Allocations between garbage collections: a page makes many objects at once and leaves none in circles."""


def settle(
    program: Annotated[str | None, typer.Option(help="Key of the program; all of them by default.")] = None,
) -> None:
    """Book points that became spendable or expired, and holds that ran out, of members who were not touched since.

    What can be spent never depends on it. It may be stopped at any time and run several times at once.
    """
    import uvloop

    with one_line(), open_database(read_settings(), may_share=True) as database:
        gc.set_threshold(COLLECT_AFTER, 20, 50)
        is_whole = uvloop.run(_run(database.url, program))
    if not is_whole:
        raise typer.Exit(1)


async def _run(url: str, program: str | None) -> bool:
    """Settle one program after the other; tell whether every member could be settled."""
    from loyalty_engine.application.clocks import Clocks
    from loyalty_engine.application.rulesets import Rulesets
    from loyalty_engine.persistence.connections import create_pool
    from loyalty_engine.persistence.migrating import require_current
    from loyalty_engine.persistence.programs import list_programs
    from loyalty_engine.persistence.sessions import Sessions

    await require_current(url)
    async with create_pool(url, size=1) as pool, own_connection(url) as one, own_connection(url) as other:
        sessions = Sessions(pool)
        rulesets, clocks = Rulesets(sessions), Clocks(sessions, lambda: datetime.now(UTC))
        wanted = {program: await require_program(one, program)} if program else await list_programs(one)
        settled = [
            await _settle((one, other), rulesets, *named, now=await clocks.now(named[1])) for named in wanted.items()
        ]
    return all(settled)


async def _settle(
    connections: "tuple[Connection, Connection]", rulesets: "Rulesets", key: str, program_id: int, *, now: datetime
) -> bool:
    """Settle one program with a bar and a line of its own; one in which nothing is due is passed over."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from loyalty_engine.application.settle_due_points import settle_due_points
    from loyalty_engine.core.kernel.ids import show_id
    from loyalty_engine.persistence.due import count_due

    total = await count_due(connections[0], program_id, now)
    if not total:
        return True
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(key, total=total)
        settled = await settle_due_points(
            connections, rulesets, program_id, now=now, tell=lambda count: progress.advance(task, count)
        )
    print(f"{key}: settled {settled.members}")
    for member in settled.unsettled:
        print(f"{key}: {show_id('mem', member)} could not be settled; see `loyalty check`")
    return not settled.unsettled
