"""Jobs as they are shown."""

from typing import Any, Literal, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery
from loyalty_engine.api.schemas.fields import Answer, Body
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.jobs import Job, Kind, Status


class JobBody(Body):
    """What to do now instead of when it is due."""

    kind: Literal["settle"] = Field(
        description="settle: book the points that became spendable or expired, and the holds that ran out.",
        examples=["settle"],
    )


class NothingBody(Body):
    """An empty object; the job's id says everything."""


class JobsQuery(PageQuery):
    """Which jobs are wanted."""

    status: Status | None = Field(default=None, description="Only these.", examples=["failed"])
    kind: Kind | None = Field(default=None, description="Only these.", examples=["settle"])


class JobAnswer(Answer):
    """Work that runs later, and how far it is."""

    id: str = Field(description="The job.", examples=["job_01m8054496erxvcc6weqy7k3j5"])
    kind: Kind = Field(description="What it does.", examples=["settle"])
    status: Status = Field(
        description="waiting for its turn or its next attempt, running, done, failed for good, or cancelled.",
        examples=["done"],
    )
    period: str | None = Field(description="When it was due, if it comes again and again.", examples=[None])
    done: int = Field(description="How much is done: members, codes, days, or bytes of a file.", examples=[250])
    total: int | None = Field(description="Of how much, if that is known.", examples=[1200])
    result: dict[str, Any] | None = Field(
        description="What came out, once it is done.", examples=[{"members": 1200, "unsettled": 0}]
    )
    error: str | None = Field(
        description="Why it failed, or why it waits for another attempt.", examples=["unavailable"]
    )
    attempts: int = Field(description="How often it was begun.", examples=[1])
    created_at: str = Field(description="When it came up.", examples=["2026-11-21T10:15:00Z"])
    run_after: str = Field(description="When it may begin, or go on.", examples=["2026-11-21T10:15:00Z"])
    started_at: str | None = Field(description="When it was first begun.", examples=["2026-11-21T10:15:01Z"])
    ended_at: str | None = Field(description="When it ended.", examples=["2026-11-21T10:15:04Z"])

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        return cls(
            id=show_id("job", job.id),
            kind=job.kind,
            status=job.status,
            period=show_instant(job.period) if job.period else None,
            done=job.done,
            total=job.total,
            result=None if job.result is None else dict(job.result),
            error=job.error,
            attempts=job.attempts,
            created_at=show_instant(job.created_at),
            run_after=show_instant(job.run_after),
            started_at=show_instant(job.started_at) if job.started_at else None,
            ended_at=show_instant(job.ended_at) if job.ended_at else None,
        )


class JobsPage(Page[JobAnswer]):
    """Jobs, newest first."""
