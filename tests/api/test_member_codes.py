"""Codes that members get: on request and with orders, each once, and whose they are."""

import asyncio
import re
from typing import Any

import pytest

from tests.harness.api import Api, fresh, order_body
from tests.harness.codes import make_pool, share_code, upload_vouchers
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

PROMOTIONS: list[Json] = [
    {
        "key": "come_again",
        "channels": ["web"],
        "effect": {"kind": "issue_code", "pool": "next_purchase"},
    },
    {
        "key": "cinema",
        "channels": ["app"],
        "effect": {"kind": "issue_code", "pool": "cinema"},
    },
    {"key": "once", "channels": ["phone"], "effect": {"kind": "issue_code", "pool": "long"}},
    {"key": "twice", "channels": ["phone"], "effect": {"kind": "issue_code", "pool": "long"}},
    {"key": "next_time", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 300}},
]


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(), "promotions": PROMOTIONS})


@pytest.fixture(autouse=True)
async def pool(client: Api) -> None:
    """Codes for the next purchase, each for its member and good for thirty days."""
    await make_pool(
        client, "next_purchase", "next_time", kind="personal", pattern="TNX-#####-#####", ends_after_days=30
    )


async def issue(client: Api, member: str, pool: str = "next_purchase", *, key: str | None = None) -> Any:  # noqa: ANN401 - a response
    return await client.post(f"/members/{member}/codes", {"pool": pool}, key=key)


