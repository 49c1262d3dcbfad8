"""Publish one promotion: the current document with that one changed or added, as a new revision."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.publishing import Conflict, Expected, Invalid, Published, publish
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault
from loyalty_engine.core.program.parts import Part, join
from loyalty_engine.core.program.promotions import PromotionEntry
from loyalty_engine.persistence.programs import read_parts, read_revision_number
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class ReadPromotion:
    """A promotion as the current revision has it."""

    revision: int
    promotion: PromotionEntry


async def read_promotion(sessions: Sessions, caller: Caller, key: str) -> ReadPromotion | None:
    """Return a promotion of the current revision; None when there is none of that key."""
    revision, parts = await _read_current(sessions, caller)
    program = await asyncio.to_thread(join, parts) if parts else None
    found = next((one for one in program.promotions if one.key == key), None) if program else None
    return None if found is None else ReadPromotion(revision, found)


async def publish_promotion(
    sessions: Sessions, caller: Caller, promotion: PromotionEntry, *, expected: Expected, note: str | None
) -> Published | Invalid | Conflict | None:
    """Publish ``promotion`` in the place of the one of its key, or behind all others, under the conditions of a document.

    Pointers of faults and warnings begin at the promotion; warnings about others are left out. Without ``expected`` what
    others publish meanwhile stays. None: nothing was published yet.
    """
    while True:
        current, parts = await _read_current(sessions, caller)
        if not parts:
            return None
        if expected is not None and current not in expected:
            return Conflict(current)
        program, place = await asyncio.to_thread(_with, parts, promotion)
        result = await publish(sessions, caller, program, expected=frozenset({current}), note=note)
        match result:
            case Conflict() if expected is None:
                continue
            case Invalid(faults):
                return Invalid(_about(faults, place))
            case Published():
                return replace(result, warnings=_about(result.warnings, place))
            case _:
                return result


async def _read_current(sessions: Sessions, caller: Caller) -> tuple[int, tuple[Part, ...]]:
    async with sessions.open_for(caller.program_id, caller.client_id, caller.generation) as connection:
        current = await read_revision_number(connection, caller.program_id)
        return current, await read_parts(connection, caller.program_id, current)


def _with(parts: Sequence[Part], promotion: PromotionEntry) -> tuple[Program, int]:
    """Return the program with the promotion, and the promotion's place in it."""
    program = join(parts)
    keys = [one.key for one in program.promotions]
    place = keys.index(promotion.key) if promotion.key in keys else len(keys)
    promotions = (*program.promotions[:place], promotion, *program.promotions[place + 1 :])
    return program.model_copy(update={"promotions": promotions}), place


def _about(faults: Iterable[Fault], place: int) -> tuple[Fault, ...]:
    """Return the faults with pointers from the promotion on. What is wrong elsewhere was there before: it is no error."""
    prefix = f"/promotions/{place}"
    own = [fault for fault in faults if f"{fault.pointer}/".startswith(f"{prefix}/")]
    return tuple(replace(fault, pointer=fault.pointer.removeprefix(prefix)) for fault in own)
