"""Issuing promo codes to members: on request, or with an order whose promotion gives one for the next purchase."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from loyalty_engine.core.engine.accounts import guard, require_member
from loyalty_engine.core.engine.answers import head, show_facts
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Operation
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.requests import IssueCode
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.instants import show_instant
from loyalty_engine.core.kernel.refusals import RefusalCode, refuse
from loyalty_engine.core.promotions.codes import UNBOUND, Bounds, CodeRow
from loyalty_engine.core.promotions.pools import Candidate, WhyNoCode

Json = dict[str, Any]

_NO_CODE: Final[Json] = {"code": None, "starts_at": None, "ends_at": None}


@dataclass(frozen=True, slots=True)
class Issued:
    """A code out of ``pool`` that an order gets by ``promotion``; without a ``row`` there was none, and ``why`` says so.

    ``opens`` is the promotion that the code is for; None: it is a partner's voucher. ``bounds`` are those of the pool.
    """

    promotion: str
    pool: str
    row: CodeRow | None = None
    opens: str | None = None
    bounds: Bounds = UNBOUND
    why: WhyNoCode | None = None

    def as_json(self) -> Json:
        shown = _NO_CODE if self.row is None else show_code(self.row, self.bounds)
        about = {"promotion": self.opens, "pool": self.pool, "issued_by": self.promotion, "reason": self.why}
        return {**shown, **about}


def decide_issue(ruleset: Ruleset, facts: Facts, request: IssueCode, now: datetime) -> Decision:
    """Give a member a code of its own."""
    member = require_member(facts, "")
    found = issue_code(ruleset, facts, request.pool, member=member, now=now)
    if not isinstance(found, CodeRow):
        refuse(RefusalCode(found), "/pool", pool=request.pool)
    pool = facts.pools[request.pool]
    operation = Operation.asked("code", request.call, now, ruleset.revision, member_id=member.id)
    return Accepted(
        Changes(
            operation=operation,
            answer={
                **head(operation),
                **show_code(found, pool.bounds),
                "promotion": pool.promotion,
                "pool": found.pool,
            },
            facts=show_facts(member),
            member=guard(member, replace(member, version=member.version + 1, booked_at=now)),
            codes=(found,),
        )
    )


def issue_with_order(
    ruleset: Ruleset, facts: Facts, promotions: Iterable[str], *, member: MemberState | None, now: datetime
) -> tuple[Issued, ...]:
    """Return the codes that an order gets by those of its ``promotions`` that give one. Guests get none.

    The order stands, whatever became of a pool: its promotion gives no code then.
    """
    if member is None or not ruleset.promotions.issuing:
        return ()
    issued: list[Issued] = []
    for promotion in promotions:
        key = ruleset.promotions.issuing.get(promotion)
        if key is None:
            continue
        found, pool = issue_code(ruleset, facts, key, member=member, now=now), facts.pools.get(key)
        opens, bounds = (None, UNBOUND) if pool is None else (pool.promotion, pool.bounds)
        if isinstance(found, CodeRow):
            facts = replace(facts, given=facts.given | {found.code})
            issued.append(Issued(promotion, key, found, opens, bounds))
        else:
            issued.append(Issued(promotion, key, opens=opens, why=found))
    return tuple(issued)


def with_codes(changes: Changes, issued: Iterable[Issued]) -> Changes:
    """Return the changes of an order with the codes that it gets, which its answer tells."""
    issued = tuple(issued)
    answer = {**changes.answer, "codes_issued": show_issued(issued)}
    return replace(changes, answer=answer, codes=rows_of(issued))


def rows_of(issued: Iterable[Issued]) -> tuple[CodeRow, ...]:
    """Return the codes that are really given out."""
    return tuple([one.row for one in issued if one.row is not None])


def show_issued(issued: Iterable[Issued]) -> list[Json]:
    """Show what codes an order got, and why it got none where it should have."""
    return [one.as_json() for one in issued]


def foresee(
    ruleset: Ruleset, facts: Facts, promotions: Iterable[str], *, member: MemberState | None, now: datetime
) -> list[Json]:
    """Show what codes an order would get, without their texts: nobody knows these before it is placed."""
    issued = issue_with_order(ruleset, facts, promotions, member=member, now=now)
    return [{**shown, "code": None} for shown in show_issued(issued)]


def show_code(row: CodeRow, bounds: Bounds) -> Json:
    """Show a code that was given out, and how long it can be used within the ``bounds`` of its pool."""
    starts_at, ends_at = Bounds(row.starts_at, row.ends_at).within(bounds)
    return {
        "code": row.shown,
        "starts_at": None if starts_at is None else show_instant(starts_at),
        "ends_at": None if ends_at is None else show_instant(ends_at),
    }


def issue_code(ruleset: Ruleset, facts: Facts, key: str, *, member: MemberState, now: datetime) -> CodeRow | WhyNoCode:
    """Return a code of a pool for that member, or why there is none. Those that ``facts`` have given out are taken."""
    pool = facts.pools.get(key)
    if pool is None:
        return "code_pool_not_found"
    drawn = pool.draw(now, facts.given, ruleset.zone)
    if not isinstance(drawn, Candidate):
        return drawn
    starts_at, ends_at = pool.bounds_of(now, ruleset.zone)
    return CodeRow(
        code=drawn.code,
        shown=drawn.shown,
        pool=key,
        member_id=member.id,
        issued_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
        is_taken=pool.kind == "vouchers",
    )
