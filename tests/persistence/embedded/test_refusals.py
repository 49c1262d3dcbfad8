"""What cannot be served is refused in one clear line, and nothing is changed or left running."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loyalty_engine.persistence.embedded import EmbeddedServer, EmbeddedServerError

Complaint = Callable[[EmbeddedServer], str]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")


def test_second_process_is_told_who_holds_the_directory(
    state: Path, become_parent: Callable[..., Any], complaint: Complaint
) -> None:
    parent = become_parent(state)
    line = complaint(EmbeddedServer(state))
    assert line == f"another process is using {state} (pid {parent.process.pid})"


def test_second_server_of_one_process_is_refused_and_harms_the_first_in_nothing(
    server: EmbeddedServer, state: Path, complaint: Complaint
) -> None:
    pid = server.pid
    assert complaint(EmbeddedServer(state)) == f"another process is using {state} (pid {os.getpid()})"
    assert server.pid == pid


def test_data_of_another_version_is_not_touched(place: Path, complaint: Complaint) -> None:
    make_data(place / "data", "PG_VERSION", "14\n")
    assert re.fullmatch(
        rf"the data in {place}/data was made by PostgreSQL 14, but \S+ is version \S+; "
        "dump it with 14 and restore it, or install 14",
        complaint(EmbeddedServer(place)),
    )
    assert [path.name for path in (place / "data").iterdir()] == ["PG_VERSION"]


def test_directory_with_other_things_in_it_is_not_touched(place: Path, complaint: Complaint) -> None:
    make_data(place / "data", "thesis.tex", "")
    line = complaint(EmbeddedServer(place))
    assert line == f"{place}/data is not empty and not a PostgreSQL data directory; nothing was changed"
    assert (place / "data/thesis.tex").exists()


def test_file_in_place_of_the_state_directory_is_refused(place: Path, complaint: Complaint) -> None:
    (place / "state").touch()
    assert complaint(EmbeddedServer(place / "state")) == f"{place}/state is not a directory"


def test_file_in_place_of_the_data_directory_is_refused(place: Path, complaint: Complaint) -> None:
    (place / "data").touch()
    assert complaint(EmbeddedServer(place)).endswith("ot a directory")


def test_link_to_nowhere_is_not_answered_with_an_empty_database(place: Path, complaint: Complaint) -> None:
    (place / "data").symlink_to(place / "disk_not_mounted")
    assert complaint(EmbeddedServer(place)) == f"{place}/data is a link, but not to a PostgreSQL data directory"
    assert (place / "data").is_symlink()


def test_unknown_setting_is_refused_in_the_words_of_postgresql(state: Path, complaint: Complaint) -> None:
    line = complaint(EmbeddedServer(state, settings={"shared_bufers": "1GB"}))
    assert line == 'PostgreSQL refuses a setting: unrecognized configuration parameter "shared_bufers"'


def test_impossible_value_is_refused_in_the_words_of_postgresql(state: Path, complaint: Complaint) -> None:
    line = complaint(EmbeddedServer(state, settings={"max_connections": "many"}))
    assert line == 'PostgreSQL refuses a setting: invalid value for parameter "max_connections": "many"'


@pytest.mark.parametrize("name", ["listen_addresses", "Data-Directory"])
def test_settings_that_the_server_lives_on_cannot_be_changed(state: Path, complaint: Complaint, name: str) -> None:
    line = complaint(EmbeddedServer(state, settings={name: "/"}))
    assert line == f"the setting '{name}' of the embedded PostgreSQL cannot be changed"


def test_damaged_data_is_reported_with_the_place_of_the_log(spare_state: Path, complaint: Complaint) -> None:
    shutil.rmtree(spare_state / "data/pg_wal")
    assert complaint(EmbeddedServer(spare_state)) == (
        f'PostgreSQL did not start: required WAL directory "pg_wal" does not exist (more in {spare_state}/postgres.log)'
    )


def test_start_works_after_a_refusal_of_the_same_server(state: Path, complaint: Complaint) -> None:
    server = EmbeddedServer(state, is_durable=False)
    with EmbeddedServer(state, is_durable=False):
        complaint(server)
    server.start()
    server.stop()


@as_user
def test_directory_closed_to_us_is_refused_with_its_cause(place: Path, complaint: Complaint) -> None:
    (place / "closed").mkdir(mode=0o500)
    server = EmbeddedServer(place / "closed/state")
    assert complaint(server) == f"the embedded PostgreSQL cannot use {place}/closed/state: Permission denied"
    with pytest.raises(EmbeddedServerError) as caught:
        server.start()
    assert isinstance(caught.value.__cause__, PermissionError)


@as_user
def test_unreadable_data_is_refused(place: Path, complaint: Complaint) -> None:
    (place / "data").mkdir(mode=0)
    line = complaint(EmbeddedServer(place))
    (place / "data").chmod(0o700)
    assert line == f"the embedded PostgreSQL cannot use {place}/data: Permission denied"


@as_root
def test_state_directory_that_the_account_cannot_enter_is_refused_and_stays_closed(
    place: Path, complaint: Complaint
) -> None:
    (place / "private").mkdir(mode=0o700)
    line = complaint(EmbeddedServer(place / "private/state"))
    assert re.fullmatch(
        rf"the state directory {place}/private/state cannot be entered by the user '\w+' \(uid \d+\), whom PostgreSQL "
        "runs as because it refuses to run as root; choose another state directory or start as an ordinary user",
        line,
    )
    assert (place / "private").stat().st_mode & 0o777 == 0o700


@as_root
def test_data_of_root_is_refused(place: Path, complaint: Complaint) -> None:
    make_data(place / "data", "PG_VERSION", "18\n")
    shutil.chown(place / "data", "root")
    line = complaint(EmbeddedServer(place))
    assert line.startswith(f"the data directory {place}/data belongs to root, and PostgreSQL refuses to run as root")


@as_root
def test_data_of_another_user_is_refused_to_ordinary_ones(place: Path, run_python_as: Callable[..., str]) -> None:
    make_data(place / "data", "PG_VERSION", "18\n")
    shutil.chown(place / "data", "root")
    shutil.chown(place, "nobody")
    line = run_python_as("nobody", REFUSED, place)
    assert line == f"the data directory {place}/data belongs to 'root', not to 'nobody'\n"


@as_root
def test_user_id_without_a_name_is_refused(place: Path, run_python_as: Callable[..., str]) -> None:
    os.chown(place, 54321, 54321)
    line = run_python_as(54321, REFUSED, place)
    assert line == (
        "the user id 54321 has no entry in /etc/passwd, which PostgreSQL needs to make its data directory\n"
    )


REFUSED = """
import sys
from pathlib import Path
from loyalty_engine.persistence.embedded import EmbeddedServer, EmbeddedServerError
try:
    EmbeddedServer(Path(sys.argv[1])).start()
except EmbeddedServerError as error:
    print(error)
"""


def make_data(directory: Path, name: str, text: str) -> None:
    """A data directory with only one file in it, whose owner is not the fault."""
    directory.mkdir(mode=0o755)
    (directory / name).write_text(text, encoding="utf-8")
    if os.geteuid() == 0:
        shutil.chown(directory, "nobody")


@pytest.fixture
def tiny_disk(place: Path) -> Iterator[Path]:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tiny", place], check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a disk of its own")
    yield place
    subprocess.run(["umount", place], check=True)


@as_root
def test_full_disk_is_refused_and_the_next_start_finds_no_half_made_data(tiny_disk: Path, complaint: Complaint) -> None:
    line = complaint(EmbeddedServer(tiny_disk / "state"))
    assert line.startswith(f"PostgreSQL could not make a data directory in {tiny_disk}/state: ")
    assert "No space left on device" in line
    assert not (tiny_disk / "state/data").exists()
    assert "No space left on device" in complaint(EmbeddedServer(tiny_disk / "state"))
