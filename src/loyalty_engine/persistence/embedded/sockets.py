"""The directory of the unix socket: private, empty at each start, and short enough for the system."""

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from loyalty_engine.persistence.embedded.account import Account

SOCKET_NAME: Final = ".s.PGSQL.5432"
LONGEST_PATH: Final = 107 if sys.platform == "linux" else 103  # bytes, of the socket itself
# Characters that mean nothing special in a URL, in PostgreSQL's list of directories or in a client's list of hosts.
PLAIN: Final = re.compile(r"[A-Za-z0-9._~/-]+")


def make_socket_directory(wished: Path, account: Account) -> Path:
    """A fresh directory, open to the account alone, for the socket: `wished` itself or one in /tmp.

    /tmp when the socket's path would be too long for the system or holds unusual characters; whoever uses such a
    directory removes it. Sockets and lock files of an earlier server are swept away: who calls holds the lock, so
    that server is gone, and its process id may by now belong to somebody else.
    """
    if wished.exists():
        shutil.rmtree(wished)
    if PLAIN.fullmatch(str(wished)) and len(str(wished / SOCKET_NAME)) <= LONGEST_PATH:
        directory = wished
        directory.mkdir(mode=0o700)
    else:
        directory = Path(tempfile.mkdtemp(prefix="loyalty-", dir="/tmp"))  # a random name, 0700
    account.take(directory)
    return directory
