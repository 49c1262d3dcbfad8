"""The state machine: everything that can be done with points, in any order."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.drawing import (
    ages,
    cart_codes,
    goods_lines,
    lifetimes,
    line_ids,
    names,
    order_codes,
    payments,
    picks,
    shares,
    shippings,
    some_goods,
    wallets,
)
from tests.model.paying import LifeOfPlans
from tests.model.player import Json, Stage
from tests.model.purchases import Back, Line
from tests.model.showing import read_lot, show_codes, show_goods, show_line, show_lot, show_pieces, show_row


class LifeOfPoints(LifeOfPlans):
    """Members buy, return, spend and hold; the back office corrects; time passes; callers repeat themselves."""

    @rule(name=names | st.none(), lines=goods_lines, shipping=shippings, age=ages, pay=payments)
    def buy(self, name: str | None, lines: list[Line], shipping: int, age: int, pay: int | str | None) -> None:
        self._place(self._fresh("o"), name, lines, shipping=shipping, age=age, pay=pay)

    @rule(name=names | st.none(), lines=goods_lines, pay=payments, codes=order_codes, is_strict=st.booleans())
    def buy_with_codes(
        self, name: str | None, lines: list[Line], pay: int | str | None, codes: tuple[str, ...], *, is_strict: bool
    ) -> None:
        self._place(self._fresh("o"), name, lines, pay=pay, codes=codes, is_strict=is_strict)

    @rule(name=names, lines=goods_lines, shipping=shippings, pay=payments, codes=order_codes)
    def evaluate(
        self, name: str, lines: list[Line], shipping: int, pay: int | str | None, codes: tuple[str, ...]
    ) -> None:
        """Look at what an order would do: the same, and nothing of it happens. Codes never refuse it."""
        body = self._order(self._fresh("o"), name, lines, shipping=shipping, pay=pay)
        body |= show_codes(codes, is_strict=True)
        self._look(
            "/evaluations",
            body,
            lambda naive: naive.place("a look", name, lines, shipping=shipping, pay=pay, codes=codes),
        )

    @precondition(lambda self: self.naive.orders)
    @rule(pick=picks, goods=some_goods(), has_number=st.booleans())
    def give_back(self, pick: int, goods: Back, *, has_number: bool) -> None:
        self._tick()
        order = self._pick(self.naive.orders, pick)
        body = show_goods(goods)
        number = self._fresh("r")
        if has_number:
            body["return_id"] = number
        path = f"/orders/{self.naive.orders[order].id}/returns"
        buyer = self._buyer(order)
        done = self._do(path, body, lambda naive: naive.give_back(order, goods), buyer)
        if done is not None and has_number:
            again = self._post(path, body, self._fresh("k"))
            assert again.json() == done, "the same return under a new key is the same return"

    @precondition(lambda self: self.naive.orders)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        self._tick()
        order = self._pick(self.naive.orders, pick)
        path = f"/orders/{self.naive.orders[order].id}/cancel"
        self._do(path, {"reason": "not_paid"}, lambda naive: naive.cancel(order), self._buyer(order))

    @rule(name=names, wallet=wallets, share=shares)
    def redeem(self, name: str, wallet: str, share: int) -> None:
        self._tick()
        points, ident = self._some(name, wallet, share), self._fresh("red")
        body = {"member": self.ids[name], "wallet": wallet, "points": points}
        answer = self._do("/redemptions", body, lambda naive: naive.redeem(ident, name, wallet, points), name)
        if answer is not None:
            self.ids[ident] = answer["id"]

    @precondition(lambda self: self.naive.spent)
    @rule(pick=picks)
    def take_back_redemption(self, pick: int) -> None:
        self._tick()
        ident = self._pick(self.naive.spent, pick)
        path = f"/redemptions/{self.ids[ident]}/cancel"
        name = self.naive.spent[ident].purse.name
        self._do(path, {"reason": "changed_mind"}, lambda naive: naive.take_back_redemption(ident), name)

    @rule(name=names, lines=goods_lines, goods=some_goods(), pick=picks, is_early=st.booleans(), codes=order_codes)
    def exchange(
        self, name: str, lines: list[Line], goods: Back, pick: int, codes: tuple[str, ...], *, is_early: bool
    ) -> None:
        """Goods of an earlier order come back, or of one that has not arrived yet, on the receipt that sells others."""
        known = self._pick(self.naive.orders, pick) if self.naive.orders and not is_early else None
        self._place(self._fresh("o"), name, lines, exchanges=[(known or self._fresh("o"), goods)], codes=codes)

    @rule(goods=some_goods())
    def give_back_early(self, goods: Back) -> None:
        """A return comes before its order."""
        self._tick()
        number = self._fresh("o")
        body = {"order": {"order_id": number}, **show_goods(goods)}
        self._do("/returns", body, lambda naive: naive.give_back(number, goods), None)

    @precondition(lambda self: self.naive.waiting)
    @rule(pick=picks, name=names | st.none(), lines=goods_lines, shipping=shippings)
    def arrive(self, pick: int, name: str | None, lines: list[Line], shipping: int) -> None:
        """An order arrives for which a return has waited."""
        self._place(self._pick(self.naive.waiting, pick), name, lines, shipping=shipping)

    @precondition(lambda self: self.naive.orders)
    @rule(pick=picks, lines=st.none() | st.dictionaries(line_ids, st.sampled_from([-1, 1, 2]), min_size=1, max_size=2))
    def activate(self, pick: int, lines: dict[str, int] | None) -> None:
        self._tick()
        order = self._pick(self.naive.orders, pick)
        body = {} if lines is None else {"lines": show_pieces(lines)}
        path = f"/orders/{self.naive.orders[order].id}/activations"
        self._do(path, body, lambda naive: naive.activate(order, lines), self._buyer(order))

    @precondition(lambda self: self.naive.orders)
    @rule(pick=picks, lines=goods_lines, shipping=shippings)
    def edit(self, pick: int, lines: list[Line], shipping: int) -> None:
        self._tick()
        order = self._pick(self.naive.orders, pick)
        body = {"lines": [show_line(line) for line in lines], "shipping": shipping, "reason": "changed"}
        path = f"/orders/{self.naive.orders[order].id}/edits"
        self._do(path, body, lambda naive: naive.edit(order, lines, shipping), self._buyer(order))

    @rule(name=names, wallet=wallets, share=shares, hours=st.sampled_from([1, 30, 200]))
    def hold(self, name: str, wallet: str, share: int, hours: int) -> None:
        self._tick()
        points, ident = self._some(name, wallet, share), self._fresh("hold")
        body = {"member": self.ids[name], "wallet": wallet, "points": points, "hold": True, "ttl_seconds": hours * 3600}
        answer = self._do(
            "/redemptions", body, lambda naive: naive.hold(ident, name, wallet, points, hours * 3600), name
        )
        if answer is not None:
            self.ids[ident] = answer["id"]

    @precondition(lambda self: self.naive.holds)
    @rule(pick=picks, share=shares | st.none())
    def capture(self, pick: int, share: int | None) -> None:
        self._tick()
        ident = self._pick(self.naive.holds, pick)
        purse, held = self.naive.holds[ident]
        points = None if share is None else max(held.points * share // 100, 1)
        body = {} if points is None else {"points": points}
        path = f"/redemptions/{self.ids[ident]}/capture"
        self._do(path, body, lambda naive: naive.end_hold(ident, points), purse.name)

    @precondition(lambda self: self.naive.holds)
    @rule(pick=picks)
    def void(self, pick: int) -> None:
        self._tick()
        ident = self._pick(self.naive.holds, pick)
        path = f"/redemptions/{self.ids[ident]}/void"
        name = self.naive.holds[ident][0].name
        self._do(path, {"reason": "abandoned"}, lambda naive: naive.end_hold(ident, 0), name)

    @rule(name=names, lines=goods_lines, shipping=shippings, pay=payments, seconds=lifetimes)
    def reserve(self, name: str, lines: list[Line], shipping: int, pay: int | str | None, seconds: int) -> None:
        self._reserve(name, lines, shipping=shipping, pay=pay, seconds=seconds)

    @rule(name=names, lines=goods_lines, seconds=lifetimes, codes=cart_codes, is_strict=st.booleans())
    def reserve_with_codes(
        self, name: str, lines: list[Line], seconds: int, codes: tuple[str, ...], *, is_strict: bool
    ) -> None:
        self._reserve(name, lines, seconds=seconds, codes=codes, is_strict=is_strict)

    @precondition(lambda self: self.naive.carts)
    @rule(pick=picks, name=names | st.none(), lines=goods_lines, pay=payments, seconds=lifetimes, codes=cart_codes)
    def replace(
        self,
        pick: int,
        name: str | None,
        lines: list[Line],
        pay: int | str | None,
        seconds: int,
        codes: tuple[str, ...],
    ) -> None:
        """Reserve a cart anew, for who reserved it (None) or, now and then, for somebody else."""
        ident = self._pick(self.naive.carts, pick)
        buyer = name or self.naive.carts[ident].purse.name
        self._reserve(buyer, lines, pay=pay, seconds=seconds, replaces=ident, codes=codes)

    @precondition(lambda self: self.naive.carts)
    @rule(pick=picks, waits=st.booleans())
    def confirm(self, pick: int, *, waits: bool) -> None:
        """A cart becomes an order, now and then one for which a return has waited."""
        self._tick()
        ident = self._pick(self.naive.carts, pick)
        number = self._pick(self.naive.waiting, pick) if waits and self.naive.waiting else self._fresh("o")
        path, name = f"/reservations/{self.ids[ident]}/confirm", self.naive.carts[ident].purse.name
        answer = self._do(path, {"order_id": number}, lambda naive: naive.confirm(ident, number), name)
        if answer is not None:
            self.naive.orders[number].id = answer["id"]
            again = self._post(path, {"order_id": number}, self._fresh("k"))
            assert again.json() == answer, "the same confirmation under a new key is the same order"

    @precondition(lambda self: self.naive.carts)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        self._tick()
        ident = self._pick(self.naive.carts, pick)
        path, name = f"/reservations/{self.ids[ident]}/release", self.naive.carts[ident].purse.name
        self._do(path, {"reason": "abandoned"}, lambda naive: naive.release(ident), name)

    @rule(name=names, to=names, wallet=wallets, share=shares)
    def transfer(self, name: str, to: str, wallet: str, share: int) -> None:
        self._tick()
        points, ident = self._some(name, wallet, share), self._fresh("tr")
        body = {"member": self.ids[name], "recipient": self.ids[to], "wallet": wallet, "points": points}
        answer = self._do(
            "/transfers",
            {**body, "reason": "gift"},
            lambda naive: naive.transfer(ident, name, to, wallet, points),
            name,
        )
        if answer is not None:
            self.ids[ident] = answer["operation_id"]
            self._compare(to)

    @rule(name=names, absorbed=names)
    def merge(self, name: str, absorbed: str) -> None:
        self._tick()
        ident = self._fresh("merge")
        body = {"absorbed": self.ids[absorbed], "reason": "duplicate"}
        path = f"/members/{self.ids[name]}/merge"
        answer = self._do(path, body, lambda naive: naive.merge(ident, name, absorbed), name)
        if answer is not None:
            self.ids[ident] = answer["operation_id"]
            self._compare_plans(name)

    @precondition(lambda self: self.naive.acts)
    @rule(pick=picks)
    def reverse(self, pick: int) -> None:
        self._tick()
        ident = self._pick(self.naive.acts, pick)
        act = self.naive.acts[ident]
        if act.kind == "merge" and self.naive.referrals:
            return  # what becomes of friends then is not told
        path = f"/operations/{self.ids[ident]}/reverse"
        done = self._do(path, {"reason": "mistake"}, lambda naive: naive.reverse(ident), act.purse.name)
        if act.other is not None:
            self._compare(act.other.name)
            if act.kind == "merge" and done is not None:
                self.naive.forget(act.other.name)

    @rule(name=names, is_blocked=st.sampled_from([True, False, False]))
    def set_blocked(self, name: str, *, is_blocked: bool) -> None:
        self._tick()
        path = f"/members/{self.ids[name]}/{'block' if is_blocked else 'unblock'}"
        self._do(path, {"reason": "fraud"}, lambda naive: naive.set_blocked(name, is_blocked=is_blocked), name)

    @rule(name=names, pick=picks, rank=st.sampled_from([0, 1, 2, 3]), days=st.sampled_from([-1, 2, 30, 60, None]))
    def grant_tier(self, name: str, pick: int, rank: int, days: int | None) -> None:
        """Put somebody into a tier by hand, for so many days (None: for good)."""
        self._tick()
        ladders = self.naive.rules.ladders
        ladder = ladders[pick % len(ladders)]
        tier = ladder.keys[min(rank, len(ladder.keys)) - 1] if rank else None
        until = None if days is None else self.naive.now + timedelta(days=days)
        body = {"tier": tier, "until": until and until.isoformat(), "reason": "goodwill"}
        path = f"/members/{self.ids[name]}/tiers/{ladder.key}/grants"
        self._do(path, body, lambda naive: naive.grant(name, ladder.key, tier, until), name)

    @rule(name=names, pick=picks)
    def end_grant(self, name: str, pick: int) -> None:
        self._tick()
        ladders = self.naive.rules.ladders
        key = ladders[pick % len(ladders)].key
        path = f"/members/{self.ids[name]}/tiers/{key}/grants/end"
        self._do(path, {"reason": "mistake"}, lambda naive: naive.end_grant(name, key), name)

    @rule(name=names, pick=picks, days=st.sampled_from([-1, 2, 30, None, "none"]), activates=st.booleans())
    def change_lot(self, name: str, pick: int, days: int | str | None, *, activates: bool) -> None:
        """Let points last for so many days (None: for ever, "none": as before), or be spent now."""
        self._tick()
        rows = self.http.get(f"/members/{self.ids[name]}/lots?limit=200").json()["items"]
        if not rows or (days == "none" and not activates):
            return
        row = rows[pick % len(rows)]
        purse = copy.deepcopy(self.naive).look(name)
        alike = [
            n
            for n, lot in enumerate(purse.lots)
            if lot.left and show_lot(show_row(purse, lot, self.naive.now)) == read_lot(row)
        ]
        if len(alike) != 1:
            return
        expires = "" if isinstance(days, str) else None if days is None else self.naive.now + timedelta(days=days)
        body: Json = {"reason": "goodwill"}
        if activates:
            body["activate"] = True
        if not isinstance(expires, str):
            body["expires_at"] = expires and expires.isoformat()
        path = f"/lots/{row['id']}/changes"
        self._do(path, body, lambda naive: naive.change_lot(name, alike[0], expires=expires, activates=activates), name)

    @rule(name=names, wallet=wallets, points=st.sampled_from([3, 10, 60, 200, -5, -40, -300]), owes=st.booleans())
    def adjust(self, name: str, wallet: str, points: int, *, owes: bool) -> None:
        self._tick()
        ident = self._fresh("adj")
        body = {"member": self.ids[name], "wallet": wallet, "points": points, "reason": "goodwill"}
        body["if_short"] = "debt" if owes else "refuse"
        answer = self._do(
            "/adjustments", body, lambda naive: naive.adjust(ident, name, wallet, points, owes=owes), name
        )
        if answer is not None:
            self.ids[ident] = answer["operation_id"]

    @rule(length=st.sampled_from([(0, 1), (0, 1), (1, 0), (2, 0), (5, 0), (14, 0), (45, 0), (0, -1), (-2, 0)]))
    def wait(self, length: tuple[int, int]) -> None:
        days, hours = length
        if self.naive.referrals and (days, hours) < (0, 0):
            return
        self.wait_until(self.stage.clock() + timedelta(days=days, hours=hours))

    @precondition(lambda self: self.sent)
    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        path, body, key, first = self.sent[-1 - pick % len(self.sent)]
        again = self.http.post(path, json=body, headers={"idempotency-key": key})
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers.get("idempotent-replayed") == "true"


@contextmanager
def playing(stage: Stage) -> Iterator[type[LifeOfPoints]]:
    """Give the machine that plays on a stage."""
    yield type("LifeOfPointsOnStage", (LifeOfPoints,), {"stage": stage})
