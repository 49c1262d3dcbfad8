"""Programs for tests: a document and keys, made the way the CLI makes the first of them."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from uuid_utils.compat import uuid7

from loyalty_engine.application.scopes import ADMIN, TILL
from loyalty_engine.application.tokens import make_token
from loyalty_engine.core.program.document import Program as ProgramDocument
from loyalty_engine.core.program.parts import split
from loyalty_engine.persistence import clients, programs
from loyalty_engine.persistence.connections import OWNER_ROLE, Connection, connect

Json = dict[str, Any]

DOCUMENT: Final[Mapping[str, Any]] = {
    "version": 1,
    "program": {"name": "Corner Grocer", "currency": "EUR", "time_zone": "Europe/Berlin"},
    "attributes": {
        "member": {"vegan": {"type": "boolean"}},
        "order": {"gift_wrap": {"type": "boolean"}},
        "line": {"own_cup": {"type": "boolean"}, "weight": {"type": "decimal"}},
    },
    "wallets": [
        {"key": "points", "unit": "points", "redeem": {"points": 100, "amount": 100, "min_points": 10, "step": 1}},
        {"key": "cashback", "unit": "money", "redeem": {}},
        {"key": "stamps", "unit": "points"},
    ],
    "activities": [
        {"key": "survey_answered", "once_per": "subject", "attributes": {"score": {"type": "integer"}}},
        {"key": "own_cup"},
    ],
    "earning_rules": [
        {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {
            "key": "web",
            "wallet": "cashback",
            "when": {"fact": "order.channel", "is": "web"},
            "earn": {"kind": "percent", "rate": "2%"},
        },
    ],
}
"""One point per euro; 2 % cashback on the web; 10 points or more are worth a cent each; stamps cannot be spent.

Surveys count once per subject, own cups every time; neither earns anything.
"""

EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)

LOCATION: Final = "store-1"
TILL_NUMBER: Final = "1"


@dataclass(frozen=True, slots=True)
class Program:
    """A published program and its first keys. ``admin`` may do everything, ``till`` stands at store-1, till 1."""

    database_url: str
    id: int
    key: str
    admin: str
    till: str

    async def add_token(
        self, *, scopes: Sequence[str] | None = None, location: str | None = None, till: str | None = None
    ) -> str:
        """Return the token of a new API client; without ``scopes`` it may do everything."""
        async with owner(self.database_url) as connection:
            return await _add_token(connection, self.id, scopes or ADMIN, location, till)

    async def rotate(self, token: str) -> str:
        """Return a new token for the client of ``token``, which ends at once."""
        async with owner(self.database_url) as connection, connection.transaction():
            key = await connection.fetchrow(
                "SELECT id, client_id FROM loyalty.api_key WHERE program_id = $1 AND hash = $2",
                self.id,
                sha256(token.encode()).digest(),
            )
            assert key is not None
            await clients.revoke_key(connection, self.id, key["id"])
            return await _add_key(connection, self.id, key["client_id"])

    async def publish(self, document: Mapping[str, Any], *, since: datetime = EVER) -> int:
        """Publish another revision and return its number; it was in force since ever, unless ``since`` says when."""
        async with owner(self.database_url) as connection:
            return await _publish(connection, self.id, document, since)


MakeProgram = Callable[..., Awaitable[Program]]


async def make_program(
    database_url: str, document: Mapping[str, Any] = DOCUMENT, *, is_sandbox: bool = False
) -> Program:
    """Return a fresh program with ``document`` published, an admin and a till key."""
    key = f"p{uuid4().hex[:12]}"
    async with owner(database_url) as connection:
        program_id = await programs.create_program(connection, key, is_sandbox=is_sandbox)
        await _publish(connection, program_id, document)
        admin = await _add_token(connection, program_id, ADMIN, None, None)
        till = await _add_token(connection, program_id, TILL, LOCATION, TILL_NUMBER)
    return Program(database_url, program_id, key, admin, till)


def document(**program: object) -> Json:
    """Return a copy of :data:`DOCUMENT` to change; ``program`` sets fields such as ``unknown_card``."""
    changed: Json = copy.deepcopy(dict(DOCUMENT))
    changed["program"].update(program)
    return changed


@asynccontextmanager
async def owner(database_url: str) -> AsyncIterator[Connection]:
    """Open a connection as the owner role: it sees every program."""
    connection = await connect(database_url, role=OWNER_ROLE, statement_timeout="60s")
    try:
        yield connection
    finally:
        await connection.close()


async def _publish(
    connection: Connection, program_id: int, document: Mapping[str, Any], since: datetime | None = None
) -> int:
    parts = split(ProgramDocument.model_validate(document))
    async with connection.transaction():
        number = await programs.publish_parts(connection, program_id, parts, expected=None, client_id=None, note=None)
        await connection.execute(
            "UPDATE loyalty.program_revision SET published_at = coalesce($3, published_at)"
            " WHERE program_id = $1 AND number = $2",
            program_id,
            number,
            since,
        )
    assert number is not None
    return number


async def _add_token(
    connection: Connection, program_id: int, scopes: Sequence[str], location: str | None, till: str | None
) -> str:
    name = f"{location}/{till}" if till else "admin"
    client_id = await clients.add_client(
        connection, program_id, name=name, scopes=list(scopes), location=location, till=till
    )
    return await _add_key(connection, program_id, client_id)


async def _add_key(connection: Connection, program_id: int, client_id: int) -> str:
    token = make_token(program_id, "test")
    await clients.add_key(
        connection,
        program_id,
        key_id=uuid7(),
        client_id=client_id,
        secret_hash=token.hash,
        hint=token.hint,
        expires_at=None,
    )
    return token.text
