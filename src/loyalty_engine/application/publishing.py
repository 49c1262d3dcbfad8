"""Publishing: how a program document becomes the next revision. Everything that publishes does it here.

The document is checked and compiled before the database is asked, off the event loop, so that a document which no
process could load is never published. What only the stored amounts know is checked inside the publishing transaction.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from uuid_utils.compat import uuid7

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.world import World, find_zone, read_world
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.program.checks import check_program
from loyalty_engine.core.program.continuity import faults_of, find_breaks
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import Fault
from loyalty_engine.core.program.parts import TIER_SET, Part, split
from loyalty_engine.core.program.pools import faults_of_pools, pools_of
from loyalty_engine.core.promotions.pools import gives_codes
from loyalty_engine.persistence import programs
from loyalty_engine.persistence.code_pools import find_pool_kinds
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.jobs import NewJob, add_job
from loyalty_engine.persistence.sessions import Sessions

_UNDER_WAY: Final = timedelta(seconds=5)
"""So long at most whoever decided by the rules of before takes to record that; a member whom ladders led before that would
stay where those of before lead it."""

Expected = frozenset[int] | None
"""The revisions of which the editor says that one is current; None overwrites whichever is."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that can be published: its parts, ``faults`` that are only warnings, and the rules that it comes to."""

    program: Program
    parts: tuple[Part, ...]
    faults: tuple[Fault, ...]
    ruleset: Ruleset


@dataclass(frozen=True, slots=True)
class Author:
    """Who publishes in which program, and why. Without ``client_id`` it is the operator."""

    program_id: int
    client_id: int | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Published:
    """The document is current. ``is_new`` is False when it was so already and no revision was made."""

    revision: int
    is_new: bool
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Invalid:
    """The document was not published, because of these faults."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The document was not published: somebody else published meanwhile, and ``current`` is theirs."""

    current: int


def prepare(program: Program) -> Prepared | Invalid:
    """Check, split and compile a document; slow for thousands of rules, so keep it off the event loop."""
    world = read_world()
    now = _wall_clock(program.program.time_zone, world)
    faults = tuple(check_program(program, time_zones=world.time_zones, currencies=world.currencies, now=now))
    if any(fault.severity == "error" for fault in faults):
        return Invalid(faults)
    parts = split(program)
    ruleset = compile_ruleset(parts, revision=0, find_zone=find_zone)
    return Prepared(program, parts, faults, ruleset)


def _wall_clock(time_zone: str, world: World) -> datetime | None:
    """Return what clocks of the program show now; None when its zone is none."""
    if time_zone not in world.time_zones:
        return None
    return datetime.now(find_zone(time_zone)).replace(tzinfo=None)


async def publish(
    sessions: Sessions, caller: Caller, program: Program, *, expected: Expected, note: str | None
) -> Published | Invalid | Conflict:
    """Publish a document as the next revision if the current one is among ``expected``.

    A document equal to the current one makes no revision. Raises ``StaleCredentialsError`` or ``UnavailableError``.
    """
    prepared = await asyncio.to_thread(prepare, program)
    if isinstance(prepared, Invalid):
        return prepared
    async with sessions.open_for(
        caller.program_id, caller.client_id, caller.generation, is_read_only=False
    ) as connection:
        author = Author(caller.program_id, caller.client_id, note)
        return await publish_prepared(connection, author, prepared, expected=expected)


async def publish_prepared(
    connection: Connection, author: Author, prepared: Prepared, *, expected: Expected
) -> Published | Invalid | Conflict:
    """Publish a document that is ready, inside the connection's transaction."""
    program_id = author.program_id
    current = await programs.lock_revision_number(connection, program_id)
    if expected is not None and current not in expected:
        return Conflict(current)
    before = await programs.read_parts(connection, program_id, current)
    warnings = (*prepared.faults, *await find_faults_of_pools(connection, program_id, prepared.program))
    if _hashes(before) == _hashes(prepared.parts):
        return Published(current, is_new=False, warnings=warnings)
    faults = await find_faults_in_use(connection, program_id, before, prepared.program)
    if faults:
        return Invalid((*faults, *prepared.faults))
    number = await programs.publish_parts(
        connection, program_id, prepared.parts, expected=current, client_id=author.client_id, note=author.note
    )
    assert number is not None, "the program's row is locked"
    if _ladders(before) != _ladders(prepared.parts):
        run = NewJob(program_id, uuid7(), "adopt_ladders", client_id=author.client_id, params={"revision": number})
        await add_job(connection, run, now=datetime.now(UTC), wait=_UNDER_WAY)
    return Published(number, is_new=True, warnings=warnings)


async def find_faults_in_use(
    connection: Connection, program_id: int, before: Sequence[Part], after: Program
) -> Sequence[Fault]:
    """Return the faults of what ``after`` takes away that is in use.

    Asks only for what the document breaks, because the balances of a million members take a while to look through.
    """
    breaks = find_breaks(before, after)
    has_history = breaks.changes_currency and await programs.has_history(connection, program_id)
    used = await programs.find_used_wallets(connection, program_id, breaks.wallets) if breaks.wallets else frozenset()
    plans = (
        await programs.find_used_plans(connection, program_id, breaks.plans_removed)
        if breaks.plans_removed
        else frozenset()
    )
    return faults_of(breaks, has_history=has_history, used_wallets=used, used_plans=plans)


async def find_faults_of_pools(connection: Connection, program_id: int, program: Program) -> Sequence[Fault]:
    """Return warnings of pools that ``program`` gives codes out of and that cannot give any."""
    keys = {key for _, key in pools_of(program)}
    kinds = await find_pool_kinds(connection, program_id, sorted(keys)) if keys else {}
    return faults_of_pools(program, {key: gives_codes(kind) for key, kind in kinds.items()})


def _ladders(parts: Sequence[Part]) -> list[str]:
    """Return what tells one state of the tier sets from another."""
    return [part.content_hash for part in parts if part.key.startswith(TIER_SET)]


def _hashes(parts: Sequence[Part]) -> list[str]:
    return [part.content_hash for part in parts]
