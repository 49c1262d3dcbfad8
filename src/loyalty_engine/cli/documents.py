"""Program documents as files: read and checked; what is wrong with one is told in one line, with its places."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from loyalty_engine.cli.failures import FailureError, one_line
from loyalty_engine.cli.source import Source
from loyalty_engine.core.program.document import Program

_SHOWN: Final = 5


class _Fault(Protocol):
    """What the engine and the API find alike: where it is and what it means."""

    @property
    def pointer(self) -> str: ...
    @property
    def message(self) -> str: ...


def read_program_file(path: Path) -> Program:
    """Return the program that a YAML or JSON file describes and that can be published; raise ``FailureError``."""
    # Slow to import, and needed by few commands.
    from loyalty_engine.api.documents import read_json, read_yaml
    from loyalty_engine.api.problems import PROBLEMS, ProblemError
    from loyalty_engine.application.publishing import Invalid, prepare
    from loyalty_engine.core.program.reading import parse_program

    with one_line():
        source = Source.read(path)
    read = read_json if source.media_type == "application/json" else read_yaml
    try:
        written = read(source.raw)
    except ProblemError as problem:
        told = problem.detail or f"{PROBLEMS[problem.code].title}."
        raise FailureError(f"{path}: {_tell(source, problem.errors) or told}") from None
    program = parse_program(written)
    if isinstance(program, list):
        raise FailureError(f"{path}: {_tell(source, program)}")
    prepared = prepare(program)
    if isinstance(prepared, Invalid):
        errors = [fault for fault in prepared.faults if fault.severity == "error"]
        raise FailureError(f"{path}: {_tell(source, errors)}")
    return program


def _tell(source: Source, faults: Sequence[_Fault]) -> str:
    told = []
    for fault in faults[:_SHOWN]:
        line = source.find_line(fault.pointer) if fault.pointer else None
        told.append(f"{fault.pointer or 'it'} {fault.message}{f' (line {line})' if line else ''}")
    more = len(faults) - len(told)
    return "; ".join([*told, f"and {more} more"] if more else told)
