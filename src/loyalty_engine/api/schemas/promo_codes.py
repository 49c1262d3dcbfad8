"""Promo codes as those see them who look after them."""

from dataclasses import replace
from typing import Literal, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery
from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.code_pools import CodeLimitAnswer
from loyalty_engine.api.schemas.fields import Answer, Body, InstantField
from loyalty_engine.application.read_promo_code import ReadCode
from loyalty_engine.core.kernel.codes import CodePattern, fold_code
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.promotions.code_states import CodeState, LimitStand
from loyalty_engine.persistence.promo_codes import PromoCode


class PromoCodeChangeBody(Body):
    """What changes; what is left out stays. Times hold within those of its pool; null takes the code's own away."""

    is_active: bool = Field(default=True, description="False pauses the code.", examples=[False])
    starts_at: InstantField | None = Field(
        default=None, description="From when on it can be used.", examples=["2026-12-01T00:00:00+01:00"]
    )
    ends_at: InstantField | None = Field(
        default=None, description="Until when, this moment not included.", examples=["2027-01-01T00:00:00+01:00"]
    )

    def changed(self, code: PromoCode) -> PromoCode:
        """Return the code with the changes; raise :class:`ProblemError` when they contradict each other."""
        new = replace(code, **{name: getattr(self, name) for name in self.model_fields_set})
        if new.starts_at is not None and new.ends_at is not None and new.starts_at >= new.ends_at:
            fault = Fault("/ends_at", "empty_window", "must be after starts_at")
            raise ProblemError("validation_failed", errors=[fault])
        return new


class PoolCodesQuery(PageQuery):
    """Which codes of a pool are wanted, and in which form."""

    format: Literal["json", "csv", "ndjson"] = Field(
        default="json", description="A page as JSON, or all of them as a file.", examples=["csv"]
    )

    @property
    def after_code(self) -> str:
        """The code behind which the page begins; raises :class:`ProblemError` for a cursor of another kind."""
        if self.cursor is None:
            return ""
        if fold_code(self.cursor) != self.cursor:
            fault = Fault("cursor", "cursor", "is not a next_cursor of this list")
            raise ProblemError("validation_failed", errors=[fault])
        return self.cursor


class PoolCodeAnswer(Answer):
    """A code, as lists show it."""

    code: str = Field(description="As people read it.", examples=["MAY-7K2M-99QX"])
    is_active: bool = Field(description="False: it is paused.", examples=[True])
    used: int | None = Field(description="How often it was used, if its pool says how often it can be.", examples=[0])
    member_id: str | None = Field(description="The member that it was given to.", examples=[None])
    issued_at: str | None = Field(description="When it was given out.", examples=[None])
    starts_at: str | None = Field(
        description="From when on it can be used, if its pool lets it by then.", examples=[None]
    )
    ends_at: str | None = Field(description="Until when, if its pool does not end before.", examples=[None])

    @classmethod
    def of(cls, code: PromoCode, pattern: CodePattern | None, *, is_counted: bool) -> Self:
        """Show a code of a pool with this pattern; ``is_counted``: its uses are."""
        return cls(
            code=code.show(pattern),
            is_active=code.is_active,
            used=code.used if is_counted else None,
            member_id=None if code.member_id is None else show_id("mem", code.member_id),
            issued_at=None if code.issued_at is None else show_instant(code.issued_at),
            starts_at=None if code.starts_at is None else show_instant(code.starts_at),
            ends_at=None if code.ends_at is None else show_instant(code.ends_at),
        )


class PoolCodesPage(Page[PoolCodeAnswer]):
    """Codes of a pool, in the order in which they are compared."""


class LimitStandAnswer(CodeLimitAnswer):
    """A limit, and how much of it is used."""

    used: int | None = Field(
        description="Uses in this period, with what open reservations hold. Null: each member or guest counts alone.",
        examples=[1],
    )
    left: int | None = Field(description="How many more there are.", examples=[0])

    @classmethod
    def of(cls, stand: LimitStand) -> Self:
        """Show a limit."""
        return cls(**stand.limit._asdict(), used=stand.used, left=stand.left)


class PromoCodeAnswer(Answer):
    """A code as it stands by the program's clock."""

    code: str = Field(description="As people read it.", examples=["MAY-7K2M-99QX"])
    state: CodeState = Field(
        description="active; paused, it or its pool; not_started; expired; or used_up for good. Its promotion may have "
        "conditions beyond that.",
        examples=["used_up"],
    )
    pool: str = Field(description="Its pool.", examples=["letter_of_may"])
    promotion: str | None = Field(description="What it opens; null for vouchers.", examples=["autumn"])
    is_active: bool = Field(description="False: the code itself is paused.", examples=[True])
    member_id: str | None = Field(
        description="The member that it was given to, and that alone can use it.", examples=[None]
    )
    issued_at: str | None = Field(description="When it was given out.", examples=[None])
    starts_at: str | None = Field(description="From when on it can be used.", examples=["2026-11-30T23:00:00Z"])
    ends_at: str | None = Field(description="Until when.", examples=["2026-12-31T23:00:00Z"])
    limits: list[LimitStandAnswer] = Field(
        description="How often it can be used, and was; none: without end.",
        examples=[[{"per": "code", "times": 1, "period": "lifetime", "used": 1, "left": 0}]],
    )

    @classmethod
    def of(cls, read: ReadCode) -> Self:
        """Show a code."""
        code, known = read.code, read.known
        return cls(
            code=code.show(read.pool.made_as),
            state=read.state,
            pool=code.pool,
            promotion=read.pool.promotion,
            is_active=code.is_active,
            member_id=None if code.member_id is None else show_id("mem", code.member_id),
            issued_at=None if code.issued_at is None else show_instant(code.issued_at),
            starts_at=None if known.starts_at is None else show_instant(known.starts_at),
            ends_at=None if known.ends_at is None else show_instant(known.ends_at),
            limits=[LimitStandAnswer.of(stand) for stand in read.limits],
        )
