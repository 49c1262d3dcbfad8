"""Pools of promo codes as they are asked for, and changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from loyalty_engine.api.problems import Fault, ProblemError
from loyalty_engine.api.schemas.fields import Body, InstantField, Text
from loyalty_engine.application.create_code_pool import NewPool
from loyalty_engine.core.kernel.amounts import MAX_AMOUNT
from loyalty_engine.core.kernel.codes import ENDLESS_SLOTS, MAX_LENGTH, MAX_TYPED, SLOT, CodePattern, fold_code
from loyalty_engine.core.program.fields import KEY_PATTERN
from loyalty_engine.core.promotions.codes import CodeLimit, CodePeriod
from loyalty_engine.core.promotions.pools import PoolKind, default_limits
from loyalty_engine.persistence.code_pools import CodePool, PoolTerms
from loyalty_engine.persistence.promo_codes import TypedCode

MAX_INLINE: Final = 10_000
MAX_COUNT: Final = 10_000_000
MAX_LIMITS: Final = 10
MAX_DAYS: Final = 3_660

_PLAIN: Final = frozenset({"pool", "name", "kind", "starts_at", "ends_at", "limits"})
_TAKES: Final[Mapping[str, frozenset[str]]] = {
    "shared": _PLAIN | {"code"},
    "generated": _PLAIN | {"count", "pattern", "prefix", "length", "low_at"},
    "imported": _PLAIN | {"codes", "low_at"},
    "personal": _PLAIN | {"pattern", "prefix", "length", "starts_after_days", "ends_after_days"},
    "vouchers": _PLAIN - {"limits"} | {"codes", "low_at", "starts_after_days", "ends_after_days"},
}
"""Which fields say something about a kind of pool."""


def _check_code(value: object) -> str:
    if isinstance(value, str) and fold_code(value) is not None:
        return value.strip()
    raise PydanticCustomError(
        "promo_code", f"must have 4 to {MAX_LENGTH} letters A to Z or digits; spaces, hyphens, dots do not count"
    )


PoolKey = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
CodeField = Annotated[
    str, PlainValidator(_check_code), WithJsonSchema({"type": "string", "minLength": 4, "maxLength": MAX_TYPED})
]
Days = Annotated[int, Field(ge=0, le=MAX_DAYS)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class CodeLimitBody(Body):
    """How often a code can be used."""

    per: Literal["code", "member", "guest"] = Field(
        description="Who counts together: all, each member, or each guest by what the shop knows of it.",
        examples=["code"],
    )
    times: Annotated[int, Field(ge=1, le=MAX_AMOUNT)] = Field(description="Most uses.", examples=[1])
    period: CodePeriod = Field(
        default="lifetime",
        description="Calendar period of the program's zone after which it counts anew.",
        examples=["lifetime"],
    )

    def as_limit(self) -> CodeLimit:
        """Return the core's limit."""
        return CodeLimit(self.per, self.times, self.period)


Limits = Annotated[list[CodeLimitBody], Field(max_length=MAX_LIMITS)]

_STARTS_AT: Any = Field(
    default=None, description="From when on its codes can be used.", examples=["2026-12-01T00:00:00+01:00"]
)
_ENDS_AT: Any = Field(
    default=None, description="Until when, this moment not included.", examples=["2027-01-01T00:00:00+01:00"]
)
_STARTS_AFTER: Any = Field(
    default=None, description="From so many days on after a code was given to a member.", examples=[0]
)
_ENDS_AFTER: Any = Field(
    default=None, description="Until so many days after a code was given to a member.", examples=[30]
)
_NAME: Any = Field(default=None, description="What people call it.", examples=["Letter of May"])
_LOW_AT: Any = Field(
    default=None, description="The pool is low when so many codes are left, or fewer.", examples=[1000]
)
_LIMITS: Any = Field(
    default=None,
    description="How often a code can be used. By default once, and a shared one without end.",
    examples=[[{"per": "code", "times": 1}]],
)


class TermsBody(Body):
    """What pools of all kinds may say of their codes."""

    name: Text | None = _NAME
    starts_at: InstantField | None = _STARTS_AT
    ends_at: InstantField | None = _ENDS_AT
    starts_after_days: Days | None = _STARTS_AFTER
    ends_after_days: Days | None = _ENDS_AFTER
    low_at: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = _LOW_AT


