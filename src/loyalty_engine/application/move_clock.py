"""Move the clock of a sandbox: everything that a rule can see follows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.application.clocks import Clock
from loyalty_engine.application.executor import Caller
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.kernel.instants import Period
from loyalty_engine.core.kernel.refusals import Refusal, RefusalError
from loyalty_engine.core.program.clock import move_on
from loyalty_engine.persistence.jobs import NewJob, add_job
from loyalty_engine.persistence.programs import read_ahead, write_ahead
from loyalty_engine.persistence.sessions import Sessions


@dataclass(frozen=True, slots=True)
class Moved:
    """What the clock shows now, the job that books what that did, and the one that rewards friends, if the program has any."""

    now: datetime
    job_id: UUID
    rewards_job_id: UUID | None


async def move_clock(
    sessions: Sessions, rulesets: Rulesets, caller: Caller, to: datetime | Period, *, clock: Clock
) -> Moved | Refusal:
    """Move the clock of the caller's program on, and let jobs book what that does; or tell why it cannot be moved so."""
    job_id, rewards_job_id = uuid7(), uuid7()
    program_id = caller.program_id
    ruleset = await rulesets.latest(program_id)
    async with sessions.open_for(program_id, caller.client_id, caller.generation, is_read_only=False) as connection:
        ahead, real = await read_ahead(connection, program_id, locks=True), clock()
        try:
            moved = move_on(ahead, real, to, ruleset.zone)
        except RefusalError as error:
            return error.refusal
        await write_ahead(connection, program_id, moved)
        await add_job(connection, NewJob(program_id, job_id, "settle", client_id=caller.client_id), now=real)
        if ruleset.referrals:
            rewards = NewJob(program_id, rewards_job_id, "reward_referrals", client_id=caller.client_id)
            await add_job(connection, rewards, now=real)
    return Moved(real + moved, job_id, rewards_job_id if ruleset.referrals else None)
