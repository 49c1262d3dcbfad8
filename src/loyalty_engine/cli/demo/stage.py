"""The stage: a server to play on, started for the demo with a database and a program of its own."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import orjson
import typer

from loyalty_engine.application.grants import Grant
from loyalty_engine.application.scopes import ADMIN, TILL
from loyalty_engine.cli.database import open_database, prepare, state_directory
from loyalty_engine.cli.demo.calls import Place
from loyalty_engine.cli.failures import one_line
from loyalty_engine.cli.listening import listen, url_of
from loyalty_engine.cli.processes import Processes
from loyalty_engine.cli.programs import OwnProgram, ensure_program
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence.embedded.server import make_state_directory
from loyalty_engine.settings import Settings

T = TypeVar("T")
Play = Callable[[Place, Place], Awaitable[T]]
"""Plays a run, given the back office's place and the tills' place."""

_PROCESSES: Final = 2
_ADMIN: Final = Grant("demo admin", ADMIN, None, None, None, "test")
_TILL: Final = Grant("demo tills", TILL, None, None, None, "test")


def play_on_own_stage(settings: Settings, name: str, program: Program, play: Play[T]) -> T:
    """Start a database, unless the settings name one, and a server on a free port; play, and end both.

    The embedded database is the demo's own, beside that of ``loyalty serve``, which may be running.
    """
    key = key_of(name, program)
    directory = _own_directory(settings)
    own = settings.model_copy(update={"state_dir": directory})
    with one_line(), listen("127.0.0.1", 0) as listener, open_database(own, may_share=False) as database:
        prepare(database, migrates=True)
        demo = OwnProgram(key, "demo", lambda: program, _ADMIN, _TILL)
        keys = asyncio.run(ensure_program(database.url, demo, directory / "keys" / key))
        processes = Processes(listener, count=_PROCESSES, database_url=database.url, has_worker=False)
        url = url_of(listener)
        return asyncio.run(_play_beside(processes, lambda: play(Place(url, keys.admin), Place(url, keys.till))))


def key_of(name: str, program: Program) -> str:
    """Return the key of the program in the database: each document has its own, so that none meets another's points."""
    written = program.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    digest = hashlib.sha256(orjson.dumps(written, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{name}_{digest[:8]}"


def _own_directory(settings: Settings) -> Path:
    parent = state_directory(settings)
    make_state_directory(parent)  # as ``loyalty serve`` would: as a mere parent it would be open to everybody
    return parent / "demo"


async def _play_beside(processes: Processes, play: Callable[[], Awaitable[T]]) -> T:
    """Run the server for as long as the play takes; who ends the server, as Ctrl-C does, ends the play."""
    ready = asyncio.Event()

    async def play_when_ready() -> T:
        await ready.wait()
        return await play()

    serving = asyncio.create_task(processes.run(ready.set))
    playing = asyncio.create_task(play_when_ready())
    try:
        await asyncio.wait((serving, playing), return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            return playing.result()
        await serving  # raises what ended it, if it was no signal
        raise typer.Abort
    finally:
        playing.cancel()
        serving.cancel()
        await asyncio.gather(playing, serving, return_exceptions=True)
