"""Edges where a request looks harmless and is not: unset clocks, two places in one receipt, amounts beyond all balances."""

import pytest

from tests.harness.api import Api, available, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z"])
async def test_a_clock_that_was_never_set_is_refused(client: Api, ledger: Ledger, instant: str) -> None:
    refused = await client.post("/orders", order_body("card:1", 1000, placed_at=instant))

    assert refused.status_code == 422
    assert pointers_of(refused) == ["/placed_at"]
    assert await ledger.count("order") == 0


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_a_birthday_at_the_end_of_the_calendar_is_refused(client: Api, day: str) -> None:
    refused = await client.enrol("card:1", birthday=day)

    assert refused.status_code == 422
    assert pointers_of(refused) == ["/birthday"]


async def test_a_till_cannot_book_another_stores_receipt_under_its_own_place(
    client: Api, program: Program, ledger: Ledger
) -> None:
    foreign = order_body("card:1", 1000, receipt=receipt("7", location="munich-9"))
    till = client.acting_as(program.till)

    disguised = await till.post("/orders", {**foreign, "location": "store-1"})
    assert disguised.status_code == 422
    assert pointers_of(disguised) == ["/location"]

    assert code_of(await till.post("/orders", foreign)) == "till_mismatch"
    assert (await client.post("/orders", foreign)).status_code == 201
    assert code_of(await till.post("/orders", foreign)) == "till_mismatch", "it may not learn of it either"
    assert await ledger.count("order") == 1


async def test_points_that_pay_shipping_take_nothing_from_spend(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(points=2_000)
    wish = {"wallet": "points", "points": "max"}

    paid = await client.post("/orders", order_body(member, 100, shipping=900, pay_with_points=wish))

    assert paid.status_code == 201
    assert (await client.get(f"/members/{member}")).json()["spend"] >= 0
    assert await ledger.faults() == []


async def test_more_points_than_a_balance_holds_are_refused_to_guests_too(
    servers: object, new_program: MakeProgram, server: str
) -> None:
    generous = document()
    generous["earning_rules"] = [
        {"key": "flood", "wallet": "points", "earn": {"kind": "per_amount", "points": 10**12, "per": 1}}
    ]
    program = await new_program(generous)
    async with Api(server, program.admin) as api:
        refused = await api.post("/orders", order_body(None, 10**9))
        looked = await api.evaluate(None, 10**9)
    assert code_of(refused) == code_of(looked) == "balance_too_large"


async def test_points_worth_more_than_any_amount_cannot_be_redeemed(new_program: MakeProgram, server: str) -> None:
    precious = document()
    precious["wallets"][0]["redeem"] = {"points": 1, "amount": 10**12}
    program = await new_program(precious)
    async with Api(server, program.admin) as api:
        member = await api.new_member(points=100)
        refused = await api.redeem(member, 50)
    assert code_of(refused) == "points_above_share"


async def test_a_revoked_key_hears_of_nothing_but_its_end(clients: Api) -> None:
    created = (await clients.post("/api-keys", {"name": fresh("n"), "scopes": ["orders:write"]})).json()
    other = clients.acting_as(created["secret"])
    for _ in range(4):
        assert (await other.post("/orders", {"foo": 1})).status_code == 422
    await clients.post(f"/api-keys/{created['id']}/revoke", {})

    for _ in range(4):
        assert (await other.post("/orders", {"foo": 1})).status_code == 401


@pytest.mark.parametrize("amount", [1000, 3000])
async def test_a_receipt_that_was_booked_can_be_looked_at_as_if_it_were_new(
    client: Api, ledger: Ledger, amount: int
) -> None:
    booked = order_body("card:1", 1000, receipt=receipt("8"))
    assert (await client.post("/orders", booked)).status_code == 201
    before = await ledger.counts()

    looked = await client.evaluate("card:1", amount, receipt=receipt("8"))

    assert looked.status_code == 200
    assert available(looked.json()) == available((await client.post("/orders", booked)).json()) + amount // 100
    assert await ledger.counts() == {**before, "idempotency": before["idempotency"] + 1}
