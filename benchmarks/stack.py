"""The system under test: a real PostgreSQL, the migrated schema, 100,000 members, a program of 20 rules, API processes."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from uuid_utils.compat import uuid7

from loyalty_engine.application.tokens import make_token
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.persistence import clients, programs
from loyalty_engine.persistence.connections import OWNER_ROLE, Connection, connect
from loyalty_engine.persistence.embedded import EmbeddedServer
from loyalty_engine.persistence.migrating import migrate

MEMBERS: Final = 100_000
_CATEGORIES: Final = 20
FIRST_CARD: Final = 2_000_000_000
OPENING_POINTS: Final = 1_000_000_000
"""Every member starts with one lot, so that redemptions always find points."""

SCOPES: Final = ["orders:write", "evaluations:read", "redemptions:write", "members:write", "ledger:read"]

_MEMBERS_SQL: Final = f"""
INSERT INTO loyalty.member (program_id, id, version, seq, status, booked_at, orders, spend, enrolled_at)
SELECT 1, lpad(to_hex(n), 32, '0')::uuid, 1, 1, 'active', now(), 0, 0, now() FROM generate_series(1, {MEMBERS}) n;
INSERT INTO loyalty.member_identity (program_id, identity, member_id)
SELECT 1, 'card:' || {FIRST_CARD} + n, lpad(to_hex(n), 32, '0')::uuid FROM generate_series(1, {MEMBERS}) n;
INSERT INTO loyalty.balance SELECT 1, lpad(to_hex(n), 32, '0')::uuid, 'points', {OPENING_POINTS}, 0, 0, 0
  FROM generate_series(1, {MEMBERS}) n;
INSERT INTO loyalty.lot (program_id, id, member_id, wallet, amount, remaining, earned_at, available_at, expires_at,
                         funder, cost_micros, operation_id)
SELECT 1, ('ffffffff' || lpad(to_hex(n), 24, '0'))::uuid, lpad(to_hex(n), 32, '0')::uuid, 'points', {OPENING_POINTS}, {OPENING_POINTS},
       now(), now(), NULL, 'program', 1000000, ('eeeeeeee' || lpad(to_hex(n), 24, '0'))::uuid FROM generate_series(1, {MEMBERS}) n;
INSERT INTO loyalty.posting (program_id, member_id, seq, id, operation_id, wallet, source, destination, amount, lot_id,
                             available, pending, held, debt)
SELECT 1, lpad(to_hex(n), 32, '0')::uuid, 1, ('dddddddd' || lpad(to_hex(n), 24, '0'))::uuid, ('eeeeeeee' || lpad(to_hex(n), 24, '0'))::uuid, 'points',
       'adjusted', 'available', {OPENING_POINTS}, ('ffffffff' || lpad(to_hex(n), 24, '0'))::uuid, {OPENING_POINTS}, 0, 0, 0
  FROM generate_series(1, {MEMBERS}) n
