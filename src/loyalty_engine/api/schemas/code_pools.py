"""Pools of promo codes as they are shown."""

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import Field

from loyalty_engine.api.pagination import Page, PageQuery
from loyalty_engine.api.schemas.code_pool_bodies import PoolKey
from loyalty_engine.api.schemas.fields import Answer
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.promotions.codes import CodePeriod
from loyalty_engine.core.promotions.pools import PoolKind
from loyalty_engine.persistence.code_pools import CodePool, Stand


class CodePoolsQuery(PageQuery):
    """Which pools are wanted."""

    promotion: PoolKey | None = Field(default=None, description="Only those of this promotion.", examples=["autumn"])


class CodeLimitAnswer(Answer):
    """How often a code can be used."""

    per: Literal["code", "member", "guest"] = Field(description="Who counts together.", examples=["code"])
    times: int = Field(description="Most uses.", examples=[1])
    period: CodePeriod = Field(description="The period after which it counts anew.", examples=["lifetime"])


class CodePoolHead(Answer):
    """A pool, as lists show it."""

    pool: str = Field(description="Its key.", examples=["letter_of_may"])
    kind: PoolKind = Field(description="What its codes are.", examples=["generated"])
    promotion: str | None = Field(description="What its codes open; null for vouchers.", examples=["autumn"])
    name: str | None = Field(description="What people call it.", examples=["Letter of May"])
    pattern: str | None = Field(description="How its codes are made.", examples=["MAY-####-####"])
    starts_at: str | None = Field(description="From when on they can be used.", examples=["2026-11-30T23:00:00Z"])
    ends_at: str | None = Field(description="Until when.", examples=["2026-12-31T23:00:00Z"])
    starts_after_days: int | None = Field(description="From so many days on after it was given out.", examples=[None])
    ends_after_days: int | None = Field(description="Until so many days after.", examples=[None])
    limits: list[CodeLimitAnswer] = Field(
        description="How often a code can be used; none: without end.",
        examples=[[{"per": "code", "times": 1, "period": "lifetime"}]],
    )
    is_active: bool = Field(description="False: all its codes are paused.", examples=[True])
    low_at: int | None = Field(description="It is low when so many codes are left, or fewer.", examples=[1000])
    job_id: str | None = Field(
        description="The job that makes its codes, and tells how far it is.",
        examples=["job_01m8054496erxvcc6weqy7k3j5"],
    )
    created_at: str = Field(description="When it was created.", examples=["2026-11-22T10:15:00Z"])

    @classmethod
    def of(cls, pool: CodePool, **more: Any) -> Self:  # noqa: ANN401 - fields of what inherits from this
        """Show a pool."""
        return cls(
            pool=pool.key,
            kind=pool.kind,
            promotion=pool.promotion,
            name=pool.name,
            pattern=pool.pattern,
            starts_at=_show(pool.terms.starts_at, show_instant),
            ends_at=_show(pool.terms.ends_at, show_instant),
            starts_after_days=pool.terms.starts_after_days,
            ends_after_days=pool.terms.ends_after_days,
            limits=[CodeLimitAnswer(**limit._asdict()) for limit in pool.terms.limits],
            is_active=pool.is_active,
            low_at=pool.low_at,
            job_id=_show(pool.job_id, lambda job: show_id("job", job)),
            created_at=show_instant(pool.created_at),
            **more,
        )


class CodePoolAnswer(CodePoolHead):
    """A pool, and how many codes it has."""

    codes: int | None = Field(
        description="How many codes it has by now; null for personal codes that are too many to be counted in time.",
        examples=[50_000],
    )
    given_out: int | None = Field(
        description="How many of its vouchers or personal codes members have; null for other kinds, and for too many to be "
        "counted in time.",
        examples=[None],
    )
    left: int | None = Field(
        description="Vouchers that nobody has yet, or codes that are not used up. Null: its codes can be used without end, "
        "are made when they are given out, or are too many to be counted within two seconds.",
        examples=[48_211],
    )
    is_low: bool | None = Field(
        description="Whether ``left`` is ``low_at`` or less; null: not known.", examples=[False]
    )

    @classmethod
    def of_stand(cls, pool: CodePool, stand: Stand) -> Self:
        """Show a pool as it stands."""
        left, low_at = stand.left, pool.low_at
        is_low = False if low_at is None else None if left is None else left <= low_at
        return cls.of(pool, codes=stand.codes, given_out=stand.given_out, left=left, is_low=is_low)


class CodePoolsPage(Page[CodePoolHead]):
    """Pools, by key."""


def _show(value: Any, show: Callable[[Any], str]) -> str | None:  # noqa: ANN401 - whatever is shown
    return None if value is None else show(value)
