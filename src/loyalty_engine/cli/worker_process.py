"""The worker of a service: ``python -m loyalty_engine.cli.worker_process NUMBER METERS``, started by ``processes``.

Its arguments and its ends are those of an API process, see ``process``.
"""

import asyncio
import os
import sys
import threading
from pathlib import Path

import uvloop

from loyalty_engine.bootstrap import run_worker, sharing
from loyalty_engine.cli.logs import configure_logging
from loyalty_engine.cli.process import end_with_parent
from loyalty_engine.cli.work import stop_on_signals
from loyalty_engine.meters import METERS, Exchange
from loyalty_engine.settings import Settings


def main() -> None:
    """Work until a signal or the parent's end."""
    _, number, meters = sys.argv
    threading.Thread(target=end_with_parent, args=(meters,), daemon=True).start()
    settings = Settings()
    configure_logging(settings.log_level)
    uvloop.run(_work(settings, Exchange(METERS, Path(meters), int(number)) if meters else None))


async def _work(settings: Settings, exchange: Exchange | None) -> None:
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    os.write(1, b"ready\n")
    os.dup2(2, 1)  # whatever prints from now on prints to the log
    async with sharing(exchange):
        await run_worker(settings, stopping)


if __name__ == "__main__":
    main()
