"""Memberships over HTTP: payments, trials, leaving and refunds, and what a member has of plans at any moment."""

import asyncio
from typing import Any, Final

import pytest

from tests.harness.api import Api, fresh, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

CLUB: Final[Json] = {
    "key": "club",
    "price": 3000,
    "term": {"days": 30},
    "grace": {"days": 10},
    "trial": {"days": 7},
    "refund": {"kind": "prorated"},
    "activity": "club_paid",
    "privileges": {
        "multipliers": [{"wallet": "points", "factor": 2}],
        "discount": {"percent": "10%"},
        "entitlements": ["free_delivery"],
    },
}
PLUS: Final[Json] = {"key": "plus", "price": 9000, "term": {"months": 12}}
STATUS: Final[Json] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "tiers": [{"key": "silver", "at_least": 20_000, "plan": "club"}],
}
START: Final = "2030-05-01T00:00:00Z"


def rules(**changed: object) -> Json:
    written = document(time_zone="UTC")
    paid = {"key": "club_paid", "once_per": "subject", "attributes": {"amount": {"type": "integer"}}}
    activities = [*written["activities"], paid]
    return {**written, "activities": activities, "plans": [CLUB, PLUS], "tier_sets": [STATUS], **changed}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    """A sandbox whose clock is moved by the tests."""
    return await new_program(rules(), is_sandbox=True)


async def begin(client: Api) -> str:
    """Move the clock to where the tests begin, and return a new member."""
    await client.post("/program/clock", {"to": START})
    return await client.new_member()


async def move(client: Api, to: str) -> None:
    answer = await client.post("/program/clock", {"to": to})
    assert answer.status_code == 200, answer.text


async def pay(client: Api, member: str, plan: str = "club", *, key: str | None = None, **fields: object) -> Any:  # noqa: ANN401 - a response
    body = {
        "payment": fresh("p"),
        "amount": 9000 if plan == "plus" else 3000,
        "currency": "EUR",
        "paid_at": START,
        **fields,
    }
    return await client.post(f"/members/{member}/plans/{plan}/payments", body, key=key)


async def plans_of(client: Api, member: str) -> dict[str, Json]:
    answer = await client.get(f"/members/{member}/plans")
    assert answer.status_code == 200, answer.text
    return {one["plan"]: one for one in answer.json()["plans"]}


def code_of(answer: Any) -> tuple[int, str]:  # noqa: ANN401 - a response
    return answer.status_code, answer.json()["code"]


async def publish(client: Api, written: Json) -> Any:  # noqa: ANN401 - a response
    return await client.send("PUT", "/program", body=written, headers={"If-Match": "*"})


async def state_of(client: Api, member: str, plan: str = "club") -> tuple[str, str]:
    held = (await plans_of(client, member))[plan]
    return held["state"], held["ends_at"]


