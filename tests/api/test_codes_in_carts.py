"""Promo codes in carts over HTTP: what they open, what is told of those that are of no use, and how often they can be used."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, code_of, fresh, now, order_body, pointers_of, receipt
from tests.harness.ledger import TABLES, Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

PROMOTIONS: list[Json] = [
    {"key": "ten", "opened_by": "code", "effect": {"kind": "percent_off", "percent": "10%"}},
    {
        "key": "big",
        "opened_by": "code",
        "when": {"fact": "order.total", "at_least": 3000},
        "effect": {"kind": "amount_off", "amount": 500},
    },
]
ONCE: list[Json] = [{"per": "code", "times": 1}]


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    rules = {**document(), "promotions": PROMOTIONS}
    rules["policies"] = {"orders": {"max_age_days": 2}}
    return await new_program(rules)


async def add_code(api: Api, code: str, promotion: str = "ten", **terms: object) -> None:
    body = {"pool": fresh("p").replace("-", "_"), "kind": "shared", "code": code, **terms}
    answer = await api.send("POST", f"/promotions/{promotion}/codes", body=body)
    assert answer.status_code == 201, answer.text


async def buy(api: Api, *codes: str, by: str | None = None, **fields: Any) -> httpx.Response:  # noqa: ANN401 - any field of an order
    return await api.post_order(by, **{"placed_at": now(), "codes": list(codes), **fields})


async def look(api: Api, *codes: str, by: str | None = None, **fields: Any) -> httpx.Response:  # noqa: ANN401 - any field of a cart
    return await api.evaluate(by, **{"placed_at": None, "codes": list(codes), **fields})


def reasons(answer: httpx.Response) -> dict[str, str]:
    body = answer.json()
    told = body if answer.is_success else body["details"]
    return {code["code"]: code["reason"] for code in told["codes"]}


async def tables_with(ledger: Ledger, text: str) -> list[str]:
    """Return the tables in which a text stands anywhere, in any case."""
    where = 'lower("{0}"::text) LIKE $2'
    tables = [*TABLES, "order_review", "code_pool", "promo_code"]
    return [table for table in tables if await ledger.count(table, where.format(table), f"%{text}%")]


@pytest.fixture
async def shop(client: Api, program: Program) -> Api:
    """A shop that may not learn which codes exist."""
    return client.acting_as(await program.add_token(scopes=["orders:write", "evaluations:read"]))


async def test_a_code_is_looked_at_and_used_once(client: Api, ledger: Ledger) -> None:
    await add_code(client, "Summer-26", limits=ONCE)

    looked = await look(client, " summer 26 ")
    bought = await buy(client, "SUMMER26")
    again = await buy(client, "summer.26")
    looked_again = await look(client, "summer-26")

    used = {"promotion": "ten", "used": True, "reason": "used"}
    assert [(answer.status_code, answer.json()["total"]) for answer in (looked, bought)] == [(200, 900), (201, 900)]
    assert looked.json()["codes"] == [{"code": " summer 26 ", **used}]
    assert bought.json()["codes"] == [{"code": "SUMMER26", **used}]
    limit = {"per": "code", "times": 1, "period": "lifetime"}
    used_up = {"promotion": "ten", "used": False, "reason": "used_up", "limit": limit}
    assert (again.status_code, code_of(again), pointers_of(again)) == (409, "promo_code_refused", ["/codes/0"])
    assert again.json()["details"] == {"codes": [{"code": "summer.26", **used_up}]}
    assert (looked_again.status_code, looked_again.json()["total"]) == (200, 1000)
    assert looked_again.json()["codes"] == [{"code": "summer-26", **used_up}]
    assert await ledger.faults() == []


async def test_an_order_says_which_code_it_used_and_why_not_others(client: Api) -> None:
    await add_code(client, "TEN0")
    await add_code(client, "BIG0", "big")
    bought = (await buy(client, "BIG0", "TEN0", unusable_codes="skip")).json()

    order = (await client.get(f"/orders/{bought['id']}")).json()
    explained = (await client.get(f"/operations/{bought['operation_id']}/explanation")).json()

    assert order["promotions"] == [{"promotion": "ten", "amount": 100, "shipping": 0, "code": "TEN0"}]
    assert [code["reason"] for code in explained["codes"]] == ["promotion_failed", "used"]
    assert explained["text"][-2:] == [
        "BIG0: not used, big was not applied, needs order.total at least 3000, was 1000 (2000 missing)",
        "TEN0: used for ten",
    ]


async def test_an_order_may_go_on_without_codes_that_give_nothing(client: Api) -> None:
    await add_code(client, "TEN0")
    await add_code(client, "BIG0", "big")

    bought = await buy(client, "BIG0", "TEN0", "NONE0", unusable_codes="skip")
    refused = await buy(client, "BIG0", "TEN0", "NONE0")

    assert (bought.status_code, bought.json()["total"]) == (201, 900)
    assert reasons(bought) == {"BIG0": "promotion_failed", "TEN0": "used", "NONE0": "unknown"}
    miss = bought.json()["codes"][0]["why"]["miss"]
    assert (miss["needed"], miss["actual"], miss["missing"]) == (3000, 1000, 2000)
    assert (refused.status_code, pointers_of(refused)) == (409, ["/codes/0"])
    assert reasons(refused) == {"BIG0": "promotion_failed", "NONE0": "unknown"}


async def test_a_shop_without_the_scope_cannot_tell_which_codes_exist(client: Api, shop: Api) -> None:
    await add_code(client, "USED0", limits=ONCE)
    await add_code(client, "PAST0", ends_at="2026-01-01T00:00:00Z")
    assert (await buy(client, "USED0")).status_code == 201

    answers = [await act(shop, "USED0", "PAST0", "NONE0") for act in (look, buy)]

    nothing = [
        {"code": code, "promotion": None, "used": False, "reason": "unknown"} for code in ("USED0", "PAST0", "NONE0")
    ]
    assert answers[0].json()["codes"] == answers[1].json()["details"]["codes"] == nothing
    assert reasons(await look(client, "USED0", "PAST0")) == {"USED0": "used_up", "PAST0": "expired"}


async def test_a_shop_does_not_learn_of_codes_that_are_used_up_or_for_members(client: Api, shop: Api) -> None:
    await add_code(client, "USED0", limits=[{"per": "member", "times": 1}, *ONCE])
    await add_code(client, "MINE0", "big", limits=[{"per": "member", "times": 1}])
    assert (await buy(client, "USED0", by=await client.new_member())).status_code == 201

    seen, known = [(await look(one, "USED0", "MINE0")).json()["codes"] for one in (shop, client)]

    nothing = {"promotion": None, "used": False}
    assert seen == [
        {"code": "USED0", **nothing, "reason": "unknown"},
        {"code": "MINE0", **nothing, "reason": "member_required"},
    ]
    assert [(code["promotion"], code["reason"]) for code in known] == [("ten", "used_up"), ("big", "member_required")]


async def test_guests_are_counted_by_a_digest_of_who_they_are(client: Api, ledger: Ledger) -> None:
    await add_code(client, "HELLO", limits=[{"per": "guest", "times": 1}])

    nobody = await look(client, "HELLO")
    first = await buy(client, "HELLO", guest="email:Canary@Example.com")
    again = await buy(client, "HELLO", guest="email:canary@example.com ")
    other = await look(client, "HELLO", guest="email:other@example.com")
    member = await client.new_member()
    members = [await buy(client, "HELLO", by=member, guest="email:canary@example.com") for _ in range(2)]

    assert reasons(nobody) == {"HELLO": "guest_required"}
    assert (first.status_code, reasons(again), reasons(other)) == (201, {"HELLO": "guest_limit"}, {"HELLO": "used"})
    assert [answer.status_code for answer in members] == [201, 409]
    assert reasons(members[1]) == {"HELLO": "member_limit"}
    assert await tables_with(ledger, "canary") == []
    assert await ledger.faults() == []


async def test_a_review_keeps_no_guest(client: Api, ledger: Ledger) -> None:
    await add_code(client, "HELLO", limits=[{"per": "guest", "times": 1}])
    guest, late = "email:canary@example.com", (datetime.now(UTC) - timedelta(days=3)).isoformat()
    body = order_body(codes=["HELLO"], guest=guest, placed_at=late)

    waiting = await client.post("/orders", body)
    kept = (await client.get(f"/order-reviews/{waiting.json()['id']}")).json()["order"]
    assert (waiting.status_code, await tables_with(ledger, "canary")) == (202, [])
    assert ({**kept, "guest": guest}, len(kept["guest"])) == (body, 32)
    accepted = await client.post(f"/order-reviews/{waiting.json()['id']}/accept", {})

    assert (accepted.status_code, reasons(accepted)) == (201, {"HELLO": "used"})
    assert reasons(await look(client, "HELLO", guest=guest)) == {"HELLO": "guest_limit"}


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"codes": ["AAAA", "bbbb", " a-a aA"]}, ["/codes/2"]),
        ({"codes": ["OIL0", "0110"]}, ["/codes/1"]),
        ({"codes": [""] * 2}, ["/codes/1"]),
        ({"codes": [f"CODE{n}" for n in range(11)]}, ["/codes"]),
        ({"codes": [f"CODE{n}" for n in range(50)]}, ["/codes"]),
        ({"codes": ["A" * 129]}, ["/codes/0"]),
        ({"codes": [1234]}, ["/codes/0"]),
        ({"codes": "AAAA"}, ["/codes"]),
        ({"codes": ["AAAA\0"]}, ["/codes/0"]),
        ({"unusable_codes": "ignore"}, ["/unusable_codes"]),
        ({"guest": "somebody"}, ["/guest"]),
        ({"guest": "mem_01m8054496erxvcc6weqy7k3j5"}, ["/guest"]),
    ],
)
async def test_what_no_customer_could_have_typed_is_refused(quiet: Api, fields: Json, pointers: list[str]) -> None:
    answers = [
        await quiet.evaluate(**fields),
        await quiet.post_order(**fields),
        await quiet.post("/reservations", {"currency": "EUR", "lines": [{"amount": 1}], **fields}),
    ]
    for answer in answers:
        assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", pointers)


async def test_what_cannot_be_a_code_is_an_unknown_one(client: Api) -> None:
    typed = ["", "x", "Größe", "2 for 1!", "😀" * 128]
    answer = await look(client, *typed)
    assert (answer.status_code, reasons(answer)) == (200, dict.fromkeys(typed, "unknown"))


@pytest.mark.parametrize("all_or_nothing", [True, False])
async def test_a_batch_cannot_use_a_code_more_often(client: Api, ledger: Ledger, *, all_or_nothing: bool) -> None:
    await add_code(client, "MINE0", limits=[{"per": "member", "times": 1}])
    await add_code(client, "ALL00", limits=ONCE)
    anna, ben = await client.new_member(), await client.new_member()
    orders = [
        order_body(by, codes=[code], placed_at=now())
        for by, code in ((anna, "MINE0"), (anna, "mine 0"), (ben, "ALL00"), (anna, "ALL00"))
    ]

    batch = await client.send("POST", "/orders/batch", body={"orders": orders, "all_or_nothing": all_or_nothing})

    body = batch.json() if batch.is_success else batch.json()["details"]
    codes = [result["code"] for result in body["results"]]
    if all_or_nothing:
        assert codes == ["not_booked", "promo_code_refused", "not_booked", "promo_code_refused"]
        assert await ledger.count("order") == 0
    else:
        assert codes[:2] == [None, "promo_code_refused"]
        assert sorted(codes[2:], key=str) == [None, "promo_code_refused"]
    assert await ledger.faults() == []


async def test_what_is_undone_gives_the_use_back_once(client: Api, ledger: Ledger) -> None:
    await add_code(client, "MINE0", limits=[{"per": "member", "times": 1}, {"per": "code", "times": 2}])
    member = await client.new_member()
    lines = [{"id": "a", "amount": 600}, {"id": "b", "amount": 400}]
    cancelled = await buy(client, "MINE0", by=member)

    assert (await client.cancel_order(cancelled.json()["id"])).status_code == 200
    returned = await buy(client, "MINE0", by=member, lines=lines)
    assert (await client.take_back(returned.json()["id"], "a")).status_code == 201
    assert reasons(await look(client, "MINE0", by=member)) == {"MINE0": "member_limit"}
    assert (await client.take_back(returned.json()["id"], "b")).status_code == 201

    answers = [await buy(client, "MINE0", by=by) for by in (member, member, None, None)]
    assert [answer.status_code for answer in answers] == [201, 409, 409, 409]
    assert [reasons(answer)["MINE0"] for answer in answers[1:]] == [
        "member_limit",
        "member_required",
        "member_required",
    ]
    assert await ledger.faults() == []


async def test_an_edited_order_keeps_its_code(client: Api, ledger: Ledger) -> None:
    await add_code(client, "TEN0", limits=ONCE)
    member = await client.new_member()
    order = (await buy(client, "TEN0", by=member)).json()["id"]

    edit = {"lines": [{"amount": 2000}], "reason": "changed"}
    edited = await client.post(f"/orders/{order}/edits", edit)
    assert (edited.status_code, edited.json()["total"]) == (201, 1800)
    assert reasons(await buy(client, "TEN0")) == {"TEN0": "used_up"}
    assert (await client.cancel_order(order)).status_code == 200
    assert reasons(await buy(client, "TEN0")) == {"TEN0": "used"}
    assert await ledger.faults() == []


async def test_a_code_for_one_use_is_used_by_one_of_many(clients: Api, ledger: Ledger) -> None:
    await add_code(clients, "LAST0", limits=ONCE)

    answers = await asyncio.gather(*(buy(clients, "LAST0") for _ in range(40)))

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 39]
    assert {reasons(answer)["LAST0"] for answer in answers if answer.status_code == 409} == {"used_up"}
    assert await ledger.faults() == []


async def test_a_member_at_two_tills_uses_its_code_once(clients: Api, ledger: Ledger) -> None:
    await add_code(clients, "MINE0", limits=[{"per": "member", "times": 3, "period": "week"}])
    member = await clients.new_member()

    answers = await asyncio.gather(*(buy(clients, "MINE0", by=member, receipt=receipt()) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 17
    assert await ledger.faults() == []


async def test_a_repeated_order_uses_no_code_again(client: Api) -> None:
    await add_code(client, "LAST0", limits=ONCE)
    body = order_body(codes=["LAST0"], placed_at=now())

    answers = [await client.post("/orders", body, key=key) for key in ("k-1", "k-1", "k-2")]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.content for answer in answers}) == 1


async def test_who_guesses_too_much_has_to_wait(client: Api, shop: Api) -> None:
    await add_code(client, "TEN0")
    anna, ben = await client.new_member(), await client.new_member()
    for turn in range(3):
        answer = await look(shop, *[f"GUESS{turn}{n}" for n in range(10)], by=anna)
        assert answer.status_code == 200

    stopped = [await look(shop, "TEN0", by=anna), await buy(shop, "TEN0", by=anna)]
    batch = await shop.send("POST", "/orders/batch", body={"orders": [order_body(anna, codes=["TEN0"])]})
    going_on = [
        await look(shop, "TEN0", by=ben),
        await look(shop, by=anna),
        await buy(shop, by=anna),
        await look(client, "TEN0", by=anna),
    ]

    for answer in stopped:
        assert (answer.status_code, code_of(answer)) == (429, "too_many_guesses")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert answer.json()["retryable"] is True
    assert [(one["status"], one["code"]) for one in batch.json()["results"]] == [(429, "too_many_guesses")]
    assert [answer.status_code for answer in going_on] == [200, 200, 201, 200]


async def test_who_guesses_by_what_else_refuses_a_cart_has_to_wait(client: Api, shop: Api) -> None:
    await add_code(client, "TEN0")
    anna = await client.new_member(200_000)
    wish = {"wallet": "points", "points": 100_000}

    known = await look(shop, "TEN0", by=anna)
    answers = [
        await look(shop, *[f"GUESS{turn}{n}" for n in range(9)], "TEN0", by=anna, pay_with_points=wish)
        for turn in range(4)
    ]

    assert known.status_code == 200
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [
        *[(422, "points_above_share")] * 3,
        (429, "too_many_guesses"),
    ]


async def test_who_uses_good_codes_does_not_guess(client: Api, shop: Api) -> None:
    await add_code(client, "TEN0")
    anna = await client.new_member()
    answers = [await act(shop, "TEN0", by=anna) for _ in range(18) for act in (look, buy)]
    assert {answer.status_code for answer in answers} == {200, 201}
