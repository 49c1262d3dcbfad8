"""Lives of points: requests of two members over time, decided one upon the other by the plainest store there is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.decision import Accepted, Changes, Decision
from loyalty_engine.core.engine.due import settle_facts
from loyalty_engine.core.engine.facts import MemberState
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.membership_requests import (
    CancelMembership,
    MembershipRequest,
    PayMembership,
    RefundPayment,
    StartTrial,
)
from loyalty_engine.core.engine.requests import (
    ActivateOrder,
    Adjust,
    CancelOrder,
    CancelRedemption,
    ChangeLot,
    ClaimOrder,
    EditOrder,
    EndGrant,
    EndHold,
    EvaluateOrder,
    Exchange,
    GrantTier,
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
from loyalty_engine.core.engine.views import see_entitlements, see_plans, see_tiers
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.kernel.instants import parse_instant, show_instant
from loyalty_engine.core.kernel.quantities import parse_quantity
from loyalty_engine.core.points.lots import spending_order
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.codes import Codes, KnownCode
from loyalty_engine.core.rules.goods import Goods
from loyalty_engine.core.rules.order import ShopOrder, Tender
from tests.core.engine_cases import call
from tests.core.store import Store
from tests.decisions.examples import read_line, read_order
from tests.decisions.stories import MEMBERS, new_member

Json = Mapping[str, Any]
Asked = Request | MembershipRequest

_AROUND: Final = frozenset(
    {"at", "by", "wallet", "balances", "bens", "lots", "answer", "refused", "shared", "counts", "became"}
    | {"tiers", "seen", "earns", "saves", "moves", "plans", "gives_back"}
)
"""Words of a step beside the one that says what it is."""

START: Final = parse_instant("2026-05-01T00:00:00Z")


@dataclass
class Life:
    """A program's members and the steps they take; ``made`` are the operations by the step that made them."""

    ruleset: Ruleset
    store: Store = field(init=False)
    made: dict[int, Changes] = field(default_factory=dict)
    clock: datetime = START
    codes: dict[FoldedCode, KnownCode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store({1: self.ruleset}, codes=self.codes)
        for name in MEMBERS:
            self.store.enrol(new_member(name))

    def take(self, n: int, step: Json) -> Decision | None:
        """Take the step at its time; None for one that only waits."""
        self.clock = parse_instant(step["at"]) if "at" in step else self.clock
        request = self.read(n, step)
        if request is None:
            return None
        decision = self.store.decide(request, self.clock)
        if isinstance(decision, Accepted):
            self.made[n] = decision.changes
        return decision

    def look(self, n: int, step: Json) -> Json | None:
        """Return what a look at the order of a step says; None when it is something else, or brings goods back."""
        if "order" not in step or "exchanges" in step["order"]:
            return None
        now = parse_instant(step["at"]) if "at" in step else self.clock
        before, self.clock = self.clock, now
        request = self.read(n, step)
        self.clock = before
        assert isinstance(request, PlaceOrder)
        facts = self.store.gather(request, now)
        asked = EvaluateOrder(request.call.actor, request.member, request.order, request.payment, request.codes)
        looked = look(self.ruleset, facts, asked, now)
        return looked.answer if isinstance(looked, Look) else None

    def member(self, name: str) -> MemberState:
        """Return a member as everybody sees it now, whether or not anybody settled what became due."""
        facts = self.store.gather(Adjust(call(999), MEMBERS[name], "points", 1, "look"), self.clock)
        settled, _ = settle_facts(self.ruleset, facts, call(999), self.clock)
        assert settled.member is not None
        return settled.member

    def balances(self, name: str) -> dict[str, list[int]]:
        """Return available, pending, held and owed points by wallet, where there are any."""
        shown = {
            wallet: [balance.available, balance.pending, balance.held, balance.debt]
            for wallet, balance in self.member(name).balances.items()
        }
        return {wallet: amounts for wallet, amounts in shown.items() if any(amounts)}

    def counts(self, name: str) -> dict[str, int]:
        """Return what a member used of limits, where that is something."""
        return {counter: used for counter, used in self.member(name).counters.items() if used}

    def shared(self) -> dict[str, int]:
        """Return what is used of limits that all share, where that is something."""
        return {counter: used for counter, used in self.store.shared.items() if used}

    def lots(self, name: str) -> list[list[Any]]:
        """Return what is left in lots and when it expires, in the order of spending."""
        lots = sorted((lot for lot in self.member(name).lots if lot.remaining), key=spending_order)
        return [[lot.remaining, "never" if lot.expires_at is None else show_instant(lot.expires_at)] for lot in lots]

    def tiers(self, name: str) -> dict[str, list[str]]:
        """Return the member's tiers by set: how it came there, and until when."""
        shown = {}
        for key, held in self.member(name).tiers.items():
            if held.tier is not None:
                until = "ever" if held.until is None else show_instant(held.until)
                shown[key] = [held.tier, held.how, until]
        return shown

    def plans(self, name: str) -> dict[str, list[str]]:
        """Return what the member has of plans: the state now, until when it is paid for, and when it ends."""
        return {
            key: [held.state(self.clock), show_instant(held.paid_until), show_instant(held.ends_at)]
            for key, held in self.member(name).plans.items()
        }

    def seen(self, name: str) -> dict[str, Any]:
        """Return what rules see of the member's tiers."""
        member = self.member(name)
        seen, plans = see_tiers(self.ruleset, member.tiers), see_plans(self.ruleset, member, self.clock)
        entitlements = list(see_entitlements(self.ruleset, seen, plans))
        return {"tiers": seen.tiers, "levels": seen.levels, "entitlements": entitlements, "plans": list(plans)}

    def read(self, n: int, step: Json) -> Asked | None:
        """Return the request of a step: the first of its words says which it is."""
        made_by, by = call(n), MEMBERS.get(step.get("by", "anna"))
        words = [word for word in step if word not in _AROUND]
        if words == ["wait"]:
            return None
        [word] = words
        said, wallet = step[word], step.get("wallet", "points")
        read = getattr(self, f"_read_{word}", None)
        if read is not None:
            request: Asked = read(made_by, by, said, wallet)
            return request
        assert by is not None
        match word:
            case "redeem":
                return Redeem(made_by, by, wallet, said)
            case "hold":
                return HoldPoints(made_by, by, wallet, said["points"], timedelta(seconds=said["ttl"]))
            case "capture":
                return EndHold(made_by, self.made[said["of"]].operation.id, said.get("points"))
            case "void":
                return EndHold(made_by, self.made[said].operation.id, 0)
            case "take_back":
                return CancelRedemption(made_by, self.made[said].operation.id, "mistake")
            case "adjust":
                return Adjust(made_by, by, wallet, said, "goodwill", if_short=step.get("if_short", "debt"))
            case "transfer":
                return Transfer(made_by, by, MEMBERS[said["to"]], wallet, said["points"], "gift")
            case "absorb":
                return MergeMembers(made_by, by, MEMBERS[said], "same person")
            case "reverse":
                return ReverseOperation(made_by, self.made[said].operation.id, "mistake")
            case "set_status":
                return SetStatus(made_by, by, said, "check")
            case "claim":
                return ClaimOrder(made_by, self.order_of(said), by)
            case _:
                raise AssertionError(word)

    def order_of(self, n: int) -> UUID:
        """Return the order of a step."""
        order_id = self.made[n].operation.order_id
        assert order_id is not None
        return order_id

    def _read_grant(self, made_by: Any, by: UUID | None, said: Json, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        until = parse_instant(said["until"]) if "until" in said else None
        return GrantTier(made_by, by, said.get("set", "status"), said["tier"], until, "goodwill")

    def _read_end_grant(self, made_by: Any, by: UUID | None, said: str, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        return EndGrant(made_by, by, said, "mistake")

    def _read_pay(self, made_by: Any, by: UUID | None, said: Json, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        plan = said.get("plan", "club")
        return PayMembership(
            replace(made_by, request_hash=repr((by, said)).encode()),
            by,
            plan,
            number=said.get("number", f"p{made_by.operation_id.int >> 64 & 0xFFF}"),
            amount=said.get("amount", self.ruleset.plans[plan].price),
            currency="EUR",
            paid_at=parse_instant(said["at"]) if "at" in said else None,
            replaces=said.get("replaces"),
        )

    def _read_try(self, made_by: Any, by: UUID | None, said: str, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        return StartTrial(made_by, by, said)

    def _read_leave(self, made_by: Any, by: UUID | None, said: Json, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        return CancelMembership(made_by, by, said.get("plan", "club"), said.get("at_once"), "moved")

    def _read_refund(self, made_by: Any, by: UUID | None, said: Json, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        in_full = said.get("in_full", False)
        return RefundPayment(made_by, by, said.get("plan", "club"), said["payment"], in_full=in_full, reason="moved")

    def _read_order(self, made_by: Any, by: UUID | None, said: Json, wallet: str) -> Asked:  # noqa: ANN401 - a call
        told = {"number": str(made_by.operation_id.int % 1000), "at": show_instant(self.clock), **said}
        points, exchanges = told.pop("pay_with_points", None), told.pop("exchanges", ())
        typed = tuple(fold_code(text) or FoldedCode(text) for text in told.pop("codes", ()))
        codes = Codes(typed, told.pop("skips_unusable", False), told.pop("guest", None), is_trusted=True)
        payment = None if points is None else Payment(wallet, points)
        order = read_order(told)
        back = tuple(Exchange(self._ref(one["of"]), read_goods(one)) for one in exchanges)
        return PlaceOrder(made_by, by, order, payment, back, codes=codes)

    def _read_activity(self, made_by: Any, by: UUID | None, said: Json, _: str) -> Asked:  # noqa: ANN401 - a call
        assert by is not None
        happened_at = parse_instant(said["at"]) if "at" in said else self.clock
        return RecordActivity(
            made_by, by, said["kind"], happened_at, said.get("subject"), None, said.get("attributes", {})
        )

    def _read_back(self, made_by: Any, _: UUID | None, said: Json, __: str) -> Asked:  # noqa: ANN401 - a call
        return ReturnGoods(made_by, self._ref(said["of"]), read_goods(said), reason="too_small")

    def _read_cancel(self, made_by: Any, _: UUID | None, said: int, __: str) -> Asked:  # noqa: ANN401 - a call
        return CancelOrder(made_by, self.order_of(said), "void")

    def _read_confirm(self, made_by: Any, _: UUID | None, said: Json, __: str) -> Asked:  # noqa: ANN401 - a call
        return ActivateOrder(made_by, self.order_of(said["of"]), read_goods(said) if "lines" in said else None)

    def _read_edit(self, made_by: Any, _: UUID | None, said: Json, __: str) -> Asked:  # noqa: ANN401 - a call
        lines = tuple(read_line(place, item) for place, item in enumerate(said["lines"], start=1))
        tenders = tuple(Tender(kind, amount) for kind, amount in said.get("tenders", {}).items())
        return EditOrder(made_by, self.order_of(said["of"]), lines, said.get("shipping", 0), tenders, "changed")

    def _read_lot(self, made_by: Any, _: UUID | None, said: Json, wallet: str) -> Asked:  # noqa: ANN401 - a call
        entries = self.made[said["of"]].entries
        assert entries is not None
        [lot_id] = [lot.id for lot in entries.lots if lot.wallet == wallet]
        expires_at = said.get("expires_at")
        return ChangeLot(
            made_by,
            lot_id,
            changes_expiry="expires_at" in said,
            expires_at=None if expires_at in {None, "never"} else parse_instant(expires_at),
            activates=said.get("activate", False),
            reason="goodwill",
        )

    def _ref(self, said: int | str) -> OrderRef:
        """Return an order by the step that placed it, or by a number that may not have arrived."""
        return ShopOrder(said) if isinstance(said, str) else self.order_of(said)


def read_goods(said: Json) -> Goods:
    """Return goods; a line without a quantity is all that is left of it."""
    lines = {
        line: None if quantity is None else parse_quantity(str(quantity))
        for line, quantity in said.get("lines", {}).items()
    }
    return Goods(lines, said.get("amount", 0), said.get("shipping", 0))
