"""``loyalty serve``: the API, and everything it needs to run."""

import asyncio
from typing import Annotated

import structlog
import typer

from loyalty_engine.cli.database import open_database, prepare, state_directory
from loyalty_engine.cli.example import ensure_example, read_example_clock, show_first_screen
from loyalty_engine.cli.failures import one_line, read_settings
from loyalty_engine.cli.listening import listen, url_of
from loyalty_engine.cli.logs import configure_logging
from loyalty_engine.cli.processes import Processes

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
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run a worker beside the API; without, run `loyalty work`.")
    ] = True,
) -> None:
    """Serve the API, with a PostgreSQL of our own unless LOYALTY_DATABASE_URL names one."""
    settings = read_settings()
    configure_logging(settings.log_level)
    with (
        one_line(),
        listen(host or settings.host, port) as listener,
        open_database(settings, may_share=False) as database,
    ):
        prepare(database, migrates=example or database.is_own)
        url = url_of(listener)
        keys = asyncio.run(ensure_example(database.url, state_directory(settings))) if example else None
        now = asyncio.run(read_example_clock(database.url)) if example else None

        count = processes or settings.processes

        def announce() -> None:
            _log.info("serving", url=url, processes=count)
            if keys is not None and now is not None:
                show_first_screen(url, keys, now)

        fleet = Processes(listener, count=count, database_url=database.url, has_worker=worker)
        asyncio.run(fleet.run(announce))
