"""What support sees of a member: profile, balances, and a timeline that reads like a bank statement."""

import pytest

from loyalty_engine.persistence.clients import list_keys, revoke_key
from tests.harness.api import Api, code_of, receipt
from tests.harness.programs import MakeProgram, Program, owner


async def test_a_member_is_read_by_id_and_by_identity(client: Api) -> None:
    await client.enrol(
        "card:ada1", "email:Ada@Example.com", name="Ada", birthday="1990-05-31", attributes={"vegan": True}
    )
    await client.post_order("card:ada1", 2000, placed_at="2026-01-15T10:00:00+01:00")
    found = (await client.get("/members/card:ada1")).json()
    assert (await client.get(f"/members/{found['id']}")).json() == found
    assert found.pop("id").startswith("mem_")
    assert found.pop("enrolled_at") <= found.pop("booked_at")
    assert found == {
        "status": "active",
        "merged_into": None,
        "identities": ["card:ADA1", "email:ada@example.com"],
        "name": "Ada",
        "birthday": "1990-05-31",
        "attributes": {"vegan": True},
        "orders": 1,
        "spend": 2000,
        "first_order_at": "2026-01-15T09:00:00Z",
        "last_order_at": "2026-01-15T09:00:00Z",
    }


@pytest.mark.parametrize("path", ["", "/balances", "/postings", "/lots", "/expirations", "/holds", "/timeline"])
@pytest.mark.parametrize("member", ["card:nobody", "mem_00000000000000000000000000", "mem_x", "nobody", "card:%00"])
async def test_an_unknown_member_is_not_found(client: Api, member: str, path: str) -> None:
    answer = await client.get(f"/members/{member}{path}")
    assert (answer.status_code, code_of(answer)) == (404, "member_not_found")


async def test_a_member_of_another_program_is_not_found(client: Api, new_program: MakeProgram) -> None:
    member = await client.new_member(100)
    other = await new_program()
    for path in ("", "/balances", "/postings", "/lots", "/expirations", "/holds", "/timeline"):
        answer = await client.acting_as(other.admin).get(f"/members/{member}{path}")
        assert (answer.status_code, code_of(answer)) == (404, "member_not_found")


async def test_balances_and_postings_agree(client: Api) -> None:
    member = await client.new_member(300)
    await client.post_order(member, 2000, pay_with_points={"wallet": "points", "points": 200})
    balances = (await client.get(f"/members/{member}/balances")).json()
    assert balances == {
        "member_id": member,
        "balances": [{"wallet": "points", "available": 118, "pending": 0, "held": 0, "debt": 0}],
    }
    postings = (await client.get(f"/members/{member}/postings")).json()["items"]
    assert [(p["seq"], p["source"], p["destination"], p["amount"], p["balance"]["available"]) for p in postings] == [
        (3, "issued", "available", 18, 118),
        (2, "available", "redeemed", 200, 100),
        (1, "adjusted", "available", 300, 300),
    ]
    assert postings[0]["operation_id"] == postings[1]["operation_id"] != postings[2]["operation_id"]


