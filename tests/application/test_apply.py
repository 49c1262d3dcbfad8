"""``apply`` tells the truth: the facts it gives are those that a fresh gather reads after the record."""

import random
from dataclasses import replace
from uuid import UUID

import pytest

from loyalty_engine.application.asks import ask_for
from loyalty_engine.core.engine.decide import decide
from loyalty_engine.core.engine.decision import Accepted, Changes, Take
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.fold import apply, fold
from loyalty_engine.core.engine.requests import (
    Adjust,
    CancelRedemption,
    ClaimOrder,
    EnrolMember,
    PlaceOrder,
    Profile,
    RecordActivity,
    Redeem,
    Request,
)
from loyalty_engine.core.kernel.identities import Identity, parse_identity
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.rules.history import HistoryRange, PastOrder
from loyalty_engine.core.rules.order import Line, Order, ShopOrder
from tests.application.conftest import Engine
from tests.harness.api import fresh
from tests.harness.crowds import size
from tests.harness.ledger import Ledger

STEPS = size(25, 500)
NOW = parse_instant("2026-02-01T00:00:00Z")
COUNTERS = ("gifts", "money")
SUBJECTS = ("nps", "returns", "app", None)
ALL = HistoryRange(since=None, until=parse_instant("2027-01-01T00:00:00Z"), with_lines=True)


def random_request(engine: Engine, card: Identity, redemptions: list[UUID], dice: random.Random) -> Request:
    match dice.randrange(5):
        case 0:
            lines = tuple(Line(str(n), dice.randrange(3000), SCALE, tax=n) for n in range(dice.randint(1, 4)))
            placed_at = parse_instant(f"2026-01-{dice.randint(10, 28)}T10:00:00Z")
            order = Order(ShopOrder(fresh("o")), placed_at, "EUR", lines, channel=dice.choice(["web", "pos"]))
            payment = Payment("points", None) if dice.random() < 0.5 else None
            return PlaceOrder(engine.call(), card, order, payment)
        case 1:
            return Redeem(engine.call(), card, "points", dice.randint(10, 40))
        case 2 if redemptions:
            return CancelRedemption(engine.call(), redemptions.pop(), "why")
        case 3:
            occurred_at = parse_instant("2026-01-15T10:00:00Z")
            subject = dice.choice(SUBJECTS)
            kind = "survey_answered" if subject else "own_cup"
            return RecordActivity(engine.call(), card, kind, occurred_at, subject)
        case _:
            points = dice.choice([90, 30, -20, -100])
            return Adjust(engine.call(), card, "points", points, "error", if_short="debt")


async def gather_for(engine: Engine, request: Request) -> Facts:
    ruleset = await engine.rulesets.latest(engine.caller.program_id)
    ask = replace(ask_for(request, ruleset, now=NOW), wants_lots=True, history=ALL, counters=COUNTERS)
    ((_, facts),) = await engine.ledger.gather(engine.caller.program_id, [ask])
    return facts


def canonical(member: MemberState | None) -> MemberState:
    """Lots come in no order, and a profile only where it was asked for."""
    assert member is not None
    lots = tuple(sorted((lot for lot in member.lots if lot.remaining), key=lambda lot: lot.id))
    return replace(member, lots=lots, profile=None)


async def decide_anew(engine: Engine, request: Request) -> tuple[Facts, Changes | None]:
    facts = await gather_for(engine, request)
    ruleset = await engine.rulesets.latest(engine.caller.program_id)
    now = facts.member.booked_at if facts.member else NOW
    decision = decide(ruleset, facts, request, now)
    return facts, decision.changes if isinstance(decision, Accepted) else None


def with_takes(changes: Changes, dice: random.Random) -> Changes:
    """Let an operation also take from counters and count for its member, as rules with limits would."""
    guard = changes.member
    if guard is not None:
        counted = {**guard.after.counters, "limit": guard.after.counters.get("limit", 0) + 1}
        guard = replace(guard, after=replace(guard.after, counters=counted))
    takes = tuple(Take(dice.choice(COUNTERS), dice.randint(1, 3), 10_000) for _ in range(dice.randrange(4)))
    return replace(changes, takes=takes, member=guard)


