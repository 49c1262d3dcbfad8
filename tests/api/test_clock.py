"""The clock of a sandbox: moved on, it shows in minutes what a year does to a program."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.api import Api, code_of, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, document
from tests.harness.referrals import FRIENDS

TERMS = {"activation": {"kind": "after", "length": {"days": 14}}, "expiry": {"kind": "after", "length": {"months": 6}}}


@pytest.fixture
async def sandbox(client: Api, new_program: MakeProgram) -> Api:
    """A shop whose points wait two weeks and last half a year."""
    rules = document(time_zone="Europe/Berlin")
    rules["wallets"][0] |= TERMS
    return client.acting_as((await new_program(rules, is_sandbox=True)).admin)


async def move(shop: Api, **body: Any) -> datetime:  # noqa: ANN401 - any field of the body
    answer = await shop.post("/program/clock", body)
    assert answer.status_code == 200, answer.text
    return datetime.fromisoformat(answer.json()["now"])


async def buy(shop: Api, member: str, amount: int) -> None:
    now = (await shop.get("/program/clock")).json()["now"]
    answer = await shop.post_order(member, amount, placed_at=now)
    assert answer.status_code == 201, answer.text


async def points_of(shop: Api, member: str) -> tuple[int, int]:
    answer = await shop.get(f"/members/{member}/balances")
    [balance] = answer.json()["balances"]
    return balance["available"], balance["pending"]


async def test_a_year_passes_in_a_moment(sandbox: Api, ledger: Ledger) -> None:
    member = await sandbox.new_member()
    await buy(sandbox, member, 5000)
    seen = [await points_of(sandbox, member)]
    for length in ({"days": 13}, {"days": 1}, {"months": 5}, {"months": 1}):
        await move(sandbox, forward=length)
        seen.append(await points_of(sandbox, member))

    await buy(sandbox, member, 3000)
    seen.append(await points_of(sandbox, member))

    assert seen == [(0, 50), (0, 50), (50, 0), (50, 0), (0, 0), (0, 30)]
    assert await ledger.faults() == []


async def test_the_clock_goes_on_ticking_from_where_it_was_moved(sandbox: Api) -> None:
    to = datetime(2030, 6, 1, 12, tzinfo=UTC)
    moved = await move(sandbox, to=to.isoformat())
    shown = (await sandbox.get("/program/clock")).json()
    member = await sandbox.new_member()
    await buy(sandbox, member, 1000)
    operation = (await sandbox.get(f"/members/{member}/timeline")).json()["items"][0]

    assert moved == to
    assert shown["is_sandbox"]
    assert to < datetime.fromisoformat(shown["now"]) < to + timedelta(minutes=1)
    assert to < datetime.fromisoformat(operation["booked_at"]) < to + timedelta(minutes=1)


async def test_a_day_is_one_of_the_programs_calendar(sandbox: Api) -> None:
    """The night from 28 to 29 March 2099 has 23 hours in Berlin."""
    await move(sandbox, to="2099-03-28T12:00:00+01:00")

    moved = await move(sandbox, forward={"days": 1})

    assert datetime(2099, 3, 29, 10, tzinfo=UTC) < moved < datetime(2099, 3, 29, 10, 1, tzinfo=UTC)


async def test_a_revision_is_published_by_the_programs_clock(sandbox: Api) -> None:
    await move(sandbox, to="2031-01-01T00:00:00Z")
    found = (await sandbox.get("/program")).json()
    changed = {**found["document"], "program": {**found["document"]["program"], "name": "Later"}}
    await sandbox.send("PUT", "/program", body=changed, headers={"if-match": "*"})

    published = (await sandbox.get("/program")).json()["published_at"]

    assert published.startswith("2031-01-01T00:0")


async def test_friends_are_rewarded_by_a_job_of_their_own(client: Api, sandbox: Api, new_program: MakeProgram) -> None:
    rules = {**document(), "referrals": [FRIENDS]}
    shop = client.acting_as((await new_program(rules, is_sandbox=True)).admin)

    moved = [(await one.post("/program/clock", {"forward": {"days": 1}})).json() for one in (sandbox, shop)]

    kinds = [[job["kind"] for job in (await one.get("/jobs")).json()["items"]] for one in (sandbox, shop)]
    assert [sorted(found) for found in kinds] == [["settle"], ["reward_referrals", "settle"]]
    assert moved[0]["rewards_job_id"] is None
    job = (await shop.get(f"/jobs/{moved[1]['rewards_job_id']}")).json()
    assert (job["kind"], job["status"]) == ("reward_referrals", "waiting")


async def test_the_clock_never_moves_backwards(sandbox: Api) -> None:
    await move(sandbox, to="2040-01-01T00:00:00Z")

    refused = await sandbox.post("/program/clock", {"to": "2039-12-31T00:00:00Z"})

    assert (refused.status_code, code_of(refused), pointers_of(refused)) == (422, "clock_backwards", ["/to"])
    assert refused.json()["details"]["now"].startswith("2040-01-01T00:0")
    assert (await sandbox.get("/program/clock")).json()["now"].startswith("2040-01-01T00:0")


@pytest.mark.parametrize("body", [{"to": "2300-01-01T00:00:00Z"}, {"forward": {"days": 36_500}}])
async def test_a_clock_stays_within_a_hundred_years(sandbox: Api, body: dict[str, Any]) -> None:
    await move(sandbox, forward={"years": 50})

    refused = await sandbox.post("/program/clock", body)

    assert (refused.status_code, code_of(refused), pointers_of(refused)) == (
        422,
        "clock_too_far",
        ["/" + next(iter(body))],
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": "2040-01-01T00:00:00Z", "forward": {"days": 1}},
        {"forward": {}},
        {"forward": {"days": 0}},
        {"to": "soon"},
    ],
)
async def test_it_must_be_clear_where_to(sandbox: Api, body: dict[str, Any]) -> None:
    refused = await sandbox.post("/program/clock", body)

    assert (refused.status_code, code_of(refused)) == (422, "validation_failed")


async def test_a_live_program_goes_by_real_time(client: Api) -> None:
    refused = await client.post("/program/clock", {"forward": {"days": 1}})
    shown = (await client.get("/program/clock")).json()

    assert (refused.status_code, code_of(refused)) == (409, "not_a_sandbox")
    assert not shown["is_sandbox"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(shown["now"])) < timedelta(minutes=1)
