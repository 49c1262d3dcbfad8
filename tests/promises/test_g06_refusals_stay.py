"""G6: a refusal stays a refusal for its key, whatever happens later; a new key may succeed."""

import pytest

from tests.harness.api import Api, available, code_of, fresh, order_body
from tests.harness.crowds import in_crowd, size
from tests.harness.ledger import Ledger

TRIPLES = size(15, 500)


async def test_points_that_come_later_change_no_refusal(clients: Api, ledger: Ledger) -> None:
    async def refuse_credit_retry() -> None:
        member, key = await clients.new_member(20), fresh("k")

        refused = await clients.redeem(member, 50, key=key)
        await clients.adjust(member, 100)
        again = await clients.redeem(member, 50, key=key)
        anew = await clients.redeem(member, 50)

        assert (refused.status_code, code_of(refused)) == (409, "insufficient_points")
        assert refused.json()["details"] == {"needed": 50, "available": 20}
        assert (again.status_code, again.content) == (409, refused.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert (anew.status_code, available(anew.json())) == (201, 70)

    await in_crowd([refuse_credit_retry] * TRIPLES)

    assert await ledger.count("refusal") == TRIPLES
    assert await ledger.count("operation", "kind = 'redemption'") == TRIPLES
    assert await ledger.faults() == []


async def test_a_member_that_enrols_later_changes_no_refusal(client: Api, ledger: Ledger) -> None:
    card, key = f"card:{fresh('c')}", fresh("k")
    body = {"member": card, "wallet": "points", "points": 10}

    refused = await client.post("/redemptions", body, key=key)
    member = (await client.enrol(card)).json()["id"]
    await client.adjust(member, 100)
    again = await client.post("/redemptions", body, key=key)
    anew = await client.post("/redemptions", body)

    assert (refused.status_code, code_of(refused)) == (404, "member_not_found")
    assert (again.status_code, again.content) == (404, refused.content)
    assert anew.status_code == 201
    assert await ledger.faults() == []


async def test_a_refused_order_may_be_placed_under_a_new_key(client: Api, ledger: Ledger) -> None:
    member, key = await client.new_member(5), fresh("k")
    body = order_body(member, 1000, pay_with_points={"wallet": "points", "points": 50})

    refused = await client.post("/orders", body, key=key)
    await client.adjust(member, 100)
    again = await client.post("/orders", body, key=key)
    anew = await client.post("/orders", body)

    assert code_of(refused) == "insufficient_points"
    assert again.content == refused.content
    assert anew.status_code == 201
    assert await ledger.count("order") == 1
    assert await ledger.faults() == []


@pytest.mark.parametrize("broken", [{"points": "50"}, {"points": 0}, {"unknown": 1}])
async def test_a_fault_of_form_is_no_refusal_and_binds_nothing(
    client: Api, ledger: Ledger, broken: dict[str, object]
) -> None:
    member, key = await client.new_member(100), fresh("k")
    body = {"member": member, "wallet": "points", "points": 50}
    before = await ledger.counts()

    answer = await client.post("/redemptions", {**body, **broken}, key=key)

    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    assert await ledger.counts() == before
    assert (await client.post("/redemptions", body, key=key)).status_code == 201
