"""The program: its revisions, and what publishing one answers."""

from typing import Annotated, Any, Final

from pydantic import Field

from loyalty_engine.api.pagination import Page
from loyalty_engine.api.schemas.fields import Answer, Body
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.persistence.programs import Revision

LARGEST_REVISION: Final = 2**31 - 1

RevisionNumber = Annotated[int, Field(ge=1, le=LARGEST_REVISION)]


class RollbackBody(Body):
    """Which revision to return to."""

    revision: RevisionNumber = Field(description="Its number.", examples=[3])


class WarningAnswer(Answer):
    """Something that is allowed and probably not meant."""

    pointer: str = Field(description="JSON pointer into the document.", examples=["/wallets/0/redeem/min_points"])
    code: str = Field(description="Stable code.", examples=["minimum_not_in_step"])
    message: str = Field(description="What it means, for people.", examples=["is not a multiple of the step 100"])


class PublicationAnswer(Answer):
    """A document that is current now."""

    revision: int = Field(description="Number of the current revision.", examples=[4])
    is_new: bool = Field(description="False when the document was current already.", examples=[True])
    warnings: list[WarningAnswer] = Field(description="What its author should look at.", examples=[[]])


class RevisionAnswer(Answer):
    """An immutable state of the program, without its document."""

    revision: int = Field(description="Its number.", examples=[4])
    published_at: str = Field(description="When it was published.", examples=["2026-11-21T10:15:02.120000Z"])
    client_id: int | None = Field(description="The API client that published it, if one did.", examples=[1])
    note: str | None = Field(description="Why it exists, if it is not an edit.", examples=["Rollback to revision 3"])
    parts: int = Field(description="Of how many parts its document consists.", examples=[23])

    @classmethod
    def of(cls, revision: Revision) -> "RevisionAnswer":
        """Return what is shown of a revision."""
        return cls(**_head(revision))


class RevisionsPage(Page[RevisionAnswer]):
    """Revisions, newest first."""


class ProgramAnswer(RevisionAnswer):
    """A revision with its document. Fields that equal their defaults are left out of the document."""

    document: dict[str, Any] = Field(
        description="The whole document, as it can be published again; its form is at /v1/program/schema.",
        examples=[
            {"version": 1, "program": {"name": "Corner Grocer", "currency": "EUR", "time_zone": "Europe/Berlin"}}
        ],
    )

    @classmethod
    def with_document(cls, revision: Revision, document: dict[str, Any]) -> "ProgramAnswer":
        """Return what is shown of a revision and its document."""
        return cls(**_head(revision), document=document)


def _head(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.number,
        "published_at": show_instant(revision.published_at),
        "client_id": revision.client_id,
        "note": revision.note,
        "parts": revision.parts,
    }
