"""The executor: gather → decide → record, for every request that changes loyalty state.

Requests of one member queue in this process. Whoever is at the head takes all that wait (up to a limit) through one
gather, decides them one upon the other, and records them as one write. A lost guard means that somebody else was
faster: gather and decide again. After a few losses the slow lane locks the member first.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Final, NamedTuple, assert_never

from loyalty_engine.application.asks import (
    ask_for,
    ask_for_look,
    find_order,
    find_reserved_revision,
    happened_at,
    lane_of,
    names_of,
    share_view,
)
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.referral_asks import gather_all
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Refused, Repeated, Reviewed
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import Note, Write, apply, carry_on, fold
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import EvaluateOrder, PlaceOrder
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.engine.together import decide_together
from loyalty_engine.core.kernel.refusals import Refusal
from loyalty_engine.core.rules.order import Order
from loyalty_engine.meters import METERS
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.ledger import Gather, Gathered, Ledger, Record
from loyalty_engine.persistence.rows import write_answer
from loyalty_engine.persistence.sessions import StaleCredentialsError

Renderer = Callable[[Refusal], str]

_FOLD_LIMIT: Final = 16
_LONGEST_LANE: Final = 500
"""Beyond this many waiting for one member a caller is told to come back: it would time out anyway."""
_FAST_TRIES: Final = 4
_SLOW_TRIES: Final = 4
_PAUSE_SECONDS: Final = 0.02
"""How much longer, each time, a write of many members waits before it tries again: they do not queue for their members."""


class Caller(NamedTuple):
    """An authenticated client of a program; ``generation`` is that of its key when it was looked up."""

    program_id: int
    client_id: int
    generation: int


class Outcome(NamedTuple):
    """What became of a request. ``refusal_code`` is None for success; ``answer`` is the exact text to send.

    ``is_for_review``: the refusal is what stands against an order that somebody has to look at. ``is_waiting``: it was put
    into the list of those, and the answer tells so.
    """

    answer: str
    refusal_code: str | None = None
    is_replayed: bool = False
    is_for_review: bool = False
    is_waiting: bool = False


@dataclass(slots=True)
class _Waiting:
    caller: Caller
    request: Asked
    future: "asyncio.Future[Outcome]"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a turn decided: the write (None when nothing is to be written) and each request's outcome."""

    write: Write | None
    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class _View:
    """What was read for a turn, under which rules, what was asked for, and when: it is decided at that very moment.

    ``ruleset`` is the current one; what happened before it was in force brings its own with its facts.
    """

    ruleset: Ruleset
    asks: Sequence[Ask]
    gathered: Sequence[Gathered]
    now: datetime


