"""Whoever dies, and however: nothing is left running, nothing committed is lost, and the next start works."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loyalty_engine.persistence.embedded import EmbeddedServer, EmbeddedServerError
from loyalty_engine.persistence.embedded.cluster import drop_stale_pid_file
from loyalty_engine.persistence.embedded.supervisor import children_of

Ask = Callable[[str, str], object]
Until = Callable[..., float]
Gone = Callable[[int], bool]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="parent-death signal and /proc are Linux's")


def pid_of(server: EmbeddedServer) -> int | None:
    try:
        return server.pid
    except EmbeddedServerError:
        return None


def test_killed_parent_takes_the_server_with_it(
    state: Path, become_parent: Callable[..., Any], ask: Ask, gone: Gone, until: Until
) -> None:
    parent = become_parent(state)
    ask(parent.url, "CREATE TABLE outlived AS SELECT 7 AS points")
    parent.kill()
    assert until(lambda: gone(parent.postmaster)) < 5
    with EmbeddedServer(state, is_durable=False) as server:
        assert ask(server.url, "SELECT points FROM outlived") == 7


def test_next_start_waits_for_the_server_of_a_killed_parent(
    state: Path, become_parent: Callable[..., Any], ask: Ask
) -> None:
    parent = become_parent(state)
    ask(parent.url, "CREATE TABLE kept AS SELECT 7 AS points")
    parent.kill()
    with EmbeddedServer(state, is_durable=False) as server:  # at once
        assert ask(server.url, "SELECT points FROM kept") == 7


def test_killed_parent_leaves_no_socket_directory_in_tmp(
    place: Path, link_state: Callable[[Path], Path], become_parent: Callable[..., Any], until: Until
) -> None:
    parent = become_parent(link_state(place / ("long" * 30)))
    sockets = Path(parent.url.partition("host=")[2].partition("&")[0])
    assert (sockets / ".s.PGSQL.5432").exists()
    parent.kill()
    until(lambda: not sockets.exists())


@linux_only
def test_killed_supervisor_takes_the_server_with_it(
    state: Path, become_parent: Callable[..., Any], gone: Gone, until: Until
) -> None:
    parent = become_parent(state)
    (supervisor,) = children_of(parent.process.pid)
    os.kill(supervisor, signal.SIGKILL)
    assert until(lambda: gone(parent.postmaster)) < 5


@linux_only
def test_parent_and_supervisor_killed_together_leave_nothing(
    state: Path, become_parent: Callable[..., Any], ask: Ask
) -> None:
    parent = become_parent(state)
    (supervisor,) = children_of(parent.process.pid)
    os.kill(supervisor, signal.SIGSTOP)
    parent.kill()
    os.kill(supervisor, signal.SIGKILL)
    with EmbeddedServer(state, is_durable=False) as server:
        assert server.pid != parent.postmaster
        assert ask(server.url, "SELECT 1") == 1


def test_killed_postmaster_comes_back_with_all_that_was_committed(server: EmbeddedServer, ask: Ask) -> None:
    ask(server.url, "CREATE TABLE recovered (points int)")
    for inserted in (1, 2, 3):
        ask(server.url, "INSERT INTO recovered VALUES (7)")
        before = server.pid
        os.kill(before, signal.SIGKILL)
        assert ask(server.url, "SELECT count(*) FROM recovered") == inserted
        assert server.pid != before


@linux_only
def test_busy_backend_of_a_killed_postmaster_does_not_keep_it_from_coming_back(
    server: EmbeddedServer, ask: Ask, until: Until, gone: Gone
) -> None:
    before = server.pid
    busy = subprocess.Popen(
        [sys.executable, "-c", BUSY, server.url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert busy.stdout is not None
    backend = int(busy.stdout.readline())
    os.kill(before, signal.SIGKILL)
    until(lambda: pid_of(server) not in {None, before})
    assert ask(server.url, "SELECT 1") == 1
    assert gone(backend)
    busy.wait()
    busy.stdout.close()


BUSY = """
import asyncio, asyncpg, sys
async def work():
    connection = await asyncpg.connect(sys.argv[1])
    print(connection.get_server_pid(), flush=True)
    await connection.execute("DO $$ BEGIN LOOP END LOOP END $$")
