"""Orders without a member: accepted as they are, and claimed later, once."""

import pytest

from tests.harness.api import Api, available, code_of, fresh, order_body, pointers_of
from tests.harness.crowds import size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import Servers

ROUNDS = size(3, 50)


async def test_a_guests_order_is_accepted_and_credits_nobody(client: Api, ledger: Ledger) -> None:
    answer = await client.post_order(None, 2500)

    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["member_id"], answer.json()["effects"]) == ("guest", None, [])
    assert await ledger.count("posting") == 0
    assert await ledger.faults() == []


async def test_a_claim_credits_what_the_order_would_have_earned(client: Api, ledger: Ledger) -> None:
    order = (await client.post_order(None, 2550, channel="web")).json()["id"]
    member = await client.new_member()

    answer = await client.claim(order, member)

    assert answer.status_code == 200, answer.text
    assert answer.json()["effects"] == [
        {"type": "grant_points", "wallet": "points", "points": 25, "rule": "base"},
        {"type": "grant_points", "wallet": "cashback", "points": 51, "rule": "web"},
    ]
    assert available(answer.json()) == 25
    assert await ledger.faults() == []


async def test_an_order_raced_by_many_claimants_goes_to_one(clients: Api, ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        order = (await clients.post_order(None, 1000)).json()["id"]
        members = [await clients.new_member() for _ in range(20)]

        answers = await together(clients.claim(order, member) for member in members)

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"order_already_claimed"}
    assert sum((await ledger.nets()).values()) == 10 * ROUNDS
    assert await ledger.faults() == []


async def test_an_order_raced_by_one_claimant_is_credited_once(clients: Api, ledger: Ledger) -> None:
    order = (await clients.post_order(None, 1000)).json()["id"]
    member = await clients.new_member()

    answers = await together(clients.claim(order, member) for _ in range(20))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert await ledger.nets() == {f"{member}/points": 10}
    assert await ledger.faults() == []


async def test_an_order_of_a_member_cannot_be_claimed(client: Api, ledger: Ledger) -> None:
    one, two = await client.new_member(), await client.new_member()
    order = (await client.post_order(one, 1000)).json()["id"]

    answer = await client.claim(order, two)

    assert (answer.status_code, code_of(answer)) == (409, "order_already_claimed")
    assert await ledger.nets() == {f"{one}/points": 10}


async def test_what_is_no_order_cannot_be_claimed(client: Api) -> None:
    member = await client.new_member()

    unknown = await client.claim("ord_00000000000000000000000000", member)
    nonsense = await client.claim("W-1", member)

    assert (unknown.status_code, code_of(unknown)) == (404, "order_not_found")
    assert nonsense.status_code == 404


async def test_an_order_of_another_program_cannot_be_claimed(client: Api, new_program: MakeProgram) -> None:
    stranger = client.acting_as((await new_program()).admin)
    order = (await stranger.post_order(None, 1000)).json()["id"]

    answer = await client.claim(order, await client.new_member())

    assert (answer.status_code, code_of(answer)) == (404, "order_not_found")


async def test_a_stranger_cannot_claim(client: Api, ledger: Ledger) -> None:
    order = (await client.post_order(None, 1000)).json()["id"]

    answer = await client.claim(order, f"card:{fresh('c')}")

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (404, "member_not_found", ["/member"])
    assert await ledger.count("order_claim") == 0


async def test_a_guest_cannot_pay_with_points(client: Api, ledger: Ledger) -> None:
    answer = await client.post_order(None, 1000, pay_with_points={"wallet": "points", "points": 50})

    assert (answer.status_code, code_of(answer)) == (422, "member_required")
    assert pointers_of(answer) == ["/pay_with_points"]
    assert await ledger.count("order") == 0


@pytest.fixture
async def parking(new_program: MakeProgram) -> Program:
    """A program that parks receipts of unknown cards."""
    return await new_program(document(unknown_card="park"))


