"""Plan a program: what publishing a document would change, and what stands against it. Nothing is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.publishing import find_faults_in_use, find_faults_of_pools, prepare
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault
from loyalty_engine.core.program.parts import Part, split
from loyalty_engine.core.program.planning import PartChange, plan_changes
from loyalty_engine.core.program.pools import faults_of_pools
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.programs import read_parts, read_revision_number
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change of ``revision``, which is 0 before the first; and every fault that publishing would find.

    Without changes publishing makes no revision; with an error among ``faults`` it is refused.
    """

    revision: int
    changes: tuple[PartChange, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Current:
    revision: int
    parts: tuple[Part, ...]
    faults_in_use: Sequence[Fault]
    faults_of_pools: Sequence[Fault]


async def plan_program(sessions: Sessions, caller: Caller, program: Program) -> Plan:
    """Plan to publish ``program`` in place of what is current now.

    Raises ``StaleCredentialsError`` or ``UnavailableError``.
    """
    async with sessions.open_for(caller.program_id, caller.client_id, caller.generation) as connection:
        current = await _read_current(connection, caller.program_id, program)
    return await asyncio.to_thread(_plan, current, program)


async def plan_as_operator(connection: Connection, program_id: int, program: Program) -> Plan:
    """Do the same over the owner's connection, on the caller's time: nobody else waits for a command."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        current = await _read_current(connection, program_id, program)
    return _plan(current, program)


def plan_new(program: Program) -> Plan:
    """Plan the first revision of a program that does not exist yet."""
    return _plan(_Current(0, (), (), faults_of_pools(program, {})), program)


async def _read_current(connection: Connection, program_id: int, after: Program) -> _Current:
    number = await read_revision_number(connection, program_id)
    parts = await read_parts(connection, program_id, number)
    return _Current(
        number,
        parts,
        await find_faults_in_use(connection, program_id, parts, after),
        await find_faults_of_pools(connection, program_id, after),
    )


def _plan(current: _Current, program: Program) -> Plan:
    prepared = prepare(program)
    changes = plan_changes(current.parts, split(program))
    return Plan(current.revision, changes, (*current.faults_in_use, *prepared.faults, *current.faults_of_pools))
