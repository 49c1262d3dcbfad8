"""Draws orders under drawn programs, and ways in which goods of them come back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from loyalty_engine.core.engine.decision import Accepted, OrderRow
from loyalty_engine.core.engine.due import settle_due
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import ActivateOrder, ChangeMember, PlaceOrder, Profile, Redeem, ReturnGoods
from loyalty_engine.core.engine.ruleset import Ruleset, compile_ruleset
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import PaidPoints, Payment
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.program.reading import parse_program
from loyalty_engine.core.returns.state import OrderState
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Order
from tests.core.earning.drawn import GROUPS, MULTIPLIERS, PLAIN_RULES, POLICIES
from tests.core.engine_cases import MEMBER, call, lot
from tests.core.orders import PLACED_AT
from tests.core.store import Store

Json = dict[str, Any]

ACTIVATIONS: Final = st.sampled_from(
    [{"kind": "at_once"}, {"kind": "after", "length": {"days": 2}}, {"kind": "confirmed"}]
)
_LENGTHS: Final = st.sampled_from([{"days": 1}, {"days": 30}, {"months": 12}])
EXPIRIES: Final = st.none() | st.builds(lambda length: {"kind": "after", "length": length}, _LENGTHS)
ODD_RULE: Final[Json] = {
    "wallet": "points",
    "when": {"fact": "order.lines", "in": [1, 3]},
    "earn": {"kind": "fixed", "points": 50},
}
"""Fewer goods may earn more under it."""

RULES: Final = st.lists(
    st.tuples(st.one_of(PLAIN_RULES, PLAIN_RULES, MULTIPLIERS), st.none() | ACTIVATIONS), min_size=1, max_size=7
).map(lambda drawn: [rule if when is None else {**rule, "activation": when} for rule, when in drawn])


@st.composite
def programs(draw: st.DrawFn, *, clawback: str = "debt") -> Json:
    """Draw a program of two wallets; three points pay two cents."""
    rules = [*draw(RULES), *draw(st.lists(st.just(ODD_RULE), max_size=1))]
    wallets = []
    for key in ("points", "stamps"):
        wallet: Json = {"key": key, "unit": "points", "redeem": {"points": 3, "amount": 2, "step": 3}}
        for name, value in (("activation", draw(st.none() | ACTIVATIONS)), ("expiry", draw(EXPIRIES))):
            if value is not None:
                wallet[name] = value
        wallets.append(wallet)
    points = draw(st.sampled_from(["recomputed", "recomputed", "proportional"]))
    return {
        "version": 1,
        "program": {"name": "Drawn", "currency": "EUR", "time_zone": "UTC"},
        "attributes": {"member": {"vegan": {"type": "boolean"}}, "line": {"cup": {"type": "boolean"}}},
        "wallets": wallets,
        "earning_groups": GROUPS,
        "earning_rules": [{"key": f"r{place}", **rule} for place, rule in enumerate(rules)],
        "policies": {"earning": draw(POLICIES), "returns": {"points": points, "clawback": clawback}},
    }


def compile_program(document: Json) -> Ruleset:
    """Compile a drawn program."""
    program = parse_program(document)
    assert isinstance(program, Program), program
    return compile_ruleset(split(program), 1, find_zone=ZoneInfo)


Piece = tuple[str, Any]
"""A part of what comes back: ("line", id, quantity), ("amount", cents), ("shipping", cents); or ("confirm", id, quantity)."""


@st.composite
def parts_of(draw: st.DrawFn, whole: int) -> list[int]:
    """Draw positive numbers that sum up to ``whole``."""
    cuts = sorted(set(draw(st.lists(st.integers(1, whole - 1), max_size=3)))) if whole > 1 else []
    return [high - low for low, high in zip([0, *cuts], [*cuts, whole], strict=True)] if whole else []


@st.composite
def returned_pieces(draw: st.DrawFn, order: Order, *, everything: bool = False) -> list[Piece]:
    """Draw what comes back in all, in pieces that can come in any order."""
    pieces: list[Piece] = []
    left = 0
    for line in order.lines:
        if line.quantity == 0:
            comes = everything or draw(st.booleans())
            left += 0 if comes else line.amount
            pieces += [("line", (line.id, 0))] if comes else []
            continue
        steps = line.quantity // (SCALE // 2)
        back = steps if everything else draw(st.integers(0, steps))
        left += line.amount - line.amount * back // steps
        pieces += [("line", (line.id, part * SCALE // 2)) for part in draw(parts_of(back))]
    if not everything:
        pieces += [("amount", part) for part in draw(parts_of(draw(st.integers(0, left // 2))))]
    shipping = order.shipping if everything else draw(st.sampled_from([0, order.shipping]))
    return pieces + [("shipping", part) for part in draw(parts_of(shipping))]


@st.composite
def confirmed_pieces(draw: st.DrawFn, order: Order) -> list[Piece]:
    """Draw what the shop confirms: nothing, everything, or some lines as a whole, because what came back counts."""
    lines: list[Piece] = [("confirm", (line.id, None)) for line in order.lines if draw(st.booleans())]
    ways: list[list[Piece]] = [[], [("all", None)], lines, lines]
    return draw(st.sampled_from(ways))


@st.composite
def arranged(draw: st.DrawFn, pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Draw an order of the pieces, and which of them travel together."""
    shuffled = draw(st.permutations(list(pieces)))
    groups: list[list[Piece]] = []
    for piece in shuffled:
        travels_along: bool = draw(st.booleans())
        if groups and travels_along:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def goods_of(pieces: Iterable[Piece]) -> Goods:
    """Join pieces that come back together."""
    lines: dict[str, int | None] = {}
    sums: Counter[str] = Counter()
    for kind, what in pieces:
        if kind == "line":
            lines[what[0]] = (lines.get(what[0]) or 0) + what[1]
        else:
            sums[kind] += what
    return Goods(lines, sums["amount"], sums["shipping"])


