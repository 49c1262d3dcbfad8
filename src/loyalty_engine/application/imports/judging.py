"""Judging: gather → decide → record for many rows at once, by the same core that decides requests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from hashlib import blake2b
from typing import Final, Literal, assert_never
from uuid import UUID

from uuid_utils.compat import uuid7

from loyalty_engine.application.asks import ask_for, share_view
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.imports.reading import Numbered
from loyalty_engine.application.imports.rows import CodeRow, EngineRow, Fault, Forms, LotRow, MemberRow, OrderRow
from loyalty_engine.application.referral_asks import with_advocates
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Refused, Repeated, Reviewed
from loyalty_engine.core.engine.facts import Facts
from loyalty_engine.core.engine.fold import Write, apply, carry_on, fold
from loyalty_engine.core.engine.requests import Actor, Call, ChangeMember, EnrolMember, OpenLots, PlaceOrder, Request
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.refusals import Refusal, RefusalCode
from loyalty_engine.core.rules.order import natural_key
from loyalty_engine.persistence.asks import Ask
from loyalty_engine.persistence.connections import Connection
from loyalty_engine.persistence.due import record_due
from loyalty_engine.persistence.errors import UnavailableError
from loyalty_engine.persistence.ledger import Gathered, Question, gather

Word = Literal["stored", "changed", "unchanged"]
"""What became of a row that is right: it is new, it changed what was there, or it was there already."""

_NOBODY: Final = 0
_SCOPE: Final = "import"
"""Under whose keys rows are known, whoever imports them: the same file has one effect, over HTTP and by the command."""
_CONTRADICTION: Final = "what is recorded of the member contradicts itself; see the check of the ledger"
_FOLD_LIMIT: Final = 16
_STALLS: Final = 20
"""How often all rows that wait may lose to somebody faster before the import stops and is tried again later."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a row: a word, or the fault for which it was not taken."""

    line: int
    result: Word | Fault


@dataclass(slots=True)
class _Turn:
    """Rows about one member, decided one upon the other, with what they ask for."""

    names: set[object]
    rows: list[tuple[Numbered, EngineRow]] = field(default_factory=list)


class Judge:
    """Judges the rows of one import. ``is_dry`` decides everything and records nothing.

    ``updates``: a row of a member who is there already changes it; otherwise one that differs is a fault.
    """

    def __init__(
        self,
        connection: Connection,
        rulesets: Rulesets,
        clocks: Clocks,
        *,
        program_id: int,
        forms: Forms,
        updates: bool,
        is_dry: bool,
    ) -> None:
        self._connection = connection
        self._rulesets = rulesets
        self._clocks = clocks
        self._program_id = program_id
        self._forms = forms
        self._updates = updates
        self._is_dry = is_dry

    async def judge(self, page: Sequence[Numbered]) -> list[Judged]:
        """Bring all rows of a page to their end; raise ``UnavailableError`` when others keep being faster."""
        judged = [Judged(found.line, found.row) for found in page if isinstance(found.row, Fault)]
        waiting = [(found, found.row) for found in page if not isinstance(found.row, Fault | CodeRow)]
        stalls = 0
        while waiting and stalls < _STALLS:
            again = await self._go_round(waiting, judged)
            stalls = stalls + 1 if len(again) == len(waiting) else 0
            waiting = again
        if waiting:
            raise UnavailableError
        return judged

    async def _go_round(
        self, waiting: Sequence[tuple[Numbered, EngineRow]], judged: list[Judged]
    ) -> list[tuple[Numbered, EngineRow]]:
        """Judge one row or more of each member; return those that have to be looked at again."""
        turns, again = _take_turns(waiting)
        ruleset, now, views = await self._gather(turns)
        writes: list[tuple[Write, list[Judged], _Turn]] = []
        seen: set[UUID] = set()
        for turn, facts in zip(turns, views, strict=True):
            own = {member.id for member in (facts[0].member, facts[0].other) if member is not None}
            if not seen.isdisjoint(own):  # the file knows that member by two names, or it brought two friends
                again += turn.rows
                continue
            seen |= own
            deciding = _Deciding(ruleset, now, self._forms, self._updates)
            try:
                results = [
                    deciding.decide(row, found.line, its) for (found, row), its in zip(turn.rows, facts, strict=True)
                ]
            except AssertionError:  # what is recorded of that member contradicts itself; it must not hold up others
                judged += _contradictions(turn)
                continue
            if deciding.parts and not self._is_dry:
                writes.append((fold(deciding.parts), results, turn))
            else:
                judged += results
        fates = await record_due(self._connection, self._program_id, [write for write, _, _ in writes])
        for fate, (_, results, turn) in zip(fates, writes, strict=True):
            if fate == "won":
                judged += results
            elif fate == "lost":
                again += turn.rows
            else:
                judged += _contradictions(turn)
        return sorted(again, key=lambda waiting: waiting[0].line)

    async def _gather(self, turns: Sequence[_Turn]) -> tuple[Ruleset, datetime, list[list[Facts]]]:
        """Read what all turns need in one round trip, under the current rules."""
        ruleset, now = await self._rulesets.latest(self._program_id), await self._clocks.now(self._program_id)
        while True:
            thens = [
                [await self._rulesets.before(self._program_id, ruleset, _placed_at(row)) for _, row in turn.rows]
                for turn in turns
            ]
            questions = [
                _question(self._program_id, turn, its, ruleset=ruleset, now=now)
                for turn, its in zip(turns, thens, strict=True)
            ]
            answers = await gather(self._connection, questions)
            full = [
                replace(question, asks=tuple(with_advocates(question.asks, answer, ruleset, now)))
                for question, answer in zip(questions, answers, strict=True)
            ]
            if full != questions:
                answers = await gather(self._connection, full)
            revision = answers[0][0][0].revision
            if revision == ruleset.revision:
                return ruleset, now, [_facts(answer, its) for answer, its in zip(answers, thens, strict=True)]
            ruleset = await self._rulesets.at(self._program_id, revision)


