"""``loyalty serve``: the API, and everything it needs to run."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Annotated

import structlog
import typer

from loyalty_engine.cli.database import open_database, prepare, state_directory
from loyalty_engine.cli.example import ensure_example, show_first_screen
from loyalty_engine.cli.failures import FailureError, one_line, read_settings
from loyalty_engine.cli.logs import configure_logging
from loyalty_engine.cli.processes import ApiProcesses

_BACKLOG = 2048

_log = structlog.get_logger()


def serve(
    *,
    example: Annotated[
        bool, typer.Option("--example", help="Create a demo program with keys, and say how to use it.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on; LOYALTY_HOST, else loopback.")] = None,
    port: Annotated[
        int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="API processes; LOYALTY_PROCESSES, else 1.")
    ] = None,
) -> None:
    """Serve the API, with a PostgreSQL of our own unless LOYALTY_DATABASE_URL names one."""
    settings = read_settings()
    configure_logging(settings.log_level)
    with (
        one_line(),
        _listen(host or settings.host, port) as listener,
        open_database(settings, may_share=False) as database,
    ):
        prepare(database, migrates=example or database.is_own)
        url = _url_of(listener)
        keys = asyncio.run(ensure_example(database.url, state_directory(settings))) if example else None

        count = processes or settings.processes

        def announce() -> None:
            _log.info("serving", url=url, processes=count)
            if keys is not None:
                show_first_screen(url, keys)

        asyncio.run(_serve(ApiProcesses(listener, count=count, database_url=database.url), announce))


async def _serve(processes: ApiProcesses, announce: Callable[[], None]) -> None:
    await processes.run(announce)


def _listen(host: str, port: int) -> socket.socket:
    """Take the port first of all: it is what most often fails, and needs no database to find out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise FailureError(f"port {port} on {host} is taken; choose another one: PORT={port + 1}") from error
        reason = str(error.strerror or error).partition(" (")[0]
        raise FailureError(f"cannot listen on {host}, port {port}: {reason}") from error


def _url_of(listener: socket.socket) -> str:
    """Return the address to call: that of this machine when we listen on all of its own."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
