"""Reservations over HTTP: what a cart holds while it is paid, and how that ends, once."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, code_of, fresh, pointers_of, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

PROMOTIONS: list[Json] = [
    {
        "key": "tea",
        "when": {"lines": {"category": ["tea"]}, "count": {"at_least": 1}},
        "effect": {"kind": "amount_off", "amount": 100},
        "limits": [{"per": "program", "times": 1}],
    },
    {
        "key": "coffee",
        "when": {"lines": {"category": ["coffee"]}, "count": {"at_least": 1}},
        "effect": {"kind": "percent_off", "percent": "10%"},
        "limits": [{"per": "member", "times": 1}],
    },
    {
        "key": "cake",
        "when": {"lines": {"category": ["cake"]}, "count": {"at_least": 1}},
        "effect": {"kind": "amount_off", "amount": 50},
        "limits": [{"per": "program", "times": 10}],
    },
]
"""A euro off tea once for everybody, a tenth off coffee once for each member, half a euro off cake ten times."""

TEA: Json = {"id": "t", "amount": 1000, "category": "tea"}
COFFEE: Json = {"id": "c", "amount": 1000, "category": "coffee"}
CAKE: Json = {"id": "k", "amount": 400, "category": "cake"}
MAX: Json = {"wallet": "points", "points": "max"}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(), "promotions": PROMOTIONS})


@pytest.fixture
async def sandbox(server: str, new_program: MakeProgram) -> Program:
    """The same shop with a clock that can be moved."""
    return await new_program({**document(), "promotions": PROMOTIONS}, is_sandbox=True)


async def reserve(api: Api, *lines: Json, by: str | None = None, **fields: Any) -> httpx.Response:  # noqa: ANN401 - fields of a cart
    cart = {"currency": "EUR", "lines": list(lines) or [{"amount": 1000}], "member": by, **fields}
    return await api.post("/reservations", {name: value for name, value in cart.items() if value is not None})


async def reserved(api: Api, *lines: Json, by: str | None = None, **fields: Any) -> Json:  # noqa: ANN401 - fields of a cart
    answer = await reserve(api, *lines, by=by, **fields)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def confirm(api: Api, held: Json, *, key: str | None = None, **number: Any) -> httpx.Response:  # noqa: ANN401 - an order's number
    return await api.post(f"/reservations/{held['id']}/confirm", number or {"order_id": fresh("o")}, key=key)


async def release(api: Api, held: Json, **body: str) -> httpx.Response:
    return await api.post(f"/reservations/{held['id']}/release", body)


async def read(api: Api, held: Json) -> Json:
    answer = await api.get(f"/reservations/{held['id']}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def off(answer: Json) -> dict[str, int]:
    return {one["promotion"]: one["amount"] for one in answer["discounts"]}


def points(answer: Json) -> tuple[int, int]:
    [balance] = answer["balances"]
    return balance["available"], balance["held"]


FIXED = ("list_total", "total", "lines", "discounts", "gifts", "paid_with_points", "due", "effects", "payable", "codes")


async def test_what_is_looked_at_is_reserved_confirmed_and_comes_back(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(500)
    looked = (await client.evaluate(member, lines=[TEA, COFFEE], pay_with_points=MAX, placed_at=None)).json()
    held = await reserved(client, TEA, COFFEE, by=member, pay_with_points=MAX)

    assert (held["status"], off(held), held["due"], points(held)) == (
        "reserved",
        {"tea": 100, "coffee": 190},
        1210,
        (0, 500),
    )
    assert {name: held[name] for name in FIXED} == {name: looked[name] for name in FIXED}
    open_one = await read(client, held)
    assert (open_one["state"], open_one["order_id"], open_one["until"]) == ("open", None, held["until"])

    answer = await confirm(client, held, order_id="W-1")
    order = answer.json()
    assert (answer.status_code, order["status"], order["reservation_id"]) == (201, "credited", held["id"]), answer.text
    assert {name: order[name] for name in FIXED} == {name: looked[name] for name in FIXED}
    assert (order["balances"], points(order)) == (looked["balances"], (12, 0))
    assert order["effective_at"] == held["effective_at"]
    ended = await read(client, held)
    assert (ended["state"], ended["order_id"], ended["ended_by"]) == ("confirmed", order["id"], order["operation_id"])
    [found] = (await client.get("/orders?order_id=W-1")).json()["items"]
    assert found["id"] == order["id"]

    told = [entry["summary"] for entry in (await client.get(f"/members/{member}/timeline")).json()["items"]]
    assert told[:2] == [
        "Order W-1, 17.10 EUR: 500 points spent, 12 points earned",
        "Cart reserved: 500 points set aside",
    ]

    back = (await client.take_back(order["id"], "t", "c")).json()
    assert (back["restored"]["points"], back["refund"], points(back)) == (500, 1210, (500, 0))
    assert off(await reserved(client, TEA, COFFEE, by=member)) == {"tea": 100, "coffee": 190}
    assert await ledger.faults() == []


async def test_what_is_released_is_free_for_others_and_ends_once(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(500)
    held = await reserved(client, TEA, COFFEE, by=member, pay_with_points=MAX)
    other = await reserved(client, TEA, COFFEE, by=member, pay_with_points=MAX)
    assert (off(other), other["paid_with_points"], points(other)) == ({}, None, (0, 500))
    assert code_of(await client.redeem(member, 10)) == "insufficient_points"

    released = (await release(client, held, reason="payment_failed")).json()
    assert (released["status"], released["reason"], points(released)) == ("released", "payment_failed", (500, 0))
    assert (await read(client, held))["state"] == "released"
    again = await reserved(client, TEA, COFFEE, by=member, pay_with_points=MAX)
    assert (off(again), again["paid_with_points"]["points"]) == ({"tea": 100, "coffee": 190}, 500)
    for late in (await confirm(client, held), await release(client, held)):
        assert (late.status_code, code_of(late), late.json()["details"]["how"]) == (
            409,
            "reservation_ended",
            "released",
        )
    assert await ledger.faults() == []


async def test_a_confirmed_reservation_ends_once_under_any_key(client: Api, ledger: Ledger) -> None:
    held = await reserved(client, TEA, by=await client.new_member())
    first = await confirm(client, held, key="a", order_id="W-1")
    replayed = await confirm(client, held, key="a", order_id="W-1")
    before = await ledger.fingerprint()
    again = await confirm(client, held, key="b", order_id="W-1")

    for answer in (replayed, again):
        assert (answer.status_code, answer.text) == (201, first.text)
        assert answer.headers["idempotent-replayed"] == "true"
    late = await confirm(client, held, order_id="W-2")
    assert (late.status_code, code_of(late)) == (409, "reservation_ended")
    assert late.json()["details"]["order_id"] == first.json()["id"]
    assert code_of(await release(client, held)) == "reservation_ended"
    other = await reserved(client)
    taken = await confirm(client, other, order_id="W-1")
    assert (taken.status_code, code_of(taken), pointers_of(taken)) == (409, "order_exists", ["/order_id"])
    assert code_of(await confirm(client, other, key="a", order_id="W-1")) == "idempotency_key_reused"
    assert (await release(client, other)).status_code == 200
    assert (await ledger.fingerprint()).keys() == before.keys()
    assert await ledger.faults() == []


@pytest.mark.parametrize("is_guest", [False, True])
async def test_what_ran_out_is_free_again_though_nothing_ran(client: Api, sandbox: Program, *, is_guest: bool) -> None:
    shop = client.acting_as(sandbox.admin)
    member = await shop.new_member(500)
    by: Json = {} if is_guest else {"by": member, "pay_with_points": MAX}
    held = await reserved(shop, TEA, COFFEE, **by, ttl_seconds=60)
    assert off(await reserved(shop, TEA)) == {}

    moved = await shop.post("/program/clock", {"to": held["until"]})
    assert moved.status_code == 200, moved.text
    assert (await read(shop, held))["state"] == "expired"
    for late in (await confirm(shop, held), await release(shop, held), await reserve(shop, TEA, replaces=held["id"])):
        assert (late.status_code, code_of(late)) == (409, "reservation_expired")
        assert late.json()["details"]["until"] == held["until"]
    again = await reserved(shop, TEA, COFFEE, by=member, pay_with_points=MAX)
    assert (off(again), points(again)) == ({"tea": 100, "coffee": 190}, (0, 500))
    async with Ledger.open(sandbox) as rows:
        assert await rows.faults() == []


async def test_a_replaced_reservation_keeps_the_last_use(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(500)
    held = await reserved(client, TEA, COFFEE, by=member, pay_with_points=MAX)
    more = await reserved(client, {**TEA, "amount": 3000}, COFFEE, by=member, pay_with_points=MAX, replaces=held["id"])

    assert (off(more), more["paid_with_points"]["points"], points(more)) == ({"tea": 100, "coffee": 390}, 500, (0, 500))
    gone = await read(client, held)
    assert (gone["state"], gone["order_id"]) == ("replaced", None)
    assert code_of(await confirm(client, held)) == "reservation_ended"
    foreign = await reserve(client, TEA, by=await client.new_member(), replaces=more["id"])
    assert (foreign.status_code, code_of(foreign), pointers_of(foreign)) == (
        404,
        "reservation_not_found",
        ["/replaces"],
    )
    assert code_of(await reserve(client, TEA, replaces=more["id"])) == "reservation_not_found"
    assert (await confirm(client, more)).json()["total"] == 3510
    assert await ledger.faults() == []


async def test_what_was_promised_holds_when_rules_change(client: Api, program: Program, ledger: Ledger) -> None:
    member = await client.new_member(500)
    held = await reserved(client, TEA, by=member, pay_with_points=MAX)
    changed = document()
    changed["earning_rules"] = [{"key": "much", "wallet": "points", "earn": {"kind": "fixed", "points": 999}}]
    await program.publish(changed)
    await client.block(member)
    order = (await confirm(client, held)).json()

    assert order["revision"] == held["revision"]
    assert {name: order[name] for name in FIXED} == {name: held[name] for name in FIXED}
    explained = (await client.get(f"/operations/{order['operation_id']}/explanation")).json()
    assert explained["text"][0] == "base: applied, gives 4 points"
    assert "tea: applied, takes 100 off" in explained["text"]
    assert await ledger.faults() == []


async def test_an_unknown_card_enrols_at_once_and_a_parked_order_waits_for_it(
    client: Api, new_program: MakeProgram
) -> None:
    held = await reserved(client, COFFEE, by="card:77")
    assert (await client.get("/members/card:77")).json()["id"] == held["member_id"]
    assert (await confirm(client, held)).json()["balances"][0]["available"] == 9
    parking = await new_program({**document(unknown_card="park"), "promotions": PROMOTIONS})
    shop = client.acting_as(parking.admin)
    order = (await confirm(shop, await reserved(shop, TEA, by="card:78"))).json()
    assert (order["status"], order["total"], order["member_id"]) == ("parked", 900, None)
    [found] = (await shop.get("/orders?parked_for=card:78")).json()["items"]
    assert found["id"] == order["id"]


async def test_a_return_that_came_first_follows_the_confirmation(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(500)
    early = {"order": {"order_id": "W-9"}, "lines": [{"id": "t"}]}
    assert (await client.post("/returns", early)).status_code == 201
    order = (await confirm(client, await reserved(client, TEA, by=member, pay_with_points=MAX), order_id="W-9")).json()

    assert [(part["restored"]["points"], part["refund"]) for part in order["returns"]] == [(500, 400)]
    assert points(order) == (500, 0)
    assert await ledger.faults() == []


async def test_the_hold_of_a_reservation_is_no_redemption(client: Api, ledger: Ledger) -> None:
    held = await reserved(client, TEA, by=await client.new_member(500), pay_with_points=MAX)
    hold = f"red_{held['id'].removeprefix('res_')}"

    for answer in (await client.capture(hold), await client.void(hold)):
        assert (answer.status_code, code_of(answer)) == (404, "hold_not_found")
    assert (await client.get(f"/redemptions/{hold}")).status_code == 404
    assert (await client.get(f"/members/{held['member_id']}/holds")).json()["items"] == []
    assert await ledger.faults() == []


async def test_a_till_reserves_and_confirms_for_its_own_place(client: Api, program: Program) -> None:
    till = client.acting_as(program.till)
    held = await reserved(till, TEA)
    elsewhere = client.acting_as(await program.add_token(location="store-2"))

    assert code_of(await reserve(till, TEA, location="store-2")) == "till_mismatch"
    for foreign in (await confirm(elsewhere, held), await release(elsewhere, held)):
        assert (foreign.status_code, code_of(foreign)) == (404, "reservation_not_found")
    assert (await elsewhere.get(f"/reservations/{held['id']}")).status_code == 404
    wrong = await confirm(client, held, receipt=receipt(location="store-2"))
    assert (wrong.status_code, code_of(wrong), pointers_of(wrong)) == (403, "till_mismatch", ["/receipt/location"])
    answer = await confirm(till, held, receipt=receipt())
    assert (answer.status_code, answer.json()["status"]) == (201, "guest"), answer.text


async def test_a_reservation_lasts_as_long_as_asked(client: Api) -> None:
    for seconds in (10, 900, 86_400):
        held = await reserved(client, ttl_seconds=seconds)
        lasts = datetime.fromisoformat(held["until"]) - datetime.fromisoformat(held["booked_at"])
        assert timedelta(seconds=seconds) <= lasts < timedelta(seconds=seconds + 10)
        assert datetime.fromisoformat(held["until"]).second % 10 == 0


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ttl_seconds": 9}, "/ttl_seconds"),
        ({"ttl_seconds": 86_401}, "/ttl_seconds"),
        ({"ttl_seconds": "60"}, "/ttl_seconds"),
        ({"replaces": "ord_01m8054496erxvcc6weqy7k3j5"}, "/replaces"),
        ({"order_id": "W-1"}, "/order_id"),
        ({"receipt": {}}, "/receipt"),
        ({"explain": "all"}, "/explain"),
        ({"codes": ["A"] * 50}, "/codes"),
        ({"codes": ["AB-12", "ab12"]}, "/codes/1"),
    ],
)
async def test_a_malformed_reservation_is_refused(quiet: Api, changes: Json, pointer: str) -> None:
    answer = await reserve(quiet, **changes)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])


@pytest.mark.parametrize("number", [{"order_id": "W-1", "receipt": receipt("1")}, {"order_id": ""}])
async def test_a_confirmation_has_one_number(client: Api, number: Json) -> None:
    held = await reserved(client)

    assert (await client.post(f"/reservations/{held['id']}/confirm", number)).status_code == 422
    assert (await client.post(f"/reservations/{held['id']}/confirm", {})).status_code == 422
    assert (await read(client, held))["state"] == "open"


async def test_what_is_no_reservation_is_not_found(quiet: Api) -> None:
    for nobody in ("res_01m8054496erxvcc6weqy7k3j5", "ord_01m8054496erxvcc6weqy7k3j5", "x"):
        path = f"/reservations/{nobody}"
        for answer in (
            await quiet.post(f"{path}/confirm", {"order_id": "W-1"}),
            await quiet.post(f"{path}/release", {}),
            await quiet.get(path),
        ):
            assert answer.status_code == 404, answer.text


async def test_fifty_carts_share_ten_uses_and_as_many_orders_come_of_them(clients: Api, ledger: Ledger) -> None:
    carts = await asyncio.gather(*[reserved(clients, CAKE) for _ in range(50)])
    assert Counter(bool(off(cart)) for cart in carts) == {True: 10, False: 40}

    lucky = [cart for cart in carts if off(cart)]
    released = await asyncio.gather(*[release(clients, cart) for cart in lucky[:4]])
    assert {answer.status_code for answer in released} == {200}
    more = await asyncio.gather(*[reserved(clients, CAKE) for _ in range(20)])
    assert Counter(bool(off(cart)) for cart in more) == {True: 4, False: 16}
    winners = [*lucky[4:], *[cart for cart in more if off(cart)]]
    orders = await asyncio.gather(*[confirm(clients, cart) for cart in winners])
    assert {answer.json()["total"] for answer in orders} == {350}
    assert off(await reserved(clients, CAKE)) == {}
    assert await ledger.faults() == []


@pytest.mark.parametrize("is_guest", [False, True])
async def test_of_many_who_end_a_reservation_one_does(clients: Api, ledger: Ledger, *, is_guest: bool) -> None:
    by: Json = {} if is_guest else {"by": await clients.new_member(300), "pay_with_points": MAX}
    for _ in range(6):
        held = await reserved(clients, TEA, COFFEE, **by)
        tries = await asyncio.gather(
            *[confirm(clients, held) for _ in range(4)],
            *[release(clients, held) for _ in range(4)],
            *[reserve(clients, TEA, COFFEE, **by, replaces=held["id"]) for _ in range(4)],
        )
        ended = Counter(answer.status_code for answer in tries)
        assert ended[200] + ended[201] == 1, ended
        assert {code_of(answer) for answer in tries if answer.status_code == 409} == {"reservation_ended"}
        state = (await read(clients, held))["state"]
        winner = next(answer.json() for answer in tries if answer.status_code < 300)
        if state == "replaced":
            assert (await release(clients, winner)).status_code == 200
        elif state == "confirmed":
            assert (await clients.cancel_order(winner["id"])).status_code == 200
    assert await ledger.faults() == []


async def test_a_confirmation_that_is_sent_many_times_at_once_is_one_order(clients: Api, ledger: Ledger) -> None:
    held = await reserved(clients, TEA, by=await clients.new_member(300), pay_with_points=MAX)
    answers = await asyncio.gather(*[confirm(clients, held, order_id="W-1") for _ in range(10)])

    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 9
    assert await ledger.count("order") == 1
    assert await ledger.faults() == []


async def test_two_carts_of_one_member_never_plan_the_same(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member(300)
    carts = await asyncio.gather(*[reserved(clients, COFFEE, by=member, pay_with_points=MAX) for _ in range(12)])

    assert sum(cart["paid_with_points"]["points"] for cart in carts if cart["paid_with_points"]) == 300
    assert sum("coffee" in off(cart) for cart in carts) == 1
    answers = await asyncio.gather(*[confirm(clients, cart) for cart in carts])
    assert {answer.status_code for answer in answers} == {201}
    [balance] = (await clients.get(f"/members/{member}/balances")).json()["balances"]
    assert balance["held"] == 0
    assert await ledger.faults() == []


async def test_a_look_sees_free_what_its_own_reservation_holds(client: Api) -> None:
    member = await client.new_member()
    held = await reserved(client, TEA, by=member)
    other = await client.evaluate(member, lines=[TEA, CAKE])
    own = await client.evaluate(member, lines=[TEA, CAKE], replaces=held["id"])
    assert (off(other.json()), off(own.json())) == ({"cake": 50}, {"tea": 100, "cake": 50})
    assert off(await reserved(client, TEA, CAKE, by=member, replaces=held["id"])) == {"tea": 100, "cake": 50}
    gone = await client.evaluate(member, lines=[TEA, CAKE], replaces=held["id"])
    assert (code_of(gone), pointers_of(gone)) == ("reservation_ended", ["/replaces"])


async def test_a_confirmed_order_shows_its_fields_as_a_placed_one_does(client: Api) -> None:
    member = await client.new_member()
    confirmed = (await confirm(client, await reserved(client, CAKE, by=member))).json()
    placed = (await client.post_order(member, lines=[CAKE])).json()
    assert [name for name in confirmed if name in FIXED] == [name for name in placed if name in FIXED]
    assert list(confirmed["discounts"][0]) == list(placed["discounts"][0])


async def test_parted_members_keep_only_what_is_still_reserved(client: Api, ledger: Ledger) -> None:
    kept, other = await client.new_member(), await client.new_member()
    first, second = await reserved(client, COFFEE, by=other), await reserved(client, COFFEE, by=kept)
    merged = (await client.merge(kept, other)).json()
    assert (await release(client, first)).status_code == 200
    parted = await client.reverse(merged["operation_id"])
    assert parted.status_code == 200, parted.text
    assert off((await client.post_order(other, lines=[COFFEE])).json()) == {"coffee": 100}
    assert off((await confirm(client, second)).json()) == {"coffee": 100}
    assert await ledger.faults() == []
