"""The house rules that no off-the-shelf linter knows, each a function from one source file to its faults.

Everything is read from the syntax tree and the comments; nothing is imported or run.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

MAX_FUNCTION_LINES: Final = 60
MAX_FILE_LINES: Final = 400

SHARED: Final = frozenset(
    {
        "asks",
        "authenticate",
        "clocks",
        "crowds",
        "executor",
        "grants",
        "guesses",
        "imports",
        "issuing",
        "pages",
        "publishing",
        "rulesets",
        "scopes",
        "tier_asks",
        "referral_asks",
        "tokens",
        "world",
    }
)
"""The modules of `application` that use cases may import. Every other module there is a use case."""

ROOMS_WITHOUT_A_NOUN: Final = frozenset(
    {"common", "helper", "helpers", "manager", "managers", "misc", "service", "services", "util", "utils"}
)

CLOCKS: Final = frozenset(
    {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"}
)
DICE: Final = frozenset({"uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7", "uuid.uuid8"})
IMPURE_MODULES: Final = {
    "time": "the clock",
    "random": "randomness",
    "secrets": "randomness",
    "uuid_utils": "randomness",
    "logging": "logging",
    "structlog": "logging",
}

MIGRATION_NAME: Final = re.compile(r"\d{4}_\d{2}_\d{2}_\d{4}_[a-z0-9_]+\.py")
SUPPRESSION: Final = re.compile(r"#\s*(?P<kind>type:\s*ignore|(?:ruff:\s*)?noqa)\b(?P<rest>.*)", re.IGNORECASE)
REASONED: Final = re.compile(r"(?:\[[a-z, -]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)\W+(?:\w+\W+)+\w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path from the root of the checkout, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def rooms(self) -> tuple[str, ...]:
        """The names on the way from the package to the module: ``("core", "points", "lots")``."""
        return PurePosixPath(self.path).with_suffix("").parts[2:]

    @property
    def is_core(self) -> bool:
        return self.path.startswith("src/loyalty_engine/core/")


@dataclass(frozen=True, slots=True)
class Fault:
    """A place that breaks a rule; shown as ``path:line: what``, which editors turn into a link."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


Rule = Callable[[Source], Iterator[Fault]]


def core_is_synchronous(source: Source) -> Iterator[Fault]:
    """Core decides; it never waits."""
    if not source.is_core:
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.AsyncFunctionDef() | ast.AsyncFor() | ast.AsyncWith() | ast.Await():
                yield Fault(source.path, node.lineno, "core is synchronous")
            case ast.comprehension(is_async=1):
                yield Fault(source.path, node.target.lineno, "core is synchronous")
            case _:
                pass