async def test_a_timeline_reads_like_a_statement(client: Api, program: Program) -> None:
    member = await client.new_member()
    await client.adjust(member, 300, note="Called about order 12")
    till = client.acting_as(program.till)
    paid = {"wallet": "points", "points": 200}
    await till.post_order(member, 1899, receipt=receipt("000123"), pay_with_points=paid, channel="web")
    spent = (await client.redeem(member, 50)).json()["id"]
    await client.cancel_redemption(spent)
    await client.redeem(member, 1000)
    await client.adjust(member, -200, if_short="debt")
    guest = (await client.post_order(None, 700, order_id="W-1")).json()["id"]
    await client.claim(guest, member)
    entries = (await client.get(f"/members/{member}/timeline")).json()["items"]
    assert [entry["summary"] for entry in entries] == [
        "Claimed later: Order W-1, 7.00 EUR: 7 points earned, 7 of them paid a debt",
        "Correction (goodwill): 200 points taken, 84 of them owed",
        "Refused: The balance does not suffice",
        f"Redemption {spent} taken back (changed_mind): 50 points returned",
        "Redemption: 50 points spent",
        "Receipt 000123 at store-1, till 1, 18.99 EUR: 33 cashback earned, 200 points spent, 16 points earned",
        "Correction (goodwill): 300 points added",
        "Enrolled",
    ]
    assert entries[0]["amounts"] == [
        {"wallet": "points", "added": 7, "taken": 0, "expired": 0, "owed": -7, "pending": 0, "held": 0}
    ]
    assert entries[0]["balances"] == [{"wallet": "points", "available": 0, "pending": 0, "held": 0, "debt": 77}]
    assert entries[0]["order_id"] == guest
    assert (entries[2]["state"], entries[2]["code"], entries[2]["title"]) == (
        "refused",
        "insufficient_points",
        "The balance does not suffice",
    )
    assert entries[5]["actor"] == {"client": "store-1/1", "location": "store-1", "till": "1"}
    assert (entries[6]["note"], entries[6]["reason"]) == ("Called about order 12", "goodwill")


async def test_a_timeline_tells_the_life_of_points(client: Api) -> None:
    member = await client.new_member(300)
    lines = [{"id": "1", "amount": 3000}, {"id": "2", "amount": 1000}]
    paid = {"wallet": "points", "points": 100}
    order = (await client.post_order(member, order_id="W-1", lines=lines, pay_with_points=paid)).json()["id"]
    await client.post(f"/orders/{order}/edits", {"lines": [*lines, {"amount": 500}], "reason": "one_more"})
    await client.post(f"/orders/{order}/activations", {})
    await client.take_back(order, "1", reason="too_small")
    await client.cancel_order(order)
    hold, other = [(await client.hold(member, 50)).json()["id"] for _ in range(2)]
    await client.capture(hold, 20)
    await client.void(other)
    given = (await client.adjust(member, 5)).json()["operation_id"]
    await client.reverse(given)
    entries = (await client.get(f"/members/{member}/timeline")).json()["items"]
    assert [entry["summary"] for entry in entries] == [
        "Correction taken back (mistake): 5 points taken",
        "Correction (goodwill): 5 points added",
        "Hold voided (abandoned): 50 points released",
        "Hold captured: 20 points spent, 30 points released",
        "Hold: 50 points set aside",
        "Hold: 50 points set aside",
        "Order W-1, 40.00 EUR cancelled (not_paid): 14 points taken, 34 points returned",
        "Return of Order W-1, 40.00 EUR (too_small): 30 points taken, 66 points returned",
        "Order W-1, 40.00 EUR confirmed",
        "Order W-1, 40.00 EUR edited (one_more): 5 points earned",
        "Order W-1, 40.00 EUR: 100 points spent, 39 points earned",
        "Correction (goodwill): 300 points added",
        "Enrolled",
    ]
    assert [entry["reverses"] for entry in entries[:2]] == [given, None]
    assert entries[4]["amounts"][0]["held"] == 50


async def test_a_key_without_the_scope_reads_nothing(client: Api, program: Program) -> None:
    member = await client.new_member()
    token = client.acting_as(await program.add_token(scopes=["members:read"]))
    assert (await token.get(f"/members/{member}")).status_code == 200
    refused = await token.get(f"/members/{member}/balances")
    assert (code_of(refused), refused.json()["details"]) == ("scope_missing", {"scope": "points:read"})


async def test_a_revoked_key_reads_nothing_more(client: Api, program: Program) -> None:
    member = await client.new_member()
    revoked = client.acting_as(await program.add_token())
    assert (await revoked.get(f"/members/{member}")).status_code == 200
    async with owner(program.database_url) as connection:
        newest = (await list_keys(connection, program.id, limit=1))[0]
        assert await revoke_key(connection, program.id, newest.id)
    assert code_of(await revoked.get(f"/members/{member}")) == "unauthenticated"
