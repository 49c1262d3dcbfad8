"""Reward referrals: book for both members that a friend's order has stood for its time.

Whoever touches the friend books the same first, and goods that come back always do. So this makes rows tell sooner what is
true anyway; an advocate hears of its reward though its friend never comes again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.application.asks import ask_for
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Refused
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import Write, fold
from loyalty_engine.core.engine.referral_requests import RewardReferral
from loyalty_engine.core.engine.requests import Actor, Call
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import RefusalCode
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.due import record_due
from loyalty_engine.persistence.ledger import Question, gather
from loyalty_engine.persistence.referrals import DueReferral, list_due_referrals

_PAGE: Final = 100
_NOBODY: Final = Actor(0)
"""The client of what nobody asked for."""
_START: Final = DueReferral(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Rewarded:
    """How it went. ``unrewarded`` are referrals that stay due, because what they bring cannot be booked."""

    referrals: int
    unrewarded: tuple[UUID, ...]


async def reward_referrals(connection: Connection, rulesets: Rulesets, program_id: int, *, now: datetime) -> Rewarded:
    """Reward each referral of a program that is due by ``now``, which its clock shows.

    It may be killed at any time and run beside itself: each write is a transaction that rests on the versions of both
    members, and a referral that somebody else rewarded is due no more.
    """
    run = _Run(connection, rulesets, program_id, now, unrewarded=set())
    while await run.go_round():
        pass
    return Rewarded(run.rewarded, tuple(sorted(run.unrewarded)))


@dataclass(slots=True)
class _Run:
    """One run, round after round until all that is due cannot be booked. One member changes once in each write."""

    connection: Connection
    rulesets: Rulesets
    program_id: int
    now: datetime
    unrewarded: set[UUID]
    rewarded: int = 0

    async def go_round(self) -> bool:
        """Look at all that is due, page after page; tell whether somebody was rewarded, or lost to somebody faster."""
        after, moved = _START, False
        while due := await list_due_referrals(self.connection, self.program_id, self.now, after=after, limit=_PAGE):
            after = due[-1]
            ids = [found.referral_id for found in due if found.referral_id not in self.unrewarded]
            moved = await self._reward(ids) or moved
        return moved

    async def _reward(self, ids: list[UUID]) -> bool:
        if not ids:
            return False
        requests = [RewardReferral(Call(uuid7(), _NOBODY, request_hash=b""), known) for known in ids]
        ruleset, views = await self._gather(requests)
        writes = dict(self._decide(ruleset, zip(requests, views, strict=True)))
        fates = await record_due(self.connection, self.program_id, list(writes.values()))
        self.unrewarded |= {known for known, fate in zip(writes, fates, strict=True) if fate == "refused"}
        self.rewarded += fates.count("won")
        return "won" in fates or "lost" in fates

    async def _gather(self, requests: list[RewardReferral]) -> tuple[Ruleset, list[Facts]]:
        ruleset = await self.rulesets.latest(self.program_id)
        while True:
            asks = [ask_for(request, ruleset, now=self.now) for request in requests]
            answers = await gather(self.connection, [Question(self.program_id, (ask,)) for ask in asks])
            revision = answers[0][0][0].revision
            if revision == ruleset.revision:
                return ruleset, [facts for [(_, facts)] in answers]
            ruleset = await self.rulesets.at(self.program_id, revision)

    def _decide(self, ruleset: Ruleset, asked: Iterable[tuple[RewardReferral, Facts]]) -> Iterator[tuple[UUID, Write]]:
        """Yield the writes of those that are rewarded now; whose members have one already waits for the next round."""
        taken: set[UUID] = set()
        for request, facts in asked:
            members = {member.id for member in (facts.member, facts.other) if member is not None}
            if not taken.isdisjoint(members):
                continue
            try:
                decision = decide(ruleset, facts, request, self.now)
            except AssertionError:  # rows contradict each other; that must not hold up others
                self.unrewarded.add(request.referral_id)
                continue
            if isinstance(decision, Accepted):
                taken |= members
                yield request.referral_id, fold(decision.parts)
            elif isinstance(decision, Refused) and decision.refusal.code != RefusalCode.REFERRAL_NOT_DUE:
                self.unrewarded.add(request.referral_id)
