"""What ``loyalty plan`` prints, as a file gets it."""

import io
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console

from loyalty_engine.api.schemas.problems import Problem
from loyalty_engine.api.schemas.program import PlanAnswer
from loyalty_engine.cli.plan_screen import show_plan, show_problem
from loyalty_engine.cli.source import Source

Json = dict[str, Any]

SOURCE: Final = Source(Path("shop.yaml"), b"version: 1\nwallets:\n  - key: points\n")


def change(part: str, kind: str, **fields: object) -> Json:
    return {"part": part, "name": None, "kind": kind, "fields": [], "omitted": 0, "follows": None, **fields}


def shown(*changes: Json, revision: int = 3, **faults: object) -> str:
    screen = io.StringIO()
    plan = PlanAnswer.model_validate({"revision": revision, "changes": changes, "errors": [], "warnings": [], **faults})
    show_plan(Console(file=screen, highlight=False, width=40), "program shop", SOURCE, plan)
    return screen.getvalue()


def test_a_plan_is_told_part_by_part_in_columns() -> None:
    fields = [
        {"pointer": "/earn/points", "before": 1, "after": 2},
        {"pointer": "/name", "before": None, "after": "Größe 漢字"},
        {"pointer": "/when/fact", "before": "order.channel", "after": None},
    ]
    assert shown(
        change("settings", "changed", fields=fields, omitted=7),
        change("wallet/漢", "added", name="Points"),
        change("earning_rule/a", "moved", follows="earning_rule/b"),
        change("earning_rule/c", "moved"),
        change("earning_rule/d", "removed", name="Old"),
    ) == (
        "program shop · revision 3\n"
        "  ~ settings\n"
        "      /earn/points   1 → 2\n"
        '      /name          + "Größe 漢字"\n'
        '      /when/fact     - "order.channel"\n'
        "      and 7 more\n"
        "  + wallet/漢        Points\n"
        "  > earning_rule/a   now behind earning_rule/b\n"
        "  > earning_rule/c   now the first\n"
        "  - earning_rule/d   Old\n"
        "1 added, 1 changed, 2 moved, 1 removed\n"
    )


def test_a_plan_without_changes_says_so() -> None:
    assert shown() == "program shop · revision 3\nnothing to change\n"
    assert shown(revision=0) == "program shop · nothing published yet\nnothing to change\n"


def test_errors_and_warnings_follow_with_their_lines() -> None:
    error = {"pointer": "/wallets/0/unit", "code": "required", "message": "is required"}
    warning = {"pointer": "", "code": "too_many_faults", "message": "has more faults; these are the first 100"}
    assert shown(errors=[error], warnings=[warning]) == (
        "program shop · revision 3\n"
        "nothing to change\n"
        "shop.yaml:3: error: /wallets/0/unit is required (required)\n"
        "shop.yaml:1: warning: has more faults; these are the first 100 (too_many_faults)\n"
    )


def test_long_lines_are_neither_wrapped_nor_cut() -> None:
    fields = [{"pointer": "/name", "before": "x" * 100, "after": "y" * 100}]
    assert f'"{"x" * 100}" → "{"y" * 100}"\n' in shown(change("settings", "changed", fields=fields))


def test_texts_of_the_document_do_nothing_to_the_terminal() -> None:
    text = shown(change("settings", "added", name="[red]\x1b[2J\u202eé\n\x9b"))
    assert "[red]\ufffd[2J\ufffdé\ufffd\ufffd\n" in text


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            {"errors": [{"pointer": "", "code": "malformed", "message": "is not YAML"}], "details": {"line": 2}},
            "shop.yaml:2: error: is not YAML (malformed)\n",
        ),
        (
            {"errors": [], "details": {"name": "version", "line": 9, "column": 1}},
            "shop.yaml:9: error: The title: version (the_code)\n",
        ),
        ({"errors": [], "details": {}}, "shop.yaml:1: error: The title (the_code)\n"),
    ],
)
def test_a_problem_is_told_as_faults_of_the_file(problem: Json, line: str) -> None:
    screen = io.StringIO()
    head = {"type": "", "title": "The title", "status": 400, "detail": "", "code": "the_code", "retryable": False}
    show_problem(Console(file=screen, highlight=False), SOURCE, Problem.model_validate({**head, **problem}))
    assert screen.getvalue() == line
