"""Orders as kept, parked receipts, redemptions and the ledger check over HTTP."""

import pytest

from tests.harness.api import Api, code_of, pointers_of, receipt
from tests.harness.programs import MakeProgram, document


async def test_an_order_is_read_as_reported(client: Api) -> None:
    member = await client.new_member(500)
    placed = (
        await client.post_order(
            member,
            order_id="W-7",
            channel="web",
            location="berlin",
            shipping=490,
            lines=[
                {"id": "a", "amount": 1500, "quantity": "1.25", "unit": "kg", "category": "coffee", "tax": 98},
                {"amount": 499, "attributes": {"own_cup": True}},
            ],
            tenders=[{"kind": "card", "amount": 2389}],
            attributes={"gift_wrap": True},
            pay_with_points={"wallet": "points", "points": 100},
        )
    ).json()
    assert (await client.get(f"/orders/{placed['id']}")).json() == {
        "id": placed["id"],
        "operation_id": placed["operation_id"],
        "reference": {"order_id": "W-7"},
        "status": "credited",
        "member_id": member,
        "claim": None,
        "parked_for": None,
        "placed_at": "2026-01-15T09:00:00Z",
        "currency": "EUR",
        "goods_total": 1999,
        "shipping": 490,
        "total": 2489,
        "off": 0,
        "paid_with_points": 100,
        "channel": "web",
        "location": "berlin",
        "lines": [
            {
                "id": "a",
                "amount": 1500,
                "off": 0,
                "quantity": "1.25",
                "tax": 98,
                "sku": None,
                "category": "coffee",
                "brand": None,
                "unit": "kg",
                "attributes": {},
                "returned": None,
            },
            {
                "id": "2",
                "amount": 499,
                "off": 0,
                "quantity": "1",
                "tax": 0,
                "sku": None,
                "category": None,
                "brand": None,
                "unit": None,
                "attributes": {"own_cup": True},
                "returned": None,
            },
        ],
        "tenders": [{"kind": "card", "amount": 2389}],
        "attributes": {"gift_wrap": True},
        "is_edited": False,
        "returned": {"amount": 0, "shipping": 0, "refunded": 0, "points_restored": 0},
        "promotions": [],
        "points": [{"rule": "base", "earned": 19, "kept": 19}, {"rule": "web", "earned": 38, "kept": 38}],
    }


async def test_a_parked_receipt_waits_until_it_is_claimed(client: Api, new_program: MakeProgram) -> None:
    parking = client.acting_as((await new_program(document(unknown_card="park"))).admin)
    parked = [(await parking.post_order("card:77", 500, receipt=receipt())).json()["id"] for _ in range(2)]
    await parking.post_order("card:78", 500, receipt=receipt())
    first = (await parking.get("/orders?parked_for=card:77&limit=1")).json()
    assert [(order["id"], order["status"], order["parked_for"]) for order in first["items"]] == [
        (parked[1], "parked", "card:77")
    ]
    member = (await parking.enrol("card:77")).json()["id"]
    claimed = await parking.claim(parked[1], member)
    left = (await parking.get("/orders?parked_for=card:77")).json()
    assert ([order["id"] for order in left["items"]], left["next_cursor"]) == ([parked[0]], None)
    order = (await parking.get(f"/orders/{parked[1]}")).json()
    assert order["claim"] == {"member_id": member, "operation_id": claimed.json()["operation_id"]}
    assert (order["status"], order["member_id"]) == ("claimed", None)


@pytest.mark.parametrize("query", ["", "?parked_for=77", "?parked_for=card:%00"])
async def test_parked_orders_are_read_by_card_only(client: Api, query: str) -> None:
    answer = await client.get(f"/orders{query}")
    assert (code_of(answer), pointers_of(answer)) == ("validation_failed", ["parked_for"])


async def test_a_redemption_shows_its_lots_and_its_end(client: Api) -> None:
    member = await client.new_member(30)
    await client.adjust(member, 50)
    done = (await client.redeem(member, 40)).json()
    read = (await client.get(f"/redemptions/{done['id']}")).json()
    assert (read["status"], read["cancelled_by"], read["points"], read["amount"]) == ("active", None, 40, 40)
    lots = (await client.get(f"/members/{member}/lots?all=true")).json()["items"]
    assert read["lots"] == [{"lot_id": lots[1]["id"], "points": 30}, {"lot_id": lots[0]["id"], "points": 10}]
    cancelled = (await client.cancel_redemption(done["id"])).json()
    read = (await client.get(f"/redemptions/{done['id']}")).json()
    assert (read["status"], read["cancelled_by"]) == ("cancelled", cancelled["operation_id"])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/orders/ord_00000000000000000000000000", "order_not_found"),
        ("/orders/x", "not_found"),
        ("/redemptions/red_00000000000000000000000000", "redemption_not_found"),
        ("/redemptions/op_00000000000000000000000000", "not_found"),
        ("/operations/op_00000000000000000000000000", "not_found"),
        ("/operations/op_0/explanation", "not_found"),
    ],
)
async def test_what_is_missing_is_a_404(client: Api, path: str, code: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, code_of(answer)) == (404, code)


async def test_foreign_objects_look_missing(client: Api, new_program: MakeProgram) -> None:
    member = await client.new_member(100)
    order = (await client.post_order(member)).json()
    redemption = (await client.redeem(member, 10)).json()
    other = client.acting_as((await new_program()).admin)
    for path in (
        f"/orders/{order['id']}",
        f"/redemptions/{redemption['id']}",
        f"/operations/{order['operation_id']}",
        f"/operations/{order['operation_id']}/explanation",
    ):
        assert (await client.get(path)).status_code == 200
        assert (await other.get(path)).status_code == 404
    assert (await other.get("/operations")).json()["items"] == []


async def test_the_ledger_check_passes_and_counts(client: Api) -> None:
    await client.new_member(120)
    report = (await client.get("/ledger/check")).json()
    assert (report["is_sound"], report["members"], report["operations"], report["postings"]) == (True, 1, 2, 1)
    assert report["outstanding"] == [{"wallet": "points", "points": 120, "debt": 0}]
    assert {check["offences"] for check in report["checks"]} == {0}
