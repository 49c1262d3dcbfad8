"""G8: a receipt earns once, under any number of keys, batches, tills and processes, in any order."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import httpx

from tests.harness.api import Api, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.crowds import in_crowd, insist, shuffled, size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

RECEIPTS = size(60, 5_000)
JOURNALS = size(6, 60)
TIMES = 3


def receipt_body(member: str | None, number: str | None = None, amount: int = 1000, **place: str) -> dict[str, Any]:
    return order_body(member, amount, receipt=receipt(number, **place))


async def test_receipts_sent_three_times_earn_once(clients: Api, program: Program, ledger: Ledger) -> None:
    """Each comes from its till, from the back office and once more, shuffled, each time under a new key."""
    members = [await clients.new_member() for _ in range(20)]
    till = clients.acting_as(program.till)
    bodies = [receipt_body(members[n % 20], str(n).zfill(6), 100 + 100 * (n % 9)) for n in range(RECEIPTS)]
    sendings = shuffled([(body, api) for body in bodies for api in (till, clients, clients)], seed=8)

    async def send(body: Mapping[str, Any], api: Api) -> tuple[str, httpx.Response]:
        key = fresh("k")
        return body["receipt"]["number"], await insist(api.post, "/orders", body, key=key)

    answers = await in_crowd([partial(send, *one) for one in sendings])

    assert {answer.status_code for _, answer in answers} == {201}
    assert len({(number, answer.content) for number, answer in answers}) == RECEIPTS
    assert sum("idempotent-replayed" not in answer.headers for _, answer in answers) == RECEIPTS
    assert await ledger.count("order") == await ledger.count("operation", "kind = 'order'") == RECEIPTS
    assert await ledger.count("idempotency") == RECEIPTS * TIMES + len(members)
    assert sum((await ledger.nets()).values()) == sum(body["lines"][0]["amount"] // 100 for body in bodies)
    assert await ledger.faults() == []


async def test_one_receipt_raced_under_many_keys_earns_once(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member()
    body = receipt_body(member)

    answers = await together(clients.post("/orders", body) for _ in range(20))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await ledger.nets())[f"{member}/points"] == 10
    assert await ledger.faults() == []


async def test_a_guests_receipt_raced_under_many_keys_is_kept_once(clients: Api, ledger: Ledger) -> None:
    body = receipt_body(None)

    answers = await together(clients.post("/orders", body) for _ in range(20))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await ledger.count("order") == 1
    assert await ledger.faults() == []


async def test_a_receipt_raced_for_two_members_earns_for_one(clients: Api, ledger: Ledger) -> None:
    one, two, number = await clients.new_member(), await clients.new_member(), fresh("r")
    bodies = [receipt_body(member, number) for member in (one, two) * 8]

    answers = await together(clients.post("/orders", body) for body in bodies)

    assert sorted(answer.status_code for answer in answers) == [201] * 8 + [409] * 8
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"order_exists"}
    assert sum((await ledger.nets()).values()) == 10
    assert await ledger.faults() == []


async def test_a_receipts_number_with_other_content_is_refused(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    first = await client.post("/orders", receipt_body(member, "000123"))

    answer = await client.post("/orders", receipt_body(member, "000123", 2000))

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (409, "order_exists", ["/receipt"])
    assert answer.json()["details"] == {"order_id": first.json()["id"]}
    assert (await ledger.nets())[f"{member}/points"] == 10


async def test_every_part_of_a_receipts_name_tells_it_apart(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    bodies = [
        receipt_body(member, "0123"),
        receipt_body(member, "123"),
        receipt_body(member, "0123", till="2"),
        receipt_body(member, "0123", location="store-2"),
        receipt_body(member, "0123", day="2026-11-22"),
        receipt_body(member, "23", till="1|01"),
        receipt_body(member, "01|23", till="1"),
    ]

    answers = [await client.post("/orders", body) for body in bodies]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 7
    assert (await ledger.nets())[f"{member}/points"] == 70


async def test_short_keys_that_two_tills_make_themselves_never_meet(clients: Api, ledger: Ledger) -> None:
    """Two tills behind one API client both count 1, 2, 3 …; each gets the answers of its own receipts."""
    members = {till: await clients.new_member() for till in ("1", "2")}
    sendings = [(till, str(number), receipt_body(members[till], till=till)) for till in members for number in range(10)]

    first = await together(clients.post("/orders", body, key=key) for _, key, body in sendings)
    again = await together(clients.post("/orders", body, key=key) for _, key, body in sendings)

    assert {answer.status_code for answer in first} == {201}
    assert len({answer.json()["id"] for answer in first}) == 20
    assert [answer.content for answer in again] == [answer.content for answer in first]
    assert await ledger.nets() == {f"{member}/points": 100 for member in members.values()}
    assert await ledger.faults() == []
    assert await ledger.misfits() == []


async def test_tills_whose_names_run_together_are_still_two(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    bodies = [receipt_body(member, location="a/b", till="c"), receipt_body(member, location="a", till="b/c")]

    answers = [await client.post("/orders", body, key="1") for body in bodies]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert (await ledger.nets())[f"{member}/points"] == 20


async def test_a_till_that_starts_counting_anew_is_told(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member()
    await clients.post("/orders", receipt_body(member, "1"), key="1")

    answer = await clients.post("/orders", receipt_body(member, "2"), key="1")

    assert (answer.status_code, code_of(answer)) == (422, "idempotency_key_reused")
    assert (await ledger.nets())[f"{member}/points"] == 10


async def test_the_same_order_id_of_two_bound_shops_is_two_orders(
    clients: Api, program: Program, ledger: Ledger
) -> None:
    member = await clients.new_member()
    shops = [clients.acting_as(await program.add_token(location=location)) for location in ("north", "south")]
    body = order_body(member, order_id="W-1")

    answers = [await shop.post("/orders", body) for shop in shops]

    assert {answer.status_code for answer in answers} == {201}
    assert (await ledger.nets())[f"{member}/points"] == 20


async def test_receipts_in_batches_and_alone_earn_once(clients: Api, ledger: Ledger) -> None:
    """Journals that overlap, come twice and in parts, some all or nothing, while tills send the same receipts alone."""
    members = [await clients.new_member() for _ in range(20)]
    count = JOURNALS * 50
    bodies = [receipt_body(members[n % 20], str(n).zfill(6), 100 + 100 * (n % 9)) for n in range(count)]
    dice = random.Random(88)
    parts = [bodies[start : start + 100] for start in range(0, count, 50)] * 2
    parts += [dice.sample(bodies, 30) for _ in range(JOURNALS)]

    async def batch(part: Sequence[Mapping[str, Any]], *, all_or_nothing: bool) -> list[tuple[str, Any]]:
        sent = {"orders": part, "all_or_nothing": all_or_nothing}
        answer = await insist(clients.send, "POST", "/orders/batch", body=sent)
        assert answer.status_code == 200, answer.text
        told = answer.json()["results"]
        assert {one["status"] for one in told} == {201}
        return [(body["receipt"]["number"], one["body"]) for body, one in zip(part, told, strict=True)]

    async def alone(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
        answer = await insist(clients.post, "/orders", body, key=fresh("k"))
        assert answer.status_code == 201, answer.text
        return [(body["receipt"]["number"], answer.json())]

    sendings: list[Callable[[], Awaitable[list[tuple[str, Any]]]]] = [
        partial(batch, part, all_or_nothing=n % 5 == 0) for n, part in enumerate(parts)
    ]
    sendings += [partial(alone, body) for body in dice.sample(bodies, count // 3)]
    answers = await in_crowd(shuffled(sendings, seed=8))

    first: dict[str, Any] = {}
    for number, answer in (one for told in answers for one in told):
        assert first.setdefault(number, answer) == answer
    assert len(first) == await ledger.count("order") == await ledger.count("operation", "kind = 'order'") == count
    assert sum((await ledger.nets()).values()) == sum(body["lines"][0]["amount"] // 100 for body in bodies)
    assert await ledger.faults() == []


async def test_a_journal_sent_again_after_a_disaster_changes_nothing(clients: Api, ledger: Ledger) -> None:
    """Half of the day had arrived before: all get their first answers, and what was missing is booked."""
    members = [await clients.new_member() for _ in range(20)]
    journal = [receipt_body(members[n % 20], str(n).zfill(6), 100 + 100 * (n % 9)) for n in range(400)]
    arrived = {body["receipt"]["number"]: await clients.post("/orders", body) for body in journal[::2]}

    for _ in range(2):
        answer = await clients.send("POST", "/orders/batch", body={"orders": journal})
        told = answer.json()["results"]
        assert {one["status"] for one in told} == {201}
        assert [one["body"] for one in told[::2]] == [x.json() for x in arrived.values()]
    assert {one["replayed"] for one in told} == {True}

    assert await ledger.count("order") == 400
    assert sum((await ledger.nets()).values()) == sum(body["lines"][0]["amount"] // 100 for body in journal)
    assert await ledger.faults() == []


async def test_a_receipt_past_midnight_keeps_its_business_date(clients: Api, ledger: Ledger) -> None:
    """Sold at half past midnight on yesterday's business date: one receipt, whenever and however often it is sent."""
    member = await clients.new_member()
    body = {**receipt_body(member, "0099", day="2026-03-28"), "placed_at": "2026-03-29T00:30:00+01:00"}
    later = {**body, "placed_at": "2026-03-28T23:30:00Z"}  # the same moment, written by another program

    alone = await clients.post("/orders", body)
    batched = await clients.send("POST", "/orders/batch", body={"orders": [body, body]})
    rewritten = await clients.post("/orders", later)
    next_day = await clients.post("/orders", {**body, "receipt": {**body["receipt"], "business_date": "2026-03-29"}})

    assert [one["body"] for one in batched.json()["results"]] == [alone.json()] * 2
    assert (rewritten.status_code, code_of(rewritten)) == (409, "order_exists")
    assert next_day.status_code == 201
    assert (await ledger.nets())[f"{member}/points"] == 20
