"""``loyalty export``: everything of one kind as a file, straight from the database."""

import asyncio
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from loyalty_engine.cli.database import open_database, own_connection, require_program
from loyalty_engine.cli.failures import FailureError, one_line, read_settings

_FORMATS: Final = ("csv", "ndjson")


def export(
    kind: Annotated[str, typer.Argument(help="members, balances, postings or operations.")],
    program: Annotated[str, typer.Option(help="Key of the program.")],
    *,
    file_format: Annotated[str, typer.Option("--format", help="csv or ndjson.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="The file to write; the terminal by default.")] = None,
) -> None:
    """Write everything of one kind, in the order of its keys. What is written meanwhile may be in it or not."""
    from loyalty_engine.persistence.reading.exports import KINDS

    if kind not in KINDS:
        raise FailureError(f"there is no export of {kind}; there are {', '.join(KINDS)}")
    if file_format not in _FORMATS:
        raise FailureError(f"--format must be one of {' '.join(_FORMATS)}")
    with one_line():
        asyncio.run(_run(program, kind, file_format, output))


async def _run(program: str, kind: Any, file_format: Any, output: Path | None) -> None:  # noqa: ANN401 - checked above
    from loyalty_engine.api.exports import write_export
    from loyalty_engine.application.export_rows import export_rows
    from loyalty_engine.application.rulesets import Rulesets
    from loyalty_engine.persistence.connections import create_pool
    from loyalty_engine.persistence.migrating import require_current
    from loyalty_engine.persistence.sessions import Sessions

    settings = read_settings()
    with open_database(settings, may_share=True) as database:
        await require_current(database.url)
        async with create_pool(database.url, size=1) as pool, own_connection(database.url) as connection:
            program_id = await require_program(connection, program)
            sessions = Sessions(pool)
            ruleset = await Rulesets(sessions).latest(program_id)
            pages = export_rows(partial(sessions.open, program_id), program_id, kind)
            with ExitStack() as stack:
                file = sys.stdout.buffer if output is None else stack.enter_context(output.open("wb"))
                async for text in write_export(pages, kind, file_format, sorted(ruleset.member_attributes)):
                    file.write(text)
