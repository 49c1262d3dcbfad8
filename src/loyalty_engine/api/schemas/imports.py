"""Imports as they are asked for and shown."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.pagination import Page, PageQuery, Query
from loyalty_engine.api.schemas.code_pool_bodies import PoolKey
from loyalty_engine.api.schemas.fields import Answer
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.imports import FaultRow
from loyalty_engine.persistence.jobs import Job, Status

ImportKind = Literal["members", "lots", "orders", "codes"]


class ImportQuery(Query):
    """What the file in the body is, and what to do with it."""

    kind: ImportKind = Field(description="What a row is.", examples=["members"])
    separator: Literal[",", ";"] = Field(
        default=",", description="What stands between the cells of a CSV file.", examples=[";"]
    )
    on_conflict: Literal["refuse", "update"] = Field(
        default="refuse",
        description="A member that is there already and differs: refuse the row, or update the member.",
        examples=["update"],
    )
    pool: PoolKey | None = Field(
        default=None,
        description="For codes: the pool that they go into, of imported codes or vouchers.",
        examples=["cinema_2026"],
    )
    dry_run: bool = Field(default=False, description="Judge every row and write nothing.", examples=[True])

    @model_validator(mode="after")
    def _has_pool_for_codes(self) -> Self:
        if (self.kind == "codes") != (self.pool is not None):
            raise PydanticCustomError("pool", "is needed for codes, and says nothing of other kinds")
        return self


class FaultsQuery(PageQuery):
    """Which faults are wanted, and in which form."""

    format: Literal["json", "csv", "ndjson"] = Field(
        default="json", description="A page as JSON, or all of them as a file.", examples=["csv"]
    )


class ImportAnswer(Answer):
    """An import, and how far it is. It is a job: cancel it, or try it again, under that id."""

    id: str = Field(description="The import, and its job.", examples=["job_01m8054496erxvcc6weqy7k3j5"])
    kind: ImportKind = Field(description="What a row is.", examples=["members"])
    pool: str | None = Field(description="The pool that codes go into.", examples=[None])
    format: Literal["csv", "ndjson"] = Field(description="The form of the file.", examples=["csv"])
    dry_run: bool = Field(description="Whether nothing is written.", examples=[False])
    status: Status = Field(
        description="waiting for its turn or its next attempt, running, done, failed for good, or cancelled.",
        examples=["done"],
    )
    bytes: int = Field(description="How large the file is.", examples=[5120000])
    bytes_done: int = Field(description="How much of it is done.", examples=[5120000])
    rows: int = Field(description="Rows that were judged so far.", examples=[1000])
    stored: int = Field(description="Rows that were new.", examples=[985])
    changed: int = Field(description="Rows that changed what was there.", examples=[0])
    unchanged: int = Field(description="Rows that were there already.", examples=[5])
    faulty: int = Field(description="Rows that were not taken; see the faults.", examples=[10])
    error: str | None = Field(description="Why it failed, or why it waits for another attempt.", examples=[None])
    created_at: str = Field(description="When the file was there.", examples=["2026-11-21T10:15:00Z"])
    ended_at: str | None = Field(description="When it ended.", examples=["2026-11-21T10:15:04Z"])

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show an import."""
        counts: dict[str, Any] = dict(job.params.get("counts", {}))
        return cls(
            id=show_id("job", job.id),
            kind=job.params["kind"],
            pool=job.params.get("pool"),
            format=job.params["format"],
            dry_run=job.params["dry_run"],
            status=job.status,
            bytes=job.total or 0,
            bytes_done=job.done,
            rows=sum(counts.values()),
            stored=counts.get("stored", 0),
            changed=counts.get("changed", 0),
            unchanged=counts.get("unchanged", 0),
            faulty=counts.get("faulty", 0),
            error=job.error,
            created_at=show_instant(job.created_at),
            ended_at=show_instant(job.ended_at) if job.ended_at else None,
        )


class ImportFaultAnswer(Answer):
    """A row that was not taken. Its content is not repeated: it may be personal."""

    line: int = Field(description="The line of the file where the row begins, from 1 on.", examples=[4711])
    code: str = Field(description="Stable code of what is wrong.", examples=["identity_taken"])
    pointer: str = Field(description="JSON pointer to the field, or the column.", examples=["/identities/0"])
    message: str = Field(description="The same in words.", examples=["The identity belongs to a member already"])

    @classmethod
    def of(cls, fault: FaultRow) -> Self:
        """Show a fault."""
        return cls(line=fault.line, code=fault.code, pointer=fault.pointer, message=fault.message)


class ImportFaultsPage(Page[ImportFaultAnswer]):
    """Faults of an import, by line."""
