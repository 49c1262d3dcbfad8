"""A request that is refused, as cases tell it, and members to refuse it to."""

from dataclasses import dataclass, field
from typing import Any, Final

from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.facts import Facts
from tests.core.engine_cases import member, with_member

SOMEBODY: Final = with_member(member(100))
NOBODY: Final = with_member(None)
BLOCKED: Final = with_member(member(100, status="blocked"))


@dataclass(frozen=True)
class Case:
    """A request that is refused, and how."""

    code: str
    request: Asked
    facts: Facts = SOMEBODY
    pointer: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    unknown_card: str = "enrol"
    policies: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
