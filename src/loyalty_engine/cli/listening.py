"""Listening: the port that a server takes, and the address under which it is called."""

import errno
import socket
from typing import Final

from loyalty_engine.cli.failures import FailureError

_BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Take the port first of all: it is what most often fails, and needs no database to find out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise FailureError(f"port {port} on {host} is taken; choose another one: PORT={port + 1}") from error
        reason = str(error.strerror or error).partition(" (")[0]
        raise FailureError(f"cannot listen on {host}, port {port}: {reason}") from error


def url_of(listener: socket.socket) -> str:
    """Return the address to call: that of this machine when we listen on all of its own."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
