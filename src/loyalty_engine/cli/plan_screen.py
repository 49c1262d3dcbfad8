"""A plan for people: what would change, part by part, and what is wrong, by line. Plain where there is no terminal."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from loyalty_engine.api.schemas.problems import Problem, ProblemFault
from loyalty_engine.api.schemas.program import FieldChangeAnswer, PartChangeAnswer, PlanAnswer, WarningAnswer
from loyalty_engine.cli.source import Source
from loyalty_engine.core.program.faults import Severity
from loyalty_engine.core.program.planning import ChangeKind, Leaf

_SIGNS: Final[Mapping[ChangeKind, tuple[str, str]]] = {
    "added": ("+", "green"),
    "changed": ("~", "yellow"),
    "moved": (">", "cyan"),
    "removed": ("-", "red"),
}
_GAP: Final = 3

_Row = tuple[Text, Text]


def show_plan(console: Console, where: str, source: Source, plan: PlanAnswer) -> None:
    """Print where the program is, what would change of it, how much that is, and all faults."""
    standing = f"revision {plan.revision}" if plan.revision else "nothing published yet"
    console.print(Text(f"{_plain(where)} · {standing}", style="bold"), soft_wrap=True)
    _print_aligned(console, [row for change in plan.changes for row in _rows_of(change)])
    console.print(Text(_summary(plan.changes)), soft_wrap=True)
    for error in plan.errors:
        _show_fault(console, source, "error", error)
    for warning in plan.warnings:
        _show_fault(console, source, "warning", warning)


def show_problem(console: Console, source: Source, problem: Problem) -> None:
    """Print why a document cannot even be compared."""
    name = problem.details.get("name")
    title = problem.title if name is None else f"{problem.title}: {name}"
    for error in problem.errors or [ProblemFault(pointer="", code=problem.code, message=title)]:
        _show_fault(console, source, "error", error, line=problem.details.get("line"))


def _show_fault(
    console: Console,
    source: Source,
    severity: Severity,
    fault: ProblemFault | WarningAnswer,
    *,
    line: int | None = None,
) -> None:
    """Print one fault as ``file:line: severity: message``, which editors turn into a link."""
    line = line or source.find_line(fault.pointer)
    text = Text.assemble(
        _plain(f"{source.path}:{line}: " if line else f"{source.path}: "),
        (f"{severity}: ", "bold red" if severity == "error" else "bold yellow"),
        _plain(f"{fault.pointer} {fault.message}".strip()),
        (f" ({_plain(fault.code)})", "dim"),
    )
    console.print(text, soft_wrap=True)


def _rows_of(change: PartChangeAnswer) -> Iterable[_Row]:
    sign, style = _SIGNS[change.kind]
    said = change.name or ""
    if change.kind == "moved":
        said = f"now behind {change.follows}" if change.follows else "now the first"
    yield Text(f"  {sign} {_plain(change.part)}", style=style), Text(_plain(said))
    for field in change.fields:
        yield Text(f"      {_plain(field.pointer)}"), _show_field(field)
    if change.omitted:
        yield Text(f"      and {change.omitted} more"), Text()


def _show_field(field: FieldChangeAnswer) -> Text:
    if field.before is None:
        return Text(f"+ {_show(field.after)}", style="green")
    if field.after is None:
        return Text(f"- {_show(field.before)}", style="red")
    return Text.assemble((_show(field.before), "red"), " → ", (_show(field.after), "green"))


def _summary(changes: Sequence[PartChangeAnswer]) -> str:
    counts = {kind: sum(change.kind == kind for change in changes) for kind in _SIGNS}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing to change"


def _print_aligned(console: Console, rows: Sequence[_Row]) -> None:
    width = max((cell_len(left.plain) for left, right in rows if right), default=0) + _GAP
    for left, right in rows:
        if right:
            left.append(" " * (width - cell_len(left.plain)))
        console.print(left + right, soft_wrap=True)


def _show(value: Leaf) -> str:
    return _plain(json.dumps(value, ensure_ascii=False))


def _plain(text: str) -> str:
    """Return text that moves no cursor and changes no colour, whoever wrote it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
