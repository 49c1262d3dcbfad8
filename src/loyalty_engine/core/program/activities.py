"""Activities: what members do beside buying, as far as a program declares it."""

from typing import Annotated, Literal

from pydantic import Field

from loyalty_engine.core.program.attributes import Declared
from loyalty_engine.core.program.fields import Entry, Key, Name

OncePer = Literal["subject", "day", "week", "month", "quarter", "year", "lifetime"]


class ActivityKind(Entry):
    """A kind of activity that shops may report, such as a survey answered or an own cup brought along."""

    key: Key = Field(description="How shops and rules name it.", examples=["survey_answered"])
    name: Name | None = Field(default=None, description="Name for people; the key by default.", examples=["Survey"])
    once_per: OncePer | None = Field(
        default=None,
        description="A member's second activity of this kind for the same subject, or in the same period of the "
        "program's calendar, is refused; by default every one counts.",
        examples=["subject"],
    )
    attributes: Declared = Field(
        default_factory=dict,
        description="Attributes that it may carry.",
        examples=[{"score": {"type": "integer", "description": "0 to 10"}}],
    )


ActivityKinds = Annotated[tuple[ActivityKind, ...], Field(strict=False, max_length=200)]