class Executor:
    """Runs requests; safe to call concurrently, never lets concurrent callers fail each other."""

    def __init__(self, ledger: Ledger, rulesets: Rulesets, *, clocks: Clocks, render_refusal: Renderer) -> None:
        self._ledger = ledger
        self._rulesets = rulesets
        self._clocks = clocks
        self._render = render_refusal
        self._lanes: dict[object, deque[_Waiting]] = {}
        self._drains: set[asyncio.Task[None]] = set()

    async def execute(self, caller: Caller, request: Asked) -> Outcome:
        """Decide and record a request.

        Returns its outcome; raises ``StaleCredentialsError``, or ``UnavailableError`` when the outcome is unknown and
        the caller must ask again with the same key.
        """
        waiting = _Waiting(caller, request, asyncio.get_running_loop().create_future())
        name = (caller.program_id, lane_of(request))
        lane = self._lanes.get(name)
        if lane is not None:
            if len(lane) >= _LONGEST_LANE:
                raise UnavailableError
            lane.append(waiting)
        else:
            self._lanes[name] = deque((waiting,))
            drain = asyncio.create_task(self._drain(name))
            self._drains.add(drain)
            drain.add_done_callback(self._drains.discard)
        return await waiting.future

    async def look(self, caller: Caller, request: EvaluateOrder) -> tuple[Ruleset, Look | Refused]:
        """Decide an order as if it were new, and write nothing. Returns also the ruleset that decided."""
        ruleset, now = await self._rulesets.latest(caller.program_id), await self._clocks.now(caller.program_id)
        while True:
            then = await self._rulesets.before(caller.program_id, ruleset, request.order.placed_at)
            ask = ask_for_look(request, then or ruleset, now, today=ruleset)
            _, [(known, facts)] = await gather_all(
                self._ledger.gather, caller.program_id, (ask,), ruleset=ruleset, now=now
            )
            if known.generation != caller.generation:
                raise StaleCredentialsError
            if known.revision == ruleset.revision:
                seen = facts if then is None else replace(facts, then=then)
                return then or ruleset, look(ruleset, seen, request, now)
            ruleset = await self._rulesets.at(caller.program_id, known.revision)

    async def execute_together(self, caller: Caller, requests: Sequence[PlaceOrder]) -> list[Outcome]:
        """Decide orders one upon the other and record all of them in one write, or nothing when one is not accepted.

        They take back no goods of others. Raises as :meth:`execute` does.
        """

        async def turn(gather: Gather, record: Record) -> list[Outcome] | None:
            view = await self._read(gather, caller.program_id, requests)
            if any(known.generation != caller.generation for known, _ in view.gathered):
                raise StaleCredentialsError
            together = decide_together(
                view.ruleset, [facts for _, facts in view.gathered], requests, view.now, write_answer=write_answer
            )
            if together.write is None or await record(caller.program_id, together.write):
                return _count(requests, [self._tell(decision) for decision in together.decisions])
            METERS.lost_guards += 1
            return None

        for n in range(_FAST_TRIES):
            await asyncio.sleep(n * _PAUSE_SECONDS)
            outcomes = await turn(self._ledger.gather, self._ledger.record)
            if outcomes is not None:
                return outcomes
        for _ in range(_SLOW_TRIES):
            METERS.slow_turns += 1
            view = await self._read(self._ledger.gather, caller.program_id, requests)
            members = {facts.member.id for _, facts in view.gathered if facts.member is not None}
            outcomes = await self._ledger.run_locked(caller.program_id, sorted(members), view.asks[0].counters, turn)
            if outcomes is not None:
                return outcomes
        raise UnavailableError

    def render(self, refusal: Refusal) -> str:
        """Return a refusal as the text that callers get."""
        return self._render(refusal)

    async def stop(self) -> None:
        """Let what is under way end."""
        await asyncio.gather(*self._drains, return_exceptions=True)

    async def _drain(self, name: tuple[int, object]) -> None:
        """Serve one lane until nobody waits in it."""
        lane = self._lanes[name]
        while lane:
            await self._serve(_take(lane))
        del self._lanes[name]

    async def _serve(self, batch: list[_Waiting]) -> None:
        """Bring a batch to its end; a fault of one request must not hurt those that travel with it."""
        try:
            await self._run(batch)
        except UnavailableError as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001  the process edge of a lane: the caller gets it through its future
            if len(batch) == 1:
                _fail(batch, error)
            else:
                for waiting in batch:
                    await self._serve([waiting])

    async def _run(self, batch: list[_Waiting]) -> None:
        for _ in range(_FAST_TRIES):
            outcomes = await self._try(batch, self._ledger.gather, self._ledger.record)
            if outcomes is not None:
                return _settle(batch, outcomes)
        for _ in range(_SLOW_TRIES):
            outcomes = await self._try_locked(batch)
            if outcomes is not None:
                return _settle(batch, outcomes)
        raise UnavailableError

    async def _try(self, batch: list[_Waiting], gather: Gather, record: Record) -> list[Outcome] | None:
        """Gather, decide, record once; None when the guard was lost. Whoever's credentials are stale leaves the batch."""
        program_id = batch[0].caller.program_id
        view = await self._read(gather, program_id, [waiting.request for waiting in batch])
        stale = [
            w for w, (known, _) in zip(batch, view.gathered, strict=True) if known.generation != w.caller.generation
        ]
        if stale:
            _fail(stale, StaleCredentialsError())
            batch[:] = [waiting for waiting in batch if waiting not in stale]
            return None if batch else []
        turn = self._decide(view, batch)
        if turn.write is not None and not await record(program_id, turn.write):
            METERS.lost_guards += 1
            return None
        return turn.outcomes

    async def _try_locked(self, batch: list[_Waiting]) -> list[Outcome] | None:
        """Try once in the slow lane: with members and counters locked first nobody else can be faster."""
        METERS.slow_turns += 1
        program_id = batch[0].caller.program_id
        view = await self._read(self._ledger.gather, program_id, [waiting.request for waiting in batch])
        members = {
            member.id for _, facts in view.gathered for member in (facts.member, facts.other) if member is not None
        }

        async def turn(gather: Gather, record: Record) -> list[Outcome] | None:
            return await self._try(batch, gather, record)

        return await self._ledger.run_locked(program_id, [*members], view.asks[0].counters, turn)

    async def _read(self, gather: Gather, program_id: int, requests: Sequence[Asked]) -> _View:
        """Gather under the current ruleset; what gather must read depends on the rules, so a new revision reads anew.

        So does a request about an order that turns out to be of a time whose rules look further. What was placed before
        the current revision was in force asks for what the rules of its time read.
        """
        ruleset, now = await self._rulesets.latest(program_id), await self._clocks.now(program_id)
        order: Order | None = None
        reserved: Ruleset | None = None

        def ask(request: Asked, then: Ruleset | None) -> Ask:
            return ask_for(request, then or ruleset, today=ruleset, now=now, order=order, reserved=reserved)

        while True:
            thens = [await self._rulesets.before(program_id, ruleset, happened_at(x, order)) for x in requests]
            asks = share_view([ask(x, then) for x, then in zip(requests, thens, strict=True)])
            full, gathered = await gather_all(gather, program_id, asks, ruleset=ruleset, now=now)
            known, facts = gathered[0]
            if known.generation is None:
                return _View(ruleset, full, gathered, now)
            order = find_order(requests[0], facts)
            number = find_reserved_revision(requests[0], facts)
            reserved = None if number is None else await self._rulesets.at(program_id, number)
            if known.revision != ruleset.revision:
                ruleset = await self._rulesets.at(program_id, known.revision)
                continue
            if order is not None or reserved is not None:
                thens = [await self._rulesets.before(program_id, ruleset, happened_at(requests[0], order))]
                if ask(requests[0], thens[0]) != asks[0]:
                    continue
            return _View(ruleset, full, await self._with_rulesets(program_id, ruleset, gathered, thens), now)

    async def _with_rulesets(
        self, program_id: int, ruleset: Ruleset, gathered: list[Gathered], thens: Sequence[Ruleset | None]
    ) -> list[Gathered]:
        """Return the same with the rules of the time of each request, and with those under which orders earned that come
        back, or were reserved, where these are not the current ones.
        """
        numbers = {order.revision for _, facts in gathered for order in facts.returned.values()}
        numbers |= {facts.reservation.reservation.revision for _, facts in gathered if facts.reservation is not None}
        numbers |= {then.revision for then in thens if then is not None}
        numbers.discard(ruleset.revision)
        if not numbers:
            return gathered
        rulesets = {number: await self._rulesets.at(program_id, number) for number in numbers}
        return [
            (known, replace(facts, rulesets=rulesets, then=then))
            for (known, facts), then in zip(gathered, thens, strict=True)
        ]

    def _decide(self, view: _View, batch: Sequence[_Waiting]) -> _Turn:
        """Decide requests one upon the other: each sees the member as those before it leave it."""
        now = view.now
        parts: list[Changes] = []
        notes: list[Note] = []
        outcomes: list[Outcome] = []
        moved: Facts | None = None
        for waiting, (_, facts) in zip(batch, view.gathered, strict=True):
            seen = facts
            if moved is not None:
                seen = carry_on(facts, moved)
            decision = decide(view.ruleset, seen, waiting.request, now)
            outcomes.append(self._tell(decision))
            call = waiting.request.call
            match decision:
                case Accepted():
                    parts.extend(decision.parts)
                    moved = reduce(apply, decision.parts, seen)
                case Refused():
                    if decision.is_stored and call.key is not None and call.keeps_refusals:
                        answer = outcomes[-1].answer
                        notes.append(_refusal_note(waiting.request, decision, answer, member=seen.member, now=now))
                case Repeated(earlier):
                    if not decision.is_same_key:
                        notes.append(Note(call, now, operation_id=earlier.operation_id))
                case Reviewed():
                    pass
        return _Turn(fold(parts, notes) if parts or notes else None, outcomes)

    def _tell(self, decision: Decision) -> Outcome:
        """Return what a decision comes to once it is recorded."""
        match decision:
            case Accepted(changes):
                return Outcome(write_answer(changes.answer))
            case Refused(refusal):
                return Outcome(self._render(refusal), refusal.code)
            case Reviewed(refusal):
                return Outcome(self._render(refusal), refusal.code, is_for_review=True)
            case Repeated(earlier):
                return Outcome(earlier.answer, earlier.refusal_code, is_replayed=True)
            case _:
                assert_never(decision)


