"""Promo codes and their pools as gather reads them, and what is remembered of codes that were used."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.promotions.codes import Bounds, CodeLimit, CodeMemory, KnownCode
from loyalty_engine.core.promotions.pools import Candidate, KnownPool

Raw = Mapping[str, Any]

_ENTROPY_BYTES: Final = 64
"""How many bytes a personal code can be made of: as many as the longest has characters."""


def read_known_codes(text: str) -> dict[FoldedCode, KnownCode]:
    """Turn what ``read_codes_v6`` returned into the codes that exist."""
    return {code.code: code for code in map(_read_code, orjson.loads(text))}


def read_known_pools(text: str, codes: int) -> dict[str, KnownPool]:
    """Turn what ``read_pools_v6`` returned into the pools that exist. Each brings fresh entropy for so many personal codes."""
    return {pool.key: pool for pool in (_read_pool(raw, codes) for raw in orjson.loads(text))}


def show_code_memory(codes: Iterable[CodeMemory]) -> list[list[Any]]:
    """Return what is remembered of used codes: [code, promotion, counters], each counter with whether all share it."""
    return [[code.code, code.promotion, code.counters] for code in codes]


def read_code_memory(raw: Iterable[Sequence[Any]]) -> tuple[CodeMemory, ...]:
    """Turn what :func:`show_code_memory` returned into memory again."""
    return tuple(
        CodeMemory(FoldedCode(code), promotion, tuple((counter, is_shared) for counter, is_shared in counters))
        for code, promotion, counters in raw
    )


def _read_code(raw: Raw) -> KnownCode:
    terms = raw["terms"]
    starts_at, ends_at = _read_bounds(raw).within(_read_bounds(terms))
    return KnownCode(
        code=FoldedCode(raw["code"]),
        promotion=raw["promotion"],
        is_active=raw["is_active"],
        starts_at=starts_at,
        ends_at=ends_at,
        member_id=None if raw["member_id"] is None else UUID(raw["member_id"]),
        limits=tuple(CodeLimit(**limit) for limit in terms.get("limits", ())),
    )


def _read_pool(raw: Raw, codes: int) -> KnownPool:
    terms = raw["terms"]
    starts_at, ends_at = _read_bounds(terms)
    return KnownPool(
        key=raw["key"],
        kind=raw["kind"],
        promotion=raw["promotion"],
        pattern=raw["pattern"],
        is_active=raw["is_active"],
        starts_at=starts_at,
        ends_at=ends_at,
        starts_after_days=terms.get("starts_after_days"),
        ends_after_days=terms.get("ends_after_days"),
        next_codes=tuple(Candidate(FoldedCode(code), shown) for code, shown in raw["next_codes"] or ()),
        entropy=secrets.token_bytes(_ENTROPY_BYTES * codes) if raw["kind"] == "personal" else b"",
    )


def _read_bounds(raw: Raw) -> Bounds:
    return Bounds(_read_moment(raw.get("starts_at")), _read_moment(raw.get("ends_at")))


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