asyncio.run(work())
"""


def test_server_outlives_the_thread_that_started_it(state: Path, ask: Ask) -> None:
    server = EmbeddedServer(state, is_durable=False)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert ask(server.url, "SELECT 1") == 1
    server.stop()


def test_server_ended_by_somebody_else_comes_back(server: EmbeddedServer, ask: Ask, until: Until) -> None:
    before = server.pid
    os.kill(before, signal.SIGTERM)
    until(lambda: pid_of(server) not in {None, before})
    assert ask(server.url, "SELECT 1") == 1


@linux_only
def test_supervisor_ends_only_with_its_parent(server: EmbeddedServer, ask: Ask) -> None:
    (supervisor,) = (pid for pid in children_of(os.getpid()) if server.pid in children_of(pid))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(supervisor, number)
    time.sleep(0.1)
    assert ask(server.url, "SELECT 1") == 1
    assert server.pid in children_of(supervisor)


def test_crashes_are_not_answered_more_often_than_ordered(state: Path, until: Until) -> None:
    with EmbeddedServer(state, is_durable=False, restarts_per_minute=2) as server:
        first = server.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: pid_of(server) not in {None, first})
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(0.8)
        assert pid_of(server) is None


def test_failing_restarts_go_on_until_one_succeeds(server: EmbeddedServer, state: Path, ask: Ask, until: Until) -> None:
    before = server.pid
    (state / "data/global").rename(state / "data/away")
    os.kill(before, signal.SIGKILL)
    until(lambda: (state / "postgres.log").read_text(encoding="utf-8").count("could not find the database") == 1)
    (state / "data/away").rename(state / "data/global")
    assert ask(server.url, "SELECT 1") == 1


def test_initialisation_killed_halfway_is_done_again(
    place: Path, run_python: Callable[..., Any], ask: Ask, until: Until
) -> None:
    state = place / "state"
    process = run_python(HALFWAY, state)
    until((state / "data.new/global").exists)
    process.kill()
    process.communicate()
    assert not (state / "data").exists()
    with EmbeddedServer(state, is_durable=False) as server:
        assert ask(server.url, "SELECT current_database()") == "loyalty"
    assert sorted(path.name for path in state.iterdir()) == ["data", "lock", "postgres.log", "run"]


HALFWAY = """
import sys
from pathlib import Path
from loyalty_engine.persistence.embedded import EmbeddedServer
EmbeddedServer(Path(sys.argv[1]), is_durable=False).start()
"""


def test_pid_files_whose_ids_belong_to_others_by_now_do_not_stop_a_start(state: Path, ask: Ask) -> None:
    shutil.rmtree(state / "run", ignore_errors=True)
    (state / "run").mkdir()
    (state / "run/.s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n", encoding="utf-8")
    (state / "run/.s.PGSQL.5432").touch()
    foreign = subprocess.Popen(["sleep", "60"])
    stale = f"{foreign.pid}\n{state}/data\n1700000000\n5432\n{state}/run\n\n  1 1\nready   \n"
    (state / "data/postmaster.pid").write_text(stale, encoding="utf-8")
    try:
        with EmbeddedServer(state, is_durable=False) as server:
            assert ask(server.url, "SELECT 1") == 1
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_pid_file_goes_with_its_process_and_not_before(state: Path) -> None:
    path = state / "data/postmaster.pid"
    with EmbeddedServer(state, is_durable=False):
        drop_stale_pid_file(state / "data")
        assert path.exists()
    ended = subprocess.Popen(["true"])
    ended.wait()
    path.write_text(f"{ended.pid}\n", encoding="utf-8")
    drop_stale_pid_file(state / "data")
    assert not path.exists()


def test_forked_child_does_not_keep_the_server_of_its_dead_parent(
    state: Path, run_python: Callable[..., Any], gone: Gone, until: Until
) -> None:
    process = run_python(FORKING, state)
    postmaster, child = map(int, process.stdout.readline().split())
    process.kill()
    process.wait()
    try:
        assert until(lambda: gone(postmaster)) < 5
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()


FORKING = """
import os, sys, time
from pathlib import Path
from loyalty_engine.persistence.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), is_durable=False)
server.start()
child = os.fork()
if child:
    print(server.pid, child, flush=True)
time.sleep(600)
"""
