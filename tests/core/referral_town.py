"""A town of members who bring friends: the plain store, with referrals and what people share."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, get_args
from uuid import UUID

from loyalty_engine.core.engine.asked import Asked
from loyalty_engine.core.engine.decision import Accepted, Changes, Decision, Refused
from loyalty_engine.core.engine.facts import Facts, MemberState
from loyalty_engine.core.engine.referral_requests import (
    ReferralRequest,
    RegisterReferral,
    ReviewReferral,
    RewardReferral,
    SeeFingerprints,
)
from loyalty_engine.core.engine.requests import (
    Call,
    CancelOrder,
    PlaceOrder,
    RecordActivity,
    Request,
    ReserveOrder,
    ReturnGoods,
)
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.codes import fold_code
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.promotions.pools import KnownPool
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.codes import code_of, tail_of
from loyalty_engine.core.referrals.guards import Fingerprint, Ties
from loyalty_engine.core.referrals.state import FingerprintKind, Reason, Referral, State, state_at
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import ShopOrder
from tests.core.engine_cases import NOW, call, line, order, ruleset_of
from tests.core.store import Store

DAY: Final = timedelta(days=1)
FRIENDS: Final[dict[str, Any]] = {
    "key": "friends",
    "link": "https://shop.example/r/{code}",
    "qualifies": {"kind": "order", "at_least": 3000, "within": {"days": 60}, "settles_after": {"days": 14}},
    "friend": {"enrolled_within": {"days": 30}, "rewards": [{"kind": "points", "wallet": "points", "points": 300}]},
    "advocate": {
        "ladder": [
            {"rewards": [{"kind": "points", "wallet": "points", "points": 500}]},
            {"from_friends": 3, "rewards": [{"kind": "points", "wallet": "points", "points": 800}]},
        ],
        "limits": [{"friends": 4, "period": "month"}],
    },
    "guards": {"per_day": 10},
}
"""300 points for a friend whose order of 30 euros stands for 14 days; 500 for who brought it, 800 from the third on."""

_SIXTY_BITS: Final = (1 << 60) - 1


def rules_of(**changes: Any) -> Ruleset:  # noqa: ANN401 - fields of the programme
    """Compile a program that earns nothing but by referrals."""
    return ruleset_of(referrals=[{**FRIENDS, **changes}], earning_rules=[])


def person(n: int) -> UUID:
    """Return the id of the ``n``-th member of the town."""
    return UUID(int=UUID("01900000-0000-7000-8000-0000000a0000").int + n)


@dataclass
class Town(Store):
    """Decides about referrals as about all else, and keeps what becomes of them."""

    referrals: dict[UUID, Referral] = field(default_factory=dict)
    prints: dict[Fingerprint, set[UUID]] = field(default_factory=dict)
    pools: dict[str, KnownPool] = field(default_factory=dict)
    numbers_taken: Any = field(default_factory=count)

    def decide(self, request: Asked, now: datetime) -> Decision:
        """Decide, record, and check that nobody was rewarded twice."""
        decision = super().decide(request, now)
        self.check_rewards()
        return decision

    def gather(self, request: Asked, now: datetime) -> Facts:
        """Return what the plain store shows, with the friend's referral, the advocate, and whom the friend is tied to."""
        facts = super().gather(request, now)
        prints: tuple[Fingerprint, ...] = ()
        advocate: UUID | None = None
        match request:
            case (
                (RegisterReferral() as asked)
                | PlaceOrder(brought=Bringing() as asked)
                | ReserveOrder(brought=Bringing() as asked)
            ):
                tail = tail_of(asked.code)
                found = (known for known in self.members if known.int & _SIXTY_BITS == tail)
                advocate, prints = self._stands_for(next(found, None)), asked.fingerprints
                referral = None if facts.member is None else self.of_friend(facts.member.id)
            case ReviewReferral() | RewardReferral():
                referral = self.known_referral(request.referral_id)
                member = None if referral is None else self._member(referral.friend_id, now, wants_lots=True)
                facts = replace(facts, member=member)
            case _:
                referral = None if facts.member is None else self.of_friend(facts.member.id)
        if referral is None and advocate is None:
            return facts
        if referral is not None:
            advocate = referral.advocate_id
        if facts.other is None and advocate is not None:
            subjects = _lots_of(referral, "advocate")
            facts = replace(facts, other=self._member(advocate, now, wants_lots=True, subjects=subjects))
        member = facts.member
        if member is not None and member.sees_lots:
            subjects = [*(lot.id for lot in member.lots), *_lots_of(referral, "friend")]
            if referral is not None and referral.advocate_id == referral.friend_id:
                subjects += _lots_of(referral, "advocate")
            member = self._member(member.id, now, wants_lots=True, subjects=subjects)
        ties = Ties() if member is None else self._ties(member.id, advocate, prints)
        return replace(facts, member=member, referral=referral, ties=ties, pools=dict(self.pools))

    def record(self, changes: Changes) -> None:
        """Keep the rows, with those of referrals; their members stay who they were."""
        super().record(changes)
        referral, member_id = changes.referral, changes.operation.member_id
        if referral is not None:
            assert changes.member is not None, "a referral is guarded by its friend's version"
            known = self.referrals.get(referral.id, referral)
            assert referral.id in self.referrals or self.of_friend(referral.friend_id) is None
            self.referrals[referral.id] = replace(referral, friend_id=known.friend_id, advocate_id=known.advocate_id)
        if member_id is not None:
            for fingerprint in changes.fingerprints:
                self.prints.setdefault(fingerprint, set()).add(member_id)

    def of_friend(self, member_id: UUID) -> Referral | None:
        """Return the referral of a friend."""
        found = (known for known in self.referrals.values() if self._stands_for(known.friend_id) == member_id)
        return next((self.known_referral(known.id) for known in found), None)

    def known_referral(self, referral_id: UUID) -> Referral | None:
        """Return a referral as gather shows it."""
        known = self.referrals.get(referral_id)
        if known is None:
            return None
        friend, advocate = self._stands_for(known.friend_id), self._stands_for(known.advocate_id)
        assert friend is not None
        assert advocate is not None
        return replace(known, friend_id=friend, advocate_id=advocate)

    def check_rewards(self) -> None:
        """Check that what operations about a referral moved is what it says that it gave, and that its friend counts as one."""
        moved: dict[UUID, int] = {}
        for changes in self.operations.values():
            if changes.operation.kind not in ("referral_reward", "referral_reversal"):
                continue
            assert changes.referral is not None
            rows = [
                row
                for entries in (changes.entries, changes.other_entries)
                if entries is not None
                for row in entries.postings
            ]
            amounts = [row.amount * ((row.source == "issued") - (row.destination == "issued")) for row in rows]
            moved[changes.referral.id] = moved.get(changes.referral.id, 0) + sum(amounts)
        for referral in self.referrals.values():
            assert moved.get(referral.id, 0) == sum(given.points for given in referral.given)
            assert bool(referral.given) is (referral.state == "rewarded")
            friend, name = self.members[referral.friend_id], f"referral/{referral.programme}/brought/lifetime/"
            stands = referral.state in ("registered", "qualified", "rewarded")
            assert friend.merged_into is not None or friend.counters.get(name, 0) == stands

    def _compare(self, moved: Facts, kinds: set[str], now: datetime) -> None:
        """Whoever came with its own code is one member, which is compared once."""
        is_one = moved.member is not None and moved.other is not None and moved.member.id == moved.other.id
        super()._compare(replace(moved, other=None) if is_one else moved, kinds, now)

    def _ties(self, member_id: UUID, advocate: UUID | None, prints: tuple[Fingerprint, ...]) -> Ties:
        mine = {one for one, owners in self.prints.items() if member_id in owners} | set(prints)
        sharing: dict[FingerprintKind, frozenset[UUID]] = {}
        for one in mine:
            others = frozenset(self.prints.get(one, set())) - {member_id}
            if others:
                sharing[one.kind] = sharing.get(one.kind, frozenset()) | others
        upline: list[UUID] = []
        here = advocate
        while here is not None and (above := self.of_friend(here)) is not None and above.advocate_id not in upline:
            if above.state == "rejected":
                break
            here = above.advocate_id
            upline.append(here)
        return Ties(sharing, tuple(upline))


