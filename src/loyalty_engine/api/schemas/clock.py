"""The clock of a program as it is shown and moved."""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.api.schemas.fields import Answer, Body, InstantField
from loyalty_engine.application.move_clock import Moved
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import Period, show_instant
from loyalty_engine.core.program.lifetimes import Length


class MoveClockBody(Body):
    """Where to move the clock of a sandbox: to a moment, or on by a calendar length."""

    to: InstantField | None = Field(
        default=None, description="The moment to show.", examples=["2027-12-24T18:00:00+01:00"]
    )
    forward: Length | None = Field(
        default=None, description="How far to move on, in the calendar of the program's zone.", examples=[{"months": 3}]
    )

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.to is None) == (self.forward is None):
            raise PydanticCustomError("not_exactly_one", "needs exactly one of to and forward")
        return self

    @property
    def target(self) -> datetime | Period:
        """Where it is to go."""
        if self.forward is not None:
            return self.forward.period
        assert self.to is not None
        return self.to


class ClockAnswer(Answer):
    """What time it is in a program."""

    now: str = Field(description="What its clock shows.", examples=["2027-12-24T17:00:00Z"])
    is_sandbox: bool = Field(description="Whether the clock can be moved.", examples=[True])

    @classmethod
    def of(cls, now: datetime, *, is_sandbox: bool) -> Self:
        """Show a clock."""
        return cls(now=show_instant(now), is_sandbox=is_sandbox)


class MovedClockAnswer(ClockAnswer):
    """What time it is now that the clock was moved."""

    job_id: str = Field(
        description="The job that books what became due meanwhile; what members have is right without it.",
        examples=["job_01m8054496erxvcc6weqy7k3j5"],
    )
    rewards_job_id: str | None = Field(
        description="The job that rewards referrals which became due meanwhile; null: the program has none.",
        examples=["job_01m8054496erxvcc6weqy7k3j6"],
    )

    @classmethod
    def of_move(cls, moved: Moved) -> Self:
        """Show a clock that was moved."""
        return cls(
            now=show_instant(moved.now),
            is_sandbox=True,
            job_id=show_id("job", moved.job_id),
            rewards_job_id=None if moved.rewards_job_id is None else show_id("job", moved.rewards_job_id),
        )
