"""What became of a request: found by its key, by the order's number, and explained."""

import pytest

from tests.harness.api import Api, code_of, fresh, receipt
from tests.harness.programs import MakeProgram, Program, document


async def outcomes(client: Api, query: str) -> list[dict[str, object]]:
    answer = await client.get(f"/operations?{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_a_key_tells_what_it_became(client: Api) -> None:
    member = await client.new_member(50)
    accepted, refused = fresh(), fresh()
    done = (await client.redeem(member, 20, key=accepted)).json()
    problem = (await client.redeem(member, 900, key=refused)).json()
    (found,) = (await client.get(f"/operations?idempotency_key={accepted}")).json()["items"]
    assert (found["state"], found["operation"]["id"], found["refusal"]) == ("accepted", done["operation_id"], None)
    (found,) = (await client.get(f"/operations?idempotency_key={refused}")).json()["items"]
    assert (found["state"], found["operation"]) == ("refused", None)
    assert (found["refusal"]["code"], found["refusal"]["problem"]) == ("insufficient_points", problem)
    assert await outcomes(client, f"idempotency_key={fresh()}") == []


async def test_a_key_of_another_client_is_not_found(client: Api, program: Program) -> None:
    key = fresh()
    await client.redeem(await client.new_member(50), 20, key=key)
    other = client.acting_as(await program.add_token())
    assert await outcomes(other, f"idempotency_key={key}") == []


async def test_a_till_finds_its_short_keys_without_naming_itself(client: Api, program: Program) -> None:
    token = await program.add_token(location="store-1", till="1")
    till = client.acting_as(token)
    placed = (await till.post_order(None, 500, receipt=receipt(), key="7")).json()
    for query in ("idempotency_key=7", "idempotency_key=7&scope=store-1/1"):
        (found,) = (await till.get(f"/operations?{query}")).json()["items"]
        assert found["operation"]["id"] == placed["operation_id"]
    assert await outcomes(till, "idempotency_key=7&scope=store-1/2") == []


async def test_an_order_is_found_by_its_own_number(client: Api) -> None:
    shop = (await client.post_order(None, 500, order_id="W 1/ä")).json()
    till = (await client.post_order(None, 500, receipt=receipt("0042", location="s", till="2"))).json()
    (found,) = (await client.get("/operations?order_id=W%201/%C3%A4")).json()["items"]
    assert found["operation"]["order_id"] == shop["id"]
    (found,) = (await client.get("/operations?location=s&till=2&business_date=2026-11-21&number=0042")).json()["items"]
    assert found["operation"]["order_id"] == till["id"]
    assert await outcomes(client, "location=s&till=2&business_date=2026-11-21&number=42") == []
    assert await outcomes(client, "order_id=W") == []


async def test_a_return_is_found_under_its_own_number(client: Api) -> None:
    order = (await client.post_order(None, 1000)).json()["id"]
    shop = (await client.take_back(order, amount=1, return_id="R-1")).json()
    till = (await client.take_back(order, amount=1, receipt=receipt("0042", location="s", till="2"))).json()
    by_receipt = "location=s&till=2&business_date=2026-11-21&number=0042"
    (found,) = (await client.get("/operations?return_id=R-1")).json()["items"]
    assert (found["operation"]["id"], found["operation"]["kind"]) == (shop["operation_id"], "return")
    (found,) = (await client.get(f"/operations?{by_receipt}&type=return")).json()["items"]
    assert found["operation"]["id"] == till["operation_id"]
    assert await outcomes(client, by_receipt) == await outcomes(client, "order_id=R-1") == []


async def test_a_return_that_waits_is_not_taken_for_its_order(client: Api) -> None:
    waiting = await client.post("/returns", {"order": {"order_id": "W-9"}, "amount": 1})
    assert (waiting.status_code, await outcomes(client, "order_id=W-9")) == (201, [])


@pytest.mark.parametrize(
    "query",
    [
        "number=1",
        "type=return",
        "return_id=R-1&order_id=W-1",
        "location=s&type=gift&till=1&number=1&business_date=2026-11-21",
        "location=s",
        "till=1&number=1&business_date=2026-11-21",
        "order_id=1&idempotency_key=2",
        "scope=a/b",
        "business_date=2026-02-30",
        "order_id=%00",
    ],
)
async def test_filters_that_make_no_sense_are_refused(client: Api, query: str) -> None:
    answer = await client.get(f"/operations?{query}")
    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")


async def test_an_operation_shows_what_it_moved_and_answered(client: Api) -> None:
    member = await client.new_member(300)
    placed = (await client.post_order(member, 1000, pay_with_points={"wallet": "points", "points": 100})).json()
    read = (await client.get(f"/operations/{placed['operation_id']}")).json()
    assert (read["kind"], read["member_id"], read["order_id"], read["revision"]) == ("order", member, placed["id"], 1)
    assert read["amounts"] == [
        {"wallet": "points", "added": 9, "taken": 100, "expired": 0, "owed": 0, "pending": 0, "held": 0}
    ]
    assert (read["other_member_id"], read["other_amounts"], read["other_balances"]) == (None, [], [])
    assert read["balances"] == [{"wallet": "points", "available": 209, "pending": 0, "held": 0, "debt": 0}]
    assert read["answer"] == placed


async def test_a_cancelled_redemption_names_its_reversal(client: Api) -> None:
    redemption = (await client.redeem(await client.new_member(50), 20)).json()
    cancelled = (await client.cancel_redemption(redemption["id"])).json()
    assert (await client.get(f"/operations/{redemption['operation_id']}")).json()["reversed_by"] == cancelled[
        "operation_id"
    ]
    assert (await client.get(f"/operations/{cancelled['operation_id']}")).json()["reverses"] == redemption[
        "operation_id"
    ]


async def test_an_explanation_reads_in_plain_english(client: Api, new_program: MakeProgram) -> None:
    rules = document()
    earn = {"kind": "fixed", "points": 5}
    conditions = {
        "big": {"fact": "order.total", "at_least": 2000},
        "beans": {"lines": {"category": ["coffee", "tea"]}, "quantity": {"at_least": "1.5"}},
        "vegan": {"fact": "member.attributes.vegan", "is": True},
        "app": {"any": [{"fact": "order.channel", "in": ["app", "web"]}, {"fact": "order.total", "more_than": 5000}]},
        "not_here": {
            "not": {"all": [{"fact": "order.location", "exists": False}, {"fact": "order.total", "less_than": 3000}]}
        },
    }
    rules["earning_rules"] = [
        {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {"key": "dear", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100_000}},
        {"key": "asleep", "wallet": "points", "active": False, "earn": earn},
        *({"key": key, "wallet": "points", "when": when, "earn": earn} for key, when in conditions.items()),
    ]
    other = client.acting_as((await new_program(rules)).admin)
    member = await other.new_member()
    lines = [{"amount": 1899, "quantity": "0.25", "category": "coffee"}]
    placed = (await other.post_order(member, lines=lines)).json()
    read = (await other.get(f"/operations/{placed['operation_id']}/explanation")).json()
    assert read["text"] == [
        "base: applied, gives 18 points",
        "dear: not applied, there is nothing, or too little, to earn on",
        "asleep: not applied, the rule is switched off",
        "big: not applied, needs order.total at least 2000, was 1899 (101 missing)",
        "beans: not applied, needs lines.quantity of lines with category coffee, tea at least 1.5, was 0.25 (1.25 missing)",
        "vegan: not applied, needs member.attributes.vegan to be true, what it was is personal",
        (
            "app: not applied, needs one of these: needs order.channel to be one of app, web, was absent; "
            "or needs order.total more than 5000, was 1899 (3102 missing)"
        ),
        "not_here: not applied, excluded because order.location is absent and order.total is less than 3000",
    ]
    assert [reason["rule"] for reason in read["reasons"] if reason["applied"]] == ["base"]
    assert read["facts"]["member"]["orders"] == 0
    assert (read["operation_id"], read["revision"], read["is_complete"]) == (placed["operation_id"], 1, True)


async def test_an_explanation_tells_limits_groups_and_closed_rules(client: Api, new_program: MakeProgram) -> None:
    rules = document()
    rules["earning_groups"] = [{"key": "boosts", "choose": "best"}]
    limit = {"per": "member", "points": 25, "period": "year"}
    rules["earning_rules"] = [
        {
            "key": "base",
            "wallet": "points",
            "earn": {"kind": "per_amount", "points": 1, "per": 100},
            "limits": [limit],
        },
        {"key": "small", "wallet": "points", "earn": {"kind": "fixed", "points": 2}, "group": "boosts"},
        {"key": "large", "wallet": "points", "earn": {"kind": "fixed", "points": 3}, "group": "boosts"},
        {
            "key": "early",
            "wallet": "points",
            "window": {"ends_at": "2000-01-01"},
            "earn": {"kind": "fixed", "points": 4},
        },
        {
            "key": "card",
            "wallet": "points",
            "when": {"fact": "order.tenders", "includes": "card"},
            "earn": {"kind": "fixed", "points": 5},
        },
    ]
    other = client.acting_as((await new_program(rules)).admin)
    member = await other.new_member()
    await other.post_order(member, lines=[{"amount": 1800}])
    placed = (await other.post_order(member, lines=[{"amount": 1800}])).json()

    read = (await other.get(f"/operations/{placed['operation_id']}/explanation")).json()

    assert read["text"] == [
        "base: applied, gives 7 points, cut from 18 by the limit of 25 points per member and year (18 used)",
        "small: not applied, another rule of the group boosts was chosen; would give 2 points",
        "large: applied, gives 3 points",
        "early: not applied, the rule was closed at that time",
        "card: not applied, needs order.tenders to include one of card, was nothing",
    ]
    assert read["reasons"][0] == {
        "rule": "base",
        "applied": True,
        "code": "applied",
        "wallet": "points",
        "amount": 7,
        "miss": None,
        "limit": {"code": "capped", "limit": limit, "used": 18, "wanted": 18},
        "outdone": None,
    }
    assert read["reasons"][1]["outdone"] == {"code": "outdone", "group": "boosts", "wanted": 2}


async def test_what_became_of_an_order_is_explained(client: Api) -> None:
    order = (await client.post_order(await client.new_member(), 1000)).json()["id"]
    body = {"lines": [{"amount": 50}], "reason": "fewer"}
    edited = (await client.post(f"/orders/{order}/edits", body)).json()["operation_id"]
    returned = (await client.take_back(order, "1")).json()["operation_id"]
    guest = (await client.post_order(None, 1000)).json()["id"]
    unearned = (await client.post(f"/orders/{guest}/edits", body)).json()["operation_id"]
    texts = [(await client.get(f"/operations/{id_}/explanation")).json() for id_ in (edited, returned, unearned)]
    web = "web: not applied, needs order.channel to be web, was absent"
    assert [text["is_complete"] for text in texts] == [True] * 3
    assert texts[0]["text"] == ["base: not applied, there is nothing, or too little, to earn on", web]
    assert (texts[1]["text"], texts[1]["facts"]["member"]["orders"]) == ([], 1)
    assert texts[2]["text"] == []
