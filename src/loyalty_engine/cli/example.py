"""The demo program of ``serve --example``: created once, with two keys that stay the same over every start."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from loyalty_engine.application.grants import Grant
from loyalty_engine.application.issuing import issue
from loyalty_engine.application.scopes import ADMIN, TILL
from loyalty_engine.application.tokens import hash_token
from loyalty_engine.assets import asset_path
from loyalty_engine.cli.database import own_connection
from loyalty_engine.persistence.clients import find_client
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.programs import find_program

PROGRAM: Final = "corner_grocer"
KEYS_FILE: Final = "example_keys"
_ADMIN: Final = Grant("example admin", ADMIN, None, None, None, "test")
_TILL: Final = Grant("example till", TILL, "berlin-1", "1", None, "test")
_LINE: Final = re.compile(r"^([A-Z_]+)=(\w+)$", re.MULTILINE)

_SCREEN: Final = """
[bold]The loyalty engine is running.[/bold]

  API        {url}/v1
  Docs       {url}/docs
  Metrics    {url}/metrics
  Admin key  {keys.admin}
  Till key   {keys.till}

A customer buys coffee for 120 euros and earns points:

curl -s {url}/v1/orders \\
  -H 'Authorization: Bearer {keys.till}' \\
  -H 'Content-Type: application/json' -H 'Idempotency-Key: earn-{fresh}' \\
  -d '{{"receipt": {{"location": "berlin-1", "till": "1", "business_date": "{day}", "number": "{fresh}"}},
       "placed_at": "{day}T00:00:00Z", "currency": "EUR", "member": "card:2000012345",
       "lines": [{{"sku": "espresso-1kg", "category": "coffee", "amount": 12000}}]}}'

and spends 100 of them:

curl -s {url}/v1/redemptions \\
  -H 'Authorization: Bearer {keys.till}' \\
  -H 'Content-Type: application/json' -H 'Idempotency-Key: redeem-{fresh}' \\
  -d '{{"member": "card:2000012345", "wallet": "points", "points": 100}}'

Ctrl-C ends it; the next start finds everything as it was. [dim]make demo[/dim] walks through more.
"""


@dataclass(frozen=True, slots=True)
class ExampleKeys:
    """The secrets of the demo program."""

    admin: str
    till: str


async def ensure_example(url: str, directory: Path) -> ExampleKeys:
    """Create the demo program and its keys where they are missing, and return the keys.

    Their secrets are kept in ``directory``, readable by its owner only: the database knows their hashes alone.
    """
    path = directory / KEYS_FILE
    kept = _read(path)
    async with own_connection(url) as connection:
        program_id = await find_program(connection, PROGRAM)
        if program_id is None:
            program_id = await _create(connection)
        admin = await _ensure_key(connection, program_id, kept.get("ADMIN_KEY"), _ADMIN)
        till = await _ensure_key(connection, program_id, kept.get("TILL_KEY"), _TILL)
    keys = ExampleKeys(admin, till)
    _write(path, keys)
    return keys


def show_first_screen(url: str, keys: ExampleKeys) -> None:
    """Print where everything is, and a first earn and redeem to paste."""
    now = time.time()
    day = time.strftime("%Y-%m-%d", time.gmtime(now))
    text = _SCREEN.format(url=url, keys=keys, day=day, fresh=int(now))
    Console(highlight=False, soft_wrap=True).print(text)


async def _create(connection: Connection) -> int:
    # Slow to import, and needed by the first start only.
    from loyalty_engine.api.documents import read_yaml
    from loyalty_engine.application.create_program import create_program
    from loyalty_engine.core.program.document import Program
    from loyalty_engine.core.program.reading import parse_program

    document = parse_program(read_yaml(asset_path(f"examples/{PROGRAM}.yaml").read_bytes()))
    assert isinstance(document, Program), document
    created = await create_program(connection, PROGRAM, document, note="example")
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


def _write(path: Path, keys: ExampleKeys) -> None:
    """Write the secrets so that nobody else can read them at any moment; a shell can source the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"ADMIN_KEY={keys.admin}\nTILL_KEY={keys.till}\n")
    draft.replace(path)