def _placed_at(row: EngineRow) -> datetime | None:
    return row.order.placed_at if isinstance(row, OrderRow) else None


def _contradictions(turn: _Turn) -> list[Judged]:
    return [Judged(found.line, Fault(found.line, "contradiction", "", _CONTRADICTION)) for found, _ in turn.rows]


def _question(
    program_id: int, turn: _Turn, thens: Sequence[Ruleset | None], *, ruleset: Ruleset, now: datetime
) -> Question:
    asks = [_ask(row, then or ruleset, now) for (_, row), then in zip(turn.rows, thens, strict=True)]
    return Question(program_id, tuple(share_view(asks)))


def _facts(answer: Sequence[Gathered], thens: Sequence[Ruleset | None]) -> list[Facts]:
    """Return what is known of each row of a turn, with the rules of its time."""
    return [
        facts if then is None else replace(facts, then=then, rulesets={then.revision: then})
        for (_, facts), then in zip(answer, thens, strict=True)
    ]


@dataclass(slots=True)
class _Deciding:
    """Decides the rows of one turn; ``parts`` are what they change, in order."""

    ruleset: Ruleset
    now: datetime
    forms: Forms
    updates: bool
    parts: list[Changes] = field(default_factory=list)
    moved: Facts | None = None

    def decide(self, row: EngineRow, line: int, facts: Facts) -> Judged:
        """Decide a row upon those before it."""
        seen = facts
        if self.moved is not None:
            seen = carry_on(facts, self.moved)
        match row:
            case MemberRow():
                return Judged(line, self._member(row, line, seen))
            case LotRow():
                request = _open_lot(row)
                result = self._act(request, line, seen, pointer="/lots/0")
            case OrderRow():
                result = self._act(_place(row), line, seen)
        return Judged(line, result)

    def _member(self, row: MemberRow, line: int, facts: Facts) -> Word | Fault:
        """Enrol the member of a row with its lots, or compare it with the one that is there."""
        call = _call(b"")
        opening = _open_lots(row)
        if not facts.owners:
            enrol = EnrolMember(call, row.identities, row.profile, row.enrolled_at)
            result = self._act(enrol, line, replace(facts, member=None, earlier=None))
            if isinstance(result, Fault) or opening is None or self.moved is None:
                return result
            brought = self._act(opening, line, replace(self.moved, earlier=facts.earlier))
            if isinstance(brought, Fault):
                self.parts.clear()
                return brought
            return result
        foreign = _foreign(row, facts)
        if foreign is not None:
            return self._fault(line, Refusal(RefusalCode.IDENTITY_TAKEN, f"/identities/{foreign}"))
        change = _difference(row, facts, call)
        if change is not None and not self.updates:
            return self._fault(line, Refusal(RefusalCode.IDENTITY_TAKEN, "/identities/0"))
        word: Word | Fault = "unchanged"
        if change is not None:
            word = self._act(change, line, replace(facts, earlier=None))
        if opening is None or isinstance(word, Fault):
            return word
        brought = self._act(opening, line, replace(self.moved or facts, earlier=facts.earlier))
        if isinstance(brought, Fault):
            self.parts.clear()
            return brought
        return "unchanged" if (word, brought) == ("unchanged", "unchanged") else "changed"

    def _act(self, request: Request, line: int, facts: Facts, *, pointer: str = "") -> Word | Fault:
        """Decide a request upon ``facts`` and keep what it changes."""
        decision = decide(self.ruleset, facts, request, self.now)
        match decision:
            case Accepted():
                self.parts.extend(decision.parts)
                self.moved = reduce(apply, decision.parts, facts)
                return "changed" if isinstance(request, ChangeMember) else "stored"
            case Refused(refusal) | Reviewed(refusal):
                return self._fault(line, replace(refusal, pointer=refusal.pointer.removeprefix(pointer)))
            case Repeated():
                return "unchanged"
            case _:
                assert_never(decision)

    def _fault(self, line: int, refusal: Refusal) -> Fault:
        if refusal.code == RefusalCode.IDEMPOTENCY_KEY_REUSED:
            return Fault(line, "row_differs", "", "was taken before with other content")
        return Fault(line, refusal.code, refusal.pointer, self.forms.explain(refusal))