class VoucherPoolBody(TermsBody):
    """Vouchers of a partner: they open nothing here, and each is given to one member."""

    pool: PoolKey = Field(description="Key of the pool, for ever.", examples=["cinema_2026"])
    codes: Annotated[list[CodeField], Field(max_length=MAX_INLINE)] = Field(
        default_factory=list, description="The vouchers; more can be uploaded as a file.", examples=[["CINE-7K2M-99QX"]]
    )

    def as_pool(self, now: datetime, digest: bytes) -> NewPool:
        """Return the pool to be; raise :class:`ProblemError` with a pointer to each fault."""
        terms = PoolTerms(self.starts_at, self.ends_at, self.starts_after_days, self.ends_after_days)
        codes = _typed(self.codes)
        _raise([*faults_of_terms(terms), *_find_doubles(codes)])
        pool = CodePool(self.pool, "vouchers", now, name=self.name, terms=terms, low_at=self.low_at, digest=digest)
        return NewPool(pool, codes)


class CodePoolBody(TermsBody):
    """Codes for a promotion. Which fields are needed, and which may be there, depends on ``kind``."""

    pool: PoolKey = Field(description="Key of the pool, for ever.", examples=["letter_of_may"])
    kind: Literal["shared", "generated", "imported", "personal"] = Field(
        description="shared: one code for all; generated: many, made at random; imported: codes that came from elsewhere; "
        "personal: made one by one when members get them.",
        examples=["generated"],
    )
    code: CodeField | None = Field(default=None, description="The code, if it is a shared one.", examples=["SUMMER26"])
    count: Count | None = Field(
        default=None, description="How many are generated: more than 1,000 by a job.", examples=[50_000]
    )
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = Field(
        default=None,
        description="How made codes look: letters, digits and hyphens, and # for a random character.",
        examples=["MAY-####-####"],
    )
    prefix: Annotated[str, StringConstraints(pattern="^[0-9A-Za-z-]*$", max_length=40)] | None = Field(
        default=None, description="What made codes begin with, if there is no pattern.", examples=["MAY-"]
    )
    length: Annotated[int, Field(ge=1, le=MAX_LENGTH)] | None = Field(
        default=None, description="How many random characters they have, if there is no pattern.", examples=[8]
    )
    codes: Annotated[list[CodeField], Field(max_length=MAX_INLINE)] | None = Field(
        default=None,
        description="Imported codes; more can be uploaded as a file.",
        examples=[["WELCOME-1", "WELCOME-2"]],
    )
    limits: Limits | None = _LIMITS

    def as_pool(self, promotion: str, now: datetime, digest: bytes) -> NewPool:
        """Return the pool to be; raise :class:`ProblemError` with a pointer to each fault."""
        terms = PoolTerms(
            self.starts_at,
            self.ends_at,
            self.starts_after_days,
            self.ends_after_days,
            limits_of(self.limits, self.kind),
        )
        pattern = self._pattern()
        typed = _typed([self.code] if self.code is not None else self.codes or [])
        _raise([*self._misfits(), *faults_of_terms(terms), *_find_doubles(typed), *self._judge(pattern)])
        pool = CodePool(
            key=self.pool,
            kind=self.kind,
            created_at=now,
            promotion=promotion,
            name=self.name,
            pattern=None if pattern is None else pattern.text,
            terms=terms,
            low_at=self.low_at,
            digest=digest,
        )
        return NewPool(pool, typed, self.count or 0)

    @property
    def where_made(self) -> str:
        """Where the body says how codes are made."""
        return "/length" if self.pattern is None else "/pattern"

    def _pattern(self) -> CodePattern | None:
        text = self.pattern
        if text is None and self.length is not None:
            text = (self.prefix or "") + SLOT * self.length
        return None if text is None else CodePattern.parse(text)

    def _misfits(self) -> list[Fault]:
        """Return the fields that are there and say nothing about this kind, and those that are missing."""
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        faults = [
            Fault(f"/{name}", "not_for_this_kind", f"says nothing about {self.kind} codes")
            for name in sorted(given - _TAKES[self.kind])
        ]
        needed = {"shared": ("code",), "generated": ("count",)}.get(self.kind, ())
        faults += [
            Fault(f"/{name}", "missing", f"is needed for {self.kind} codes") for name in needed if name not in given
        ]
        if "pattern" in given:
            faults += [
                Fault(f"/{name}", "not_exactly_one", "has no meaning beside a pattern")
                for name in ("prefix", "length")
                if name in given
            ]
        return faults

    def _judge(self, pattern: CodePattern | None) -> list[Fault]:
        """Return what is wrong with how codes are made: too few texts are too easy to guess."""
        if self.kind not in ("generated", "personal"):
            return []
        where = self.where_made
        if pattern is None:
            message = (
                f"must have {SLOT} in it and make codes of 4 to {MAX_LENGTH} characters, of letters, digits and hyphens"
            )
            return [Fault(where if self.length or self.pattern else "/pattern", "code_pattern", message)]
        if self.kind == "personal" and not pattern.is_endless:
            return [Fault(where, "code_room", f"personal codes need at least {ENDLESS_SLOTS} random characters")]
        if (self.count or 0) > pattern.most:
            message = f"is too easy to guess: enough for {pattern.most} codes; use more random characters"
            return [Fault(where, "code_room", message)]
        return []


