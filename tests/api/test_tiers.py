"""Tiers over HTTP: where members are, what leads them up and down, and what is done by hand."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.harness.api import Api, activity_body, code_of, fresh, order_body, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

STATUS: Final[Json] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "lasts": {"kind": "window", "more": 1},
    "tiers": [
        {"key": "silver", "at_least": 20_000, "privileges": {"entitlements": ["free_delivery"]}},
        {
            "key": "gold",
            "at_least": 50_000,
            "privileges": {
                "multipliers": [{"wallet": "points", "factor": 2}],
                "discount": {"percent": "10%"},
                "entitlements": ["free_delivery", "lounge"],
            },
        },
    ],
}
GREEN: Final[Json] = {
    "key": "green",
    "metric": {"kind": "activities", "activity": "own_cup"},
    "window": {"kind": "lifetime"},
    "tiers": [{"key": "leaf", "at_least": 2, "privileges": {"entitlements": ["free_delivery"]}}],
}
SINCE: Final = "2026-01-15T09:00:00Z"
UNTIL: Final = "2027-12-31T23:00:00Z"
PLACED: Final = "2026-01-15T10:00:00+01:00"


def rules(*sets: Mapping[str, Any]) -> Json:
    return {**document(time_zone="Europe/Berlin"), "tier_sets": [*sets] or [STATUS, GREEN]}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    """A sandbox in whose clock it is the middle of January 2026."""
    return await new_program(rules(), is_sandbox=True)


async def tiers_of(client: Api, member: str) -> dict[str, Json]:
    answer = await client.get(f"/members/{member}/tiers")
    assert answer.status_code == 200, answer.text
    return {place["set"]: place for place in answer.json()["tiers"]}


async def tier_of(client: Api, member: str, tier_set: str = "status") -> str | None:
    tier: str | None = (await tiers_of(client, member))[tier_set]["tier"]
    return tier


async def grant(client: Api, member: str, tier: str | None, *, key: str | None = None, **fields: object) -> Any:  # noqa: ANN401 - a response
    body = {"tier": tier, "reason": "goodwill", **fields}
    return await client.post(f"/members/{member}/tiers/status/grants", body, key=key)


async def end(client: Api, member: str) -> Any:  # noqa: ANN401 - a response
    return await client.post(f"/members/{member}/tiers/status/grants/end", {"reason": "mistake"})


async def test_an_order_leads_up_at_once_and_its_answer_says_so(client: Api, ledger: Ledger) -> None:
    member, key, body = await client.new_member(), fresh("k"), {}
    body = order_body(member, 20_000)

    looked = await client.send("POST", "/evaluations", body=body)
    placed, again = await client.post("/orders", body, key=key), await client.post("/orders", body, key=key)

    [move] = placed.json()["tiers"]
    assert (move["set"], move["from"], move["tier"], move["until"]) == ("status", None, "silver", moved_until(placed))
    assert [(one["tier"], one["until"]) for one in looked.json()["tiers"]] == [("silver", move["until"])]
    assert placed.content == again.content
    assert await ledger.faults() == []


def moved_until(placed: Any) -> str:  # noqa: ANN401 - a response
    """Return the end of the year after the one in which an order was booked, in Berlin."""
    return f"{int(placed.json()['booked_at'][:4]) + 1}-12-31T23:00:00Z"


async def test_where_a_member_is_tells_what_the_next_tier_needs(client: Api) -> None:
    member = await client.new_member()
    await client.post_order(member, 31_500, placed_at=await now_of(client))

    place = (await tiers_of(client, member))["status"]

    assert place["progress"] == {"tier": "gold", "actual": 31_500, "needed": 50_000, "missing": 18_500}
    assert (place["tier"], place["how"], place["projected"]) == ("silver", "earned", None)
    assert place["review_at"] == place["until"] is not None
    assert place["entitlements"] == ["free_delivery"]


async def test_who_did_nothing_is_below_all(client: Api) -> None:
    member = await client.new_member()
    assert (await tiers_of(client, member))["status"] == {
        "set": "status",
        "tier": None,
        "how": None,
        "since": None,
        "until": None,
        "review_at": None,
        "projected": None,
        "progress": {"tier": "silver", "actual": 0, "needed": 20_000, "missing": 20_000},
        "entitlements": [],
    }


async def now_of(client: Api) -> str:
    now: str = (await client.get("/program/clock")).json()["now"]
    return now


async def test_goods_that_come_back_take_the_tier(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    order = (await client.post_order(member, 20_000, placed_at=await now_of(client))).json()

    returned = await client.take_back(order["id"], "1")

    assert [(move["from"], move["tier"]) for move in returned.json()["tiers"]] == [("silver", None)]
    assert await tier_of(client, member) is None
    assert await ledger.faults() == []


async def test_activities_lead_up_and_reversing_them_counts(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    first = (await client.record_activity(member, "own_cup")).json()
    await client.reverse(first["operation_id"])
    second = (await client.record_activity(member, "own_cup")).json()
    third = (await client.record_activity(member, "own_cup")).json()

    assert [answer["tiers"] for answer in (first, second)] == [[], []]
    assert [(move["set"], move["tier"]) for move in third["tiers"]] == [("green", "leaf")]
    assert (await tiers_of(client, member))["green"]["progress"]["actual"] == 2
    assert await ledger.faults() == []


async def test_what_leads_up_says_so_whatever_it_is(client: Api, ledger: Ledger) -> None:
    now = await now_of(client)
    claimer, editor, reserver, target, absorbed = [await client.new_member() for _ in range(5)]
    guest = (await client.post_order(None, 20_000, placed_at=now)).json()
    small = (await client.post_order(editor, 100, placed_at=now)).json()
    cart = {name: value for name, value in order_body(reserver, 20_000, placed_at=now).items() if name != "order_id"}
    reserved = (await client.post("/reservations", cart)).json()
    await client.post_order(absorbed, 50_000, placed_at=now)

    claimed = await client.claim(guest["id"], claimer)
    edited = await client.post(f"/orders/{small['id']}/edits", {"lines": [{"amount": 20_000}], "reason": "more"})
    confirmed = await client.post(f"/reservations/{reserved['id']}/confirm", {"order_id": fresh("o")})
    merged = await client.merge(target, absorbed)

    assert "tiers" not in guest
    answers = [claimed, edited, confirmed, merged]
    assert [[move["tier"] for move in answer.json()["tiers"]] for answer in answers] == [
        ["silver"], ["silver"], ["silver"], ["gold"],
    ]  # fmt: skip
    assert await ledger.faults() == []


async def test_privileges_are_named_by_their_tier(client: Api) -> None:
    member = await client.new_member()
    await grant(client, member, "gold")

    order = (await client.post_order(member, 10_000, placed_at=await now_of(client))).json()
    explained = (await client.get(f"/operations/{order['operation_id']}/explanation")).json()
    looked = (await client.evaluate(member, 10_000, placed_at=await now_of(client))).json()

    assert order["total"] == looked["total"] == 9_000
    assert [discount["promotion"] for discount in order["discounts"]] == ["tier/status/gold"]
    assert {effect["rule"]: effect["points"] for effect in order["effects"]} == {
        "base": 90,
        "tier/status/gold/points": 90,
    }
    assert "tier/status/gold/points: applied, gives 90 points" in explained["text"]
    assert "tier/status/gold: applied, takes 1000 off" in explained["text"]
    assert "tier/status/gold" in [reason["promotion"] for reason in looked["promotions"]]


async def test_entitlements_are_told_once_by_what_gives_them_for_longest(client: Api) -> None:
    member = await client.new_member()
    before = (await client.get(f"/members/{member}/entitlements")).json()
    await client.post_order(member, 50_000, placed_at=await now_of(client))
    until = (await tiers_of(client, member))["status"]["until"]
    gold = (await client.get(f"/members/{member}/entitlements")).json()
    for _ in range(2):
        await client.record_activity(member, "own_cup")
    both = (await client.get(f"/members/{member}/entitlements")).json()

    assert before["entitlements"] == []
    assert gold["entitlements"] == [
        {"entitlement": "free_delivery", "given_by": "tier/status/gold", "until": until},
        {"entitlement": "lounge", "given_by": "tier/status/gold", "until": until},
    ]
    assert both["entitlements"][0] == {"entitlement": "free_delivery", "given_by": "tier/green/leaf", "until": None}


async def test_a_tier_is_given_by_hand_to_a_date_and_then_over(client: Api, ledger: Ledger) -> None:
    member, key = await client.new_member(), fresh("k")
    until = "2099-06-30T22:00:00Z"

    given = await grant(client, member, "gold", until=until, key=key)
    again = await grant(client, member, "gold", until=until, key=key)
    place = (await tiers_of(client, member))["status"]
    await client.post("/program/clock", {"to": "2099-06-30T22:00:00Z"})
    after = (await tiers_of(client, member))["status"]

    assert (given.status_code, given.content) == (201, again.content)
    assert (place["tier"], place["how"], place["until"], place["projected"]) == ("gold", "granted", until, None)
    assert (after["tier"], after["since"]) == (None, until)
    assert await ledger.faults() == []


async def test_what_was_given_by_hand_ends_early_where_the_member_would_be_without(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    await client.post_order(member, 20_000, placed_at=await now_of(client))
    earned = (await tiers_of(client, member))["status"]
    await grant(client, member, None)
    down = await tier_of(client, member)

    ended = await end(client, member)

    assert down is None
    assert (ended.status_code, [(move["from"], move["tier"]) for move in ended.json()["tiers"]]) == (
        200,
        [(None, "silver")],
    )
    assert (await tiers_of(client, member))["status"] == earned
    assert await ledger.faults() == []


async def test_a_tier_that_ran_out_under_a_grant_is_reviewed_by_its_own_window(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    await client.post("/program/clock", {"to": "2027-02-01T00:00:00Z"})
    await client.post_order(member, 60_000, placed_at="2027-02-01T00:00:00Z")
    await client.post("/program/clock", {"to": "2028-02-01T00:00:00Z"})
    await client.post_order(member, 25_000, placed_at="2028-02-01T00:00:00Z")
    await grant(client, member, "gold")
    await client.post("/program/clock", {"to": "2029-03-01T00:00:00Z"})

    ended = await end(client, member)

    place = (await tiers_of(client, member))["status"]
    assert [(move["from"], move["tier"]) for move in ended.json()["tiers"]] == [("gold", "silver")]
    assert (place["tier"], place["since"], place["until"]) == ("silver", "2028-12-31T23:00:00Z", "2030-12-31T23:00:00Z")
    assert await ledger.faults() == []


async def test_time_takes_a_tier_whether_or_not_anybody_booked_it(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    await client.post_order(member, 50_000, placed_at=await now_of(client))
    until = (await tiers_of(client, member))["status"]["until"]

    await client.post("/program/clock", {"to": until})
    read = (await tiers_of(client, member))["status"]
    order = (await client.post_order(member, 1_000, placed_at=until)).json()
    lines = [entry["summary"] for entry in (await client.get(f"/members/{member}/timeline")).json()["items"]]

    assert (read["tier"], read["since"]) == (None, until)
    assert (order["total"], order["tiers"]) == (1_000, [])
    assert "Tiers reviewed: no tier in status instead of gold" in lines
    assert any(line.endswith(f"gold in status, until {until[:10]}") for line in lines)
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("tier_set", "body", "code", "pointers"),
    [
        ("stars", {"tier": "gold", "reason": "goodwill"}, "tier_set_not_found", []),
        ("%00", {"tier": "gold", "reason": "goodwill"}, "tier_set_not_found", []),
        ("status", {"tier": "pink", "reason": "goodwill"}, "tier_not_found", ["/tier"]),
        ("status", {"tier": "gold", "until": "2020-01-01T00:00:00Z", "reason": "goodwill"}, "grant_ends_in_past", ["/until"]),
        ("status", {"tier": "gold", "until": "9998-12-31T23:59:59Z", "reason": "goodwill"}, "grant_too_long", ["/until"]),
        ("status", {"tier": "gold"}, "validation_failed", ["/reason"]),
        ("status", {"reason": "goodwill"}, "validation_failed", ["/tier"]),
        ("status", {"tier": "gold", "until": "tomorrow", "reason": "goodwill"}, "validation_failed", ["/until"]),
        ("status", {"tier": "gold", "reason": "goodwill", "level": 2}, "validation_failed", ["/level"]),
    ],
)  # fmt: skip
async def test_a_bad_grant_changes_nothing(
    client: Api, ledger: Ledger, tier_set: str, body: Json, code: str, pointers: list[str]
) -> None:
    member = await client.new_member()

    answer = await client.post(f"/members/{member}/tiers/{tier_set}/grants", body)

    assert (code_of(answer), pointers_of(answer)) == (code, pointers)
    assert await tier_of(client, member) is None
    assert await ledger.faults() == []


async def test_a_grant_to_nobody_or_somebody_blocked_is_refused(client: Api) -> None:
    blocked = await client.new_member()
    await client.block(blocked)

    answers = [await grant(client, who, "gold") for who in ("card:unknown", "mem_00000000000000000000000000", blocked)]
    answers += [await end(client, "card:unknown"), await end(client, blocked)]
    answers += [await client.get(f"/members/card:unknown/{what}") for what in ("tiers", "entitlements")]

    codes = ["member_not_found", "member_not_found", "member_blocked", "member_not_found", "member_blocked"]
    assert [code_of(answer) for answer in answers] == [*codes, "member_not_found", "member_not_found"]
    assert await tier_of(client, blocked) is None


async def test_what_nobody_gave_cannot_be_ended(client: Api) -> None:
    member = await client.new_member()
    await client.post_order(member, 20_000, placed_at=await now_of(client))

    answers = [
        await end(client, member),
        await client.post(f"/members/{member}/tiers/stars/grants/end", {"reason": "x"}),
    ]

    assert [code_of(answer) for answer in answers] == ["tier_not_granted", "tier_set_not_found"]
    assert await tier_of(client, member) == "silver"


async def test_a_till_reads_tiers_and_gives_none(client: Api, program: Program) -> None:
    member, till = await client.new_member(), client.acting_as(program.till)

    read = await till.get(f"/members/{member}/entitlements")
    answers = [await grant(till, member, "gold"), await end(till, member)]

    assert read.status_code == 200
    assert [code_of(answer) for answer in answers] == ["scope_missing", "scope_missing"]


async def test_a_merged_member_is_where_the_other_is(client: Api) -> None:
    target, absorbed = await client.new_member(), await client.new_member()
    await client.post_order(target, 20_000, placed_at=await now_of(client))
    await client.merge(target, absorbed)

    answer = (await client.get(f"/members/{absorbed}/tiers")).json()

    assert (answer["member_id"], answer["tiers"][0]["tier"]) == (target, "silver")


async def test_without_tier_sets_no_answer_tells_of_tiers(client: Api, new_program: MakeProgram) -> None:
    plain = client.acting_as((await new_program()).admin)
    member = await plain.new_member()

    order = (await plain.post_order(member, 90_000)).json()
    answers = [
        order,
        (await plain.evaluate(member, 90_000)).json(),
        (await plain.post("/activities", activity_body(member))).json(),
        (await plain.take_back(order["id"], "1")).json(),
    ]

    assert [answer for answer in answers if "tiers" in answer] == []
    assert (await plain.get(f"/members/{member}/tiers")).json()["tiers"] == []


def ladder(*thresholds: int | None) -> list[Json]:
    return [{"key": f"t{n}", "at_least": least} for n, least in enumerate(thresholds)]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"tiers": ladder(100, 100)}, "/tier_sets/0/tiers/1/at_least"),
        ({"tiers": ladder(200, 100)}, "/tier_sets/0/tiers/1/at_least"),
        ({"tiers": ladder(100, None, 50)}, "/tier_sets/0/tiers/2/at_least"),
        ({"tiers": []}, "/tier_sets/0/tiers"),
        ({"metric": {"kind": "activities", "activity": "gone"}}, "/tier_sets/0/metric/activity"),
        ({"window": {"kind": "lifetime"}}, "/tier_sets/0/lasts/kind"),
    ],
)
async def test_a_bad_ladder_is_not_published(client: Api, changes: Json, pointer: str) -> None:
    headers = {"if-match": '"1"'}

    answer = await client.send("PUT", "/program", body=rules({**STATUS, **changes}), headers=headers)

    assert (code_of(answer), pointers_of(answer)) == ("program_invalid", [pointer])
    assert (await client.get("/program")).json()["revision"] == 1
