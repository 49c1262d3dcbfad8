"""How long points wait before they can be spent, and how long they last: per wallet, and for the wait also per rule."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from loyalty_engine.core.kernel.instants import CalendarUnit, Period, PeriodUnit
from loyalty_engine.core.program.fields import Entry

_MOST: Final[dict[PeriodUnit, int]] = {"days": 36_500, "weeks": 5_200, "months": 1_200, "years": 100}


class Length(Entry):
    """A calendar length: exactly one of its units."""

    days: Annotated[int, Field(ge=1, le=_MOST["days"])] | None = Field(
        default=None, description="Calendar days of the program's zone, not 24 hours.", examples=[14]
    )
    weeks: Annotated[int, Field(ge=1, le=_MOST["weeks"])] | None = Field(
        default=None, description="Weeks.", examples=[2]
    )
    months: Annotated[int, Field(ge=1, le=_MOST["months"])] | None = Field(
        default=None, description="Months; the 31st becomes the last day of a shorter month.", examples=[12]
    )
    years: Annotated[int, Field(ge=1, le=_MOST["years"])] | None = Field(
        default=None, description="Years.", examples=[2]
    )

    @model_validator(mode="after")
    def _has_one_unit(self) -> "Length":
        if len(self._given()) != 1:
            raise PydanticCustomError("not_exactly_one", "needs exactly one of days, weeks, months and years")
        return self

    @property
    def period(self) -> Period:
        """The length as a period of the calendar."""
        ((unit, count),) = self._given().items()
        return Period(count, unit)

    def _given(self) -> dict[PeriodUnit, int]:
        counts: dict[PeriodUnit, int | None] = {
            "days": self.days,
            "weeks": self.weeks,
            "months": self.months,
            "years": self.years,
        }
        return {unit: count for unit, count in counts.items() if count is not None}


class AtOnce(Entry):
    """Points can be spent as soon as they are earned."""

    kind: Literal["at_once"] = Field(description="Spendable at once.", examples=["at_once"])


class AfterWait(Entry):
    """Points can be spent some time after they were earned, such as when the goods can no longer come back."""

    kind: Literal["after"] = Field(description="Spendable after a time.", examples=["after"])
    length: Length = Field(description="How long they wait.", examples=[{"days": 14}])


class Confirmed(Entry):
    """Points can be spent once the shop confirms the order, or some of its lines: when they are shipped or paid."""

    kind: Literal["confirmed"] = Field(description="Spendable when confirmed.", examples=["confirmed"])


Activation = Annotated[AtOnce | AfterWait | Confirmed, Field(discriminator="kind")]


class ExpiryAfter(Entry):
    """Points expire some time after they were earned."""

    kind: Literal["after"] = Field(description="Each lot by itself.", examples=["after"])
    length: Length = Field(description="How long they last.", examples=[{"months": 12}])
    to_end_of: CalendarUnit | None = Field(
        default=None,
        description="They last to the end of the month, quarter or year in which that time ends, in the program's zone.",
        examples=["year"],
    )


class ExpirySliding(Entry):
    """All points of the wallet expire together, some time after the member last earned or spent some of them."""

    kind: Literal["sliding"] = Field(description="All together, with activity.", examples=["sliding"])
    length: Length = Field(description="How long they last without activity.", examples=[{"months": 12}])


Expiry = Annotated[ExpiryAfter | ExpirySliding, Field(discriminator="kind")]

ACTIVATION: Final = Field(
    default=None,
    description="When points can be spent: at once by default.",
    examples=[{"kind": "after", "length": {"days": 14}}],
)
EXPIRY: Final = Field(
    default=None,
    description="When points expire: never by default.",
    examples=[{"kind": "after", "length": {"months": 12}, "to_end_of": "year"}],
)
