"""``loyalty plan``, ``apply`` and ``schema``: a program as a file, in a database and at a service's address."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from loyalty_engine.core.program.schema import describe_program
from tests.harness.postgres import run_apart
from tests.harness.programs import Program, document
from tests.harness.servers import Servers, find_ports
from tests.harness.service import environment, run

Json = dict[str, Any]
Loyalty = Callable[..., "subprocess.CompletedProcess[str]"]

CHANGED: Final = """\
~ earning_rule/base
      /earn/points         1 → 2
  + earning_rule/own_cup   Own cup
  - earning_rule/web
1 added, 1 changed, 1 removed
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A document that changes one rule, adds one and removes one."""
    body = document()
    body["earning_rules"][0]["earn"]["points"] = 2
    body["earning_rules"][1] = {
        "key": "own_cup",
        "name": "Own cup",
        "wallet": "stamps",
        "earn": {"kind": "fixed", "points": 1},
    }
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(params=["--program", "--url"])
def loyalty(request: pytest.FixtureRequest, database_url: str, servers: Servers, program: Program) -> Loyalty:
    """Runs a command on the program: as the operator in the database, or with an API key at the service."""

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        if request.param == "--program":
            return run(*arguments, "--program", program.key, LOYALTY_DATABASE_URL=database_url)
        return run(*arguments, "--url", servers[0].url, LOYALTY_API_KEY=program.admin)

    return call


def current(servers: Servers, program: Program) -> Json:
    headers = {"authorization": f"Bearer {program.admin}"}
    read: Json = httpx.get(f"{servers[0].url}/v1/program", headers=headers, trust_env=False).json()
    return read


def edit(path: Path, change: Callable[[Json], object]) -> None:
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(yaml.safe_dump(body, sort_keys=False), encoding="utf-8")


def test_a_plan_is_shown_and_writes_nothing(loyalty: Loyalty, servers: Servers, program: Program, file: Path) -> None:
    planned = loyalty("plan", str(file))

    head, body = planned.stdout.split("\n  ", 1)
    assert head in {f"program {program.key} · revision 1", f"{servers[0].url} · revision 1"}
    assert body == CHANGED
    assert (planned.stderr, planned.returncode) == ("", 0)
    assert current(servers, program)["revision"] == 1


def test_an_applied_file_is_the_next_revision(loyalty: Loyalty, servers: Servers, program: Program, file: Path) -> None:
    applied = loyalty("apply", str(file), "--yes", "--note", "Mai: größere Punkte")
    again = loyalty("apply", str(file))
    unchanged = loyalty("plan", str(file), "--exit-code")

    assert applied.stdout.endswith(f"{CHANGED}published revision 2\n")
    assert (applied.stderr, applied.returncode) == ("", 0)
    read = current(servers, program)
    assert (read["revision"], read["note"]) == (2, "Mai: größere Punkte")
    assert [rule["key"] for rule in read["document"]["earning_rules"]] == ["base", "own_cup"]
    assert again.stdout.endswith(" · revision 2\nnothing to change\n")
    assert (again.returncode, unchanged.returncode) == (0, 0)
    assert current(servers, program)["revision"] == 2


def test_machines_get_what_the_api_answers(servers: Servers, program: Program, file: Path) -> None:
    def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run(*arguments, "--json", "--url", servers[0].url, LOYALTY_API_KEY=program.admin)

    planned = ask("plan", str(file), "--exit-code")
    applied = json.loads(ask("apply", str(file), "--yes").stdout)
    again = json.loads(ask("apply", str(file), "--yes").stdout)
    file.write_text("version: 1\n", encoding="utf-8")
    wrong = ask("apply", str(file), "--yes")

    assert planned.returncode == 3
    assert [(change["part"], change["kind"]) for change in json.loads(planned.stdout)["changes"]] == [
        ("earning_rule/base", "changed"),
        ("earning_rule/own_cup", "added"),
        ("earning_rule/web", "removed"),
    ]
    assert applied == {"revision": 2, "is_new": True, "warnings": []}
    assert again == {"revision": 2, "is_new": False, "warnings": []}
    problem = json.loads(wrong.stdout)
    assert (problem["code"], [error["pointer"] for error in problem["errors"]]) == ("program_invalid", ["/program"])
    assert wrong.returncode == 1


def test_errors_name_their_lines_and_nothing_is_published(
    loyalty: Loyalty, servers: Servers, program: Program, file: Path
) -> None:
    edit(file, lambda body: body["earning_rules"][1].update(wallet="gold"))
    line = file.read_text(encoding="utf-8").splitlines().index("  wallet: gold") + 1
    fault = f"{file}:{line}: error: /earning_rules/1/wallet is not the key of a wallet (unknown_wallet)\n"

    applied = loyalty("apply", str(file), "--yes")

    assert applied.stdout.endswith(f"1 added, 1 changed, 1 removed\n{fault}")
    assert applied.returncode == 1
    assert current(servers, program)["revision"] == 1


def test_a_file_that_is_no_document_is_told_by_line(loyalty: Loyalty, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("version: 1\nprogram:\n  name: 4\n  currency: EUR\n", encoding="utf-8")
    planned = loyalty("plan", str(path))
    assert planned.stdout.splitlines() == [
        f"{path}:3: error: /program/name must be text (wrong_type)",
        f"{path}:2: error: /program/time_zone is required (required)",
    ]
    assert (planned.stderr, planned.returncode) == ("", 1)


def test_nobody_is_asked_where_nobody_is(servers: Servers, program: Program, file: Path) -> None:
    applied = run("apply", str(file), "--url", servers[0].url, LOYALTY_API_KEY=program.admin)
    assert applied.stderr == "loyalty: nobody is there to ask; --yes publishes without asking\n"
    assert applied.returncode == 2
    assert current(servers, program)["revision"] == 1


@pytest.mark.parametrize(("answer", "status", "revision"), [("y\n", 0, 2), ("\n", 130, 1)])
def test_whoever_is_asked_decides(
    servers: Servers, program: Program, file: Path, answer: str, status: int, revision: int
) -> None:
    settings = environment(LOYALTY_API_KEY=program.admin, TERM="xterm")
    assert in_terminal(["apply", str(file), "--url", servers[0].url], settings, answer)[1] == status
    assert current(servers, program)["revision"] == revision


def test_a_terminal_shows_colours_and_obeys_no_text_of_the_document(
    servers: Servers, program: Program, file: Path
) -> None:
    edit(file, lambda body: body["earning_rules"][1].update(name="\x1b[2J\u202e[red]Own cup[/red]"))
    settings = environment(LOYALTY_API_KEY=program.admin, TERM="xterm")
    screen, status = in_terminal(["plan", str(file), "--url", servers[0].url], settings, "")
    assert status == 0
    assert "\x1b[32m" in screen
    assert "\x1b[2J" not in screen
    assert "\u202e" not in screen
    assert "[red]Own cup[/red]" in screen


def in_terminal(arguments: list[str], settings: dict[str, str], typed: str) -> tuple[str, int]:
    """Run a command in a terminal of its own and type an answer; return its screen and exit status."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "loyalty_engine.cli", *arguments]
    with subprocess.Popen(command, env=settings, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        screen = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                screen += os.read(ours, 65_536)
            except OSError:  # how Linux tells that the other side has closed
                break
        status = process.wait(60)
    os.close(ours)
    return screen.decode(), status


def test_who_published_meanwhile_is_not_overwritten(
    servers: Servers, program: Program, file: Path, tmp_path: Path
) -> None:
    """The other editor publishes while this one looks at the plan."""
    ours, theirs = pty.openpty()
    settings = environment(LOYALTY_API_KEY=program.admin, TERM="dumb")
    command = [sys.executable, "-m", "loyalty_engine.cli", "apply", str(file), "--url", servers[0].url]
    with subprocess.Popen(command, env=settings, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b""
        while b"Publish it?" not in screen:
            assert select.select([ours], [], [], 60)[0]
            screen += os.read(ours, 65_536)
        run_apart(program.publish(document(name="Other")))
        os.write(ours, b"y\n")
        while b"somebody else meanwhile" not in screen:
            assert select.select([ours], [], [], 60)[0]
            screen += os.read(ours, 65_536)
        assert process.wait(60) == 2
    os.close(ours)
    assert current(servers, program)["document"]["program"]["name"] == "Other"


def test_a_key_that_may_not_is_told_what_it_lacks(servers: Servers, program: Program, file: Path) -> None:
    planned = run("plan", str(file), "--url", servers[0].url, LOYALTY_API_KEY=program.till)
    assert planned.stderr == (
        "loyalty: The API key may not do this. Use a key with the scope named in details. (scope program:read)\n"
    )
    assert planned.returncode == 2


def test_what_cannot_be_used_is_told_in_one_line(database_url: str, servers: Servers, file: Path) -> None:
    nowhere, url = f"http://127.0.0.1:{find_ports(1)[0]}", servers[0].url
    database, key = {"LOYALTY_DATABASE_URL": database_url}, {"LOYALTY_API_KEY": "lk_test_1_x"}
    missing = file.with_name("missing.yaml")
    outcomes = [
        run("plan", str(file)),
        run("plan", str(file), "--program", "nowhere", **database),
        run("plan", str(missing), "--program", "any", **database),
        run("plan", str(file), "--url", nowhere, **key),
        run("plan", str(file), "--url", url, **key),
    ]
    assert [(outcome.stdout, outcome.returncode) for outcome in outcomes] == [("", 2)] * 5
    assert [outcome.stderr for outcome in outcomes] == [
        "loyalty: name either the --program of this installation or the --url of a service\n",
        "loyalty: there is no program nowhere\n",
        f"loyalty: {missing}: No such file or directory\n",
        f"loyalty: {nowhere} cannot be reached: [Errno 111] Connection refused\n",
        "loyalty: The API key is missing, unknown, expired or revoked. Send Authorization: Bearer with a live key.\n",
    ]


def test_a_program_is_created_from_its_file(database_url: str, program: Program, file: Path) -> None:
    key, database = f"{program.key}_new", {"LOYALTY_DATABASE_URL": database_url}
    created = run("apply", str(file), "--program", key, "--create", "--yes", "--note", "First", **database)
    again = run("apply", str(file), "--program", key, "--create", "--yes", **database)
    nowhere = run("apply", str(file), "--program", "Not a key", "--create", "--yes", **database)

    assert created.stdout.startswith(f"program {key} · nothing published yet\n  + settings\n")
    assert created.stdout.endswith(" added\npublished revision 1\n")
    assert again.stdout == f"program {key} · revision 1\nnothing to change\n"
    assert (nowhere.stdout, nowhere.stderr.count("\n"), nowhere.returncode) == ("", 1, 2)


def test_editors_get_the_schema(tmp_path: Path) -> None:
    printed = run("schema")
    run("schema", "--output", str(tmp_path / "program.schema.json"))
    written = (tmp_path / "program.schema.json").read_text(encoding="utf-8")
    assert printed.stdout == written
    assert json.loads(written) == describe_program()
