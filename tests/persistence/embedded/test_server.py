"""What a caller gets: a database that serves, keeps its data, and is nobody else's."""

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from loyalty_engine.persistence.embedded import EmbeddedServer, EmbeddedServerError, default_directory
from loyalty_engine.persistence.embedded.memory import buffer_megabytes, memory_bytes
from loyalty_engine.persistence.embedded.supervisor import children_of

Ask = Callable[[str, str], object]
LinkState = Callable[[Path], Path]


def test_first_start_makes_a_database_that_later_starts_keep(place: Path, ask: Ask) -> None:
    with EmbeddedServer(place / "new/state") as server:
        assert server.url == f"postgresql://postgres@/loyalty?host={place}/new/state/run&port=5432"
        ask(server.url, "CREATE TABLE memory AS SELECT 7 AS points")
    with EmbeddedServer(place / "new/state") as server:
        assert ask(server.url, "SELECT points FROM memory") == 7


def test_url_is_understood_by_sqlalchemy(server: EmbeddedServer) -> None:
    async def read() -> object:
        engine = create_async_engine(make_url(server.url).set(drivername="postgresql+asyncpg"))
        async with engine.connect() as connection:
            name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
        await engine.dispose()
        return name

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(read()) == "loyalty"
    loop.close()


def test_buffers_are_an_eighth_of_the_memory_within_bounds() -> None:
    gigabyte = 1 << 30
    sizes = [buffer_megabytes(memory) for memory in (0, gigabyte, 2 * gigabyte, 24 * gigabyte, 512 * gigabyte)]
    assert sizes == [128, 128, 256, 3072, 8192]


def test_defaults_are_safe(state: Path, ask: Ask) -> None:
    expected = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "max_connections": "100",
        "TimeZone": "UTC",
    }
    with EmbeddedServer(state) as server:
        for name, value in expected.items():
            assert ask(server.url, f"SELECT current_setting('{name}')") == value
        megabytes = ask(server.url, "SELECT pg_size_bytes(current_setting('shared_buffers')) >> 20")
        assert megabytes == buffer_megabytes(memory_bytes())
        assert ask(server.url, "SELECT current_setting('wal_compression')") in {"lz4", "pglz"}
        assert ask(server.url, "SELECT datcollate FROM pg_database WHERE datname = 'loyalty'") == "C"


def test_settings_of_the_caller_win(state: Path, ask: Ask) -> None:
    with EmbeddedServer(state, settings={"max_connections": "20", "work_mem": "5MB"}) as server:
        assert ask(server.url, "SELECT current_setting('max_connections')") == "20"
        assert ask(server.url, "SELECT current_setting('work_mem')") == "5MB"


def test_nobody_else_can_reach_data_socket_or_log(server: EmbeddedServer, state: Path) -> None:
    modes = {name: stat.S_IMODE((state / name).stat().st_mode) for name in ("data", "run", "postgres.log", "lock")}
    assert modes == {"data": 0o700, "run": 0o700, "postgres.log": 0o600, "lock": 0o600}


def test_new_state_directory_is_not_for_looking_around(state: Path) -> None:
    assert stat.S_IMODE(state.stat().st_mode) == (0o711 if os.geteuid() == 0 else 0o700)


def test_permissions_of_existing_directories_stay_as_they_are(place: Path, link_state: LinkState) -> None:
    link_state(place / "outer/state")
    (place / "outer").chmod(0o751)
    before = [path.stat() for path in (place, place / "outer", place / "outer/state")]
    with EmbeddedServer(place / "outer/state", is_durable=False):
        after = [path.stat() for path in (place, place / "outer", place / "outer/state")]
    assert [(s.st_mode, s.st_uid, s.st_gid) for s in after] == [(s.st_mode, s.st_uid, s.st_gid) for s in before]


