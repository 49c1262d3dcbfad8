"""The example program of ``serve --example``: created once, with two keys that stay the same over every start."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console

from loyalty_engine.application.grants import Grant
from loyalty_engine.application.scopes import ADMIN, TILL
from loyalty_engine.assets import asset_path
from loyalty_engine.cli.database import own_connection, require_program
from loyalty_engine.cli.documents import read_program_file
from loyalty_engine.cli.programs import OwnProgram, ProgramKeys, ensure_program
from loyalty_engine.persistence.programs import read_ahead

PROGRAM: Final = "corner_grocer"
KEYS_FILE: Final = "example_keys"
_ADMIN: Final = Grant("example admin", ADMIN, None, None, None, "test")
_TILL: Final = Grant("example till", TILL, "berlin-1", "1", None, "test")

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

Ctrl-C ends it; the next start finds everything as it was. [dim]make walkthrough[/dim] shows more.
"""


async def ensure_example(url: str, directory: Path) -> ProgramKeys:
    """Create the example program and its keys where they are missing, and return the keys, kept in ``directory``."""
    own = OwnProgram(
        key=PROGRAM,
        note="example",
        read_document=lambda: read_program_file(asset_path(f"examples/{PROGRAM}.yaml")),
        admin=_ADMIN,
        till=_TILL,
        is_sandbox=True,
    )
    return await ensure_program(url, own, directory / KEYS_FILE)


async def read_example_clock(url: str) -> datetime:
    """Return what time it is in the example program: somebody may have moved its clock."""
    async with own_connection(url) as connection:
        ahead = await read_ahead(connection, await require_program(connection, PROGRAM))
    return datetime.now(UTC) + (ahead or timedelta())


def show_first_screen(url: str, keys: ProgramKeys, now: datetime) -> None:
    """Print where everything is, and a first earn and redeem to paste, for when it is ``now`` in the example."""
    text = _SCREEN.format(url=url, keys=keys, day=now.date(), fresh=int(now.timestamp()))
    Console(highlight=False, soft_wrap=True).print(text)
