"""Workers: each job is done by one of them, whatever happens to the others."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.persistence.jobs import EVERYBODY, Job, cancel_job, claim_job, close_job, renew_job, retry_job
from loyalty_engine.worker.worker import HopelessError, Progress
from tests.worker.conftest import QUICK, Shop

DONE: Mapping[str, Any] = {"members": 3}


async def test_a_job_is_done_and_tells_its_result(shop: Shop) -> None:
    async def settle(job: Job, progress: Progress) -> Mapping[str, Any]:
        progress.done, progress.total = 3, 3
        return DONE

    new = await shop.add()
    shop.hire({"settle": settle})

    job = await shop.wait_for(new, "done")

    assert (job.result, job.done, job.total, job.attempts, job.error) == (DONE, 3, 3, 1, None)
    assert (job.started_at, job.ended_at) == (shop.now, shop.now)


async def test_each_job_is_done_once_by_many_workers(shop: Shop) -> None:
    seen: Counter[UUID] = Counter()

    async def settle(job: Job, _: Progress) -> Mapping[str, Any]:
        seen[job.id] += 1
        await asyncio.sleep(0.01)
        return {}

    jobs = [await shop.add() for _ in range(30)]
    for _ in range(3):
        shop.hire({"settle": settle})

    for new in jobs:
        await shop.wait_for(new, "done")
    assert seen == {new.id: 1 for new in jobs}


async def test_what_comes_again_and_again_is_there_once_per_due_time_over_many_workers(shop: Shop) -> None:
    async def nothing(_: Job, __: Progress) -> Mapping[str, Any]:
        return {}

    every = replace(QUICK, plan=timedelta())
    for _ in range(3):
        shop.hire({"partitions": nothing, "roll_up": nothing, "prune": nothing}, pace=every)

    for _ in range(3):
        await asyncio.sleep(0.3)
        shop.now += timedelta(hours=6)
    await asyncio.sleep(0.3)

    found = await shop.rows("SELECT kind, count(*) FROM loyalty.job WHERE status = 'done' GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in found] == [("partitions", 4), ("prune", 2), ("roll_up", 2)]


async def test_a_job_that_fails_is_tried_again_later_and_in_the_end_left_to_people(shop: Shop) -> None:
    attempts = 0

    async def settle(_: Job, __: Progress) -> Mapping[str, Any]:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("a secret")

    new = await shop.add()
    shop.hire({"settle": settle})
    pauses = []
    for _ in range(4):
        job = await shop.wait_for(new, "waiting", error="RuntimeError")
        pauses.append((job.run_after - shop.now).total_seconds())
        shop.now = job.run_after
        await asyncio.sleep(0.05)
    job = await shop.wait_for(new, "failed")

    assert (attempts, pauses, job.error) == (5, [5, 20, 80, 320], "RuntimeError")
    async with shop.sessions.open(EVERYBODY, is_read_only=False) as connection:
        assert await retry_job(connection, EVERYBODY, new.id, now=shop.now)
        assert not await retry_job(connection, EVERYBODY, new.id, now=shop.now)
    await shop.wait_for(new, "waiting", error="RuntimeError")
    assert attempts == 6


async def test_what_is_hopeless_is_not_tried_again(shop: Shop) -> None:
    async def settle(_: Job, __: Progress) -> Mapping[str, Any]:
        raise HopelessError("no_such_column")

    new = await shop.add()
    shop.hire({"settle": settle})

    job = await shop.wait_for(new, "failed")

    assert (job.error, job.attempts) == ("no_such_column", 1)


async def test_a_kind_that_no_worker_knows_fails(shop: Shop) -> None:
    new = await shop.add("import")
    shop.hire({})

    assert (await shop.wait_for(new, "failed")).error == "unknown_kind"


async def test_another_attempt_begins_where_the_last_one_saved(shop: Shop) -> None:
    begun: list[Any] = []

    async def read(job: Job, progress: Progress) -> Mapping[str, Any]:
        begun.append((job.params["line"], job.done))
        progress.params["line"], progress.done = 500, 499
        assert await progress.save()
        if len(begun) == 1:
            raise RuntimeError
        return {}

    new = await shop.add("import", line=1)
    shop.hire({"import": read})
    shop.now = (await shop.wait_for(new, "waiting", error="RuntimeError")).run_after

    await shop.wait_for(new, "done")

    assert begun == [(1, 0), (500, 499)]


async def test_a_job_of_a_dead_worker_is_taken_over_and_the_dead_may_not_end_it(shop: Shop) -> None:
    async def settle(_: Job, __: Progress) -> Mapping[str, Any]:
        return DONE

    new, dead = await shop.add(), uuid7()
    async with shop.sessions.open(EVERYBODY, is_read_only=False) as connection:
        lost = await claim_job(connection, dead, now=shop.now, lease=timedelta(seconds=30))
        assert lost is not None
    shop.hire({"settle": settle})
    await asyncio.sleep(0.1)
    assert (await shop.read(new)).status == "running"
    shop.now += timedelta(seconds=31)

    job = await shop.wait_for(new, "done")

    assert (job.attempts, job.result) == (2, DONE)
    async with shop.sessions.open(EVERYBODY, is_read_only=False) as connection:
        assert not await renew_job(connection, lost, dead, until=shop.now)
        assert not await close_job(connection, lost, dead, status="failed", now=shop.now)
    assert (await shop.read(new)).status == "done"


async def test_a_job_that_kills_its_workers_is_given_up(shop: Shop) -> None:
    new = await shop.add()
    for _ in range(5):
        async with shop.sessions.open(EVERYBODY, is_read_only=False) as connection:
            assert await claim_job(connection, uuid7(), now=shop.now, lease=timedelta(seconds=30))
        shop.now += timedelta(seconds=31)
    shop.hire({})

    assert (await shop.wait_for(new, "failed")).error == "worker_lost"


async def test_a_job_can_be_cancelled_while_it_waits_and_while_it_runs(shop: Shop) -> None:
    began = asyncio.Event()

    async def settle(_: Job, progress: Progress) -> Mapping[str, Any]:
        progress.done = 7
        began.set()
        await asyncio.sleep(60)
        return {}

    running, waiting = await shop.add(), await shop.add()
    shop.hire({"settle": settle}, pace=replace(QUICK, slots=1))
    await began.wait()

    async with shop.sessions.open(EVERYBODY, is_read_only=False) as connection:
        assert await cancel_job(connection, EVERYBODY, running.id, now=shop.now)
        assert await cancel_job(connection, EVERYBODY, waiting.id, now=shop.now)
    job = await shop.wait_for(running, "cancelled")

    assert (job.done, job.ended_at) == (7, shop.now)
    assert (await shop.read(waiting)).status == "cancelled"
    async with shop.sessions.open(EVERYBODY, is_read_only=False) as connection:
        assert not await cancel_job(connection, EVERYBODY, running.id, now=shop.now)


async def test_a_worker_that_is_sent_home_gives_back_what_it_was_doing(shop: Shop) -> None:
    began = asyncio.Event()

    async def settle(_: Job, __: Progress) -> Mapping[str, Any]:
        began.set()
        await asyncio.sleep(60)
        return {}

    new = await shop.add()
    shop.hire({"settle": settle})
    await began.wait()

    await shop.close()

    job = await shop.read(new)
    assert (job.status, job.error, job.attempts, job.run_after) == ("waiting", "worker_stopped", 0, shop.now)