class CodePoolChangeBody(TermsBody):
    """What changes; what is left out stays, and null takes a field away."""

    is_active: bool = Field(default=True, description="False pauses all its codes.", examples=[False])
    limits: Limits | None = _LIMITS

    def changed(self, pool: CodePool) -> CodePool:
        """Return the pool with the changes; raise :class:`ProblemError` with a pointer to each fault."""
        sent = self.model_fields_set
        asked = {name: getattr(self, name) for name in sent}
        faults = [
            Fault(f"/{name}", "not_for_this_kind", f"says nothing about {pool.kind} codes")
            for name in sorted(sent - _TAKES[pool.kind] - {"is_active"})
            if asked[name] is not None
        ]
        bounds = {name: asked[name] for name in asked if name in PoolTerms.__slots__ and name != "limits"}
        if "limits" in asked:
            bounds["limits"] = () if pool.kind == "vouchers" else limits_of(asked["limits"], pool.kind)
        terms = replace(pool.terms, **bounds)
        _raise([*faults, *faults_of_terms(terms)])
        kept = {name: asked[name] for name in ("name", "low_at", "is_active") if name in asked}
        return replace(pool, terms=terms, **kept)


def limits_of(limits: Sequence[CodeLimitBody] | None, kind: PoolKind) -> tuple[CodeLimit, ...]:
    """Return the limits of codes, those of their kind by default."""
    if limits is None:
        return default_limits(kind)
    return tuple(limit.as_limit() for limit in limits)


def faults_of_terms(terms: PoolTerms) -> list[Fault]:
    """Return what contradicts itself in the terms of a pool."""
    faults = []
    if terms.starts_at is not None and terms.ends_at is not None and terms.starts_at >= terms.ends_at:
        faults.append(Fault("/ends_at", "empty_window", "must be after starts_at"))
    first, last = terms.starts_after_days, terms.ends_after_days
    if last is not None and last <= (first or 0):
        faults.append(Fault("/ends_after_days", "empty_window", "must be more than starts_after_days"))
    seen = set()
    for place, limit in enumerate(terms.limits):
        if (limit.per, limit.period) in seen:
            faults.append(Fault(f"/limits/{place}", "doubled", "another limit counts the same"))
        seen.add((limit.per, limit.period))
    return faults


def _typed(codes: Sequence[str]) -> list[TypedCode]:
    return [TypedCode(folded, code) for code in codes if (folded := fold_code(code)) is not None]


def _find_doubles(codes: Sequence[TypedCode]) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for place, code in enumerate(codes):
        if code.code in seen:
            faults.append(Fault(f"/codes/{place}", "code_repeated", "reads like one before it"))
        seen.add(code.code)
    return faults


def _raise(faults: Sequence[Fault]) -> None:
    if faults:
        raise ProblemError("validation_failed", errors=faults[:50])