"""  # noqa: S608 - the numbers are ours


@dataclass(frozen=True, slots=True)
class Stack:
    """What a benchmark drives: the database's address, the API's addresses, a key for them, and both processes."""

    database_url: str
    urls: list[str]
    token: str
    service_pid: int
    database_pid: int


def rules_document(count: int = 20) -> dict[str, object]:
    """Return the program: one point per euro, and rules of mixed conditions of which a few match the bench's orders."""
    rules: list[dict[str, object]] = [
        {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {"key": "cash", "wallet": "cashback", "earn": {"kind": "percent", "rate": "2%"}, "active": False},
        {
            "key": "till",
            "wallet": "points",
            "when": {"all": [{"fact": "order.channel", "is": "pos"}, {"fact": "order.total", "at_least": 4000}]},
            "earn": {"kind": "fixed", "points": 5},
        },
    ]
    categories = min(count, _CATEGORIES) - len(rules)
    rules.extend(_category_rule(number) for number in range(categories))
    rules.extend(_other_rule(number) for number in range(count - len(rules)))
    return {
        "version": 1,
        "program": {"name": "Benchmark", "currency": "EUR", "time_zone": "Europe/Berlin"},
        "wallets": [
            {"key": "points", "unit": "points", "redeem": {"points": 100, "amount": 100}},
            {"key": "cashback", "unit": "money", "redeem": {}},
        ],
        "earning_rules": rules,
    }


def _category_rule(number: int) -> dict[str, object]:
    return {
        "key": f"category_{number}",
        "wallet": "points",
        "when": {"lines": {"category": [f"cat{number}"]}, "amount": {"at_least": 500}},
        "earn": {"kind": "fixed", "points": 20},
    }


def _other_rule(number: int) -> dict[str, object]:
    """Return a rule that none of the bench's orders meets, of a kind that large shops have by the hundred."""
    goods, other = {"sku": [f"sku{number}"]}, {"brand": [f"brand{number}"]}
    kinds: list[dict[str, object]] = [
        {"when": {"lines": goods, "count": {"at_least": 1}}, "earn": {"kind": "fixed", "points": 10}},
        {"earn": {"kind": "per_amount", "points": 2, "per": 100, "of": other}},
        {"earn": {"kind": "per_unit", "points": 5, "of": goods}},
        {
            "when": {
                "all": [
                    {"fact": "order.location", "is": f"store{number}"},
                    {"fact": "order.total", "at_least": 1000},
                ]
            },
            "earn": {"kind": "multiply", "factor": "2"},
        },
        {
            "when": {"lines": {"category": [f"range{number}"]}, "amount": {"at_least": 900}},
            "earn": {"kind": "fixed", "points": 50},
        },
    ]
    return {"key": f"other_{number}", "wallet": "points", **kinds[number % len(kinds)]}


async def publish(owner: Connection, document: Mapping[str, object]) -> None:
    """Publish another revision of the program, which is in force for what the bench sells: that is of some day before."""
    parts = split(Program.model_validate(document))
    number = await programs.publish_parts(owner, 1, parts, expected=None, client_id=None, note=None)
    await owner.execute(
        "UPDATE loyalty.program_revision SET published_at = timestamptz '2020-01-01Z' + number * interval '1 minute'"
        " WHERE program_id = 1 AND number <= $1",
        number,
    )


@contextmanager
def run_stack(
    *, processes: int, build: Callable[[Path], None] | None = None, kept: Path | None = None
) -> Iterator[Stack]:
    """Build the system in a directory of its own and take it down again.

    ``build`` makes the database with all its members beforehand, in the state directory that it is given. ``kept`` is a
    directory that stays, and is taken as it is when something was built there before.
    """
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="loyalty-bench-") as directory:
        state = Path(directory) / "state"
        for path in (Path(directory), state):
            path.mkdir(exist_ok=True)
            path.chmod(0o711)
        if build is not None and not (state / "data").exists():
            build(state)
        with EmbeddedServer(state, settings={"max_wal_size": "8GB", "checkpoint_timeout": "60min"}) as server:
            token = asyncio.run(_prepare(server.url, has_members=build is not None))
            port = _free_port()
            service = _start_service(server.url, port, processes)
            try:
                _wait_until_listening(port)
                yield Stack(server.url, [f"http://127.0.0.1:{port}"], token, service.pid, server.pid)
            finally:
                service.send_signal(signal.SIGTERM)
                service.wait(20)


async def _prepare(url: str, *, has_members: bool) -> str:
    await asyncio.to_thread(migrate, url)
    owner = await connect(url, role=OWNER_ROLE, statement_timeout="0")
    if await programs.find_program(owner, "benchmark") is None:
        assert await programs.create_program(owner, "benchmark") == 1
        parts = split(Program.model_validate(rules_document()))
        await programs.publish_parts(owner, 1, parts, expected=0, client_id=None, note=None)
        assert await clients.add_client(owner, 1, name="bench", scopes=SCOPES, location=None, till=None) == 1
    token = make_token(1, "test")
    await clients.add_key(
        owner, 1, key_id=uuid7(), client_id=1, secret_hash=token.hash, hint=token.hint, expires_at=None
    )
    await owner.close()
    if not has_members:
        await _add_members(url)
    return token.text


async def _add_members(url: str) -> None:
    admin = await asyncpg.connect(url, command_timeout=300)
    for statement in _MEMBERS_SQL.split(";"):
        await admin.execute(statement, timeout=300)
    await admin.execute("VACUUM ANALYZE", timeout=300)
    await admin.execute("CHECKPOINT", timeout=300)
    await admin.close()


def _start_service(database_url: str, port: int, processes: int) -> "subprocess.Popen[bytes]":
    """Start the service as operators do."""
    command = [sys.executable, "-m", "loyalty_engine.cli", "serve"]
    options = ["--port", str(port), "--processes", str(processes)]
    environment = {**os.environ, "LOYALTY_DATABASE_URL": database_url, "LOYALTY_LOG_LEVEL": "warning"}
    return subprocess.Popen([*command, *options], env=environment, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1.0)  # all processes
                return
        time.sleep(0.05)
    message = f"nobody listens on port {port}"
    raise TimeoutError(message)