async def test_a_receipt_of_an_unknown_card_waits_for_its_owner(servers: Servers, parking: Program) -> None:
    card = f"card:{fresh('c')}"
    async with Api(servers.urls, parking.admin) as api, Ledger.open(parking) as ledger:
        parked = await api.post_order(card, 3000)
        order = parked.json()["id"]
        assert (parked.status_code, parked.json()["status"], parked.json()["member_id"]) == (201, "parked", None)

        stranger, owner = await api.new_member(), await api.new_member()
        mismatch = await api.claim(order, stranger)
        early = await api.claim(order, owner)
        assert (mismatch.status_code, code_of(mismatch)) == (409, "order_claim_mismatch")
        assert code_of(early) == "order_claim_mismatch"

        assert (await api.change_member(owner, add_identities=[card])).status_code == 200
        claimed = await together(api.claim(order, owner) for _ in range(20))
        assert sorted(answer.status_code for answer in claimed) == [200] + [409] * 19
        assert await ledger.nets() == {f"{owner}/points": 30}
        assert await ledger.faults() == []


async def test_a_parked_receipt_sent_again_is_still_the_same(servers: Servers, parking: Program) -> None:
    card = f"card:{fresh('c')}"
    body = order_body(card, 3000)
    async with Api(servers.urls, parking.admin) as api, Ledger.open(parking) as ledger:
        first = await api.post("/orders", body)
        member = (await api.enrol(card)).json()["id"]

        again = await api.post("/orders", body)
        claimed = await api.claim(first.json()["id"], card)

        assert again.content == first.content
        assert (claimed.status_code, claimed.json()["member_id"]) == (200, member)
        assert await ledger.nets() == {f"{member}/points": 30}


async def test_orders_of_an_unknown_card_are_refused_where_that_is_the_policy(
    servers: Servers, new_program: MakeProgram
) -> None:
    refusing = await new_program(document(unknown_card="refuse"))
    async with Api(servers.urls, refusing.admin) as api, Ledger.open(refusing) as ledger:
        answer = await api.post_order(f"card:{fresh('c')}", 3000)

        assert (answer.status_code, code_of(answer), pointers_of(answer)) == (404, "member_not_found", ["/member"])
        assert await ledger.count("order") == 0


async def test_an_unknown_card_is_enrolled_by_its_first_order(client: Api, ledger: Ledger) -> None:
    card = f"card:{fresh('c')}"

    first = await client.post_order(card, 1000)
    second = await client.post_order(card, 2000)

    assert (first.status_code, first.json()["status"]) == (201, "credited")
    assert first.json()["member_id"] == second.json()["member_id"]
    assert available(second.json()) == 30
    assert await ledger.count("member") == 1
    assert await ledger.faults() == []


async def test_an_unknown_card_raced_by_its_first_orders_is_one_member(clients: Api, ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        card = f"card:{fresh('c')}"
        answers = await together(clients.post_order(card, 1000) for _ in range(12))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["member_id"] for answer in answers}) == 1
    assert await ledger.count("member") == ROUNDS
    assert set((await ledger.nets()).values()) == {120}
    assert await ledger.faults() == []


async def test_an_unknown_member_id_is_never_enrolled(client: Api, ledger: Ledger) -> None:
    answer = await client.post_order("mem_00000000000000000000000000", 1000)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (404, "member_not_found", ["/member"])
    assert await ledger.count("member") == 0


async def test_one_identity_raced_by_many_enrolments_belongs_to_one(clients: Api, ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        card = f"card:{fresh('c')}"
        bodies = [[card, f"ext:{fresh('e')}"] for _ in range(12)]
        answers = await together(clients.enrol(*identities) for identities in bodies)
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
        assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"identity_taken"}
    assert await ledger.count("member") == ROUNDS
    assert await ledger.count("member_identity") == 2 * ROUNDS
    assert await ledger.faults() == []


async def test_one_identity_raced_by_an_enrolment_and_an_order_belongs_to_one(clients: Api, ledger: Ledger) -> None:
    for _ in range(ROUNDS):
        card = f"card:{fresh('c')}"
        enrolled, *ordered = await together([clients.enrol(card), *(clients.post_order(card) for _ in range(5))])
        assert {answer.status_code for answer in ordered} == {201}
        assert len({answer.json()["member_id"] for answer in ordered}) == 1
        assert enrolled.status_code in {201, 409}
    assert await ledger.count("member") == ROUNDS
    assert await ledger.faults() == []


async def test_one_identity_raced_by_members_who_add_it_belongs_to_one(clients: Api, ledger: Ledger) -> None:
    card = f"card:{fresh('c')}"
    members = [await clients.new_member() for _ in range(12)]

    answers = await together(clients.change_member(member, add_identities=[card]) for member in members)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"identity_taken"}
    assert await ledger.faults() == []
