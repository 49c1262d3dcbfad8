"""Activities over HTTP: reported, read, and shown where everything else is."""

from typing import Any, Final

import pytest

from tests.harness.api import Api, activity_body, code_of, fresh, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import LOCATION, MakeProgram, Program

MEMBER: Final = "mem_00000000000000000000000000"


async def test_an_activity_is_accepted_and_read_as_reported(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(100)

    answer = await client.record_activity(member, subject="nps-2026", attributes={"score": 9})

    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert {**told, "booked_at": "", "id": told["id"][:4]} == {
        "id": "act_",
        "operation_id": told["id"].replace("act_", "op_"),
        "member_id": member,
        "revision": 1,
        "kind": "survey_answered",
        "subject": "nps-2026",
        "effective_at": "2026-01-15T09:00:00Z",
        "booked_at": "",
        "effects": [],
        "balances": [{"wallet": "points", "available": 100, "pending": 0, "held": 0, "debt": 0}],
    }
    assert (await client.get(f"/activities/{told['id']}")).json() == {
        "id": told["id"],
        "operation_id": told["operation_id"],
        "member_id": member,
        "kind": "survey_answered",
        "subject": "nps-2026",
        "location": None,
        "attributes": {"score": 9},
        "occurred_at": "2026-01-15T09:00:00Z",
        "booked_at": told["booked_at"],
    }
    assert await ledger.faults() == []


async def test_an_activity_stands_in_the_timeline_and_in_the_log(client: Api) -> None:
    member = await client.new_member()
    told = (await client.record_activity(member, subject="nps-2026")).json()

    entries = (await client.get(f"/members/{member}/timeline")).json()["items"]
    operation = (await client.get(f"/operations/{told['operation_id']}")).json()
    explanation = (await client.get(f"/operations/{told['operation_id']}/explanation")).json()

    assert [(entry["kind"], entry["summary"]) for entry in entries] == [
        ("activity", "Activity survey_answered (nps-2026)"),
        ("enrolment", "Enrolled"),
    ]
    assert (operation["kind"], operation["member_id"], operation["answer"]) == ("activity", member, told)
    assert explanation["is_complete"]


async def test_an_activity_sent_again_is_the_same(client: Api, ledger: Ledger) -> None:
    body = activity_body(await client.new_member())

    first = await client.post("/activities", body, key="k-1")
    again = await client.post("/activities", body, key="k-1")

    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await ledger.count("activity") == 1


async def test_a_till_reports_activities_of_its_store(client: Api, program: Program) -> None:
    member = await client.new_member()
    till = client.acting_as(program.till)

    reported = await till.record_activity(member)

    assert reported.status_code == 201, reported.text
    assert (await client.get(f"/activities/{reported.json()['id']}")).json()["location"] == LOCATION
    assert code_of(await till.get(f"/activities/{reported.json()['id']}")) == "scope_missing"


async def test_a_till_reports_no_activities_of_other_stores(client: Api, program: Program, ledger: Ledger) -> None:
    member = await client.new_member()
    till = client.acting_as(program.till)

    refused = await till.record_activity(member, location="elsewhere")

    assert code_of(refused) == "till_mismatch"
    assert await ledger.count("activity") == 0


async def test_a_stranger_has_no_activities(quiet: Api) -> None:
    answer = await quiet.record_activity(f"card:{fresh('c')}")

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (404, "member_not_found", ["/member"])


@pytest.mark.parametrize("unknown", ["act_00000000000000000000000000", "op_00000000000000000000000000", "nonsense"])
async def test_what_is_no_activity_is_not_found(client: Api, unknown: str) -> None:
    answer = await client.get(f"/activities/{unknown}")

    assert (answer.status_code, code_of(answer)) == (404, "not_found")


async def test_an_activity_of_another_program_is_not_found(client: Api, new_program: MakeProgram) -> None:
    stranger = client.acting_as((await new_program()).admin)
    told = (await stranger.record_activity(await stranger.new_member())).json()

    assert code_of(await client.get(f"/activities/{told['id']}")) == "not_found"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"member": None}, "/member"),
        ({"member": "2000012345"}, "/member"),
        ({"kind": None}, "/kind"),
        ({"kind": ""}, "/kind"),
        ({"kind": "x" * 65}, "/kind"),
        ({"occurred_at": None}, "/occurred_at"),
        ({"occurred_at": "2026-01-15T10:00:00"}, "/occurred_at"),
        ({"subject": ""}, "/subject"),
        ({"subject": "x" * 129}, "/subject"),
        ({"attributes": {"score": 0.5}}, "/attributes/score"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_body_that_is_no_activity_is_told_where(quiet: Api, change: dict[str, Any], pointer: str) -> None:
    body = {name: value for name, value in {**activity_body(MEMBER), **change}.items() if value is not None}

    answer = await quiet.post("/activities", body)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])


async def test_an_activity_needs_a_key(quiet: Api) -> None:
    answer = await quiet.send("POST", "/activities", body=activity_body(MEMBER))

    assert code_of(answer) == "idempotency_key_required"
