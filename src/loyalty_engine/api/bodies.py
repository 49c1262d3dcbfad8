"""Request bodies: strict JSON in, a validated model and a digest of its content out, or a problem with pointers."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from loyalty_engine.api.problems import Fault, ProblemError

Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 20
_MAX_FAULTS: Final = 50
_DIGEST_BYTES: Final = 16
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class DocumentReader(Protocol):
    """Reads the bodies of one route that are larger than others, or not JSON."""

    @property
    def media_types(self) -> Sequence[str]:
        """What the body may be declared as."""

    @property
    def max_bytes(self) -> int:
        """How large the body may be."""

    async def read(self, raw: bytes, media_type: str) -> Any:  # noqa: ANN401 - whatever the endpoint takes
        """Return the endpoint's ``body``; raise :class:`ProblemError` with a pointer to each fault."""


class BodyReader(Generic[Model]):
    """Reads bodies of one model."""

    def __init__(self, model: type[Model]) -> None:
        self._validator = TypeAdapter(model).validator

    def read(self, raw: bytes) -> tuple[Model, Any]:
        """Return the model and the parsed JSON; raise :class:`ProblemError` with a pointer to each fault."""
        parsed = parse_strictly(raw)
        try:
            return self._validator.validate_json(raw), parsed
        except ValidationError as error:
            raise ProblemError("validation_failed", errors=faults_of(error)) from None


def parse_strictly(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON in UTF-8; refuse what two readers could understand differently or PostgreSQL could not keep.

    That is: names given twice, NaN and infinities, lone surrogates, NUL, and nesting deeper than 20.
    """
    parsed = parse_json(raw)
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH or b"\\" in raw:  # any escape: one byte is found sooner than two
        check_values(parsed)
    return parsed


def parse_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON in UTF-8 without a name given twice; what its values hold is not looked at, see :func:`check_values`."""
    parsed = _parse_compact(raw)
    if parsed is None:
        try:
            parsed = _DECODER.decode(raw.decode())
        except (ValueError, RecursionError):
            raise ProblemError("malformed_json") from None
    return parsed


def _parse_compact(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON that is written the shortest way, as most programs do, in a third of the time; None for any other.

    What comes out again byte for byte has lost nothing: no name stood in it twice.
    """
    try:
        parsed = orjson.loads(raw)
        return parsed if orjson.dumps(parsed) == raw else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def digest(route: str, parsed: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return what tells requests apart: the route and the body's content, whatever its spacing and order of names."""
    body = orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS)
    return blake2b(body, digest_size=_DIGEST_BYTES, person=blake2b(route.encode(), digest_size=16).digest()).digest()


def faults_of(error: ValidationError) -> list[Fault]:
    """Return pydantic's findings as faults with JSON pointers; the values themselves are not repeated."""
    return [
        Fault(_pointer(found["loc"]), found["type"], found["msg"])
        for found in error.errors(include_url=False, include_context=False, include_input=False)[:_MAX_FAULTS]
    ]


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # add returns None on purpose
        raise ProblemError("duplicate_name", details={"name": twice[:64].encode("utf-8", "replace").decode()})
    return names


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique_names, parse_constant=_refuse_constant)


def check_values(parsed: Any) -> None:  # noqa: ANN401 - any JSON value
    """Refuse what PostgreSQL could not keep: walks a suspicious document once, without recursion."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(parsed, ())]
    while waiting:
        value, path = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise ProblemError("validation_failed", errors=[Fault("", "too_deep", f"is nested over {MAX_DEPTH} deep")])
        if isinstance(value, str):
            _check_text(value, path)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                _check_text(name, path)
                waiting.append((inner, (*path, name)))
        elif isinstance(value, list):
            waiting.extend((inner, (*path, position)) for position, inner in enumerate(value))


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    if _UNSTORABLE.search(text):
        fault = Fault(_pointer(path), "unstorable_text", "holds NUL or half a character")
        raise ProblemError("validation_failed", errors=[fault])


def _pointer(path: tuple[str | int, ...]) -> str:
    steps = (str(step).encode("utf-8", "replace").decode() for step in path)
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
