"""The program: its revisions, what publishing one answers, and what it would change."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from loyalty_engine.api.pagination import Page, Query
from loyalty_engine.api.schemas.fields import Answer, Body
from loyalty_engine.api.schemas.problems import ProblemFault
from loyalty_engine.application.plan_program import Plan
from loyalty_engine.application.publish_promotion import ReadPromotion
from loyalty_engine.application.publishing import Published
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.program.faults import Fault
from loyalty_engine.core.program.planning import ChangeKind, FieldChange, Leaf, PartChange
from loyalty_engine.persistence.programs import Revision

LARGEST_REVISION: Final = 2**31 - 1
MAX_NOTE: Final = 200

RevisionNumber = Annotated[int, Field(ge=1, le=LARGEST_REVISION)]


class RollbackBody(Body):
    """Which revision to return to."""

    revision: RevisionNumber = Field(description="Its number.", examples=[3])


class PublicationQuery(Query):
    """What a publication says of itself."""

    note: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NOTE, pattern=r"^[^\x00]+$")] | None = Field(
        default=None, description="Why it is published; kept with the revision.", examples=["Double points in May"]
    )


class WarningAnswer(Answer):
    """Something that is allowed and probably not meant."""

    pointer: str = Field(description="JSON pointer into the document.", examples=["/wallets/0/redeem/min_points"])
    code: str = Field(description="Stable code.", examples=["minimum_not_in_step"])
    message: str = Field(description="What it means, for people.", examples=["is not a multiple of the step 100"])

    @classmethod
    def all_of(cls, faults: Iterable[Fault]) -> "list[WarningAnswer]":
        """Return the warnings among faults."""
        return [
            cls(pointer=fault.pointer, code=fault.code, message=fault.message)
            for fault in faults
            if fault.severity == "warning"
        ]


class PublicationAnswer(Answer):
    """A document that is current now."""

    revision: int = Field(description="Number of the current revision.", examples=[4])
    is_new: bool = Field(description="False when the document was current already.", examples=[True])
    warnings: list[WarningAnswer] = Field(description="What its author should look at.", examples=[[]])

    @classmethod
    def of(cls, published: Published) -> "PublicationAnswer":
        """Return what is shown of a publication."""
        warnings = WarningAnswer.all_of(published.warnings)
        return cls(revision=published.revision, is_new=published.is_new, warnings=warnings)


class FieldChangeAnswer(Answer):
    """One value of a part that differs. Null stands for a field that is left at its default."""

    pointer: str = Field(description="JSON pointer into the part.", examples=["/earn/points"])
    before: Leaf = Field(
        description="The published value: a text (long ones are cut), a whole number, true, false, or an empty list or "
        "object.",
        examples=[1],
    )
    after: Leaf = Field(description="The document's value, likewise.", examples=[2])

    @classmethod
    def of(cls, change: FieldChange) -> "FieldChangeAnswer":
        """Return what is shown of a changed value."""
        return cls(pointer=change.pointer, before=change.before, after=change.after)


class PartChangeAnswer(Answer):
    """One part of the program that differs. One that is changed and moved is listed once for each."""

    part: str = Field(
        description="The part: settings, attributes, or its kind and key.", examples=["earning_rule/base"]
    )
    name: str | None = Field(description="Its name for people, if it has one.", examples=["One point per euro"])
    kind: ChangeKind = Field(
        description="Whether it is new, has other content, stands elsewhere in the same list, or is gone.",
        examples=["changed"],
    )
    fields: list[FieldChangeAnswer] = Field(
        description="What is different in a changed part: at most 50 values of it, and 2,000 of all parts.",
        examples=[[{"pointer": "/earn/points", "before": 1, "after": 2}]],
    )
    omitted: int = Field(description="How many more values are different.", examples=[0])
    follows: str | None = Field(
        description="The part behind which a moved one stands now; null when it is the first of its list.",
        examples=["earning_rule/welcome"],
    )

    @classmethod
    def of(cls, change: PartChange) -> "PartChangeAnswer":
        """Return what is shown of a changed part."""
        return cls(
            part=change.key,
            name=change.name,
            kind=change.kind,
            fields=[FieldChangeAnswer.of(field) for field in change.fields],
            omitted=change.omitted,
            follows=change.follows,
        )


class PlanAnswer(Answer):
    """What publishing the document would do."""

    revision: int = Field(
        description="The current revision, upon which the document was planned; 0 when there is none.", examples=[3]
    )
    changes: list[PartChangeAnswer] = Field(
        description="The parts that differ, in the document's order, those it lacks last. When there are none, "
        "publishing makes no revision.",
        examples=[
            [
                {
                    "part": "earning_rule/base",
                    "name": "One point per euro",
                    "kind": "changed",
                    "fields": [{"pointer": "/earn/points", "before": 1, "after": 2}],
                    "omitted": 0,
                    "follows": None,
                }
            ]
        ],
    )
    errors: list[ProblemFault] = Field(
        description="Faults because of which the document cannot be published.", examples=[[]]
    )
    warnings: list[WarningAnswer] = Field(description="What its author should look at.", examples=[[]])

    @classmethod
    def of(cls, plan: Plan) -> "PlanAnswer":
        """Return what is shown of a plan."""
        errors = [
            ProblemFault(pointer=fault.pointer, code=fault.code, message=fault.message)
            for fault in plan.faults
            if fault.severity == "error"
        ]
        return cls(
            revision=plan.revision,
            changes=[PartChangeAnswer.of(change) for change in plan.changes],
            errors=errors,
            warnings=WarningAnswer.all_of(plan.faults),
        )


class RevisionAnswer(Answer):
    """An immutable state of the program, without its document."""

    revision: int = Field(description="Its number.", examples=[4])
    published_at: str = Field(description="When it was published.", examples=["2026-11-21T10:15:02.120000Z"])
    client_id: int | None = Field(description="The API client that published it, if one did.", examples=[1])
    note: str | None = Field(
        description="Why it exists, if whoever published it said so.", examples=["Rollback to revision 3"]
    )
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


class PromotionAnswer(Answer):
    """A promotion of the current revision. Fields that equal their defaults are left out."""

    revision: int = Field(description="Number of the current revision.", examples=[4])
    promotion: dict[str, Any] = Field(
        description="The promotion, as it can be published again.",
        examples=[{"key": "autumn", "effect": {"kind": "percent_off", "percent": "10%"}}],
    )

    @classmethod
    def of(cls, found: ReadPromotion) -> "PromotionAnswer":
        """Return what is shown of a promotion."""
        promotion = found.promotion.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return cls(revision=found.revision, promotion=promotion)


def _head(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.number,
        "published_at": show_instant(revision.published_at),
        "client_id": revision.client_id,
        "note": revision.note,
        "parts": revision.parts,
    }