async def test_a_payment_pays_for_a_term_and_gives_what_the_plan_gives(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    before = (await client.post_order(member, 10_000, placed_at=START)).json()

    paid = await pay(client, member, payment="one")
    order = (await client.post_order(member, 10_000, placed_at=START)).json()
    looked = (await client.evaluate(member, 10_000, placed_at=START)).json()
    entitled = (await client.get(f"/members/{member}/entitlements")).json()["entitlements"]

    assert paid.status_code == 201
    assert paid.json()["membership"] == {
        "plan": "club",
        "state": "active",
        "since": START,
        "paid_until": "2030-05-31T00:00:00Z",
        "ends_at": "2030-06-10T00:00:00Z",
        "cancelled_at": None,
    }
    assert [(one["tier"], one["until"]) for one in paid.json()["tiers"]] == [("silver", "2030-06-10T00:00:00Z")]
    assert before["total"] == 10_000
    assert order["total"] == looked["total"] == 9_000
    assert {effect["rule"]: effect["points"] for effect in order["effects"]} == {"base": 90, "plan/club/points": 90}
    assert [discount["promotion"] for discount in order["discounts"]] == ["plan/club"]
    assert entitled == [{"entitlement": "free_delivery", "given_by": "plan/club", "until": "2030-06-10T00:00:00Z"}]
    assert await ledger.faults() == []


async def test_states_follow_from_the_time_alone(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    await pay(client, member)

    states = [await state_of(client, member)]
    for at in ("2030-05-31T00:00:00Z", "2030-06-09T23:59:59Z", "2030-06-10T00:00:00Z"):
        await move(client, at)
        states.append(await state_of(client, member))

    assert [state for state, _ in states] == ["active", "in_grace", "in_grace", "lapsed"]
    place = (await client.get(f"/members/{member}/tiers")).json()["tiers"][0]
    assert place["tier"] is None
    order = (await client.post_order(member, 10_000, placed_at="2030-06-10T00:00:00Z")).json()
    assert order["total"] == 10_000
    listed = (await client.get(f"/members/{member}/timeline")).json()["items"]
    assert [entry["kind"] for entry in listed if entry["kind"].startswith(("plan", "tier"))].count("plan_lapse") == 1
    assert await ledger.faults() == []


async def test_what_a_member_has_is_told_with_its_payments(client: Api) -> None:
    member = await begin(client)
    await pay(client, member, payment="one")
    await move(client, "2030-05-11T00:00:00Z")

    held = (await plans_of(client, member))["club"]

    assert held["payments"] == [
        {"payment": "one", "amount": 3000, "paid_at": START, "since": START, "until": "2030-05-31T00:00:00Z"}
    ]
    assert held["refund"] == {"currency": "EUR", "amount": 1999, "payments": [{"payment": "one", "amount": 1999}]}
    assert held["entitlements"] == ["free_delivery"]


async def test_who_never_had_a_plan_has_none(client: Api) -> None:
    member = await client.new_member()
    assert await plans_of(client, member) == {}
    assert code_of(await client.get("/members/mem_01m8054496erxvcc6weqy7k3j5/plans")) == (404, "member_not_found")


async def test_a_payment_counts_once_whatever_its_key(client: Api, ledger: Ledger) -> None:
    member, other, number = await begin(client), await client.new_member(), fresh("p")

    first = await pay(client, member, payment=number)
    again = await pay(client, member, payment=number)
    answers = [
        await pay(client, member, payment=number, paid_at="2030-05-01T00:00:01Z"),
        await pay(client, member, "plus", payment=number),
        await pay(client, other, payment=number),
    ]

    assert again.content == first.content
    assert [code_of(answer) for answer in answers] == [(409, "payment_exists")] * 3
    assert answers[0].json()["details"] == {"operation_id": first.json()["operation_id"]}
    assert await state_of(client, member) == ("active", "2030-06-10T00:00:00Z")
    assert await plans_of(client, other) == {}
    assert await ledger.faults() == []


async def test_one_key_pays_once(client: Api) -> None:
    member, key, number = await begin(client), fresh("k"), fresh("p")
    first, again = [await pay(client, member, payment=number, key=key) for _ in range(2)]
    changed = await pay(client, member, payment=fresh("p"), key=key)
    assert first.content == again.content
    assert code_of(changed) == (422, "idempotency_key_reused")


async def test_a_payment_reported_twice_at_once_counts_once(client: Api, ledger: Ledger) -> None:
    member, number = await begin(client), fresh("p")
    others = [await client.new_member() for _ in range(4)]

    same = await asyncio.gather(*(pay(client, member, payment=number) for _ in range(8)))
    rivals = await asyncio.gather(*(pay(client, one, payment="shared-" + number) for one in others))

    assert {answer.content for answer in same} == {same[0].content}
    assert same[0].status_code == 201
    assert sorted(answer.status_code for answer in rivals) == [201, 409, 409, 409]
    assert await state_of(client, member) == ("active", "2030-06-10T00:00:00Z")
    assert sum([len(await plans_of(client, one)) for one in others]) == 1
    assert await ledger.faults() == []


async def test_many_payments_at_once_are_as_many_terms(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    answers = await asyncio.gather(*(pay(client, member) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert (await plans_of(client, member))["club"]["paid_until"] == "2030-10-28T00:00:00Z"
    assert await ledger.faults() == []


async def test_a_payment_that_races_the_lapse_is_either_before_or_after_it(client: Api, ledger: Ledger) -> None:
    members = [await begin(client)] + [await client.new_member() for _ in range(5)]
    for member in members:
        await pay(client, member)
    await move(client, "2030-06-10T00:00:00Z")

    await asyncio.gather(
        *(pay(client, member, paid_at="2030-06-10T00:00:00Z") for member in members),
        *(client.post_order(member, 100, placed_at="2030-06-10T00:00:00Z") for member in members),
    )

    for member in members:
        held = (await plans_of(client, member))["club"]
        assert (held["state"], held["since"]) == ("active", "2030-06-10T00:00:00Z")
        kinds = [entry["kind"] for entry in (await client.get(f"/members/{member}/timeline")).json()["items"]]
        assert kinds.count("plan_lapse") == 1
    assert await ledger.faults() == []


async def test_a_trial_can_be_had_once(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    began = await client.post(f"/members/{member}/plans/club/trial", {})
    again = await client.post(f"/members/{member}/plans/club/trial", {})
    none = await client.post(f"/members/{member}/plans/plus/trial", {})

    assert (began.status_code, began.json()["membership"]["state"]) == (201, "trial")
    assert code_of(again) == (409, "trial_used")
    assert code_of(none) == (409, "trial_not_offered")
    assert await ledger.faults() == []


async def test_who_leaves_gets_back_what_the_plan_says(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    await pay(client, member, payment="one")
    await move(client, "2030-05-11T00:00:00Z")

    later = await client.post(f"/members/{member}/plans/club/cancel", {"reason": "moved"})
    now = await client.post(f"/members/{member}/plans/club/cancel", {"reason": "moved", "at_once": True})
    over = await client.post(f"/members/{member}/plans/club/cancel", {"reason": "moved"})

    assert (later.status_code, later.json()["refund"]["amount"]) == (200, 0)
    assert later.json()["membership"]["ends_at"] == "2030-05-31T00:00:00Z"
    assert now.json()["refund"] == {
        "currency": "EUR",
        "amount": 1999,
        "payments": [{"payment": "one", "amount": 1999}],
    }
    assert [(one["from"], one["tier"]) for one in now.json()["tiers"]] == [("silver", None)]
    assert now.json()["membership"]["state"] == "cancelled"
    assert code_of(over) == (409, "membership_not_running")
    assert await ledger.faults() == []


async def test_the_last_payment_can_be_given_back(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    await pay(client, member, payment="one")
    await pay(client, member, payment="two")
    refunds = f"/members/{member}/plans/club/refunds"

    early = await client.post(refunds, {"payment": "one", "reason": "bounced"})
    back = await client.post(refunds, {"payment": "two", "reason": "bounced", "in_full": True})
    unknown = await client.post(refunds, {"payment": "two", "reason": "bounced"})

    assert code_of(early) == (409, "payment_not_last")
    assert (back.status_code, back.json()["refund"]["amount"]) == (200, 3000)
    assert back.json()["membership"]["paid_until"] == "2030-05-31T00:00:00Z"
    assert code_of(unknown) == (404, "payment_not_found")
    assert await ledger.faults() == []


async def test_a_change_of_plan_ends_the_old_one(client: Api, ledger: Ledger) -> None:
    member = await begin(client)
    await pay(client, member, payment="one")
    await move(client, "2030-05-16T00:00:00Z")

    changed = await pay(client, member, "plus", replaces="club")

    assert changed.json()["refund"]["amount"] == 1499
    assert changed.json()["replaced"]["state"] == "cancelled"
    assert {plan: held["state"] for plan, held in (await plans_of(client, member)).items()} == {
        "club": "cancelled",
        "plus": "active",
    }
    assert await ledger.faults() == []


async def test_an_activity_reports_a_payment_too(client: Api, ledger: Ledger) -> None:
    member, number = await begin(client), fresh("p")
    body = {"member": member, "kind": "club_paid", "occurred_at": START, "subject": number}

    short = await client.post("/activities", {**body, "attributes": {"amount": 2999}})
    paid = await client.post("/activities", {**body, "attributes": {"amount": 3000}})
    again = await pay(client, member, payment=number)

    assert code_of(short) == (422, "payment_amount_mismatch")
    assert pointers_of(short) == ["/attributes/amount"]
    assert (paid.status_code, paid.json()["membership"]["state"]) == (201, "active")
    assert code_of(again) == (409, "payment_exists")
    assert await state_of(client, member) == ("active", "2030-06-10T00:00:00Z")
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("plan", "fields", "refused"),
    [
        ("gold", {}, (422, "plan_not_found")),
        ("club", {"amount": 2999}, (422, "payment_amount_mismatch")),
        ("club", {"amount": 3001}, (422, "payment_amount_mismatch")),
        ("club", {"currency": "USD"}, (422, "currency_mismatch")),
        ("club", {"paid_at": "2031-01-01T00:00:00Z"}, (422, "payment_in_future")),
        ("club", {"replaces": "plus"}, (409, "membership_not_running")),
        ("club", {"amount": -1}, (422, "validation_failed")),
        ("club", {"amount": 30.5}, (422, "validation_failed")),
        ("club", {"payment": ""}, (422, "validation_failed")),
        ("club", {"price": 3000}, (422, "validation_failed")),
    ],
)
async def test_a_payment_that_pays_for_nothing_leaves_nothing(
    client: Api, ledger: Ledger, plan: str, fields: Json, refused: tuple[int, str]
) -> None:
    member = await begin(client)
    before = await ledger.counts()
    assert code_of(await pay(client, member, plan, **fields)) == refused
    assert await plans_of(client, member) == {}
    assert await ledger.faults() == []
    assert {name: count for name, count in (await ledger.counts()).items() if "plan" in name} == {
        name: count for name, count in before.items() if "plan" in name
    }


async def test_who_is_blocked_cannot_join_and_may_leave(client: Api) -> None:
    member = await begin(client)
    await pay(client, member)
    await client.post(f"/members/{member}/block", {"reason": "check"})
    assert code_of(await pay(client, member)) == (409, "member_blocked")
    left = await client.post(f"/members/{member}/plans/club/cancel", {"reason": "moved", "at_once": True})
    assert (left.status_code, left.json()["refund"]["amount"]) == (200, 2999)


async def test_a_plan_stays_in_the_document_while_members_are_in_it(client: Api) -> None:
    member = await begin(client)
    await pay(client, member)
    gone = rules(plans=[PLUS], tier_sets=[])

    refused = await publish(client, gone)
    await client.post(f"/members/{member}/plans/club/cancel", {"reason": "moved", "at_once": True})
    published = await publish(client, gone)

    assert code_of(refused) == (422, "program_invalid")
    assert [fault["code"] for fault in refused.json()["errors"]] == ["plan_in_use"]
    assert published.status_code == 200


async def test_when_two_become_one_the_longer_membership_stays(client: Api, ledger: Ledger) -> None:
    member, absorbed = await begin(client), await client.new_member()
    await pay(client, member)
    await pay(client, absorbed)
    await pay(client, absorbed)

    await client.merge(member, absorbed)

    assert (await plans_of(client, member))["club"]["paid_until"] == "2030-06-30T00:00:00Z"
    assert await ledger.faults() == []
