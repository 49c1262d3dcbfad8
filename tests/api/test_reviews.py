"""Reviews: receipts that came too late, from the future or under a used number wait for somebody, and are never lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, available, code_of, fresh, order_body, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


@pytest.fixture
async def careful(new_program: MakeProgram) -> Program:
    """A program that looks at receipts older than two days, from the future, or under used numbers."""
    rules = document()
    rules["policies"] = {"orders": {"max_age_days": 2, "ahead": "review", "number_reuse": "review"}}
    return await new_program(rules)


@pytest.fixture
async def api(clients: Api, careful: Program) -> Api:
    return clients.acting_as(careful.admin)


@pytest.fixture
async def books(careful: Program) -> AsyncIterator[Ledger]:
    async with Ledger.open(careful) as rows:
        yield rows


def late(member: str | None, **fields: Any) -> Json:  # noqa: ANN401 - any field of an order
    return order_body(member, **{"receipt": receipt(), "placed_at": days_ago(3), **fields})


async def accept(api: Api, review: str, *, key: str | None = None) -> httpx.Response:
    return await api.post(f"/order-reviews/{review}/accept", {}, key=key)


async def test_a_late_receipt_waits_and_nothing_of_it_is_booked(api: Api, books: Ledger) -> None:
    member = await api.new_member()
    before = await books.counts()
    body = late(member)

    answer = await api.post("/orders", body)

    assert answer.status_code == 202
    told = answer.json()
    assert (told["status"], told["code"], told["order_id"]) == ("open", "order_too_old", None)
    assert told["reference"] == body["receipt"]
    assert {name: n for name, n in (await books.counts()).items() if n != before[name]} == {}
    assert (await api.get(f"/order-reviews/{told['id']}")).json() == {**told, "order": body}


async def test_sent_again_it_finds_the_same_review(api: Api) -> None:
    member = await api.new_member()
    body = late(member)

    answers = [await api.post("/orders", body, key=key) for key in ("k-1", "k-1", None)]
    batch = await api.send("POST", "/orders/batch", body={"orders": [body, body]})

    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.content for answer in answers}) == 1
    assert [(one["status"], one["replayed"]) for one in batch.json()["results"]] == [(202, True)] * 2
    assert {one["body"]["id"] for one in batch.json()["results"]} == {answers[0].json()["id"]}
    assert len((await api.get("/order-reviews")).json()["items"]) == 1


async def test_a_review_raced_by_many_is_one(api: Api) -> None:
    body = late(await api.new_member())

    answers = await asyncio.gather(*(api.post("/orders", body) for _ in range(12)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_accepted_it_is_booked_once_by_the_rules_of_its_time(api: Api, careful: Program, books: Ledger) -> None:
    member = await api.new_member()
    body = late(member)
    waiting = (await api.post("/orders", body)).json()
    doubled = document()
    doubled["earning_rules"][0]["earn"]["points"] = 2
    doubled["policies"] = {"orders": {"max_age_days": 2}}
    await careful.publish(doubled, since=datetime.now(UTC))

    answers = [await accept(api, waiting["id"], key=key) for key in ("k-1", "k-1", None)]
    resent = await api.post("/orders", body)

    assert [answer.status_code for answer in (*answers, resent)] == [201] * 4
    assert len({answer.content for answer in (*answers, resent)}) == 1
    booked = answers[0].json()
    assert (booked["revision"], available(booked)) == (1, 10)
    assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, True, True]
    seen = (await api.get(f"/order-reviews/{waiting['id']}")).json()
    assert (seen["status"], seen["order_id"]) == ("accepted", booked["id"])
    assert await books.nets() == {f"{member}/points": 10}
    assert await books.faults() == []


async def test_a_review_accepted_by_many_at_once_is_booked_once(api: Api, books: Ledger) -> None:
    member = await api.new_member()
    waiting = (await api.post("/orders", late(member))).json()

    answers = await asyncio.gather(*(accept(api, waiting["id"]) for _ in range(12)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await books.nets() == {f"{member}/points": 10}
    assert await books.faults() == []


async def test_dismissed_it_stays_in_the_list_with_the_reason(api: Api, books: Ledger) -> None:
    member = await api.new_member()
    body = late(member)
    waiting = (await api.post("/orders", body)).json()

    told = await api.post(f"/order-reviews/{waiting['id']}/dismiss", {"reason": "typed_twice"})
    again = await api.post(f"/order-reviews/{waiting['id']}/dismiss", {"reason": "other"})
    resent = await api.post("/orders", body)

    assert (told.status_code, told.json()["status"], told.json()["reason"]) == (200, "dismissed", "typed_twice")
    assert again.json() == told.json()
    assert (resent.status_code, resent.json()["status"]) == (202, "dismissed")
    assert await books.nets() == {}


async def test_dismissed_it_can_still_be_accepted_but_not_the_other_way_round(api: Api) -> None:
    member = await api.new_member()
    waiting = (await api.post("/orders", late(member))).json()
    await api.post(f"/order-reviews/{waiting['id']}/dismiss", {"reason": "typed_twice"})

    accepted = await accept(api, waiting["id"])
    dismissed = await api.post(f"/order-reviews/{waiting['id']}/dismiss", {"reason": "typed_twice"})

    assert accepted.status_code == 201
    assert (dismissed.status_code, code_of(dismissed)) == (409, "review_accepted")
    assert (await api.get(f"/order-reviews/{waiting['id']}")).json()["reason"] is None


async def test_what_cannot_be_booked_keeps_waiting(api: Api, books: Ledger) -> None:
    member = await api.new_member()
    waiting = (await api.post("/orders", late(member))).json()
    await api.block(member)

    refused = await accept(api, waiting["id"])
    await api.post(f"/members/{member}/unblock", {"reason": "mistake"})
    accepted = await accept(api, waiting["id"])

    assert (refused.status_code, code_of(refused)) == (409, "member_blocked")
    assert accepted.status_code == 201
    assert await books.nets() == {f"{member}/points": 10}


async def test_a_reset_tills_receipt_is_booked_beside_the_one_that_has_its_number(api: Api, books: Ledger) -> None:
    member, where = await api.new_member(), receipt("1")
    first = (await api.post_order(member, 1000, receipt=where, placed_at=days_ago(0))).json()
    other = order_body(member, 2000, receipt=where, placed_at=days_ago(0))

    waiting = await api.post("/orders", other)
    second = (await accept(api, waiting.json()["id"])).json()
    resent = [await api.post("/orders", other), await accept(api, waiting.json()["id"])]
    old = await api.post_order(member, 1000, receipt=where, placed_at=first["effective_at"])

    assert (waiting.status_code, waiting.json()["code"]) == (202, "order_exists")
    assert first["id"] != second["id"]
    assert [(answer.status_code, answer.json()) for answer in resent] == [(201, second)] * 2
    assert old.status_code == 202  # written otherwise than at first: it is another receipt
    assert await books.nets() == {f"{member}/points": 30}
    found = await api.get("/orders?location=store-1&till=1&business_date=2026-11-21&number=1")
    assert [order["id"] for order in found.json()["items"]] == [second["id"], first["id"]]
    assert await books.faults() == []


async def test_a_batch_of_all_takes_nothing_that_would_wait(api: Api, books: Ledger) -> None:
    member = await api.new_member()
    now = order_body(member, receipt=receipt(), placed_at=days_ago(0))

    answer = await api.send("POST", "/orders/batch", body={"orders": [now, late(member)], "all_or_nothing": True})

    assert (answer.status_code, code_of(answer)) == (422, "batch_not_booked")
    assert [one["code"] for one in answer.json()["details"]["results"]] == ["not_booked", "order_too_old"]
    assert (await api.get("/order-reviews")).json()["items"] == []
    assert await books.nets() == {}


async def test_an_order_from_the_future_waits_and_is_taken_when_its_time_has_come(api: Api) -> None:
    member = await api.new_member()
    ahead = late(member, placed_at=days_ago(-1))

    waiting = await api.post("/orders", ahead)
    looked = await api.send("POST", "/evaluations", body=ahead)

    assert (waiting.status_code, waiting.json()["code"]) == (202, "order_in_future")
    assert (looked.status_code, code_of(looked)) == (422, "order_in_future")
    assert (await accept(api, waiting.json()["id"])).status_code == 201


async def test_reviews_are_listed_newest_first_by_their_status(api: Api) -> None:
    member = await api.new_member()
    ids = [(await api.post("/orders", late(member))).json()["id"] for _ in range(5)]
    await accept(api, ids[0])

    first = (await api.get("/order-reviews?status=open&limit=3")).json()
    rest = (await api.get(f"/order-reviews?status=open&limit=3&cursor={first['next_cursor']}")).json()

    assert [review["id"] for review in (*first["items"], *rest["items"])] == ids[:0:-1]
    assert rest["next_cursor"] is None
    assert [review["id"] for review in (await api.get("/order-reviews?status=accepted")).json()["items"]] == ids[:1]


async def test_a_till_sends_but_does_not_decide(api: Api, careful: Program, client: Api) -> None:
    till = api.acting_as(careful.till)
    waiting = (await till.post("/orders", late(None))).json()

    denied = await accept(till, waiting["id"])
    foreign = await accept(client, waiting["id"])
    bound = api.acting_as(await careful.add_token(location="elsewhere"))
    elsewhere = [await bound.get(f"/order-reviews/{waiting['id']}"), await accept(bound, waiting["id"])]

    assert (denied.status_code, code_of(denied)) == (403, "scope_missing")
    assert (foreign.status_code, code_of(foreign)) == (404, "review_not_found")
    assert {code_of(answer) for answer in elsewhere} == {"review_not_found"}
    assert (await bound.get("/order-reviews")).json()["items"] == []
    assert (await accept(api, waiting["id"])).status_code == 201


async def test_an_order_is_found_by_its_own_number(client: Api, program: Program) -> None:
    member, number = await client.new_member(), fresh("o")
    shop = client.acting_as(await program.add_token(location="north"))
    place = "location=store-1&till=1&business_date=2026-11-21&number=7"
    web = (await client.post_order(member, order_id=number)).json()["id"]
    north = (await shop.post_order(member, order_id=number)).json()["id"]
    sold = (await client.post_order(member, receipt=receipt("7"))).json()["id"]
    await client.post("/returns", {"order": {"order_id": "early"}, "amount": 1})

    async def find(api: Api, query: str) -> list[str]:
        return [order["id"] for order in (await api.get(f"/orders?{query}")).json()["items"]]

    assert await find(client, f"order_id={number}") == [web]
    assert await find(shop, f"order_id={number}") == await find(client, f"order_id={number}&location=north") == [north]
    assert (await find(client, place), await find(client, f"{place}&type=return")) == ([sold], [])
    assert await find(client, "order_id=nowhere") == await find(client, "order_id=early") == []
    for query in ("till=1", f"order_id=1&{place}", "parked_for=card:1&order_id=1"):
        answer = await client.get(f"/orders?{query}")
        assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