def core_is_deterministic(source: Source) -> Iterator[Fault]:
    """Core reads no clock, throws no dice and writes no log: `now` and fresh ids are arguments."""
    if not source.is_core:
        return
    for line, name in _imported_names(source.tree):
        if name in IMPURE_MODULES:
            yield Fault(source.path, line, f"core does without {IMPURE_MODULES[name]}: {name}")
        if name in CLOCKS | DICE:
            yield Fault(source.path, line, f"core does without {name}")
    origins = _origins(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and (name := _dotted(node, origins)) in CLOCKS | DICE:
            yield Fault(source.path, node.lineno, f"core does without {name}")


def core_counts_in_integers(source: Source) -> Iterator[Fault]:
    """Core knows no float and no true division; only `isinstance(value, float)`, to refuse one, is fine."""
    if not source.is_core:
        return
    tree = source.tree
    refusals = _names_in_isinstance(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float() | complex()):
                yield Fault(source.path, node.lineno, f"core counts in integers: {ast.unparse(node)}")
            case ast.Name(id="float") if node not in refusals:
                yield Fault(source.path, node.lineno, "core counts in integers: float")
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield Fault(source.path, node.lineno, "core counts in integers: use // and name the rounding")
            case _:
                pass


def functions_are_short(source: Source) -> Iterator[Fault]:
    """A function fits on a screen."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield Fault(source.path, node.lineno, f"{node.name} has {lines} lines; {MAX_FUNCTION_LINES} at most")


def files_are_short(source: Source) -> Iterator[Fault]:
    """A file holds one idea."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield Fault(source.path, MAX_FILE_LINES + 1, f"the file has {lines} lines; {MAX_FILE_LINES} at most")


def suppressions_have_a_reason(source: Source) -> Iterator[Fault]:
    """Whoever silences a tool names the code and says why: `# noqa: S608 - the names are constants of ours`."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        found = SUPPRESSION.search(token.string)
        if found and not REASONED.match(found["rest"]):
            yield Fault(source.path, token.start[0], f"{found['kind']} needs its code and a reason behind it")


def rooms_are_named_by_nouns(source: Source) -> Iterator[Fault]:
    """A room's name says what it is about."""
    for room in source.rooms:
        if room in ROOMS_WITHOUT_A_NOUN:
            yield Fault(source.path, 1, f"{room!r} says nothing about what is inside")


def public_names_are_documented(source: Source) -> Iterator[Fault]:
    """Every public module, class and function says what it promises."""
    tree = source.tree
    if not _is_private(source.rooms[-1]) and ast.get_docstring(tree) is None:
        yield Fault(source.path, 1, "the module has no docstring")
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or _is_private(node.name):
            continue
        if ast.get_docstring(node) is None:
            yield Fault(source.path, node.lineno, f"{node.name} has no docstring")


def settings_stay_at_the_edge(source: Source) -> Iterator[Fault]:
    """Only bootstrap and cli read settings; everything else is handed what it needs."""
    if source.rooms[0] in {"bootstrap", "cli", "settings"}:
        return
    for line, name in _imported_names(source.tree):
        if name == "loyalty_engine.settings":
            yield Fault(source.path, line, "only bootstrap and cli read settings")


def use_cases_stand_alone(source: Source) -> Iterator[Fault]:
    """A use case never imports another; what two of them need is shared and listed in SHARED."""
    if source.rooms[:1] != ("application",):
        return
    own = source.rooms[1]
    for line, name in _imported_names(source.tree):
        parts = name.split(".")
        if parts[:2] == ["loyalty_engine", "application"] and len(parts) == 3 and parts[2] not in {own, *SHARED}:
            yield Fault(source.path, line, f"{own} imports the use case {parts[2]}")


def migrations_are_dated(source: Source) -> Iterator[Fault]:
    """Migrations sort by age: `2026_11_21_0001_first_ledger.py`."""
    name = PurePosixPath(source.path).name
    if not MIGRATION_NAME.fullmatch(name):
        yield Fault(source.path, 1, f"{name} does not start with its date and number")


SRC_RULES: Final[tuple[Rule, ...]] = (
    core_is_synchronous,
    core_is_deterministic,
    core_counts_in_integers,
    functions_are_short,
    files_are_short,
    rooms_are_named_by_nouns,
    public_names_are_documented,
    settings_stay_at_the_edge,
    use_cases_stand_alone,
)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _imported_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every module that is imported, and every name as if it were one: `from a import b` is a and a.b."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield from ((node.lineno, name) for name in _with_parents(alias.name))
            case ast.ImportFrom(module=str() as module):
                yield from ((node.lineno, name) for name in _with_parents(module))
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            case _:
                pass


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _origins(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: after `from datetime import datetime as dt`, dt is datetime.datetime."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                origins |= {alias.asname or alias.name: alias.name for alias in node.names}
            case ast.ImportFrom(module=str() as module):
                origins |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
            case _:
                pass
    return origins


def _dotted(node: ast.expr, origins: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return origins.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            return f"{_dotted(value, origins)}.{attribute}"
        case _:
            return "?"


def _names_in_isinstance(tree: ast.Module) -> set[ast.AST]:
    return {
        name
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "isinstance"
        for name in ast.walk(call)
    }
