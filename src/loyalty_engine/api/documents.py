"""Program documents as people send them: JSON or YAML text in, plain data out, the same for both.

YAML is read as JSON with comfort: only what looks like JSON's own values is one, everything else is text. So ``no`` is
not false, ``10:30`` not 630, ``00123`` keeps its zeros and a date stays the text it was written as. Anchors, aliases,
merge keys, tags and second documents are refused. Reading is iterative and bounded: no text can exhaust the stack.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, assert_never

import yaml

from loyalty_engine.api.documentation import YAML
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.application.publishing import Conflict, Invalid, Published
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault as ProgramFault
from loyalty_engine.core.program.promotions import PromotionEntry
from loyalty_engine.core.program.reading import MAX_NESTING, MAX_NODES, parse_program, parse_promotion

_JSON: Final = "application/json"

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,4000})")
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_SHOWN_NAME: Final = 64
_NO_NAME: Final = object()


def read_json(raw: bytes) -> Any:  # noqa: ANN401  any JSON value
    """Return what a JSON text says; raise :class:`ProblemError` when it is none or gives a name twice."""
    try:
        return json.loads(raw, object_pairs_hook=_unique_names, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ProblemError("malformed_json") from None


def read_yaml(raw: bytes) -> Any:  # noqa: ANN401  any JSON value
    """Return what a YAML text says; raise :class:`ProblemError` when it is none or uses what we refuse."""
    try:
        return _build(yaml.parse(raw.decode("utf-8-sig"), Loader=_LOADER))
    except UnicodeDecodeError:
        raise ProblemError("malformed_yaml", detail="The document is not UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        _refuse("is not YAML", error.problem_mark or error.context_mark)
    except (yaml.YAMLError, RecursionError):
        _refuse("is not YAML", None)


_READERS: Final[Mapping[str, Callable[[bytes], Any]]] = {_JSON: read_json, YAML: read_yaml}


class ProgramReader:
    """Reads whole program documents from request bodies. Five thousand rules are about a megabyte."""

    media_types: Sequence[str] = tuple(_READERS)
    max_bytes = 8 * 1024 * 1024

    async def read(self, raw: bytes, media_type: str) -> Program:
        """Return the program; raise :class:`ProblemError` with a pointer to each fault of its form."""
        return await asyncio.to_thread(_read_program, raw, media_type)


class PromotionReader:
    """Reads one promotion from a request body, as JSON or YAML."""

    media_types: Sequence[str] = tuple(_READERS)
    max_bytes = 256 * 1024

    async def read(self, raw: bytes, media_type: str) -> PromotionEntry:
        """Return the promotion; raise :class:`ProblemError` with a pointer to each fault of its form."""
        parsed = parse_promotion(_READERS[media_type](raw))
        if isinstance(parsed, list):
            raise invalid_program(parsed)
        return parsed


def invalid_program(faults: Iterable[ProgramFault]) -> ProblemError:
    """Return the problem that shows faults of a document; warnings are none."""
    errors = [Fault(fault.pointer, fault.code, fault.message) for fault in faults if fault.severity == "error"]
    return ProblemError("program_invalid", errors=errors)


def require_published(result: Published | Invalid | Conflict) -> Published:
    """Return what was published; raise :class:`ProblemError` when nothing was."""
    match result:
        case Published():
            return result
        case Invalid(faults):
            raise invalid_program(faults)
        case Conflict(current):
            raise ProblemError("revision_conflict", details={"revision": current})
        case _:
            assert_never(result)


def _read_program(raw: bytes, media_type: str) -> Program:
    parsed = parse_program(_READERS[media_type](raw))
    if isinstance(parsed, list):
        raise invalid_program(parsed)
    return parsed


class _Open:
    """A list or object that is still being read, where it began, and the name that waits for its value."""

    __slots__ = ("name", "value")

    def __init__(self, value: list[Any] | dict[str, Any]) -> None:
        self.value = value
        self.name: Any = _NO_NAME

    def add(self, value: object, event: yaml.Event) -> None:
        """Put the next value where it belongs."""
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.name is not _NO_NAME:
            self.value[self.name] = value
            self.name = _NO_NAME
        elif not isinstance(value, str) or value == "<<":
            _refuse("has a name that is no text; put it in quotes", event.start_mark)
        elif value in self.value:
            raise ProblemError("duplicate_name", details={"name": value[:_SHOWN_NAME], **_place(event.start_mark)})
        else:
            self.name = value


def _build(events: Iterator[yaml.Event]) -> Any:  # noqa: ANN401  any JSON value
    documents: list[Any] = []
    around = [_Open(documents)]
    for count, event in enumerate(events):
        if count > 2 * MAX_NODES or len(around) > MAX_NESTING + 1:
            _refuse(f"has over {MAX_NODES} values or is nested over {MAX_NESTING} levels deep", event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            _refuse("uses an anchor or alias; repeat the content", event.start_mark)
        if getattr(event, "tag", None) is not None:
            _refuse("uses a tag", event.start_mark)
        match event:
            case yaml.ScalarEvent():
                around[-1].add(_scalar(event, is_name=_awaits_name(around[-1])), event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                opened = _Open([] if isinstance(event, yaml.SequenceStartEvent) else {})
                around[-1].add(opened.value, event)
                around.append(opened)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                around.pop()
            case yaml.DocumentStartEvent() if documents:
                _refuse("holds a second document", event.start_mark)
            case _:
                pass
    return documents[0] if documents else None


def _awaits_name(opened: _Open) -> bool:
    return isinstance(opened.value, dict) and opened.name is _NO_NAME


def _scalar(event: yaml.ScalarEvent, *, is_name: bool) -> str | int | float | bool | None:
    """Return a plain scalar as JSON would read it, anything else as text. Names are always text, as in JSON."""
    text: str = event.value
    if event.style or is_name:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, value in pairs:
        if name in names:
            shown = name[:_SHOWN_NAME].encode("utf-8", "replace").decode()
            raise ProblemError("duplicate_name", details={"name": shown})
        names[name] = value
    return names


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _refuse(message: str, mark: Any) -> NoReturn:  # noqa: ANN401  the two parsers have marks of their own
    place = _place(mark)
    where = f" (line {place['line']}, column {place['column']})" if place else ""
    raise ProblemError("malformed_yaml", errors=[Fault("", "malformed", message + where)], details=place)


def _place(mark: Any) -> dict[str, int]:  # noqa: ANN401  as above
    return {"line": mark.line + 1, "column": mark.column + 1} if mark is not None else {}