@dataclass
class Life:
    """What people in a town do, in few words; ``day`` tells when, counted from the beginning."""

    town: Town

    @classmethod
    def of(cls, people: int = 8, **changes: Any) -> "Life":  # noqa: ANN401 - fields of the programme
        """Return a town of people who enrolled on the first day, the first of whom has ordered before."""
        town = Town({3: rules_of(**changes)})
        for n in range(people):
            member = MemberState(person(n), 1, 0, "active", NOW, enrolled_at=NOW, orders=int(n == 0))
            town.enrol(replace(member, first_order_at=NOW - DAY) if n == 0 else member)
        return cls(town)

    def do(self, request: Request | ReferralRequest, day: float = 0) -> Decision:
        return self.town.decide(request, NOW + day * DAY)

    def register(self, friend: int, by: int = 0, day: float = 0, **prints: str) -> State:
        """Let somebody register as a friend; ``prints`` are fingerprints by their kind."""
        accepted = self.do(self.registration(friend, by, **prints), day)
        assert isinstance(accepted, Accepted), accepted
        return self.state(friend, day)

    def registration(self, friend: int, by: int = 0, **prints: str) -> RegisterReferral:
        code = fold_code(code_of(person(by)))
        assert code is not None
        return RegisterReferral(self.call(), person(friend), code, fingerprints=fingerprints(**prints))

    def see(self, who: int, day: float = 0, **prints: str) -> None:
        assert isinstance(self.do(SeeFingerprints(self.call(), person(who), fingerprints(**prints)), day), Accepted)

    def buy(self, friend: int, amount: int = 5000, day: float = 0, *, placed: float | None = None) -> UUID:
        """Let somebody order goods for so much; return the order's id."""
        request = self.order_of(friend, amount, day if placed is None else placed)
        assert isinstance(self.do(request, day), Accepted)
        return request.call.operation_id

    def order_of(self, friend: int | Identity, amount: int = 5000, placed: float = 0) -> PlaceOrder:
        number = ShopOrder(f"W-{next(self.town.numbers_taken)}")
        goods = order(line(amount), reference=number, placed_at=NOW + placed * DAY)
        return PlaceOrder(self.call(), person(friend) if isinstance(friend, int) else friend, goods)

    def bring_back(self, order_id: UUID, day: float, *, amount: int | None = None) -> Decision:
        """Let an order come back: all of it, or goods for so much."""
        if amount is None:
            return self.do(CancelOrder(self.call(), order_id, "why"), day)
        return self.do(ReturnGoods(self.call(), order_id, Goods({}, amount=amount)), day)

    def report(self, friend: int, kind: str = "own_cup", day: float = 0) -> UUID:
        request = RecordActivity(self.call(), person(friend), kind, NOW + day * DAY, subject="s")
        assert isinstance(self.do(request, day), Accepted)
        return request.call.operation_id

    def review(self, friend: int, verdict: Any, day: float = 0) -> Decision:  # noqa: ANN401 - approve or reject
        return self.do(ReviewReferral(self.call(), self.referral(friend).id, verdict, "looked at it"), day)

    def pass_time(self, day: float) -> None:
        """Let the worker come by: it rewards whatever is due by then."""
        for known in list(self.town.referrals.values()):
            if known.is_due(NOW + day * DAY):
                assert isinstance(self.do(RewardReferral(self.call(), known.id), day), Accepted)

    def referral(self, friend: int) -> Referral:
        found = self.town.of_friend(person(friend))
        assert found is not None
        return found

    def state(self, friend: int, day: float = 0) -> State:
        return state_at(self.referral(friend), NOW + day * DAY)[0]

    def reasons(self, friend: int, day: float = 0) -> list[str]:
        return [name_of(reason) for reason in state_at(self.referral(friend), NOW + day * DAY)[1]]

    def points(self, who: int) -> int:
        """Return what somebody has, less what it owes."""
        balance = self.town.members[person(who)].balances.get("points")
        return 0 if balance is None else balance.available + balance.pending + balance.held - balance.debt

    def counters(self, who: int) -> dict[str, int]:
        return {name: used for name, used in self.town.members[person(who)].counters.items() if used}

    def call(self) -> Call:
        return call(next(self.town.numbers_taken) + 1)


def _lots_of(referral: Referral | None, side: str) -> list[UUID]:
    given = () if referral is None else referral.given
    return [one.lot_id for one in given if one.side == side and one.lot_id is not None]


def fingerprints(**prints: str) -> tuple[Fingerprint, ...]:
    return tuple(Fingerprint(kind, prints[kind]) for kind in get_args(FingerprintKind) if kind in prints)


def name_of(reason: Reason) -> str:
    return reason.why if reason.fingerprint is None else f"{reason.why}:{reason.fingerprint}"


def refused(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    return decision.refusal.code.value