OldLot = tuple[int, int | None, int]
"""Points that a member has before: how many, in how many days they expire, how many days ago they were earned."""

OLD_LOTS: Final = st.lists(
    st.tuples(st.integers(1, 90), st.sampled_from([None, 1, 5, 60]), st.integers(1, 40)), max_size=3
)


def member_with(lots: Sequence[OldLot], debt: int = 0) -> MemberState:
    """Return a member that has these lots of points."""
    found = tuple(
        replace(
            lot(points, UUID(int=MEMBER.int + (place << 8)), days_ago=0),
            earned_at=PLACED_AT - timedelta(days=age),
            available_at=PLACED_AT - timedelta(days=age),
            expires_at=None if days is None else PLACED_AT + timedelta(days=days),
        )
        for place, (points, days, age) in enumerate(lots, start=1)
    )
    points = sum(one.amount for one in found)
    return MemberState(
        MEMBER,
        version=1,
        seq=0,
        status="active",
        booked_at=PLACED_AT - timedelta(days=1),
        balances={"points": Balance(points, debt=0 if points else debt)},
        lots=found,
        due_at=PLACED_AT,
    )


@dataclass
class Story:
    """A member, an order, and what became of it. Each act happens at ``now``."""

    store: Store
    order: Order
    payment: Payment | None
    now: datetime = PLACED_AT
    answers: list[Mapping[str, Any]] = field(default_factory=list)
    order_id: UUID = field(init=False)

    @classmethod
    def begin(
        cls, program: Json, member: MemberState, order: Order, payment: Payment | None, *, places: bool = True
    ) -> "Story":
        """Place the order; without the payment if that is refused."""
        store = Store({1: compile_program(program)})
        store.enrol(replace(member, profile=Profile(attributes={"vegan": True})))
        story = cls(store, order, payment)
        request = PlaceOrder(call(1), MEMBER, order, payment)
        story.order_id = request.call.operation_id
        if places and not isinstance(store.decide(request, PLACED_AT), Accepted):
            store.accept(replace(request, payment=None), PLACED_AT)
        return story

    def then(self, pause: timedelta, redeems: Sequence[int], *, other: Order | None = None) -> "Story":
        """Let time pass, buy something else and spend; what cannot be spent is not."""
        self.now += pause
        if other is not None:
            self.store.accept(PlaceOrder(call(2), MEMBER, other), self.now)
        for n, threes in enumerate(redeems, start=3):
            self.store.decide(Redeem(call(n), MEMBER, "points", 3 * threes), self.now)
        return self

    def bring(self, groups: Sequence[Sequence[Piece]], *, flips: bool = False) -> "Story":
        """Take goods back and confirm others, in this order; what rules ask about the member changes meanwhile."""
        for n, pieces in enumerate(groups, start=100 + len(self.store.operations)):
            if flips:
                changes = {"attributes": {"vegan": None}}
                self.store.accept(ChangeMember(call(n + 1000), MEMBER, changes), self.now)
            back = [piece for piece in pieces if piece[0] not in ("confirm", "all")]
            for place, (kind, what) in enumerate(piece for piece in pieces if piece not in back):
                goods = None if kind == "all" else Goods({what[0]: what[1]})
                self.store.accept(ActivateOrder(call(5000 + 10 * n + place), self.order_id, goods), self.now)
            if back:
                done = self.store.accept(ReturnGoods(call(n), self.order_id, goods_of(back), self.now), self.now)
                self.answers.append(done.changes.answer)
        return self

    @property
    def state(self) -> OrderState:
        """What became of the order; which lots it took from goes by sums, because lots of grace have other ids."""
        return replace(self.store.orders[self.order_id].state, taken={})

    @property
    def net(self) -> Order:
        """The order as it was accepted, after promotions."""
        return self._row.order

    @property
    def used(self) -> dict[str, int]:
        """What is used of limits, the member's own and shared ones."""
        return {**self.store.members[MEMBER].counters, **self.store.shared}

    @property
    def paid(self) -> PaidPoints:
        """What points paid of the order."""
        return self.store.orders[self.order_id].row.payment or PaidPoints("points", 0, 0)

    @property
    def worth(self) -> int:
        """What the points that came back are worth."""
        return self.paid.amount * self.state.restored // self.paid.points if self.paid.points else 0

    @property
    def earned(self) -> dict[str, int]:
        """What the order gave, by wallet."""
        return self._by_wallet({given.rule: given.amount for given in self._row.earned if not given.outdone})

    @property
    def kept(self) -> dict[str, int]:
        """What the member keeps of that."""
        kept = self._by_wallet(self.state.kept) if self.state.kept else self.earned
        return {wallet: min(points, kept.get(wallet, 0)) for wallet, points in self.earned.items()}

    @property
    def wealth(self) -> dict[str, int]:
        """All that the member has now, less what it owes."""
        balances = self._settled.balances
        return {wallet: found.available + found.pending - found.debt for wallet, found in balances.items()}

    @property
    def expired(self) -> dict[str, int]:
        """What has expired by now, by wallet."""
        sums: Counter[str] = Counter()
        for one in {**self.store.lots, **{one.id: one for one in self._settled.lots}}.values():
            sums[one.wallet] += one.expired
        return dict(sums)

    @property
    def _settled(self) -> MemberState:
        """The member after all that became due, whether or not anybody booked it."""
        member = self.store.see(MEMBER)
        settled = settle_due(self.store.ruleset, member, call(999), operation_id=call(999).operation_id, now=self.now)
        return member if settled is None or settled.member is None else settled.member.after

    @property
    def _row(self) -> OrderRow:
        return self.store.orders[self.order_id].row

    def _by_wallet(self, points: Mapping[str, int]) -> dict[str, int]:
        wallets = {rule.key: rule.wallet for rule in self.store.ruleset.order_rules.rules}
        wallets |= {f"promotion/{one.promotion}": one.wallet for one in self._row.promoted}
        sums: Counter[str] = Counter()
        for rule, amount in points.items():
            sums[wallets[rule]] += amount
        return dict(sums)

    @property
    def standing(self) -> dict[str, Any]:
        """What the member has in the end, and what it counts for."""
        member = self.store.members[MEMBER]
        balances = {wallet: balance for wallet, balance in member.balances.items() if balance != Balance()}
        counters = {name: used for name, used in member.counters.items() if used}
        shared = {name: used for name, used in self.store.shared.items() if used}
        return {
            "balances": balances,
            "lots": self.lots,
            "orders": member.orders,
            "spend": member.spend,
            "counters": counters,
            "shared": shared,
        }

    @property
    def lots(self) -> dict[tuple[str, datetime | None], int]:
        """What is left by wallet and expiry."""
        sums: Counter[tuple[str, datetime | None]] = Counter()
        for one in self.store.lots.values():
            sums[one.wallet, one.expires_at] += one.remaining
        return {name: amount for name, amount in sums.items() if amount}