@pytest.mark.parametrize("seed", range(2))
async def test_apply_agrees_with_a_fresh_gather(engine: Engine, ledger: Ledger, seed: int) -> None:
    dice, card, redemptions, accepted = random.Random(seed), parse_identity(f"card:{fresh('c')}"), list[UUID](), 0
    for _ in range(STEPS):
        request = random_request(engine, card, redemptions, dice)
        facts, changes = await decide_anew(engine, request)
        if changes is None:
            continue
        changes = with_takes(changes, dice)
        assert await engine.ledger.record(engine.caller.program_id, fold([changes]))

        fresh_facts = await gather_for(engine, Redeem(engine.call(), card, "points", 1))
        moved = apply(facts, changes)
        assert canonical(moved.member) == canonical(fresh_facts.member)
        assert moved.counters == fresh_facts.counters
        assert moved.marked_by == (await gather_for(engine, request)).marked_by
        accepted += 1
        if isinstance(request, Redeem):
            redemptions.append(changes.operation.id)

    assert accepted > STEPS // 3
    assert await ledger.faults() == []


async def test_one_folded_write_leaves_what_single_writes_leave(engine: Engine, ledger: Ledger) -> None:
    """Two members do the same; one's acts are recorded one by one, the other's as one write."""
    states = []
    for is_folded in (False, True):
        dice, card = random.Random(5), parse_identity(f"card:{fresh('c')}")
        parts: list[Changes] = []
        facts: Facts | None = None
        for number in range(8):
            request = random_request(engine, card, [], dice)
            gathered = await gather_for(engine, request)
            facts = gathered if facts is None or not is_folded else replace(gathered, member=facts.member)
            ruleset = await engine.rulesets.latest(engine.caller.program_id)
            decision = decide(ruleset, facts, request, parse_instant(f"2026-02-01T00:00:0{number}Z"))
            if not isinstance(decision, Accepted):
                continue
            facts = apply(facts, decision.changes)
            parts.append(decision.changes)
            if not is_folded:
                assert await engine.ledger.record(engine.caller.program_id, fold(parts[-1:]))
        if is_folded:
            assert await engine.ledger.record(engine.caller.program_id, fold(parts))
        read = canonical((await gather_for(engine, Redeem(engine.call(), card, "points", 1))).member)
        lots = [(lot.amount, lot.remaining, lot.earned_at) for lot in read.lots]
        states.append((read.version, read.seq, read.orders, read.spend, read.balances, sorted(lots)))

    assert states[0] == states[1]
    assert states[0][0] > 3
    assert await ledger.faults() == []


async def test_a_claim_adds_its_order_to_history(engine: Engine, ledger: Ledger) -> None:
    card, bought = parse_identity(f"card:{fresh('c')}"), parse_instant("2026-01-15T10:00:00Z")
    lines = (Line("1", 800, SCALE, tax=50),)
    await engine.run(EnrolMember(engine.call(), (card,), Profile()))
    guest = engine.call()
    await engine.run(PlaceOrder(guest, None, Order(ShopOrder(fresh("o")), bought, "EUR", lines, shipping=90)))

    facts, changes = await decide_anew(engine, ClaimOrder(engine.call(), guest.operation_id, card))
    assert changes is not None
    assert await engine.ledger.record(engine.caller.program_id, fold([changes]))

    moved = apply(facts, changes)
    assert moved.member is not None
    assert moved.member.history == (PastOrder(bought, 800, lines),)
    fresh_facts = await gather_for(engine, Redeem(engine.call(), card, "points", 1))
    assert canonical(moved.member) == canonical(fresh_facts.member)
    assert await ledger.faults() == []
