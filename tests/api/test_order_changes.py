"""Orders after they were accepted: edited before anything is shipped, confirmed so that points can be spent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.api import Api, available, code_of, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, document

Json = dict[str, Any]

LINES: list[Json] = [{"id": "1", "amount": 3000, "quantity": 3}, {"id": "2", "amount": 1000}]


@pytest.fixture
async def shop(client: Api, new_program: MakeProgram) -> Api:
    """The admin of a program whose points wait to be confirmed."""
    changed = document()
    changed["wallets"][0]["activation"] = {"kind": "confirmed"}
    return client.acting_as((await new_program(changed)).admin)


async def place(api: Api, member: str | None, **fields: Any) -> str:  # noqa: ANN401 - fields of an order
    answer = await api.post_order(member, **{"lines": LINES, **fields})
    assert answer.status_code == 201, answer.text
    order: str = answer.json()["id"]
    return order


async def edit(api: Api, order: str, lines: list[Json], **fields: object) -> Any:  # noqa: ANN401 - an answer
    return await api.post(f"/orders/{order}/edits", {"lines": lines, "reason": "customer_called", **fields})


async def activate(api: Api, order: str, *lines: Json) -> Any:  # noqa: ANN401 - an answer
    return await api.post(f"/orders/{order}/activations", {"lines": list(lines)} if lines else {})


async def test_an_edited_order_earns_as_if_placed_like_that(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(100)
    order = await place(client, member, pay_with_points={"wallet": "points", "points": 100})

    answer = await edit(
        client, order, [{"id": "1", "amount": 5000}], shipping=490, tenders=[{"kind": "card", "amount": 5390}]
    )

    edited = answer.json()
    assert (answer.status_code, edited["order_id"], edited["total"], edited["due"]) == (201, order, 5490, 5390), (
        answer.text
    )
    assert edited["paid_with_points"] == {"wallet": "points", "points": 100, "amount": 100}
    assert edited["effects"] == [{"type": "grant_points", "wallet": "points", "points": 49, "rule": "base"}]
    assert (edited["taken"], available(edited), edited["reason"]) == ([], 49, "customer_called")
    read = (await client.get(f"/orders/{order}")).json()
    assert (read["is_edited"], read["total"], read["shipping"], read["status"]) == (True, 5490, 490, "credited")
    assert [(line["id"], line["amount"]) for line in read["lines"]] == [("1", 5000)]
    assert (read["tenders"], read["points"]) == (
        [{"kind": "card", "amount": 5390}],
        [{"rule": "base", "earned": 49, "kept": 49}],
    )
    assert await ledger.faults() == []


async def test_an_edit_to_less_takes_points(client: Api, ledger: Ledger) -> None:
    order = await place(client, await client.new_member())

    edited = (await edit(client, order, [{"amount": 1500}])).json()

    assert edited["taken"] == [{"wallet": "points", "points": 25, "owed": 0, "forgiven": 0}]
    assert available(edited) == 15
    assert (await client.take_back(order, "1")).json()["refund"] == 1500
    assert await ledger.faults() == []


async def test_an_edit_brings_points_to_a_guests_order_in_no_way(client: Api) -> None:
    edited = (await edit(client, await place(client, None), [{"amount": 9900}])).json()

    assert (edited["member_id"], edited["effects"], edited["balances"], edited["total"]) == (None, [], [], 9900)


async def test_an_order_of_which_something_came_back_is_not_edited(client: Api, ledger: Ledger) -> None:
    order, gone = await place(client, await client.new_member()), await place(client, await client.new_member())
    await client.take_back(order, "2")
    await client.cancel_order(gone)
    before = await ledger.fingerprint()

    answers = [await edit(client, order, LINES), await edit(client, gone, LINES)]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(409, "order_not_editable")] * 2
    assert await ledger.fingerprint() == before


async def test_a_confirmed_order_is_not_edited(shop: Api) -> None:
    order = await place(shop, await shop.new_member())
    await activate(shop, order, {"id": "2"})

    assert code_of(await edit(shop, order, LINES)) == "order_not_editable"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"lines": []}, "validation_failed", "/lines"),
        ({"lines": [{"amount": -1}]}, "validation_failed", "/lines/0/amount"),
        ({"lines": [{"id": "a", "amount": 1}] * 2}, "validation_failed", "/lines/1/id"),
        ({"lines": [{"amount": 1, "tax": 2}]}, "validation_failed", "/lines/0/tax"),
        ({"reason": "So what"}, "validation_failed", "/reason"),
        ({"reason": None}, "validation_failed", "/reason"),
        ({"shipping": 1.5}, "validation_failed", "/shipping"),
        ({"member": "card:1"}, "validation_failed", "/member"),
        ({"lines": [{"amount": 99}]}, "order_below_payment", "/lines"),
        ({"lines": [{"amount": 10**12}], "shipping": 1}, "order_total_too_large", "/lines"),
        (
            {"lines": [{"amount": 1, "attributes": {"colour": 1}}]},
            "attribute_not_declared",
            "/lines/0/attributes/colour",
        ),
    ],
)
async def test_an_edit_that_cannot_be_is_told_where(
    client: Api, ledger: Ledger, body: Json, *, code: str, pointer: str
) -> None:
    order = await place(client, await client.new_member(100), pay_with_points={"wallet": "points", "points": 100})
    before = await ledger.fingerprint()

    answer = await client.post(f"/orders/{order}/edits", {"lines": LINES, "reason": "why", **body})

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, code, [pointer]), answer.text
    assert await ledger.fingerprint() == before


async def test_a_confirmed_order_lets_its_points_be_spent(shop: Api) -> None:
    member = await shop.new_member()
    order = await place(shop, member)
    [lot] = (await shop.get(f"/members/{member}/lots")).json()["items"]

    answer = await shop.send("POST", f"/orders/{order}/activations", content=b"", key=None)

    active = answer.json()
    assert (lot["status"], lot["available_at"], lot["remaining"]) == ("pending", None, 40)
    assert (answer.status_code, active["order_id"]) == (201, order), answer.text
    assert (active["activated"], active["waiting"]) == ([{"wallet": "points", "points": 40}], [])
    assert active["balances"] == [{"wallet": "points", "available": 40, "pending": 0, "held": 0, "debt": 0}]
    [entry, _, _] = (await shop.get(f"/members/{member}/timeline")).json()["items"]
    assert entry["summary"].endswith("40.00 EUR confirmed: 40 points can be spent now")


async def test_lines_are_confirmed_one_shipment_after_the_other(shop: Api) -> None:
    member = await shop.new_member()
    order = await place(shop, member)

    first = (await activate(shop, order, {"id": "1", "quantity": 1})).json()
    second = (await activate(shop, order, {"id": "1"}, {"id": "2"})).json()
    again = (await activate(shop, order)).json()

    assert [answer["activated"] for answer in (first, second, again)] == [
        [{"wallet": "points", "points": 10}],
        [{"wallet": "points", "points": 30}],
        [],
    ]
    assert [answer["waiting"] for answer in (first, second)] == [[{"wallet": "points", "points": 30}], []]
    lots = (await shop.get(f"/members/{member}/lots")).json()["items"]
    assert sum(lot["remaining"] for lot in lots if lot["status"] == "available") == 40


async def test_points_of_a_pending_order_come_back_without_debt(shop: Api) -> None:
    order = await place(shop, await shop.new_member())

    quote = (await shop.take_back(order, "1")).json()

    assert quote["taken"] == [{"wallet": "points", "points": 30, "owed": 0, "forgiven": 0}]
    assert quote["balances"] == [{"wallet": "points", "available": 0, "pending": 10, "held": 0, "debt": 0}]


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"lines": []}, 422, "validation_failed", "/lines"),
        ({"lines": [{"id": "1"}, {"id": "1"}]}, 422, "validation_failed", "/lines/1/id"),
        ({"lines": [{"id": "1", "quantity": -1}]}, 422, "validation_failed", "/lines/0/quantity"),
        ({"amount": 100}, 422, "validation_failed", "/amount"),
        ({"lines": [{"id": "9"}]}, 422, "order_line_not_found", "/lines/0/id"),
    ],
)
async def test_a_confirmation_that_cannot_be_is_told_where(
    shop: Api, body: Json, *, status: int, code: str, pointer: str
) -> None:
    member = await shop.new_member()
    order = await place(shop, member)

    answer = await shop.post(f"/orders/{order}/activations", body)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (status, code, [pointer]), answer.text
    assert (await shop.get(f"/members/{member}/balances")).json()["balances"][0]["pending"] == 40


@pytest.mark.parametrize("path", ["edits", "activations"])
async def test_an_unknown_or_foreign_order_is_neither_edited_nor_confirmed(
    client: Api, new_program: MakeProgram, path: str
) -> None:
    order = await place(client, await client.new_member())
    other = client.acting_as((await new_program()).admin)
    body = {"lines": [{"amount": 1}], "reason": "why"} if path == "edits" else {}

    answers = [
        await other.post(f"/orders/{order}/{path}", body),
        await client.post(f"/orders/ord_00000000000000000000000000/{path}", body),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(404, "order_not_found")] * 2


async def test_a_wait_of_its_own_goes_before_the_wallets(client: Api, new_program: MakeProgram) -> None:
    changed = document(time_zone="UTC")
    changed["earning_rules"][0]["activation"] = {"kind": "after", "length": {"weeks": 1}}
    shop = client.acting_as((await new_program(changed)).admin)
    placed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    member = await shop.new_member()

    await shop.post_order(member, 5000, placed_at=placed_at.isoformat())

    [lot] = (await shop.get(f"/members/{member}/lots")).json()["items"]
    assert (lot["status"], datetime.fromisoformat(lot["available_at"])) == ("pending", placed_at + timedelta(weeks=1))
