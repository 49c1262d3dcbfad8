"""Create a pool of promo codes: with the codes it begins with, or with the job that will make them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from uuid_utils.compat import uuid7

from loyalty_engine.application.executor import Caller
from loyalty_engine.application.rulesets import NotPublishedError, Rulesets
from loyalty_engine.core.kernel.codes import MOST_MISSES
from loyalty_engine.persistence.code_pools import CodePool, add_pool, find_pool
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.jobs import NewJob, add_job
from loyalty_engine.persistence.programs import read_revision_number
from loyalty_engine.persistence.promo_codes import TypedCode, add_typed
from loyalty_engine.persistence.sessions import Sessions

MADE_AT_ONCE: Final = 1_000
"""How many codes are made while the caller waits; more are the work of a job."""


@dataclass(frozen=True, slots=True)
class NewPool:
    """A pool to be, the codes that it begins with, and how many more are made by its pattern."""

    pool: CodePool
    codes: Sequence[TypedCode] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class PromotionMissing:
    """The program has no such promotion."""


@dataclass(frozen=True, slots=True)
class PromotionOpensItself:
    """The promotion needs no code."""


@dataclass(frozen=True, slots=True)
class PoolExists:
    """There is a pool of that key, made by another request."""


class CodesTakenError(Exception):
    """Some codes are in another pool already: nothing was stored. ``places`` are theirs among those of the request."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__(len(places))
        self.places = places


class PatternTakenError(Exception):
    """What the pattern can become is in other pools already: nothing was stored."""


async def create_code_pool(
    sessions: Sessions, rulesets: Rulesets, caller: Caller, new: NewPool, *, now: datetime
) -> CodePool | PromotionMissing | PromotionOpensItself | PoolExists:
    """Create a pool, or find the one that the same request created before; ``now`` is real time.

    Raises :class:`CodesTakenError`, :class:`PatternTakenError`, and ``NotPublishedError`` when the program has no rules yet.
    Nothing is stored then.
    """
    program_id = caller.program_id
    wrong = None if new.pool.promotion is None else await _judge(sessions, rulesets, caller, new.pool.promotion)
    async with sessions.open_for(program_id, caller.client_id, caller.generation, is_read_only=False) as connection:
        found = await find_pool(connection, program_id, new.pool.key)
        if found is None:
            if wrong is not None:
                return wrong
            await _add(connection, caller, new, now)
            found = await find_pool(connection, program_id, new.pool.key)
        assert found is not None
        return found if found.digest == new.pool.digest else PoolExists()


async def _judge(
    sessions: Sessions, rulesets: Rulesets, caller: Caller, key: str
) -> PromotionMissing | PromotionOpensItself | None:
    """Return what keeps the promotion, as the current revision has it, from being opened by codes."""
    async with sessions.open_for(caller.program_id, caller.client_id, caller.generation) as connection:
        number = await read_revision_number(connection, caller.program_id)
    if not number:
        raise NotPublishedError(number)
    ruleset = await rulesets.at(caller.program_id, number)
    found = next((one for one in ruleset.promotions.promotions if one.key == key), None)
    if found is None:
        return PromotionMissing()
    return None if found.needs_code else PromotionOpensItself()


async def _add(connection: Connection, caller: Caller, new: NewPool, now: datetime) -> None:
    """Add the pool with all it begins with; if somebody was faster, nothing."""
    is_large = new.count > MADE_AT_ONCE
    pool = replace(new.pool, job_id=uuid7()) if is_large else new.pool
    if not await add_pool(connection, caller.program_id, pool):
        return
    await _add_typed(connection, caller.program_id, pool, new.codes)
    if pool.job_id is not None:
        params = {"pool": pool.key, "count": new.count}
        job = NewJob(
            caller.program_id, pool.job_id, "codes", client_id=caller.client_id, params=params, total=new.count
        )
        await add_job(connection, job, now=now)
    elif new.count:
        await _add_made(connection, caller.program_id, pool, new.count)


async def _add_typed(connection: Connection, program_id: int, pool: CodePool, codes: Sequence[TypedCode]) -> None:
    if not codes:
        return
    stored = await add_typed(connection, program_id, pool, codes)
    if len(stored) < len(codes):
        raise CodesTakenError([place for place, code in enumerate(codes) if code.code not in stored])


async def _add_made(connection: Connection, program_id: int, pool: CodePool, missing: int) -> None:
    """Make so few codes that nobody has to wait for them."""
    pattern = pool.made_as
    assert pattern is not None
    misses = 0
    while missing:
        drawn = pattern.draw(secrets.token_bytes(missing * pattern.slots))
        codes = [TypedCode(code, pattern.show(code)) for run in drawn for code in run]
        stored = await add_typed(connection, program_id, pool, codes)
        missing -= len(stored)
        misses = 0 if stored else misses + 1
        if misses == MOST_MISSES:
            raise PatternTakenError
