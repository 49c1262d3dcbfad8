"""Programs that a command makes for itself, with an admin's and a till's key that stay the same over every start."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loyalty_engine.application.grants import Grant
from loyalty_engine.application.issuing import issue
from loyalty_engine.application.tokens import hash_token
from loyalty_engine.cli.database import own_connection
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence.clients import find_client
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.programs import find_program

_LINE: Final = re.compile(r"^([A-Z_]+)=(\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProgramKeys:
    """The secrets of a program's two keys."""

    admin: str
    till: str


@dataclass(frozen=True, slots=True)
class OwnProgram:
    """A program to be there: its key, where its document comes from when it is new, and what its two keys may do.

    ``read_document`` returns a document without faults. ``note`` stands beside the first revision.
    """

    key: str
    note: str
    read_document: Callable[[], Program]
    admin: Grant
    till: Grant
    is_sandbox: bool = False


async def ensure_program(url: str, own: OwnProgram, keys_file: Path) -> ProgramKeys:
    """Create the program and its keys where they are missing, and return the keys.

    Their secrets are kept in ``keys_file``, readable by its owner only: the database knows their hashes alone.
    """
    kept = _read(keys_file)
    async with own_connection(url) as connection:
        program_id = await find_program(connection, own.key)
        if program_id is None:
            program_id = await _create(connection, own)
        admin = await _ensure_key(connection, program_id, kept.get("ADMIN_KEY"), own.admin)
        till = await _ensure_key(connection, program_id, kept.get("TILL_KEY"), own.till)
    keys = ProgramKeys(admin, till)
    _write(keys_file, keys)
    return keys


async def _create(connection: Connection, own: OwnProgram) -> int:
    # Slow to import, and needed by the first start only.
    from loyalty_engine.application.create_program import create_program

    created = await create_program(connection, own.key, own.read_document(), note=own.note, is_sandbox=own.is_sandbox)
    assert isinstance(created, int), created
    return created


async def _ensure_key(connection: Connection, program_id: int, kept: str | None, grant: Grant) -> str:
    """Return the secret that was kept when its key is live, else that of a new one."""
    if kept is not None and await find_client(connection, program_id, hash_token(kept)) is not None:
        return kept
    async with connection.transaction():
        return (await issue(connection, program_id, grant)).secret


def _read(path: Path) -> dict[str, str]:
    try:
        return dict(_LINE.findall(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def _write(path: Path, keys: ProgramKeys) -> None:
    """Write the secrets so that nobody else can read them at any moment; a shell can source the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"ADMIN_KEY={keys.admin}\nTILL_KEY={keys.till}\n")
    draft.replace(path)