def _take_turns(waiting: Iterable[tuple[Numbered, EngineRow]]) -> tuple[list[_Turn], list[tuple[Numbered, EngineRow]]]:
    """Group rows by the name of their member; return also those that must not be decided over the same gather."""
    turns: dict[object, _Turn] = {}
    again = []
    for found, row in waiting:
        lane, name = _names(row)
        turn = turns.setdefault(lane, _Turn(set()))
        is_alone = isinstance(row, MemberRow) and turn.rows
        if is_alone or name in turn.names or len(turn.rows) == _FOLD_LIMIT:
            again.append((found, row))
            continue
        turn.names.add(name)
        turn.rows.append((found, row))
    return list(turns.values()), again


def names_of(page: Iterable[Numbered]) -> set[object]:
    """Return all that the rows of a page are about: what of it another page has, too, must be judged in turn."""
    names: set[object] = set()
    for found in page:
        match found.row:
            case MemberRow(identities=identities):
                names.update(identities)
            case LotRow(member=member):
                names.add(member)
            case CodeRow(code=code):
                names.add(code)
            case OrderRow(order=order, member=member):
                names |= {member, natural_key(order.reference, None)} - {None}
            case _:
                pass
    return names


def _names(row: EngineRow) -> tuple[object, object]:
    """Return in which turn a row belongs, and what may be there only once in it."""
    match row:
        case MemberRow():
            return row.identities[0], None
        case LotRow():
            return row.member, _lot_key(row)
        case OrderRow():
            number = natural_key(row.order.reference, None)
            return row.member or number, number


def _ask(row: EngineRow, ruleset: Ruleset, now: datetime) -> Ask:
    match row:
        case MemberRow():
            return Ask(
                _NOBODY,
                _SCOPE,
                _opening_key(row) if row.lots else None,
                identity=row.identities[0],
                identities=row.identities,
                now=now,
                wants_lots=bool(row.lots),
                wants_profile=True,
                lookback=ruleset.lookback,
                wants_plans=bool(ruleset.plans),
            )
        case LotRow():
            return ask_for(_open_lot(row), ruleset, now=now)
        case OrderRow():
            return replace(ask_for(_place(row), ruleset, now=now), key=None)


def _open_lot(row: LotRow) -> OpenLots:
    return OpenLots(_call(row.digest, _lot_key(row)), row.member, (row.lot,), row.reference)


def _open_lots(row: MemberRow) -> OpenLots | None:
    if not row.lots:
        return None
    return OpenLots(_call(row.digest, _opening_key(row)), row.identities[0], row.lots)


def _place(row: OrderRow) -> PlaceOrder:
    return PlaceOrder(_call(row.digest), row.member, row.order, is_past=True)


def _call(digest: bytes, key: str | None = None) -> Call:
    """Return the call of a row: of nobody, as the import's job tells who asked."""
    operation_id = uuid7()
    return Call(operation_id, Actor(_NOBODY), digest, key or str(operation_id), _SCOPE)


def _lot_key(row: LotRow) -> str:
    return _digest("lot", row.named, row.lot.wallet, row.reference)


def _opening_key(row: MemberRow) -> str:
    return _digest("opening", row.identities[0])


def _digest(*parts: str) -> str:
    """Return a key that tells parts apart and repeats no name of a person."""
    joined = "\x00".join(parts).encode()
    return blake2b(joined, digest_size=16).hexdigest()


def _foreign(row: MemberRow, facts: Facts) -> int | None:
    """Return which identity belongs to another member than the first one does; None when none does."""
    member = facts.member
    for position, identity in enumerate(row.identities):
        owner = facts.owners.get(identity)
        if owner is not None and (member is None or owner != member.id):
            return position
    return None


def _difference(row: MemberRow, facts: Facts, call: Call) -> ChangeMember | None:
    """Return what would make the member what the row says; None when it is that. What the row leaves out stays."""
    member = facts.member
    assert member is not None
    added = tuple(identity for identity in row.identities if identity not in facts.owners)
    changes: dict[str, object] = {}
    known, said = member.profile, row.profile
    if said.name is not None and (known is None or known.name != said.name):
        changes["name"] = said.name
    if said.birthday is not None and (known is None or known.birthday != said.birthday):
        changes["birthday"] = said.birthday
    kept = known.attributes if known is not None else {}
    attributes = {name: value for name, value in said.attributes.items() if kept.get(name) != value}
    if attributes:
        changes["attributes"] = attributes
    return ChangeMember(call, member.id, changes, added) if changes or added else None