async def codes_of(client: Api, member: str) -> list[Json]:
    answer = await client.get(f"/members/{member}/codes")
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def test_a_member_gets_a_code_of_its_own(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()

    answer = await issue(client, member)

    issued = answer.json()
    assert answer.status_code == 201, answer.text
    assert re.fullmatch("TNX-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", issued["code"])
    assert (issued["pool"], issued["promotion"], issued["starts_at"]) == ("next_purchase", "next_time", None)
    assert (await codes_of(client, member)) == [
        {
            "code": issued["code"],
            "pool": "next_purchase",
            "promotion": "next_time",
            "is_active": True,
            "issued_at": issued["booked_at"],
            "operation_id": issued["operation_id"],
            "starts_at": None,
            "ends_at": issued["ends_at"],
        }
    ]
    assert await ledger.faults() == []


async def test_a_repeated_request_gets_the_same_code(client: Api) -> None:
    member, key = await client.new_member(), fresh("k")

    first, again = await issue(client, member, key=key), await issue(client, member, key=key)
    another = await issue(client, member)

    assert first.content == again.content
    assert another.json()["code"] != first.json()["code"]
    assert [one["code"] for one in await codes_of(client, member)] == [another.json()["code"], first.json()["code"]]


async def test_only_its_member_can_use_it_and_only_once(client: Api, ledger: Ledger) -> None:
    ada, ben = await client.new_member(), await client.new_member()
    code = (await issue(client, ada)).json()["code"]

    foreign = await client.post_order(ben, codes=[code.lower()])
    mine = await client.post_order(ada, codes=[code.lower()])
    twice = await client.post_order(ada, codes=[code])

    assert (foreign.status_code, mine.status_code, twice.status_code) == (409, 201, 409)
    assert mine.json()["total"] == 700
    assert [answer.json()["details"]["codes"][0]["reason"] for answer in (foreign, twice)] == [
        "wrong_member",
        "used_up",
    ]
    assert await ledger.faults() == []


async def test_a_campaign_that_is_cut_short_ends_for_codes_that_members_have(client: Api) -> None:
    await client.send("PATCH", "/code-pools/next_purchase", body={"ends_at": "2099-01-01T00:00:00Z"})
    member = await client.new_member()
    code = (await issue(client, member)).json()["code"]

    await client.send("PATCH", "/code-pools/next_purchase", body={"ends_at": "2020-01-01T00:00:00Z"})

    refused = await client.post_order(member, codes=[code])
    assert (refused.status_code, refused.json()["details"]["codes"][0]["reason"]) == (409, "expired")
    looked_up = (await client.get(f"/promo-codes/{code}")).json()
    assert (looked_up["state"], looked_up["ends_at"]) == ("expired", "2020-01-01T00:00:00Z")
    assert [one["ends_at"] for one in await codes_of(client, member)] == ["2020-01-01T00:00:00Z"]
    changed = await client.send("PATCH", f"/promo-codes/{code}", body={"ends_at": "2100-01-01T00:00:00Z"})
    assert (changed.json()["state"], changed.json()["ends_at"]) == ("expired", "2020-01-01T00:00:00Z")


async def test_fifty_takers_of_forty_vouchers(clients: Api, ledger: Ledger) -> None:
    vouchers = [f"CINE-{number:04}" for number in range(40)]
    await upload_vouchers(clients, "cinema", vouchers)
    members = [await clients.new_member() for _ in range(50)]

    answers = await asyncio.gather(*(issue(clients, member, "cinema") for member in members))

    got = [answer.json()["code"] for answer in answers if answer.status_code == 201]
    refused = [answer.json()["code"] for answer in answers if answer.status_code != 201]
    assert sorted(got) == vouchers
    assert refused == ["code_pool_empty"] * 10
    assert await ledger.faults() == []


async def test_an_order_brings_a_code_for_the_next_one(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()

    looked = await client.evaluate(member, channel="web")
    placed = await client.post_order(member, channel="web")

    (foreseen,), (issued,) = looked.json()["codes_issued"], placed.json()["codes_issued"]
    assert {**issued, "code": None, "ends_at": None} == {**foreseen, "ends_at": None}
    assert (issued["issued_by"], issued["promotion"], issued["reason"]) == ("come_again", "next_time", None)
    assert [one["code"] for one in await codes_of(client, member)] == [issued["code"]]
    later = await client.post_order(member, codes=[issued["code"]])
    assert (later.status_code, later.json()["total"]) == (201, 700)
    assert await ledger.faults() == []


async def test_a_confirmed_reservation_brings_it_too(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    body = order_body(member, channel="web", order_id=None)

    reserved = await client.post("/reservations", {**body, "ttl_seconds": 60})
    assert reserved.status_code == 201, reserved.text
    assert [one["code"] for one in reserved.json()["codes_issued"]] == [None]
    assert await codes_of(client, member) == []
    confirmed = await client.post(f"/reservations/{reserved.json()['id']}/confirm", {"order_id": fresh("w")})

    assert confirmed.status_code == 201, confirmed.text
    (issued,) = confirmed.json()["codes_issued"]
    assert [one["code"] for one in await codes_of(client, member)] == [issued["code"]]
    assert await ledger.faults() == []


async def test_orders_of_one_member_at_once_get_different_vouchers(clients: Api, ledger: Ledger) -> None:
    await upload_vouchers(clients, "cinema", [f"CINE-{number:04}" for number in range(15)])
    member = await clients.new_member()

    answers = await asyncio.gather(*(clients.post_order(member, channel="app") for _ in range(20)))

    issued = [one for answer in answers for one in answer.json()["codes_issued"]]
    assert {answer.status_code for answer in answers} == {201}
    assert len({one["code"] for one in issued if one["code"] is not None}) == 15
    assert [one["reason"] for one in issued if one["code"] is None] == ["code_pool_empty"] * 5
    assert await ledger.faults() == []


async def test_a_batch_that_shares_one_fate_gives_each_order_another_voucher(client: Api, ledger: Ledger) -> None:
    await upload_vouchers(client, "cinema", ["CINE-0001", "CINE-0002"])
    members = [await client.new_member() for _ in range(3)]
    orders = [order_body(member, channel="app") for member in members]

    answer = await client.post("/orders/batch", {"all_or_nothing": True, "orders": orders})

    assert answer.status_code == 200, answer.text
    issued = [one["body"]["codes_issued"][0]["code"] for one in answer.json()["results"]]
    assert sorted(issued, key=str) == ["CINE-0001", "CINE-0002", None]
    assert await ledger.faults() == []


async def test_a_batch_gives_out_every_voucher(client: Api) -> None:
    await upload_vouchers(client, "cinema", [f"CINE-{number:04}" for number in range(20)])
    member = await client.new_member()
    orders = [order_body(member, channel="app") for _ in range(20)]

    answer = await client.post("/orders/batch", {"all_or_nothing": True, "orders": orders})

    issued = {one["body"]["codes_issued"][0]["code"] for one in answer.json()["results"]}
    assert issued == {f"CINE-{number:04}" for number in range(20)}


async def test_an_order_gets_all_its_long_codes(client: Api) -> None:
    await make_pool(client, "long", "next_time", kind="personal", pattern="#" * 64)
    member = await client.new_member()

    orders = await asyncio.gather(*(client.post_order(member, channel="phone") for _ in range(3)))

    issued = [one["code"] for order in orders for one in order.json()["codes_issued"]]
    assert [len(code or "") for code in issued] == [64] * 6
    assert len({*issued}) == 6


async def test_guests_get_none(client: Api) -> None:
    answer = await client.post_order(channel="web")
    assert (answer.status_code, answer.json()["codes_issued"]) == (201, [])


async def test_codes_go_with_a_member_that_is_merged(client: Api) -> None:
    ada, twin = await client.new_member(), await client.new_member()
    code = (await issue(client, twin)).json()["code"]

    merged = await client.post(f"/members/{ada}/merge", {"absorbed": twin, "reason": "duplicate"})
    assert merged.status_code == 201, merged.text

    assert [one["code"] for one in await codes_of(client, ada)] == [code]
    assert (await client.post_order(ada, codes=[code])).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"pool": "nowhere"}, 404, "code_pool_not_found"),
        ({"pool": "shared"}, 409, "code_pool_unsuited"),
        ({"pool": ""}, 422, "validation_failed"),
        ({"pool": 5}, 422, "validation_failed"),
        ({}, 422, "validation_failed"),
        ({"pool": "next_purchase", "code": "MINE1234"}, 422, "validation_failed"),
    ],
)
async def test_what_is_refused_gives_no_code(client: Api, body: Json, status: int, code: str) -> None:
    member = await client.new_member()
    await share_code(client, "SHARED", "next_time")

    answer = await client.post(f"/members/{member}/codes", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await codes_of(client, member) == []


async def test_codes_are_for_those_who_may(client: Api, program: Program) -> None:
    member = await client.new_member()
    reader = client.acting_as(await program.add_token(scopes=["codes:read"]))
    writer = client.acting_as(await program.add_token(scopes=["codes:write"]))

    assert (await issue(reader, member)).json()["details"] == {"scope": "codes:write"}
    assert (await writer.get(f"/members/{member}/codes")).json()["details"] == {"scope": "codes:read"}
    assert (await issue(writer, member)).status_code == 201
    assert len(await codes_of(reader, member)) == 1


async def test_unknown_members_have_no_codes(client: Api) -> None:
    assert (await issue(client, "card:nobody")).json()["code"] == "member_not_found"
    assert (await client.get("/members/card:nobody/codes")).json()["code"] == "member_not_found"


async def test_a_list_of_codes_goes_on_page_by_page(client: Api) -> None:
    member = await client.new_member()
    issued = [(await issue(client, member)).json()["code"] for _ in range(3)]

    first = (await client.get(f"/members/{member}/codes?limit=2")).json()
    newest = (await issue(client, member)).json()["code"]
    second = (await client.get(f"/members/{member}/codes?limit=2&cursor={first['next_cursor']}")).json()

    assert [one["code"] for one in (*first["items"], *second["items"])] == issued[::-1]
    assert second["next_cursor"] is None
    assert newest not in issued
