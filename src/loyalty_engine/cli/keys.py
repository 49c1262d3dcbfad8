"""``loyalty keys``: API keys made and ended by the operator, first of all the one that makes the others."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from loyalty_engine.application.grants import Grant
from loyalty_engine.application.issuing import issue
from loyalty_engine.application.scopes import PRESETS, SCOPES
from loyalty_engine.application.tokens import Mode
from loyalty_engine.cli.database import operators_connection, require_program
from loyalty_engine.cli.failures import FailureError, read_settings
from loyalty_engine.core.kernel.ids import InvalidIdError, read_id, show_id
from loyalty_engine.persistence import clients
from loyalty_engine.persistence.clients import Key
from loyalty_engine.persistence.connections import Connection

_LISTED: Final = 1000
_WIDE: Final = 500
"""Columns of what is no terminal: a row is one line for whoever reads it."""

_WHOLE: Final = (Column("id", no_wrap=True), Column("key", no_wrap=True))

T = TypeVar("T")
ProgramOption = Annotated[str, typer.Option(help="Key of the program.")]

keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")


@keys.command()
def create(
    program: ProgramOption,
    *,
    preset: Annotated[str | None, typer.Option(help=f"A ready set of scopes: {', '.join(PRESETS)}.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="One scope; repeat it for more.")] = None,
    name: Annotated[str | None, typer.Option(help="Whose key it is.")] = None,
    location: Annotated[str | None, typer.Option(help="The only location it may act for.")] = None,
    till: Annotated[str | None, typer.Option(help="The only till it may act for; needs --location.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Ends after so many days; never by default.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Mark it as a key for testing.")] = False,
) -> None:
    """Create a key and print its secret, which cannot be read again."""
    if till is not None and location is None:
        raise FailureError("--till needs --location")
    mode: Mode = "test" if test else "live"
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    grant = Grant(name or preset or "operator", _scopes(preset, scope or []), location, till, expires_at, mode)

    async def run(connection: Connection, program_id: int) -> str:
        async with connection.transaction():
            return (await issue(connection, program_id, grant)).secret

    print(_in_program(program, run))


@keys.command(name="list")
def show(program: ProgramOption) -> None:
    """List the keys, newest first; never a secret."""

    async def run(connection: Connection, program_id: int) -> Sequence[Key]:
        return await clients.list_keys(connection, program_id, limit=_LISTED)

    table = Table(*_WHOLE, "name", "place", "scopes", "created", "state", box=None)
    for key in _in_program(program, run):
        place = "/".join(part for part in (key.location, key.till) if part)
        scopes = "all" if len(key.scopes) == len(SCOPES) else " ".join(key.scopes)
        created = f"{key.created_at:%Y-%m-%d}"
        table.add_row(show_id("key", key.id), key.hint, key.name, place, scopes, created, _state(key))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, key_…")], program: ProgramOption) -> None:
    """End a key for ever; its next request fails."""
    try:
        found = read_id("key", key_id)
    except InvalidIdError:
        raise FailureError("a key's id looks like key_…; `loyalty keys list` shows them") from None

    async def run(connection: Connection, program_id: int) -> bool:
        async with connection.transaction():
            return await clients.revoke_key(connection, program_id, found)

    if not _in_program(program, run):
        raise FailureError(f"the program {program} has no such key")
    print(f"revoked {key_id}")


def _in_program(key: str, run: Callable[[Connection, int], Awaitable[T]]) -> T:
    """Run something on a program, with the owner's rights."""
    settings = read_settings()

    async def enter() -> T:
        async with operators_connection(settings) as connection:
            return await run(connection, await require_program(connection, key))

    return asyncio.run(enter())


def _scopes(preset: str | None, named: Sequence[str]) -> Sequence[str]:
    if preset is not None and preset not in PRESETS:
        raise FailureError(f"there is no preset {preset}; there are {', '.join(PRESETS)}")
    unknown = [scope for scope in named if scope not in SCOPES]
    if unknown:
        raise FailureError(f"there is no scope {unknown[0]}; there are {', '.join(SCOPES)}")
    scopes = {*(PRESETS[preset] if preset else ()), *named}
    if not scopes:
        raise FailureError("a key without scopes can do nothing; name a --preset or a --scope")
    return sorted(scopes)


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.is_live:
        return "expired"
    return "live" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M}"
