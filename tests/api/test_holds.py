"""Holds over HTTP: points set aside, then captured, voided, or back by themselves; each ends once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, available, code_of, pointers_of
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

Json = dict[str, Any]


async def test_a_hold_sets_points_aside(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(300)

    answer = await client.hold(member, 200)

    held = answer.json()
    assert (answer.status_code, held["status"], held["points"], held["amount"]) == (201, "held", 200, 200)
    assert held["balances"] == [{"wallet": "points", "available": 100, "pending": 0, "held": 200, "debt": 0}]
    lasts = datetime.fromisoformat(held["expires_at"]) - datetime.fromisoformat(held["booked_at"])
    assert lasts == timedelta(minutes=15)
    assert code_of(await client.redeem(member, 101)) == "insufficient_points"
    [listed] = (await client.get(f"/members/{member}/holds")).json()["items"]
    assert listed == {
        name: held[name] for name in ("id", "operation_id", "wallet", "points", "expires_at", "booked_at")
    }
    read = (await client.get(f"/redemptions/{held['id']}")).json()
    assert (read["status"], read["expires_at"], read["captured"]) == ("held", held["expires_at"], None)
    assert await ledger.faults() == []


@pytest.mark.parametrize("ttl_seconds", [1, 3600, 2_592_000])
async def test_a_hold_lasts_as_long_as_asked(client: Api, ttl_seconds: int) -> None:
    held = (await client.hold(await client.new_member(20), 20, ttl_seconds=ttl_seconds)).json()

    lasts = datetime.fromisoformat(held["expires_at"]) - datetime.fromisoformat(held["booked_at"])
    assert lasts == timedelta(seconds=ttl_seconds)


async def test_a_captured_hold_is_spent(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(300)
    hold = (await client.hold(member, 200)).json()["id"]

    answer = await client.send("POST", f"/redemptions/{hold}/capture", content=b"", key=None)

    ended = answer.json()
    assert (answer.status_code, ended["status"], ended["redemption_id"]) == (200, "captured", hold), answer.text
    assert (ended["points"], ended["captured"], ended["released"], ended["amount"]) == (200, 200, 0, 200)
    assert ended["balances"] == [{"wallet": "points", "available": 100, "pending": 0, "held": 0, "debt": 0}]
    assert ended["reason"] is None
    read = (await client.get(f"/redemptions/{hold}")).json()
    assert (read["status"], read["captured"], read["ended_by"]) == ("captured", 200, ended["operation_id"])
    assert (await client.get(f"/members/{member}/holds")).json()["items"] == []
    assert await ledger.faults() == []


async def test_what_a_capture_leaves_goes_back_to_its_lots(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(30)
    await client.adjust(member, 50)
    hold = (await client.hold(member, 60)).json()["id"]

    ended = (await client.capture(hold, 40)).json()

    assert (ended["captured"], ended["released"], available(ended)) == (40, 20, 40)
    lots = (await client.get(f"/members/{member}/lots?all=true")).json()["items"]
    assert [(lot["remaining"], lot["status"]) for lot in lots] == [(40, "available"), (0, "empty")]
    assert await ledger.faults() == []


async def test_a_voided_hold_gives_everything_back(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(300)
    hold = (await client.hold(member, 200)).json()["id"]

    ended = (await client.void(hold, reason="checkout_abandoned")).json()

    assert (ended["status"], ended["captured"], ended["released"], ended["amount"]) == ("voided", 0, 200, 0)
    assert (ended["reason"], available(ended)) == ("checkout_abandoned", 300)
    assert (await client.get(f"/redemptions/{hold}")).json()["status"] == "voided"
    assert await ledger.faults() == []


async def end(api: Api, hold: str, how: str) -> httpx.Response:
    return await (api.capture(hold) if how == "capture" else api.void(hold))


@pytest.mark.parametrize("first", ["capture", "void"])
@pytest.mark.parametrize("second", ["capture", "void"])
async def test_a_hold_ends_once(client: Api, ledger: Ledger, *, first: str, second: str) -> None:
    hold = (await client.hold(await client.new_member(100), 80)).json()["id"]
    ended = (await end(client, hold, first)).json()
    before = await ledger.fingerprint()

    again = await end(client, hold, second)

    assert (again.status_code, code_of(again)) == (409, "hold_ended")
    assert again.json()["details"] == {
        "redemption_id": hold,
        "ended_by": ended["operation_id"],
        "captured": 80 if first == "capture" else 0,
    }
    assert await ledger.fingerprint() == before


async def test_an_expired_hold_is_over_though_nothing_ran(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(100)
    hold = (await client.hold(member, 80, ttl_seconds=1)).json()["id"]
    await asyncio.sleep(1.05)

    read = (await client.get(f"/redemptions/{hold}")).json()
    balances = (await client.get(f"/members/{member}/balances")).json()["balances"]
    lots = (await client.get(f"/members/{member}/lots")).json()["items"]
    holds = (await client.get(f"/members/{member}/holds")).json()["items"]
    refused = [await client.capture(hold), await client.void(hold)]
    spent = await client.redeem(member, 100)

    assert (read["status"], holds) == ("expired", [])
    assert balances == [{"wallet": "points", "available": 100, "pending": 0, "held": 0, "debt": 0}]
    assert [(lot["remaining"], lot["status"]) for lot in lots] == [(100, "available")]
    assert [(answer.status_code, code_of(answer)) for answer in refused] == [(409, "hold_expired")] * 2
    assert (spent.status_code, available(spent.json())) == (201, 0)
    assert (await client.get(f"/redemptions/{hold}")).json()["status"] == "expired"
    assert await ledger.faults() == []


async def test_more_than_was_set_aside_is_never_captured(client: Api, ledger: Ledger) -> None:
    hold = (await client.hold(await client.new_member(100), 80)).json()["id"]
    before = await ledger.fingerprint()

    answer = await client.capture(hold, 81)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "capture_exceeds_hold", ["/points"])
    assert await ledger.fingerprint() == before


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"points": 101}, "insufficient_points", "/points"),
        ({"points": 9}, "points_below_minimum", "/points"),
        ({"wallet": "stamps"}, "wallet_not_redeemable", "/wallet"),
        ({"wallet": "gold"}, "wallet_not_found", "/wallet"),
        ({"member": "card:nobody"}, "member_not_found", "/member"),
        ({"ttl_seconds": 0}, "validation_failed", "/ttl_seconds"),
        ({"ttl_seconds": 2_592_001}, "validation_failed", "/ttl_seconds"),
        ({"ttl_seconds": 1.5}, "validation_failed", "/ttl_seconds"),
        ({"ttl_seconds": True}, "validation_failed", "/ttl_seconds"),
        ({"hold": "yes"}, "validation_failed", "/hold"),
        ({"hold": 1}, "validation_failed", "/hold"),
        ({"hold": False, "ttl_seconds": 60}, "validation_failed", ""),
    ],
)
async def test_a_hold_that_cannot_be_is_told_where(
    client: Api, ledger: Ledger, changes: Json, *, code: str, pointer: str
) -> None:
    member = await client.new_member(100)
    before = await ledger.fingerprint()

    answer = await client.post(
        "/redemptions", {"member": member, "wallet": "points", "points": 50, "hold": True, **changes}
    )

    assert (code_of(answer), pointers_of(answer)) == (code, [pointer])
    assert await ledger.fingerprint() == before


@pytest.mark.parametrize(
    ("path", "body", "code", "pointer"),
    [
        ("capture", {"points": 0}, "validation_failed", "/points"),
        ("capture", {"points": 1.0}, "validation_failed", "/points"),
        ("capture", {"reason": "why"}, "validation_failed", "/reason"),
        ("capture", {}, "hold_not_found", ""),
        ("void", {}, "validation_failed", "/reason"),
        ("void", {"reason": "So what"}, "validation_failed", "/reason"),
        ("void", {"reason": "why"}, "hold_not_found", ""),
    ],
)
async def test_the_end_of_no_hold_is_refused(quiet: Api, path: str, body: Json, *, code: str, pointer: str) -> None:
    answer = await quiet.post(f"/redemptions/red_00000000000000000000000000/{path}", body)

    assert (code_of(answer), pointers_of(answer) or [""]) == (code, [pointer])


async def test_a_redemption_is_no_hold_and_a_hold_no_redemption(client: Api) -> None:
    member = await client.new_member(100)
    redemption = (await client.redeem(member, 20)).json()["id"]
    hold = (await client.hold(member, 20)).json()["id"]

    answers = [await client.capture(redemption), await client.void(redemption), await client.cancel_redemption(hold)]

    assert [code_of(answer) for answer in answers] == ["hold_not_found", "hold_not_found", "redemption_not_found"]


async def test_a_till_may_hold_and_capture(client: Api, program: Program) -> None:
    member, till = await client.new_member(100), client.acting_as(program.till)
    hold = (await till.hold(member, 50)).json()["id"]

    assert (await till.capture(hold)).status_code == 200
    assert code_of(await till.get(f"/members/{member}/holds")) == "scope_missing"


async def test_a_key_without_the_scope_holds_nothing(client: Api, program: Program) -> None:
    member = await client.new_member(100)
    hold = (await client.hold(member, 50)).json()["id"]
    token = client.acting_as(await program.add_token(scopes=["orders:write", "redemptions:read"]))

    answers = [await token.hold(member, 10), await token.capture(hold), await token.void(hold)]

    assert [answer.json()["details"] for answer in answers] == [{"scope": "redemptions:write"}] * 3
    assert (await token.get(f"/redemptions/{hold}")).json()["status"] == "held"


async def test_a_repeated_capture_gets_the_same_bytes(clients: Api) -> None:
    hold = (await clients.hold(await clients.new_member(100), 50)).json()["id"]

    answers = [await clients.capture(hold, 30, key="k-1") for _ in range(3)]

    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true", "true"]


async def test_holds_are_listed_page_by_page(client: Api) -> None:
    member = await client.new_member(100)
    holds = [(await client.hold(member, 10 + n)).json()["id"] for n in range(3)]

    first = (await client.get(f"/members/{member}/holds?limit=2")).json()
    last = (await client.get(f"/members/{member}/holds?limit=2&cursor={first['next_cursor']}")).json()

    assert [item["id"] for item in first["items"] + last["items"]] == holds[::-1]
    assert last["next_cursor"] is None
