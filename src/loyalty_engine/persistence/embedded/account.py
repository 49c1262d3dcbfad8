"""The operating-system account that PostgreSQL runs as: ourselves, or somebody harmless when we are root."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loyalty_engine.persistence.embedded.errors import EmbeddedServerError

HARMLESS_NAMES: Final = ("postgres", "nobody")
PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Account:
    """A uid with its group. `is_switched` says that it is not our own, so we must switch to it and give it its files."""

    uid: int
    gid: int
    name: str
    is_switched: bool

    def run(self, command: Sequence[str], *, lock: int, text: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a program of PostgreSQL to its end as this account, with `text` as its input.

        It inherits the directory's lock: should we be killed meanwhile, the next start waits until the program is
        gone too. Raises OSError when the program cannot be executed.
        """
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",  # the account may have no right to look at ours
            env=environment(),
            pass_fds=(lock,),
            umask=0o077,
            user=self.uid if self.is_switched else None,
            group=self.gid if self.is_switched else None,
            extra_groups=[] if self.is_switched else None,
        )

    def take(self, path: Path) -> None:
        """Makes this account the owner of a file or directory of ours."""
        if self.is_switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def require_access(self, directory: Path, *, lock: int) -> None:
        """Raises EmbeddedServerError when the account cannot get into the directory.

        Asked for real, because mode bits do not tell about access lists. We never open a door ourselves: a parent
        directory that keeps others out has its reasons.
        """
        if self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)], lock=lock).returncode != 0:
            raise EmbeddedServerError(
                f"the state directory {directory} cannot be entered by the user {self.name!r} (uid {self.uid}), whom "
                "PostgreSQL runs as because it refuses to run as root; choose another state directory or start as "
                "an ordinary user"
            )


def environment() -> Mapping[str, str]:
    """The environment for PostgreSQL's programs: no PG* variable may bend them and no secret of ours may leak."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"LC_ALL": "C"}


def find_account(data: Path) -> Account:
    """The account that PostgreSQL shall run as, given its data directory, which need not exist yet.

    As root: the owner of the data, else `postgres`, else `nobody`. The owner comes first because PostgreSQL serves
    nobody else's data, and a user `postgres` may appear on the machine later. Raises EmbeddedServerError when there
    is no such account or the data is not ours.
    """
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise EmbeddedServerError(f"the data directory {data} belongs to {_name(owner)!r}, not to {_name(None)!r}")
        return Account(os.geteuid(), os.getegid(), _name(None), is_switched=False)
    if owner is None or not any(data.iterdir()):
        return _harmless_account()
    if owner == 0:
        raise EmbeddedServerError(
            f"the data directory {data} belongs to root, and PostgreSQL refuses to run as root; give it to an "
            "ordinary user (chown -R)"
        )
    return Account(owner, data.stat().st_gid, _name(owner), is_switched=True)


def _harmless_account() -> Account:
    for name in HARMLESS_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, is_switched=True)
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root, and there is neither a user 'postgres' nor 'nobody' to run it as"
    )


def _name(uid: int | None) -> str:
    uid = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
