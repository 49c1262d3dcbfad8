"""The commands of ``loyalty``. What only one of them needs is imported when that one runs, so that help is instant."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from loyalty_engine.cli.database import open_database, operators_connection, prepare, require_program
from loyalty_engine.cli.demo.command import demo
from loyalty_engine.cli.exports import export
from loyalty_engine.cli.failures import one_line, read_settings
from loyalty_engine.cli.imports import import_
from loyalty_engine.cli.keys import keys
from loyalty_engine.cli.logs import configure_logging
from loyalty_engine.cli.program import apply, plan
from loyalty_engine.cli.serve import serve
from loyalty_engine.cli.settle import settle
from loyalty_engine.cli.work import work

OutputOption = Annotated[Path, typer.Option(help="The file to write.")]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="A headless loyalty engine.",
    context_settings={"max_content_width": 100},
)
app.command()(serve)
app.command()(plan)
app.command()(apply)
app.command()(demo)
app.command()(settle)
app.command()(work)
app.command(name="import")(import_)
app.command()(export)
app.add_typer(keys, name="keys")


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this release, and history into the partitions of its months.

    History moves only while nothing else is connected; what stays where it is, is told.
    """
    settings = read_settings()
    configure_logging(settings.log_level)
    with one_line(), open_database(settings, may_share=True) as database:
        left = prepare(database, migrates=True)
        print("the schema is up to date")
        if left:
            print(
                f"left in DEFAULT: rows of {len(left)} partitions, {left[0]} the first; they move only while nobody is"
            )
            print("connected, so stop the service and run `loyalty migrate` again")


@app.command()
def check(
    program: Annotated[str | None, typer.Option(help="Key of the program; all of them by default.")] = None,
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Also recompute balances, lots and counters from history, and compare.")
    ] = False,
) -> None:
    """Prove from the rows that the ledger adds up; exit code 1 and the rows in question when it does not."""
    from loyalty_engine.application.check_ledger import check_patiently
    from loyalty_engine.cli.rebuilding import rebuild_with_progress

    settings = read_settings()

    async def run() -> bool:
        async with operators_connection(settings) as connection:
            program_id = None if program is None else await require_program(connection, program)
            report = await check_patiently(connection, program_id, partial(print, flush=True))
            is_rebuilt = not rebuild or await rebuild_with_progress(connection, program_id, report.totals.members)
        return report.is_sound and is_rebuilt

    if not asyncio.run(run()):
        raise typer.Exit(1)


@app.command()
def openapi(output: OutputOption) -> None:
    """Write the OpenAPI document of the API."""
    from loyalty_engine.api.openapi import describe_api, write_api
    from loyalty_engine.bootstrap import build_application

    _write(output, write_api(describe_api(build_application(read_settings()))))


@app.command()
def errors(output: OutputOption) -> None:
    """Write the catalogue of all errors that the API answers with."""
    from loyalty_engine.api.catalogue import render_catalogue

    _write(output, render_catalogue())


@app.command()
def schema(
    output: Annotated[Path | None, typer.Option(help="The file to write; the terminal by default.")] = None,
) -> None:
    """Write the JSON Schema of program documents, for editors."""
    import json

    from loyalty_engine.core.program.schema import describe_program

    text = json.dumps(describe_program(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        print(text, end="")
    else:
        _write(output, text)


def _write(path: Path, text: str) -> None:
    with one_line():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