def test_environment_neither_bends_the_server_nor_leaks_into_it(
    state: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("LOYALTY_SECRET", "canary")
    with EmbeddedServer(state) as server:
        assert ask(server.url, "SELECT current_setting('DateStyle')") == "ISO, MDY"
        assert b"canary" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_log_holds_no_data_of_failed_statements(server: EmbeddedServer, state: Path, ask: Ask) -> None:
    ask(server.url, "CREATE TABLE person (email text PRIMARY KEY)")
    ask(server.url, "INSERT INTO person VALUES ('canary@example.org')")
    with pytest.raises(Exception, match="duplicate key"):
        ask(server.url, "INSERT INTO person VALUES ('canary@example.org')")
    log = (state / "postgres.log").read_text(encoding="utf-8")
    assert "duplicate key" in log
    assert "canary" not in log


def test_long_log_is_put_aside_at_the_next_start(state: Path) -> None:
    (state / "postgres.log").write_bytes(b"x" * 10_000_001)
    with EmbeddedServer(state):
        assert (state / "postgres.log").stat().st_size < 10_000
        assert (state / "postgres.log.1").stat().st_size == 10_000_001


def test_path_too_long_for_a_socket_is_served_from_a_short_private_one(
    place: Path, link_state: LinkState, ask: Ask
) -> None:
    with EmbeddedServer(link_state(place / ("long" * 30)), is_durable=False) as server:
        sockets = Path(server.url.partition("host=")[2].partition("&")[0])
        assert sockets.parent == Path("/tmp")  # noqa: S108 - where it is to be
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert ask(server.url, "SELECT 1") == 1
    assert not sockets.exists()


def test_unusual_characters_in_the_path_do_no_harm(place: Path, link_state: LinkState, ask: Ask) -> None:
    with EmbeddedServer(link_state(place / "Ärger, 100% & mehr"), is_durable=False) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_start_and_stop_may_be_repeated(state: Path, ask: Ask, gone: Callable[[int], bool]) -> None:
    server = EmbeddedServer(state)
    server.stop()
    url, pid = server.start(), server.pid
    assert (server.start(), server.pid) == (url, pid)
    server.stop()
    server.stop()
    assert gone(pid)
    assert ask(server.start(), "SELECT 1") == 1
    server.stop()


def test_stopped_server_has_neither_url_nor_pid(state: Path) -> None:
    server = EmbeddedServer(state)
    with pytest.raises(EmbeddedServerError, match="was not started"):
        _ = server.url
    with pytest.raises(EmbeddedServerError, match="not running just now"):
        _ = server.pid


def test_stop_ends_open_transactions(server: EmbeddedServer, gone: Callable[[int], bool]) -> None:
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(server.url))
    loop.run_until_complete(connection.execute("BEGIN; CREATE TABLE half (id int)"))
    pid = server.pid
    server.stop()
    assert gone(pid)
    connection.terminate()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_ordinary_user_serves_as_himself(place: Path, run_python_as: Callable[..., str]) -> None:
    (place / "state").mkdir()
    shutil.chown(place / "state", "nobody")
    owner = pwd.getpwnam("nobody").pw_uid
    assert run_python_as("nobody", SERVE, place / "state").split() == [str(owner), str(place / "state/run")]


SERVE = """
import os, sys
from pathlib import Path
from loyalty_engine.persistence.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1]), is_durable=False) as server:
    print(os.stat(f"/proc/{server.pid}").st_uid, server.url.partition("host=")[2].partition("&")[0])
"""


def test_default_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_directory() == Path("/home/ada/.local/state/loyalty-engine")
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
    assert default_directory() == Path("/srv/state/loyalty-engine")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert default_directory() == Path("/home/ada/.local/state/loyalty-engine")


def test_default_directory_of_root_is_one_that_others_can_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("XDG_STATE_HOME", "/root/state")
    assert default_directory() == Path("/var/lib/loyalty-engine")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up its rights")
def test_root_runs_neither_postgresql_nor_its_supervisor(server: EmbeddedServer, state: Path) -> None:
    owner = (state / "data").stat().st_uid
    assert pwd.getpwuid(owner).pw_name in {"postgres", "nobody"}
    (supervisor,) = (pid for pid in children_of(os.getpid()) if server.pid in children_of(pid))
    for pid in (server.pid, supervisor):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        assert f"Uid:\t{owner}\t{owner}\t{owner}\t{owner}" in status
        assert "Groups:\t \n" in status


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_data_of_another_user_is_served_as_that_user(spare_state: Path, ask: Ask) -> None:
    subprocess.run(["chown", "-R", "nobody", spare_state / "data"], check=True)
    with EmbeddedServer(spare_state, is_durable=False) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert ask(server.url, "SELECT 1") == 1
