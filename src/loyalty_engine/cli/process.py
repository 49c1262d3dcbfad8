"""One API process: ``python -m loyalty_engine.cli.process SOCKET NUMBER METERS``, started by ``processes``.

SOCKET is the inherited listening socket, NUMBER the process's place among its siblings, METERS the directory in which
they share what they count ("" when it is alone). Standard output says "ready" once; the end of standard input, which
is a pipe from the parent, is the end of us.
"""

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI

from loyalty_engine.bootstrap import build_application
from loyalty_engine.cli.logs import configure_logging
from loyalty_engine.cli.processes import DRAIN_SECONDS
from loyalty_engine.cli.protocol import OneWriteProtocol
from loyalty_engine.meters import METERS, Exchange
from loyalty_engine.settings import Settings

_LAST_SECONDS: Final = 3
_KEEP_ALIVE_SECONDS: Final = 620
"""Longer than whoever calls us keeps an idle connection, so that nobody sends a request into a closing one: 60 s in most
proxies, 90 in Go's client, 600 in Google's load balancer."""


class _Server(uvicorn.Server):
    """Tells the parent as soon as requests are served."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            os.write(1, b"ready\n")
        os.dup2(2, 1)  # whatever prints from now on prints to the log


def main(build: Callable[[Settings, Exchange | None], FastAPI] = build_application) -> None:
    """Serve what ``build`` makes until a signal or the parent's end."""
    _, listener, number, meters = sys.argv
    threading.Thread(target=end_with_parent, args=(meters,), daemon=True).start()
    settings = Settings()
    configure_logging(settings.log_level)
    exchange = Exchange(METERS, Path(meters), int(number)) if meters else None
    config = uvicorn.Config(
        build(settings, exchange),
        loop="uvloop",
        http=OneWriteProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    _Server(config).run(sockets=[socket.socket(fileno=int(listener))])


def end_with_parent(meters: str) -> None:
    """Wait for the parent's end, however it ends, then drain; and if that does not come to an end, just end."""
    while os.read(0, 1):
        pass
    if meters:
        shutil.rmtree(meters, ignore_errors=True)  # a killed parent could not
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS + _LAST_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
