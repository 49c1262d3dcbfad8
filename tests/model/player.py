"""Doing the same with the engine, over HTTP, and with the naive program, and comparing both."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from tests.harness.clocks import BEGINNING, StagedClock
from tests.harness.postgres import run_apart
from tests.harness.programs import make_program
from tests.model.drawing import NAMES
from tests.model.program import NaiveProgram
from tests.model.purchases import Back, Line
from tests.model.purse import RefusedError
from tests.model.showing import (
    compare_answer,
    lots_of,
    read_balances,
    read_lot,
    read_place,
    show_codes,
    show_goods,
    show_instant,
    show_line,
    show_lot,
)
from tests.model.variants import VARIANTS, document_of, limits_of

Json = dict[str, Any]
Act = Callable[[NaiveProgram], Json]


@dataclass(frozen=True)
class Stage:
    """An engine with a clock that stands still until it is moved."""

    http: httpx.Client
    database_url: str
    clock: StagedClock


class Player(RuleBasedStateMachine):
    """Starts both, keeps them in step, and compares them."""

    stage: ClassVar[Stage]

    @initialize(variant=st.sampled_from(VARIANTS))
    def open(self, variant: Any) -> None:  # noqa: ANN401 - Hypothesis hands it over
        """Start with a fresh program and three members."""
        self.stage.clock.set(BEGINNING)
        program = run_apart(make_program(self.stage.database_url, document_of(variant)))
        self.http = self.stage.http
        self.http.headers["authorization"] = f"Bearer {program.admin}"
        self.naive = NaiveProgram(variant, self.stage.clock())
        self.sent: list[tuple[str, Json, str, httpx.Response]] = []
        self.ids: dict[str, str] = {}
        self.count = 0
        for name in NAMES:
            answer = self._post("/members", {"identities": [f"card:{name}"]}, self._fresh("k"))
            self.ids[name] = answer.json()["id"]
            self.naive.enrol(name)
        for code, limit in limits_of(variant).items():
            pool = {"pool": code, "kind": "shared", "code": code, "limits": [limit]}
            assert self.http.post(f"/promotions/{code}/codes", json=pool).status_code == 201

    def _place(
        self,
        number: str,
        name: str | None,
        lines: Sequence[Line],
        *,
        shipping: int = 0,
        age: int = 0,
        pay: int | str | None = None,
        exchanges: Sequence[tuple[str, Back]] = (),
        codes: Sequence[str] = (),
        is_strict: bool = False,
    ) -> None:
        """Place an order that is so many days old."""
        self._tick()
        placed = self.naive.now - timedelta(days=age, microseconds=self.count)  # no two at the same time
        body = self._order(number, name, lines, shipping=shipping, pay=pay)
        body |= {"placed_at": placed.isoformat(), **show_codes(codes, is_strict=is_strict)}
        if exchanges:
            body["returns"] = [{"order": {"order_id": n}, **show_goods(goods)} for n, goods in exchanges]

        def place(naive: NaiveProgram) -> Json:
            return naive.place(
                number,
                name,
                lines,
                shipping=shipping,
                placed=placed,
                pay=pay,
                exchanges=exchanges,
                codes=codes,
                is_strict=is_strict,
            )

        answer = self._do("/orders", body, place, name)
        if answer is not None:
            self.naive.orders[number].id = answer["id"]

    def _reserve(
        self,
        name: str,
        lines: Sequence[Line],
        *,
        seconds: int,
        shipping: int = 0,
        pay: int | str | None = None,
        replaces: str | None = None,
        codes: Sequence[str] = (),
        is_strict: bool = False,
    ) -> None:
        """Reserve a cart for so many seconds."""
        self._tick()
        ident = self._fresh("cart")
        placed = self.naive.now - timedelta(microseconds=self.count)  # no two at the same time
        body = self._order("", name, lines, shipping=shipping, pay=pay)
        del body["order_id"]
        body |= {"placed_at": placed.isoformat(), "ttl_seconds": seconds}
        body |= show_codes(codes, is_strict=is_strict)
        if replaces is not None:
            body["replaces"] = self.ids[replaces]

        def reserve(naive: NaiveProgram) -> Json:
            return naive.reserve(
                ident,
                name,
                lines,
                shipping=shipping,
                placed=placed,
                pay=pay,
                seconds=seconds,
                replaces=replaces,
                codes=codes,
                is_strict=is_strict,
            )

        answer = self._do("/reservations", body, reserve, name)
        if answer is not None:
            self.ids[ident] = answer["id"]

    def _order(
        self, number: str, name: str | None, lines: Sequence[Line], *, shipping: int, pay: int | str | None
    ) -> Json:
        """Return an order that is placed now."""
        return {
            "order_id": number,
            "placed_at": self.naive.now.isoformat(),
            "currency": "EUR",
            "lines": [show_line(line) for line in lines],
            "shipping": shipping,
            **({} if name is None else {"member": self.ids[name]}),
            **({} if pay is None else {"pay_with_points": {"wallet": "points", "points": pay}}),
        }

    def teardown(self) -> None:
        if not hasattr(self, "naive"):
            return
        for name in (*NAMES, *self.naive.referrals):
            self._compare(name)
            self._compare_counts(name)
            self._compare_tiers(name)
        for name in self.naive.referrals:
            self._compare_referral(name)
        report = self.http.get("/ledger/check").json()
        assert report["is_sound"], [check for check in report["checks"] if check["offences"]]

    def _do(self, path: str, body: Json, act: Act, name: str | None) -> Json | None:
        """Do it in both; return what the engine answered, or None where it refused."""
        trial = copy.deepcopy(self.naive)
        key = self._fresh("k")
        refusal, expected = None, {}
        try:
            expected = act(trial)
        except RefusedError as refused:
            refusal = refused.code
        answer = self._post(path, body, key)
        if refusal is not None:
            assert answer.json().get("code") == refusal, (answer.text, refusal)
            self._compare(name)
            return None
        assert answer.status_code in {200, 201}, answer.text
        self.naive = trial
        self._compare_answer(answer, expected)
        self._compare(name)
        if name in self.naive.referrals:
            self._compare_referral(str(name))
        return dict(answer.json())

    def _look(self, path: str, body: Json, act: Act) -> None:
        """Do it in a copy of the naive program only, and look at what the engine says that it would do."""
        try:
            expected = act(copy.deepcopy(self.naive))
        except RefusedError as refused:
            refusal = refused.code
        else:
            answer = self.http.post(path, json=body)
            assert answer.status_code == 200, answer.text
            self._compare_answer(answer, expected)
            return
        assert self.http.post(path, json=body).json()["code"] == refusal

    def _compare_answer(self, answer: httpx.Response, expected: Json) -> None:
        if self.naive.forgotten:
            expected.pop("tiers", None)  # they rest on all that a member ever bought
        compare_answer(answer.json(), expected)

    def _compare_counts(self, name: str) -> None:
        """Compare how many orders a member has and what they came to, and when points expire."""
        naive = copy.deepcopy(self.naive)
        purse, path = naive.look(name), f"/members/{self.ids[name]}"
        profile = self.http.get(f"/members/{self.ids[purse.name]}").json()
        counts = profile["orders"], profile["spend"]
        assert counts == naive.count_orders(purse) or naive.forgotten, (name, profile)
        found = self.http.get(f"{path}/expirations?limit=200").json()["items"]
        rows = {(at["expires_at"], row["wallet"]): row["points"] for at in found for row in at["wallets"]}
        foretold: dict[tuple[str, str], int] = {}
        for wallet, _, _, dies, left in lots_of(purse, naive.now):
            if dies is not None:
                key = show_instant(dies), wallet
                foretold[key] = foretold.get(key, 0) + left
        assert rows == foretold, (name, rows, foretold)

    def _compare_referral(self, name: str) -> None:
        """Compare where a referral is, what both sides got, and what the advocate has."""
        naive = copy.deepcopy(self.naive)
        referral = naive.referrals[name]
        naive.look(name)
        shown = self.ids.get(f"referral of {name}")
        if shown is not None:
            found = self.http.get(f"/referrals/{shown}").json()
            rewards = [row["points"] for row in found["rewards"]]
            foretold = naive.state_of(referral), naive.rewards_of(name)
            assert (found["state"], rewards) == foretold, (name, found, foretold)
        self._compare(referral.advocate.name)
        self._compare_tiers(referral.advocate.name)

    def _compare_tiers(self, name: str) -> None:
        """Compare where a member is in each tier set, and how much there is of what counts."""
        if self.naive.forgotten:
            return
        naive = copy.deepcopy(self.naive)
        places = naive.places(naive.look(name))
        found = {
            row["set"]: read_place(row) for row in self.http.get(f"/members/{self.ids[name]}/tiers").json()["tiers"]
        }
        assert found == places, (name, found, places)

    def _compare(self, name: str | None) -> None:
        """Compare what a member has: balances, lots, and when they expire."""
        if name is None:
            return
        purse = copy.deepcopy(self.naive).look(name)
        path = f"/members/{self.ids[name]}"
        balances = read_balances(self.http.get(f"{path}/balances").json()["balances"])
        assert balances == purse.balances(), (name, balances, purse.balances())
        lots = self.http.get(f"{path}/lots?limit=200").json()["items"]
        found, foretold = sorted(map(read_lot, lots)), sorted(map(show_lot, lots_of(purse, self.naive.now)))
        assert found == foretold, (name, found, foretold)

    def _post(self, path: str, body: Json, key: str) -> httpx.Response:
        answer = self.http.post(path, json=body, headers={"idempotency-key": key})
        assert answer.status_code < 500, answer.text
        self.sent.append((path, body, key, answer))
        return answer

    def _tick(self) -> None:
        self.stage.clock.step(seconds=1)
        self.naive.now = self.stage.clock()

    def _fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{self.count}"

    def _some(self, name: str, wallet: str, share: int) -> int:
        purse = copy.deepcopy(self.naive).look(name)
        return max(purse.available(wallet) * share // 100, 1)

    def _buyer(self, order: str) -> str | None:
        buyer = self.naive.orders[order].buyer
        return None if buyer is None else buyer.name

    @staticmethod
    def _pick(found: Mapping[str, object], pick: int) -> str:
        return list(found)[-1 - pick % len(found)]
