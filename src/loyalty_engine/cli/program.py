"""``loyalty plan`` and ``loyalty apply``: a program as a file, looked at before it is published."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from loyalty_engine.cli.failures import FailureError, one_line, read_settings

if TYPE_CHECKING:
    from loyalty_engine.api.schemas.problems import Problem
    from loyalty_engine.api.schemas.program import PlanAnswer
    from loyalty_engine.cli.places import Place
    from loyalty_engine.cli.source import Source

_FAULTY: Final = 1
_CHANGES: Final = 3
_LONGEST_NOTE: Final = 200
_OF_THE_DOCUMENT: Final = frozenset({"program_invalid", "malformed_yaml", "malformed_json", "duplicate_name"})
"""Problems that whoever wrote the file can mend."""

FileArgument = Annotated[Path, typer.Argument(help="The program document, YAML or JSON.", show_default=False)]
ProgramOption = Annotated[str | None, typer.Option(help="Key of a program in this installation's database.")]
UrlOption = Annotated[
    str | None, typer.Option(help="Address of a service; the key in LOYALTY_API_KEY says which program.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print what the API answers, for machines.")]


def plan(
    file: FileArgument,
    *,
    program: ProgramOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 when something would change.")] = False,
) -> None:
    """Show what publishing FILE would change, and write nothing; exit code 1 when FILE has errors."""

    async def run(place: "Place", source: "Source") -> int:
        found = await place.plan(source)
        _show(place, source, found, as_json=as_json)
        if found.errors:
            return _FAULTY
        return _CHANGES if exit_code and found.changes else 0

    raise typer.Exit(_run(file, run, program=program, url=url, as_json=as_json))


def apply(
    file: FileArgument,
    *,
    program: ProgramOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish without asking.")] = False,
    note: Annotated[str | None, typer.Option(help="Why; kept with the revision.")] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create the program when there is none of that key.")
    ] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="With --create: a program for trying, whose clock can be moved.")
    ] = False,
) -> None:
    """Show what publishing FILE would change, ask, and publish it if nobody else did meanwhile."""
    if sandbox and not create:
        raise FailureError("--sandbox needs --create: a program is created as a sandbox or never is one")
    if as_json and not yes:
        raise FailureError("--json needs --yes")
    if note is not None and not 1 <= len(note) <= _LONGEST_NOTE:
        raise FailureError(f"--note has 1 to {_LONGEST_NOTE} characters")

    async def run(place: "Place", source: "Source") -> int:
        found = await place.plan(source)
        if not as_json or found.errors:
            _show(place, source, found, as_json=as_json)
        if found.errors:
            return _FAULTY
        if found.changes and not yes:
            _ask()
        # Also without changes when a machine asks: its answer is that of a publication.
        if found.changes or as_json:
            published = await place.publish(source, revision=found.revision, note=note)
            print(published.model_dump_json() if as_json else f"published revision {published.revision}")
        return 0

    raise typer.Exit(_run(file, run, program=program, url=url, as_json=as_json, creates=create, is_sandbox=sandbox))


def _run(
    file: Path,
    work: Callable[["Place", "Source"], Awaitable[int]],
    *,
    program: str | None,
    url: str | None,
    as_json: bool,
    creates: bool = False,
    is_sandbox: bool = False,
) -> int:
    """Do something with a file where its program is, and return the exit code."""
    from loyalty_engine.cli.places import open_place
    from loyalty_engine.cli.remote import RejectedError
    from loyalty_engine.cli.source import Source

    settings = read_settings()
    with one_line():
        source = Source.read(file)

    async def enter() -> int:
        async with open_place(settings, program=program, url=url, creates=creates, is_sandbox=is_sandbox) as place:
            return await work(place, source)

    try:
        return asyncio.run(enter())
    except RejectedError as error:
        _show_problem(source, error.problem, as_json=as_json)
        return _FAULTY


def _ask() -> None:
    if not sys.stdin.isatty():
        raise FailureError("nobody is there to ask; --yes publishes without asking")
    typer.confirm("Publish it?", abort=True, err=True)


def _show(place: "Place", source: "Source", found: "PlanAnswer", *, as_json: bool) -> None:
    from loyalty_engine.cli.plan_screen import show_plan

    if as_json:
        print(found.model_dump_json())
    else:
        show_plan(Console(highlight=False), place.name, source, found)


def _show_problem(source: "Source", problem: "Problem", *, as_json: bool) -> None:
    """Show what is wrong with the file; raise :class:`FailureError` when it is something else."""
    from loyalty_engine.cli.plan_screen import show_problem

    if problem.code not in _OF_THE_DOCUMENT:
        more = ", ".join(f"{name} {value}" for name, value in problem.details.items())
        raise FailureError(f"{problem.title}. {problem.detail}{f' ({more})' if more else ''}")
    if as_json:
        print(problem.model_dump_json())
    else:
        show_problem(Console(highlight=False), source, problem)
