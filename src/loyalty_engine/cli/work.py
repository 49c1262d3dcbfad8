"""``loyalty work``: a worker of its own, for services whose API runs elsewhere."""

import asyncio
import signal

import structlog

from loyalty_engine.cli.database import open_database
from loyalty_engine.cli.failures import one_line, read_settings
from loyalty_engine.cli.logs import configure_logging

_log = structlog.get_logger()


def work() -> None:
    """Do jobs: settle what became due, make partitions, sum up, import. Run as many as you like.

    Each job is done by one of them, and taken over by another when that one dies.
    """
    import uvloop

    settings = read_settings()
    configure_logging(settings.log_level)
    with one_line(), open_database(settings, may_share=True) as database:
        uvloop.run(_run(database.url))


async def _run(url: str) -> None:
    from loyalty_engine.bootstrap import run_worker
    from loyalty_engine.persistence.migrating import require_current

    await require_current(url)
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    _log.info("working")
    await run_worker(read_settings().model_copy(update={"database_url": url}), stopping)


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT end the work."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
