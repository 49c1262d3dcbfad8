"""Plays cases about friends: anna brings ben, cleo, dora and emil, and what they do is decided one upon the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from loyalty_engine.core.engine.decision import Decision
from loyalty_engine.core.engine.looks import Look, look
from loyalty_engine.core.engine.requests import Adjust, EvaluateOrder, PlaceOrder, SetStatus
from loyalty_engine.core.engine.ruleset import Ruleset
from loyalty_engine.core.kernel.codes import FoldedCode, fold_code
from loyalty_engine.core.points.payments import Payment
from loyalty_engine.core.promotions.pools import Candidate, KnownPool
from loyalty_engine.core.referrals.bringing import Bringing
from loyalty_engine.core.referrals.codes import code_of
from tests.core import referral_town as town
from tests.core.engine_cases import NOW
from tests.core.referral_town import DAY, person

Json = Mapping[str, Any]

NAMES: Final = ("anna", "ben", "cleo", "dora", "emil")


@dataclass
class Friends:
    """Five people who enrolled on day 0, the first of whom has ordered before; ``orders`` are by the step that placed them."""

    ruleset: Ruleset
    pools: Json = field(default_factory=dict)
    life: town.Life = field(init=False)
    orders: dict[int, UUID] = field(default_factory=dict)
    day: float = 0

    def __post_init__(self) -> None:
        self.life = town.Life.of(len(NAMES))
        self.life.town.rulesets = {self.ruleset.revision: self.ruleset}
        if self.ruleset.returns.clawback == "clamp":
            self.life.town.check_rewards = lambda: None  # type: ignore[method-assign]  # less is taken back than was given
        codes = {name: tuple(Candidate(FoldedCode(one), one) for one in some) for name, some in self.pools.items()}
        self.life.town.pools = {name: KnownPool(name, "vouchers", next_codes=some) for name, some in codes.items()}

    def take(self, n: int, step: Json) -> Decision | None:
        """Take a step on its day; None for one that only lets the worker come by."""
        self.day = step.get("day", self.day)
        match step:
            case {"register": who}:
                prints = step.get("seen_with", {})
                return self.life.do(
                    self.life.registration(place(who), place(step.get("by", "anna")), **prints), self.day
                )
            case {"see": who}:
                self.life.see(place(who), self.day, **step["seen_with"])
                return None
            case {"order": dict()}:
                request = self.order(step)
                self.orders[n] = request.call.operation_id
                return self.life.do(request, self.day)
            case {"back": of}:
                return self.life.bring_back(self.orders[of], self.day, amount=step.get("amount"))
            case {"report": who}:
                self.orders[n] = self.life.report(place(who), step["activity"], self.day)
                return None
            case {"review": who}:
                return self.life.review(place(who), step["verdict"], self.day)
            case {"block": who}:
                return self.life.do(SetStatus(self.life.call(), person(place(who)), "blocked", "why"), self.day)
            case {"give": who}:
                given = Adjust(self.life.call(), person(place(who)), "points", step["amount"], "why", if_short="debt")
                return self.life.do(given, self.day)
            case {"day": _}:
                self.life.pass_time(self.day)
                return None
            case _:
                raise AssertionError(step)

    def order(self, step: Json) -> PlaceOrder:
        """Return the order of a step."""
        said = step["order"]
        placed = self.life.order_of(place(said["of"]), said["amount"], said.get("placed", self.day))
        payment = Payment("points", said["pays"]) if "pays" in said else None
        brought = None
        if "brought_by" in said:
            code = fold_code(code_of(person(place(said["brought_by"]))))
            assert code is not None
            brought = Bringing(code)
        return replace(placed, payment=payment, brought=brought)

    def look(self, step: Json) -> Json | None:
        """Return what a look at the order of a step tells."""
        if not isinstance(step.get("order"), dict):
            return None
        now = NOW + step.get("day", self.day) * DAY
        placing = self.order({**step, "order": {"placed": step.get("day", self.day), **step["order"]}})
        facts = self.life.town.gather(placing, now)
        actor, member, order = placing.call.actor, placing.member, placing.order
        seen = look(
            self.life.town.ruleset,
            facts,
            EvaluateOrder(actor, member, order, placing.payment, brought=placing.brought),
            now,
        )
        return seen.answer if isinstance(seen, Look) else None

    def states(self) -> dict[str, list[str]]:
        """Return where each referral is, and why, by its friend."""
        found = {}
        for n, name in enumerate(NAMES):
            if self.life.town.of_friend(person(n)) is not None:
                found[name] = [self.life.state(n, self.day), *self.life.reasons(n, self.day)]
        return found

    def points(self) -> dict[str, int]:
        """Return what everybody has, less what it owes, in the first wallet."""
        wallet = next(iter(self.ruleset.wallets))
        found = {}
        for n, name in enumerate(NAMES):
            balance = self.life.town.members[person(n)].balances.get(wallet)
            if balance is not None and (balance.available or balance.pending or balance.debt):
                found[name] = balance.available + balance.pending - balance.debt
        return found

    def codes(self) -> dict[str, list[str]]:
        """Return the codes that everybody was given and that were not withdrawn."""
        parts = self.life.town.operations.values()
        gone = {code for part in parts for code in part.codes_withdrawn}
        rows = [row for part in parts for row in part.codes if row.code not in gone]
        found: dict[str, list[str]] = {}
        for n, name in enumerate(NAMES):
            own = [str(row.code) for row in rows if row.member_id == person(n)]
            if own:
                found[name] = own
        return found


def place(name: str) -> int:
    return NAMES.index(name)