def _name_of(outcome: Outcome) -> str:
    """Return an outcome's name in the metrics."""
    if outcome.is_for_review:
        return "reviewed"
    return "replayed" if outcome.is_replayed else outcome.refusal_code or "accepted"


def _refusal_note(request: Asked, refused: Refused, answer: str, *, member: MemberState | None, now: datetime) -> Note:
    member_id = member.id if member is not None and member.version else None
    return Note(request.call, now, member_id=member_id, code=refused.refusal.code, answer=answer)


def _count(requests: Sequence[Asked], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Count what became of requests."""
    for request, outcome in zip(requests, outcomes, strict=True):
        METERS.decisions[type(request).__name__, _name_of(outcome)] += 1
    return [*outcomes]


def _settle(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    """Tell everybody what became of their request."""
    _count([waiting.request for waiting in batch], outcomes)
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if not waiting.future.done():
            waiting.future.set_result(outcome)


def _take(lane: deque[_Waiting]) -> list[_Waiting]:
    """Take the head of a lane and all that may be decided over the same gather."""
    batch = [lane.popleft()]
    taken = set(names_of(batch[0].request) or ())
    while taken and lane and len(batch) < _FOLD_LIMIT:
        names = names_of(lane[0].request)
        if names is None or not taken.isdisjoint(names):
            break
        taken.update(names)
        batch.append(lane.popleft())
    return batch


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.future.done():
            waiting.future.set_exception(error)
