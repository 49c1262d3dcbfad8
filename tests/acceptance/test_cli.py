"""The other commands, and what an operator reads when something is wrong: one line, exit code 2, no traceback."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest

from loyalty_engine.persistence.tables import PARTITIONED
from tests.harness.api import Api
from tests.harness.ledger import Ledger
from tests.harness.postgres import other_database, run_apart
from tests.harness.programs import Program
from tests.harness.servers import Servers
from tests.harness.service import run


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    """A database that nobody migrated, on the server of this run."""
    name = f"loyalty_empty_{os.getpid()}"
    run_apart(execute(database_url, f"CREATE DATABASE {name}"))
    yield other_database(database_url, name)
    run_apart(execute(database_url, f"DROP DATABASE {name} WITH (FORCE)"))


def test_database_that_cannot_be_reached_is_told_in_one_line() -> None:
    served = run("serve", "--port", "0", LOYALTY_DATABASE_URL="postgresql://me:secret@127.0.0.1:1/shop")
    assert served.stderr.startswith("loyalty: the database shop at 127.0.0.1:1 cannot be reached: ")
    assert served.stderr.count("\n") == 1
    assert "secret" not in served.stderr
    assert served.returncode == 2


def test_setting_that_cannot_be_used_is_named() -> None:
    served = run("serve", LOYALTY_PROCESSES="none")
    assert served.stderr == (
        "loyalty: LOYALTY_PROCESSES: Input should be a valid integer, unable to parse string as an integer\n"
    )
    assert served.returncode == 2


def test_port_that_is_none_is_named() -> None:
    served = run("serve", PORT="http")
    assert served.stderr.startswith("loyalty: ")
    assert "PORT" in served.stderr
    assert served.stderr.count("\n") == 1
    assert served.returncode == 2


def test_state_directory_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    served = run("serve", "--port", "0", LOYALTY_STATE_DIR=str(tmp_path / "state"))
    assert served.stderr == f"loyalty: {tmp_path}/state is not a directory\n"
    assert served.returncode == 2


def test_own_database_is_migrated_by_command_only(empty_database: str) -> None:
    refused = run("serve", "--port", "0", LOYALTY_DATABASE_URL=empty_database)
    assert refused.stderr == (
        "loyalty: the database has no schema of ours, 0009 is needed; run `loyalty migrate` first\n"
    )
    assert refused.returncode == 2

    migrated = run("migrate", LOYALTY_DATABASE_URL=empty_database)
    assert (migrated.stdout, migrated.returncode) == ("the schema is up to date\n", 0)
    month = f"{datetime.now(UTC):%Y_%m}"
    run_apart(execute(empty_database, *(f'TABLE loyalty."{table}_{month}"' for table in PARTITIONED)))

    run_apart(execute(empty_database, "UPDATE loyalty.alembic_version SET version_num = '9999'"))
    newer = run("migrate", LOYALTY_DATABASE_URL=empty_database)
    assert newer.stderr == (
        "loyalty: the database is at revision 9999, newer than 0009, the newest this release knows; "
        "use the release that migrated it, or a newer one\n"
    )
    assert newer.returncode == 2


async def test_points_that_became_due_are_settled_by_command(
    database_url: str, program: Program, client: Api, ledger: Ledger
) -> None:
    member = await client.new_member(50)
    held = await client.hold(member, 20, ttl_seconds=1)
    await asyncio.sleep(1.05)

    settled, again = [
        await asyncio.to_thread(run, "settle", "--program", program.key, LOYALTY_DATABASE_URL=database_url)
        for _ in range(2)
    ]

    assert held.status_code == 201
    assert (settled.stdout, settled.returncode) == (f"{program.key}: settled 1\n", 0), settled.stderr
    assert (again.stdout, again.returncode) == ("", 0)
    assert await ledger.count("operation", "kind = 'time_passed'") == 1
    assert await ledger.count("balance", "available = 50 AND held = 0") == 1
    assert await ledger.faults() == []


def test_a_program_that_is_none_cannot_be_settled(database_url: str) -> None:
    settled = run("settle", "--program", "none", LOYALTY_DATABASE_URL=database_url)
    assert (settled.stdout, settled.stderr, settled.returncode) == ("", "loyalty: there is no program none\n", 2)


@pytest.mark.parametrize(
    "arguments", [["--preset", "owner"], [], ["--scope", "all"], ["--preset", "till", "--till", "1"]]
)
def test_key_that_could_not_work_is_not_created(database_url: str, arguments: list[str]) -> None:
    created = run("keys", "create", "--program", "any", *arguments, LOYALTY_DATABASE_URL=database_url)
    assert (created.stdout, created.stderr.count("\n"), created.returncode) == ("", 1, 2)


def test_key_works_from_its_creation_to_its_revocation(database_url: str, servers: Servers, program: Program) -> None:
    name = program.key
    settings = {"LOYALTY_DATABASE_URL": database_url}
    secret = run("keys", "create", "--program", name, "--preset", "admin", "--name", "ops", **settings).stdout.strip()
    headers = {"authorization": f"Bearer {secret}"}
    assert httpx.get(f"{servers[0].url}/v1/program", headers=headers, trust_env=False).status_code == 200

    listed = run("keys", "list", "--program", name, **settings).stdout
    row = next(line for line in listed.splitlines() if " ops " in line)
    assert secret not in listed
    assert row.split()[-1] == "live"

    revoked = run("keys", "revoke", row.split()[0], "--program", name, **settings)
    assert revoked.stdout == f"revoked {row.split()[0]}\n"
    assert httpx.get(f"{servers[0].url}/v1/program", headers=headers, trust_env=False).status_code == 401
