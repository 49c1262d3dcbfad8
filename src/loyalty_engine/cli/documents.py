"""Program documents as files: read and checked; what is wrong with one is told in one line, with its pointers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from loyalty_engine.cli.failures import FailureError
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

    read = read_json if path.suffix.lower() == ".json" else read_yaml
    try:
        written = read(path.read_bytes())
    except ProblemError as problem:
        told = problem.detail or f"{PROBLEMS[problem.code].title}."
        raise FailureError(f"{path}: {_tell(problem.errors) or told}") from None
    except OSError as error:
        raise FailureError(f"{path}: {error.strerror or error}") from None
    program = parse_program(written)
    if isinstance(program, list):
        raise FailureError(f"{path}: {_tell(program)}")
    prepared = prepare(program)
    if isinstance(prepared, Invalid):
        raise FailureError(f"{path}: {_tell([fault for fault in prepared.faults if fault.severity == 'error'])}")
    return program


def _tell(faults: Sequence[_Fault]) -> str:
    told = [f"{fault.pointer or 'it'} {fault.message}" for fault in faults[:_SHOWN]]
    more = len(faults) - len(told)
    return "; ".join([*told, f"and {more} more"] if more else told)
