"""Draws lives: everything that can be asked of the engine about a few members, in any order, while time passes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st

from loyalty_engine.core.engine.decision import Accepted, Decision
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    Adjust,
    CancelOrder,
    CancelRedemption,
    ChangeLot,
    ClaimOrder,
    EditOrder,
    EndHold,
    Exchange,
    HoldPoints,
    MergeMembers,
    OrderRef,
    PlaceOrder,
    RecordActivity,
    Redeem,
    Request,
    ReturnGoods,
    ReverseOperation,
    SetStatus,
    Transfer,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.quantities import SCALE
from loyalty_engine.core.points.balances import Balance
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.codes import CodeLimit, Codes, KnownCode
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import Line, ShopOrder, Tender
from tests.core.engine_cases import MEMBER, NOW, OTHER, call, line, lot, order, ruleset_of
from tests.core.store import Store

Step = tuple[Any, ...]

THIRD: Final = UUID("01900000-0000-7000-8000-00000000000f")
MEMBERS: Final = (MEMBER, OTHER, THIRD)
WALLETS: Final = ("points", "cashback", "stamps")

PROGRAM: Final[dict[str, Any]] = {
    "wallets": [
        {
            "key": "points",
            "unit": "points",
            "redeem": {"points": 5, "amount": 2, "step": 5},
            "expiry": {"kind": "after", "length": {"days": 30}},
        },
        {
            "key": "cashback",
            "unit": "money",
            "redeem": {},
            "activation": {"kind": "after", "length": {"days": 5}},
            "expiry": {"kind": "sliding", "length": {"days": 20}},
        },
        {"key": "stamps", "unit": "points", "redeem": {"points": 1, "amount": 1}, "activation": {"kind": "confirmed"}},
    ],
    "earning_rules": [
        {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {
            "key": "coffee",
            "wallet": "points",
            "when": {"lines": {"category": ["coffee"]}, "count": {"at_least": 1}},
            "earn": {"kind": "fixed", "points": 20},
            "activation": {"kind": "after", "length": {"days": 10}},
            "limits": [{"per": "member", "times": 3}, {"per": "program", "points": 100, "period": "month"}],
        },
        {
            "key": "later",
            "wallet": "points",
            "when": {"fact": "order.total", "at_least": 2000},
            "earn": {"kind": "percent", "rate": "1%"},
            "rounding": "ceil",
            "activation": {"kind": "confirmed"},
        },
        {"key": "back", "wallet": "cashback", "earn": {"kind": "percent", "rate": "2%", "of": {"category": ["tea"]}}},
        {"key": "stamp", "wallet": "stamps", "earn": {"kind": "per_line", "points": 3}},
        {
            "key": "even",
            "wallet": "stamps",
            "when": {"fact": "order.lines", "in": [1, 3]},
            "earn": {"kind": "fixed", "points": 7},
        },
        {"key": "thanks", "wallet": "cashback", "activity": "own_cup", "earn": {"kind": "fixed", "points": 30}},
    ],
}

PROMOTIONS: Final[list[dict[str, Any]]] = [
    {
        "key": "ten",
        "when": {"fact": "order.total", "at_least": 1500},
        "effect": {"kind": "percent_off", "percent": "10%"},
        "limits": [{"per": "program", "amount": 500, "partial": True}, {"per": "member", "times": 2}],
    },
    {
        "key": "three",
        "effect": {"kind": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1}},
        "limits": [{"per": "program", "times": 3}, {"per": "member", "amount": 900, "period": "month"}],
    },
    {
        "key": "many",
        "when": {"lines": {}, "quantity": {"at_least": "3"}},
        "effect": {"kind": "percent_off", "percent": "50%", "of": {"category": ["tea"]}},
        "limits": [{"per": "location", "amount": 2000}],
    },
    {"key": "delivery", "when": {"fact": "order.total", "at_least": 1000}, "effect": {"kind": "shipping_off"}},
    {
        "key": "bonus",
        "when": {"fact": "order.lines", "at_least": 2},
        "effect": {"kind": "points", "wallet": "stamps", "points": 9},
        "limits": [{"per": "program", "times": 4}],
    },
    {
        "key": "coded",
        "opened_by": "code",
        "when": {"fact": "order.total", "at_least": 500},
        "effect": {"kind": "percent_off", "percent": "20%"},
    },
    {
        "key": "coded_tea",
        "opened_by": "code",
        "effect": {"kind": "amount_off", "amount": 150, "of": {"category": ["tea"]}},
        "limits": [{"per": "program", "amount": 400}],
    },
]

CODES: Final = {
    code.code: code
    for code in (
        KnownCode(FoldedCode("0NCE"), "coded", limits=(CodeLimit("code", 1),)),
        KnownCode(FoldedCode("EACH"), "coded", limits=(CodeLimit("member", 1), CodeLimit("guest", 1))),
        KnownCode(FoldedCode("M0NTH"), "coded_tea", limits=(CodeLimit("code", 2, "month"), CodeLimit("member", 1))),
        KnownCode(FoldedCode("HERS"), "coded_tea", member_id=MEMBER, limits=(CodeLimit("member", 2, "week"),)),
        KnownCode(FoldedCode("FREE"), "coded_tea"),
    )
}


@cache
def rules(
    points: str = "recomputed",
    clawback: str = "debt",
    expired: str = "grace",
    unknown_card: str = "enrol",
    discounts: str | None = None,
    codes: str = "given_back",
) -> Ruleset:
    """Compile the program under these policies of returns; there are promotions if it says what becomes of discounts.

    ``codes`` is what becomes of their uses.
    """
    returns = {"points": points, "clawback": clawback, "expired": expired, "unmatched_days": 10}
    program = {"name": "Lives", "currency": "EUR", "time_zone": "Europe/Berlin", "unknown_card": unknown_card}
    if discounts is None:
        return ruleset_of(**PROGRAM, program=program, policies={"returns": returns})
    policies = {"returns": {**returns, "discounts": discounts}, "promotions": {"codes_after_return": codes}}
    return ruleset_of(**PROGRAM, program=program, policies=policies, promotions=PROMOTIONS)


RULES: Final = st.builds(
    rules,
    points=st.sampled_from(["recomputed", "recomputed", "proportional", "none"]),
    clawback=st.sampled_from(["debt", "debt", "clamp", "refuse"]),
    expired=st.sampled_from(["grace", "stay_expired"]),
    discounts=st.sampled_from([None, "proportional", "recomputed"]),
    codes=st.sampled_from(["given_back", "stays_used"]),
)

_AMOUNTS: Final = st.sampled_from([0, 1, 99, 100, 1000]) | st.integers(0, 3000)
_PLACES: Final = st.integers(0, 6)
_LINES: Final = st.lists(
    st.builds(
        lambda amount, category, quantity: line(amount, category=category, quantity=quantity),
        _AMOUNTS,
        st.sampled_from([None, "coffee", "tea"]),
        st.sampled_from([0, SCALE // 2, SCALE, 3 * SCALE]),
    ),
    min_size=1,
    max_size=4,
).map(lambda found: tuple(item._replace(id=str(place)) for place, item in enumerate(found)))
_GOODS: Final = st.builds(
    Goods,
    st.dictionaries(st.sampled_from("0123"), st.sampled_from([None, None, SCALE, SCALE // 2]), max_size=2),
    st.sampled_from([0, 0, 0, 1, 500]),
    st.sampled_from([0, 0, 290]),
)
_PAYMENTS: Final = st.none() | st.builds(
    Payment, st.sampled_from(WALLETS), st.none() | st.integers(1, 10).map(lambda fives: 5 * fives)
)
_POINTS: Final = st.integers(1, 12).map(lambda fives: 5 * fives)
_WHO: Final = st.sampled_from([0, 0, 0, 1, 2])
_CODES: Final = st.lists(st.sampled_from([*CODES]), min_size=1, max_size=3, unique=True).map(tuple)

STEPS: Final = st.one_of(
    st.tuples(st.just("order"), _WHO | st.none(), _LINES, _PAYMENTS, st.sampled_from([0, 0, 0, 1, 8, 40])),
    st.tuples(st.just("coded"), _WHO | st.none(), _LINES, _CODES, st.none() | st.tuples(_PLACES, _GOODS)),
    st.tuples(st.just("coded"), _WHO | st.none(), _LINES, _CODES, st.none()),
    st.tuples(st.just("exchange"), _WHO, _LINES, st.lists(st.tuples(_PLACES, _GOODS), min_size=1, max_size=2)),
    st.tuples(st.just("return"), _PLACES, _GOODS),
    st.tuples(st.just("return"), _PLACES, _GOODS),
    st.tuples(st.just("return_early"), _PLACES, _GOODS),
    st.tuples(st.just("cancel"), _PLACES),
    st.tuples(st.just("edit"), _PLACES, _LINES),
    st.tuples(st.just("activate"), _PLACES, st.none() | _GOODS),
    st.tuples(st.just("claim"), _PLACES, _WHO),
    st.tuples(st.just("activity"), _WHO, st.sampled_from([0, 0, 7])),
    st.tuples(st.just("redeem"), _WHO, st.sampled_from(WALLETS), _POINTS),
    st.tuples(st.just("hold"), _WHO, st.sampled_from(WALLETS), _POINTS, st.sampled_from([1, 24, 24 * 40])),
    st.tuples(st.just("end"), _PLACES, st.none() | st.just(0) | _POINTS),
    st.tuples(st.just("restore"), _PLACES),
    st.tuples(st.just("adjust"), _WHO, st.sampled_from(WALLETS), st.integers(-60, 60).filter(bool), st.booleans()),
    st.tuples(st.just("lot"), _PLACES, st.sampled_from([None, 1, 3, 50]), st.booleans(), st.booleans()),
    st.tuples(st.just("transfer"), _WHO, _WHO, st.sampled_from(WALLETS), _POINTS),
    st.tuples(st.just("merge"), _WHO, _WHO),
    st.tuples(st.just("reverse"), _PLACES),
    st.tuples(st.just("status"), _WHO, st.sampled_from(["active", "active", "blocked"])),
)
PAUSES: Final = st.sampled_from(
    [timedelta()] * 3
    + [timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1), timedelta(days=5), timedelta(days=20)]
    + [timedelta(days=70), timedelta(hours=-2)]
)
LIFE: Final = st.lists(st.tuples(PAUSES, STEPS), min_size=1, max_size=25)


def new_member(member_id: UUID) -> MemberState:
    """Return a member that has some points of each wallet."""
    earned_at = NOW - timedelta(days=15)
    lots = tuple(
        replace(
            lot(points, UUID(int=member_id.int + (place << 8)), days_ago=15),
            member_id=member_id,
            wallet=wallet,
            expires_at=earned_at + timedelta(days=30) if wallet == "points" else None,
        )
        for place, (wallet, points) in enumerate((("points", 100), ("cashback", 60), ("stamps", 40)), start=1)
    )
    slides_to = earned_at + timedelta(days=20)
    balances = {
        found.wallet: Balance(found.amount, expires_at=slides_to if found.wallet == "cashback" else None)
        for found in lots
    }
    return MemberState(
        member_id,
        version=1,
        seq=0,
        status="active",
        booked_at=NOW - timedelta(days=1),
        balances=balances,
        lots=lots,
        due_at=slides_to,
    )


class Life:
    """Three members and everything that they did so far."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.store = Store({ruleset.revision: ruleset}, codes=CODES)
        for member_id in MEMBERS:
            self.store.enrol(new_member(member_id))
        self.now = NOW
        self.decisions: list[Decision] = []

    def live(self, steps: Sequence[tuple[timedelta, Step]]) -> "Life":
        """Take steps one after the other."""
        for n, (pause, step) in enumerate(steps, start=len(self.decisions) + 1):
            self.now += pause
            request = self.request_of(n, step)
            if request is not None:
                self.decisions.append(self.store.decide(request, self.now))
        return self

    @property
    def accepted(self) -> list[Accepted]:
        """What was done."""
        return [decision for decision in self.decisions if isinstance(decision, Accepted)]

    def request_of(self, n: int, step: Step) -> Request | None:
        """Return a step as a request; None when there is nothing that it could be about."""
        asked, now = call(n), self.now
        match step:
            case ("order", who, lines, payment, days_late):
                by = None if who is None else MEMBERS[who]
                bought = self._order(n, lines, placed_at=now - timedelta(days=days_late))
                return PlaceOrder(asked, by, bought, payment if by else None)
            case ("exchange", who, lines, exchanges):
                refs = [(self._order_ref(place), goods) for place, goods in exchanges]
                brought = tuple(Exchange(ref, goods) for ref, goods in refs if ref is not None)
                return PlaceOrder(asked, MEMBERS[who], self._order(n, lines), exchanges=brought)
            case ("coded", who, lines, codes, exchange):
                typed = Codes(codes, skips_unusable=True, guest="77" if who is None and n % 2 else None)
                by = None if who is None else MEMBERS[who]
                ref = self._order_ref(exchange[0]) if exchange and by else None
                brought = () if ref is None else (Exchange(ref, exchange[1]),)
                return PlaceOrder(asked, by, self._order(n, lines), None, brought, codes=typed)
            case ("return", place, goods):
                ref = self._order_ref(place)
                return None if ref is None else ReturnGoods(asked, ref, goods, now)
            case ("return_early", place, goods):
                return ReturnGoods(asked, ShopOrder(str(n + place)), goods, now)
            case ("cancel", place):
                found = self._pick(self.store.orders, place)
                return None if found is None else CancelOrder(asked, found, "why")
            case ("edit", place, lines):
                found = self._pick(self.store.orders, place)
                return None if found is None else EditOrder(asked, found, lines, 0, (), "why")
            case ("activate", place, goods):
                found = self._pick(self.store.orders, place)
                return None if found is None else ActivateOrder(asked, found, goods)
            case ("claim", place, who):
                found = self._pick(self.store.orders, place)
                return None if found is None else ClaimOrder(asked, found, MEMBERS[who])
            case ("activity", who, days_late):
                return RecordActivity(asked, MEMBERS[who], "own_cup", now - timedelta(days=days_late))
            case ("redeem", who, wallet, points):
                return Redeem(asked, MEMBERS[who], wallet, points)
            case ("hold", who, wallet, points, hours):
                return HoldPoints(asked, MEMBERS[who], wallet, points, timedelta(hours=hours))
            case ("end", place, points):
                found = self._pick(self.store.holds, place)
                return None if found is None else EndHold(asked, found, points, "why")
            case ("restore", place):
                found = self._pick(self._operations("redemption"), place)
                return None if found is None else CancelRedemption(asked, found, "why")
            case ("adjust", who, wallet, points, is_owed):
                if_short: Any = "debt" if is_owed else "refuse"
                return Adjust(asked, MEMBERS[who], wallet, points, "error", if_short=if_short)
            case ("lot", place, days, changes, activates):
                found = self._pick([*self.store.lots.values()][::-1], place)
                expires_at = None if days is None else now + timedelta(days=days)
                return None if found is None else ChangeLot(asked, found.id, changes, expires_at, activates, "why")
            case ("transfer", who, whom, wallet, points):
                return Transfer(asked, MEMBERS[who], MEMBERS[whom], wallet, points, "gift")
            case ("merge", who, whom):
                return MergeMembers(asked, MEMBERS[who], MEMBERS[whom], "same")
            case ("reverse", place):
                kinds = "adjustment", "activity", "transfer", "merge"
                found = self._pick([*self._operations(*kinds)][::-1], place)
                return None if found is None else ReverseOperation(asked, found, "why")
            case ("status", who, status):
                return SetStatus(asked, MEMBERS[who], status, "why")
            case _:
                raise AssertionError(step)

    def _order(self, n: int, lines: tuple[Line, ...], **fields: Any) -> Any:  # noqa: ANN401 - an order
        known = {"placed_at": self.now, "shipping": 290 if n % 3 == 0 else 0, "tenders": (Tender("card", 10),)}
        return order(*lines, reference=ShopOrder(str(n)), **{**known, **fields})

    def _order_ref(self, place: int) -> OrderRef | None:
        found = self._pick(self.store.orders, place)
        return None if found is None else self.store.orders[found].row.order.reference if place % 2 else found

    def _operations(self, *kinds: str) -> list[UUID]:
        return [found for found, changes in self.store.operations.items() if changes.operation.kind in kinds]

    @staticmethod
    def _pick(found: Any, place: int) -> Any:  # noqa: ANN401 - whatever there is
        listed = list(found)
        return listed[place % len(listed)] if listed else None
