"""The tree keeps the house rules, and each rule catches the fault that it is there for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from tests.house import rules
from tests.house.rules import Fault, Rule, Source

ROOT: Final = Path(__file__).parents[2]
CORE: Final = "src/loyalty_engine/core/points/lots.py"
API: Final = "src/loyalty_engine/api/orders.py"
USE_CASE: Final = "src/loyalty_engine/application/redeem.py"


def read_sources(folders: Iterable[str]) -> list[Source]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def faults_of(rule: Rule, sources: list[Source]) -> str:
    return "\n".join(str(fault) for source in sources for fault in rule(source))


@pytest.mark.parametrize("rule", rules.SRC_RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule) -> None:
    assert faults_of(rule, read_sources(["src"])) == ""


def test_every_suppression_has_a_reason() -> None:
    sources = read_sources(["src", "tests", "benchmarks", "migrations"])
    assert faults_of(rules.suppressions_have_a_reason, sources) == ""


def test_migrations_are_named_by_their_date() -> None:
    assert faults_of(rules.migrations_are_dated, read_sources(["migrations/versions"])) == ""


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-demo.lock"])
def test_a_lock_names_versions_and_hashes_only(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "/" in line or " @ " in line or line.startswith("-")] == []


def lines_of(count: int) -> str:
    return "    x = 1\n" * count


PLANTED: Final[list[tuple[Rule, str, str, list[int]]]] = [
    (rules.core_is_synchronous, CORE, "async def f():\n    await g()\n", [1, 2]),
    (
        rules.core_is_synchronous,
        CORE,
        "x = 1\nasync def f():\n    async with a:\n        async for b in c: ...\n",
        [2, 3, 4],
    ),
    (
        rules.core_is_synchronous,
        CORE,
        "async def f():\n    return [\n        a\n        async for a in b\n    ]\n",
        [1, 4],
    ),
    (rules.core_is_deterministic, CORE, "import time\nimport random\n", [1, 2]),
    (rules.core_is_deterministic, CORE, "def f():\n    import logging.handlers\n", [2]),
    (rules.core_is_deterministic, CORE, "from secrets import token_bytes\nfrom time import monotonic\n", [1, 2]),
    (rules.core_is_deterministic, CORE, "from datetime import UTC, datetime\n\nx = datetime.now(UTC)\n", [3]),
    (
        rules.core_is_deterministic,
        CORE,
        "import datetime as dt\nx = dt.datetime.utcnow()\ny = dt.date.today()\n",
        [2, 3],
    ),
    (rules.core_is_deterministic, CORE, "from uuid import uuid4\n", [1]),
    (rules.core_is_deterministic, CORE, "import uuid\nmake = uuid.uuid4\n", [2]),
    (rules.core_counts_in_integers, CORE, "x = 1\ny = 0.5\n", [2]),
    (rules.core_counts_in_integers, CORE, "y = 1e6\nz = 2j\n", [1, 2]),
    (rules.core_counts_in_integers, CORE, "def f(x: float) -> int:\n    return x / 2\n", [1, 2]),
    (rules.core_counts_in_integers, CORE, "x = 6\nx /= 2\ny = float(x)\n", [2, 3]),
    (rules.functions_are_short, API, "def f():\n" + lines_of(60), [1]),
    (rules.functions_are_short, API, "class A:\n    async def f(self):\n" + "        x = 1\n" * 60, [2]),
    (rules.files_are_short, API, "x = 1\n" * 401, [401]),
    (rules.suppressions_have_a_reason, API, "import os\nimport re  # noqa: F401\n", [2]),
    (rules.suppressions_have_a_reason, API, "import re  # noqa\nimport os  # NOQA: F401, E402\n", [1, 2]),
    (rules.suppressions_have_a_reason, API, "# ruff: noqa: D100\n", [1]),
    (rules.suppressions_have_a_reason, API, "x = f()  # type: ignore\ny = f()  # type: ignore[arg-type]\n", [1, 2]),
    (rules.suppressions_have_a_reason, API, "x = f()  # type: ignore[arg-type]  # ok\n", [1]),
    (rules.rooms_are_named_by_nouns, "src/loyalty_engine/core/utils.py", "", [1]),
    (rules.rooms_are_named_by_nouns, "src/loyalty_engine/services/points.py", "", [1]),
    (rules.public_names_are_documented, API, "x = 1\n", [1]),
    (rules.public_names_are_documented, "src/loyalty_engine/__init__.py", "", [1]),
    (rules.public_names_are_documented, API, '"""Orders."""\n\nclass Order:\n    x = 1\n\ndef read(): ...\n', [3, 6]),
    (rules.settings_stay_at_the_edge, API, "import os\nfrom loyalty_engine.settings import Settings\n", [2]),
    (rules.settings_stay_at_the_edge, USE_CASE, "from loyalty_engine import settings\n", [1]),
    (rules.settings_stay_at_the_edge, CORE, "import loyalty_engine.settings\n", [1]),
    (rules.use_cases_stand_alone, USE_CASE, "from loyalty_engine.application.earn import earn\n", [1]),
    (rules.use_cases_stand_alone, USE_CASE, "import re\nfrom loyalty_engine.application import earn\n", [2]),
    (rules.use_cases_stand_alone, USE_CASE, "import loyalty_engine.application.earn.batch\n", [1]),
    (rules.migrations_are_dated, "migrations/versions/0001_first_ledger.py", "", [1]),
    (rules.migrations_are_dated, "migrations/versions/2026_11_21_first_ledger.py", "", [1]),
]

ALLOWED: Final[list[tuple[Rule, str, str]]] = [
    (rules.core_is_synchronous, API, "async def f():\n    await g()\n"),
    (rules.core_is_deterministic, API, "import time\n"),
    (rules.core_is_deterministic, CORE, "from datetime import date, time\nx = facts.now\ny = time(12)\n"),
    (rules.core_is_deterministic, CORE, "from uuid import UUID\nx = UUID(int=7)\n"),
    (rules.core_counts_in_integers, CORE, 'x = 7 // 2\ny = "0.5"\nz = isinstance(x, float)\n'),
    (rules.functions_are_short, API, "def f():\n" + lines_of(59)),
    (rules.files_are_short, API, "x = 1\n" * 400),
    (rules.suppressions_have_a_reason, API, "import re  # noqa: F401 - what users import from here\n"),
    (rules.suppressions_have_a_reason, API, "x = f()  # type: ignore[arg-type]  # the stub is wrong\n"),
    (rules.suppressions_have_a_reason, API, 'x = "# noqa"\n'),
    (rules.rooms_are_named_by_nouns, API, ""),
    (rules.public_names_are_documented, API, '"""Orders."""\n\nclass _Order: ...\n\ndef _read(): ...\n'),
    (
        rules.settings_stay_at_the_edge,
        "src/loyalty_engine/cli/serve.py",
        "from loyalty_engine.settings import Settings\n",
    ),
    (rules.use_cases_stand_alone, USE_CASE, "from loyalty_engine.application.executor import Executor\n"),
    (rules.use_cases_stand_alone, API, "from loyalty_engine.application.earn import earn\n"),
    (rules.migrations_are_dated, "migrations/versions/2026_11_21_0001_first_ledger.py", ""),
]


@pytest.mark.parametrize(("rule", "path", "text", "lines"), PLANTED)
def test_a_planted_fault_is_found_on_its_line(rule: Rule, path: str, text: str, lines: list[int]) -> None:
    assert sorted({fault.line for fault in rule(Source(path, text))}) == lines


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_what_is_allowed_is_left_alone(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []


def test_every_rule_has_a_planted_fault_and_an_allowed_case() -> None:
    every_rule = {*rules.SRC_RULES, rules.suppressions_have_a_reason, rules.migrations_are_dated}
    assert {rule for rule, *_ in PLANTED} == every_rule
    assert {rule for rule, *_ in ALLOWED} == every_rule


def test_a_fault_is_shown_as_a_link() -> None:
    assert str(Fault("src/a.py", 7, "too long")) == "src/a.py:7: too long"
