"""The second half of ``loyalty check --rebuild``: history is folded anew, with a bar where somebody looks at it."""

from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loyalty_engine.application.check_ledger import rebuild_patiently
from loyalty_engine.persistence.connections import Connection


async def rebuild_with_progress(connection: Connection, program_id: int | None, members: int) -> bool:
    """Rebuild, print what differs, and tell whether nothing does."""
    columns = (TextColumn("rebuilding members"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=members)
        return await rebuild_patiently(
            connection,
            program_id,
            partial(print, flush=True),
            advance=lambda count: progress.advance(task, count),
        )
