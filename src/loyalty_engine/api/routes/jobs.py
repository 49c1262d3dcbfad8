"""Jobs: work that runs later, how far it is, and what to do when it failed."""

from typing import Annotated

from fastapi import APIRouter, Query
from uuid_utils.compat import uuid7

from loyalty_engine.api.calls import open_session, open_writing_session, read_path_id
from loyalty_engine.api.documentation import problems
from loyalty_engine.api.pagination import cut
from loyalty_engine.api.problems import ProblemError
from loyalty_engine.api.routing import CallContext, Context, Route, access
from loyalty_engine.api.schemas.jobs import JobAnswer, JobBody, JobsPage, JobsQuery, NothingBody
from loyalty_engine.application.composition import Services
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.jobs import Job, NewJob, add_job, cancel_job, find_job, list_jobs, retry_job

router = APIRouter(route_class=Route, tags=["jobs"])


@router.get("/jobs", operation_id="list_jobs", summary="List jobs", **problems("validation_failed"))
@access("jobs:read")
async def get_jobs(context: CallContext, query: Annotated[JobsQuery, Query()]) -> JobsPage:
    """Return the program's jobs, newest first. Those that failed for good wait for you: retry or leave them."""
    async with open_session(context) as session:
        found = await list_jobs(
            session,
            context.client.program_id,
            status=query.status,
            kind=query.kind,
            before=query.before_id,
            limit=query.fetched,
        )
    shown, cursor = cut(found, query.limit, lambda job: job.id)
    return JobsPage(items=[JobAnswer.of(job) for job in shown], next_cursor=cursor)


@router.post("/jobs", operation_id="start_job", status_code=201, summary="Start a job", **problems(body=True))
@access("jobs:write")
async def post_job(context: CallContext, body: JobBody) -> JobAnswer:
    """Let the worker do now what it would do when it is due. Two that do the same do no harm."""
    services: Services = context.services
    new = NewJob(context.client.program_id, uuid7(), body.kind, client_id=context.client.id)
    async with open_writing_session(context) as session:
        await add_job(session, new, now=services.clock())
        return JobAnswer.of(await _find(context, session, show_id("job", new.id)))


@router.get("/jobs/{job_id}", operation_id="read_job", summary="Read a job", **problems("job_not_found"))
@access("jobs:read")
async def get_job(context: CallContext, job_id: str) -> JobAnswer:
    """Return a job as it stands. A job of long work says how far it is a few times a minute."""
    async with open_session(context) as session:
        return JobAnswer.of(await _find(context, session, job_id))


@router.post(
    "/jobs/{job_id}/cancel",
    operation_id="cancel_job",
    summary="Cancel a job",
    **problems("job_not_found", "job_ended", body=True),
)
@access("jobs:write", is_body_optional=True)
async def post_cancel(context: CallContext, body: NothingBody, job_id: str) -> JobAnswer:  # noqa: ARG001  an empty object
    """Cancel a job that waits; one that runs stops soon, and what it did stays done."""
    services: Services = context.services
    async with open_writing_session(context) as session:
        job = await _find(context, session, job_id)
        if not await cancel_job(session, job.program_id, job.id, now=services.clock()):
            raise ProblemError("job_ended")
        return JobAnswer.of(await _find(context, session, job_id))


@router.post(
    "/jobs/{job_id}/retry",
    operation_id="retry_job",
    summary="Try a job again",
    **problems("job_not_found", "job_not_ended", body=True),
)
@access("jobs:write", is_body_optional=True)
async def post_retry(context: CallContext, body: NothingBody, job_id: str) -> JobAnswer:  # noqa: ARG001  an empty object
    """Let a job that failed or was cancelled go on from where it stopped."""
    services: Services = context.services
    async with open_writing_session(context) as session:
        job = await _find(context, session, job_id)
        if not await retry_job(session, job.program_id, job.id, now=services.clock()):
            raise ProblemError("job_not_ended")
        return JobAnswer.of(await _find(context, session, job_id))


async def _find(context: Context, session: Connection, job_id: str) -> Job:
    found = await find_job(session, context.client.program_id, read_path_id("job", job_id))
    if found is None:
        raise ProblemError("job_not_found")
    return found
