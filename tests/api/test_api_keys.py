import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from loyalty_engine.application.scopes import ADMIN, TILL
from tests.harness.api import Api, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.programs import DOCUMENT, MakeProgram, Program, owner
from tests.harness.servers import Servers

Json = dict[str, Any]


async def create(api: Api, *scopes: str, **fields: object) -> Json:
    """Create a key and return the answer; by default it may read the program."""
    answer = await ask_for(api, scopes=list(scopes or ("program:read",)), **fields)
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def ask_for(api: Api, **fields: object) -> httpx.Response:
    body = {"name": "A partner's shop", "scopes": ["program:read"], **fields}
    return await api.send("POST", "/api-keys", body=body)


async def rotate(api: Api, key: Json, **fields: object) -> httpx.Response:
    return await api.send("POST", f"/api-keys/{key['id']}/rotate", body=fields)


async def revoke(api: Api, key: Json) -> httpx.Response:
    return await api.send("POST", f"/api-keys/{key['id']}/revoke", body={})


async def statuses(servers: Servers, *secrets: str, path: str = "/program") -> list[int]:
    """Return what each process answers to each secret."""
    found = []
    for secret in secrets:
        for url in servers.urls:
            async with Api(url, secret) as api:
                found.append((await api.get(path)).status_code)
    return found


def later(**lengths: float) -> str:
    return (datetime.now(UTC) + timedelta(**lengths)).isoformat()


async def test_a_new_key_does_what_it_was_given_and_nothing_else(client: Api) -> None:
    key = await create(client, "program:read", "members:read", "program:read")

    partner = client.acting_as(key["secret"])
    order = await partner.post_order()

    assert (await partner.get("/program")).status_code == 200
    assert (order.status_code, code_of(order)) == (403, "scope_missing")
    assert order.json()["details"] == {"scope": "orders:write"}
    assert key["scopes"] == ["members:read", "program:read"]
    assert (key["status"], key["mode"], key["location"], key["expires_at"]) == ("live", "live", None, None)
    assert key["secret"].startswith("lk_live_")


async def test_a_secret_is_shown_once_and_may_not_be_kept_on_the_way(client: Api) -> None:
    answer = await ask_for(client)
    key = answer.json()
    secret = key.pop("secret")

    listed = await client.get("/api-keys")
    read = await client.get(f"/api-keys/{key['id']}")

    assert answer.headers["cache-control"] == "no-store"
    assert read.json() == key == listed.json()["items"][0]
    assert secret not in listed.text + read.text
    assert key["hint"].endswith(secret[-4:])


async def test_a_key_of_a_till_stands_where_it_was_bound(client: Api) -> None:
    key = await create(client, *TILL, location="store-9", till="4", mode="test")
    till = client.acting_as(key["secret"])

    own = await till.post_order(receipt=receipt(location="store-9", till="4"))
    foreign = await till.post_order(receipt=receipt(location="store-9", till="5"))

    assert own.status_code == 201
    assert code_of(foreign) == "till_mismatch"
    assert (key["location"], key["till"], key["secret"][:8]) == ("store-9", "4", "lk_test_")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["program:read", "everything"]}, "/scopes/1"),
        ({"scopes": "program:read"}, "/scopes"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 129}, "/name"),
        ({"till": "4"}, "/till"),
        ({"till": "4", "location": None}, "/till"),
        ({"location": ""}, "/location"),
        ({"mode": "prod"}, "/mode"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"secret": "lk_live_of_my_own"}, "/secret"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(client: Api, fields: Json, pointer: str) -> None:
    before = (await client.get("/api-keys")).json()

    answer = await ask_for(client, **fields)

    assert (answer.status_code, code_of(answer)) == (422, "validation_failed")
    assert pointers_of(answer) == [pointer]
    assert (await client.get("/api-keys")).json() == before


async def test_a_key_cannot_grant_what_it_may_not_do_itself(client: Api) -> None:
    weak = client.acting_as((await create(client, "keys:write", "orders:read"))["secret"])

    refused = await ask_for(weak, scopes=["orders:read", "adjustments:write", "program:write"])
    granted = await ask_for(weak, scopes=["orders:read"])

    assert (refused.status_code, code_of(refused)) == (403, "grant_exceeds_caller")
    assert pointers_of(refused) == ["/scopes/1", "/scopes/2"]
    assert refused.json()["details"] == {"scopes": ["adjustments:write", "program:write"]}
    assert granted.status_code == 201


async def test_a_key_bound_to_a_place_cannot_grant_beyond_it(client: Api) -> None:
    store = client.acting_as((await create(client, "keys:write", "orders:read", location="store-1"))["secret"])

    refused = [await ask_for(store, scopes=["orders:read"], **place) for place in ({}, {"location": "store-2"})]
    granted = await ask_for(store, scopes=["orders:read"], location="store-1", till="3")

    assert [(code_of(answer), pointers_of(answer)) for answer in refused] == [
        ("grant_exceeds_caller", ["/location"])
    ] * 2
    assert granted.status_code == 201


async def test_a_weaker_key_cannot_learn_the_secret_of_a_stronger_one_by_rotating_it(client: Api) -> None:
    strong = await create(client, *ADMIN)
    weak = client.acting_as((await create(client, "keys:write"))["secret"])

    answer = await rotate(weak, strong)

    assert (answer.status_code, code_of(answer)) == (403, "grant_exceeds_caller")
    assert (await client.acting_as(strong["secret"]).get("/program")).status_code == 200


async def test_a_revoked_key_fails_with_its_very_next_request_everywhere(client: Api, servers: Servers) -> None:
    key = await create(client, "program:read", "orders:write", "evaluations:read")
    assert await statuses(servers, key["secret"]) == [200, 200]

    answer = await revoke(client, key)

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["is_own_key"], answer.json()["managers_left"]) == (
        "revoked",
        False,
        1,
    )
    assert await statuses(servers, key["secret"], key["secret"]) == [401] * 4


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/program", None),
        ("GET", "/program/schema", None),
        ("GET", "/program/revisions", None),
        ("PUT", "/program", dict(DOCUMENT)),
        ("POST", "/program/rollback", {"revision": 1}),
        ("GET", "/api-keys", None),
        ("POST", "/api-keys", {"name": "x", "scopes": ["program:read"]}),
        ("POST", "/orders", order_body()),
        ("POST", "/evaluations", order_body()),
        ("POST", "/members", {"identities": ["card:1"]}),
    ],
)
async def test_every_kind_of_route_sees_a_revocation_at_once(
    client: Api, servers: Servers, method: str, path: str, body: Json | None
) -> None:
    key = await create(client, *ADMIN)
    headers = {"if-match": "*"}
    async with Api(servers[1].url, key["secret"]) as other:
        await other.send(method, path, body=body, key=None, headers=headers)
        await revoke(client, key)
        answer = await other.send(method, path, body=body, key=None, headers=headers)

    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")


async def test_a_key_can_be_rotated_and_revoked_without_a_body(client: Api) -> None:
    key = await create(client)
    rotated = await client.send("POST", f"/api-keys/{key['id']}/rotate")
    revoked = await client.send("POST", f"/api-keys/{rotated.json()['id']}/revoke")
    assert (rotated.status_code, revoked.json()["status"]) == (201, "revoked")


async def test_a_revocation_repeated_says_the_same(client: Api) -> None:
    key = await create(client)
    first, again = await revoke(client, key), await revoke(client, key)
    assert first.json() == again.json()


async def test_the_last_key_may_revoke_itself_and_is_told(server: str, program: Program) -> None:
    async with Api(server, program.admin) as admin:
        own = next(item for item in (await admin.get("/api-keys")).json()["items"] if item["name"] == "admin")
        answer = await revoke(admin, own)

        assert (answer.json()["is_own_key"], answer.json()["managers_left"]) == (True, 0)
        assert (await admin.get("/api-keys")).status_code == 401


async def test_a_rotation_without_overlap_ends_the_old_secret_at_once(client: Api, servers: Servers) -> None:
    old = await create(client)
    assert await statuses(servers, old["secret"]) == [200, 200]

    new = (await rotate(client, old)).json()

    assert await statuses(servers, old["secret"]) == [401, 401]
    assert await statuses(servers, new["secret"]) == [200, 200]
    assert (new["client_id"], new["scopes"], new["mode"]) == (old["client_id"], old["scopes"], old["mode"])
    assert new["id"] != old["id"]
    assert (await client.get(f"/api-keys/{old['id']}")).json()["status"] == "expired"


async def test_both_secrets_live_during_the_overlap_and_the_old_one_ends_with_it(client: Api, servers: Servers) -> None:
    old = await create(client)
    await statuses(servers, old["secret"])

    new = (await rotate(client, old, overlap_seconds=3)).json()

    assert await statuses(servers, old["secret"], new["secret"]) == [200] * 4
    await asyncio.sleep(3.1)
    assert await statuses(servers, old["secret"], new["secret"]) == [401, 401, 200, 200]


async def test_a_third_live_secret_is_refused(client: Api) -> None:
    old = await create(client)
    new = (await rotate(client, old, overlap_seconds=600)).json()

    refused = [await rotate(client, key) for key in (old, new)]
    await revoke(client, old)
    allowed = await rotate(client, new)

    assert [(answer.status_code, code_of(answer)) for answer in refused] == [(409, "key_rotation_open")] * 2
    assert allowed.status_code == 201


async def test_of_many_rotations_at_once_one_makes_the_second_secret(clients: Api) -> None:
    old = await create(clients)
    answers = await asyncio.gather(*(rotate(clients, old, overlap_seconds=600) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


async def test_a_write_repeated_during_a_rotation_replays_under_either_secret(client: Api, servers: Servers) -> None:
    """Rights changed since the key was looked up: the body is read once and the request goes on."""
    old = await create(client, "orders:write")
    body, key = order_body(), fresh("k")
    async with Api(servers[1].url, old["secret"]) as shop:
        first = await shop.post("/orders", body, key=key)
        new = (await rotate(client, old, overlap_seconds=600)).json()
        second = await shop.post("/orders", body, key=key)
        third = await shop.acting_as(new["secret"]).post("/orders", body, key=key)

    assert [answer.status_code for answer in (first, second, third)] == [201] * 3
    assert first.text == second.text == third.text
    assert third.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"overlap_seconds": -1}, "/overlap_seconds"),
        ({"overlap_seconds": 604_801}, "/overlap_seconds"),
        ({"overlap_seconds": True}, "/overlap_seconds"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
async def test_a_rotation_that_makes_no_sense_is_refused(client: Api, fields: Json, pointer: str) -> None:
    key = await create(client)
    answer = await rotate(client, key, **fields)
    assert (code_of(answer), pointers_of(answer)) == ("validation_failed", [pointer])
    assert (await client.acting_as(key["secret"]).get("/program")).status_code == 200


async def test_an_ended_key_cannot_be_rotated(client: Api) -> None:
    key = await create(client)
    await revoke(client, key)
    assert code_of(await rotate(client, key)) == "key_not_live"


async def test_a_rotated_key_ends_when_the_old_one_would_have_unless_told_otherwise(client: Api) -> None:
    old = await create(client, expires_at="2090-01-01T00:00:00+01:00")
    same = (await rotate(client, old)).json()
    longer = (await rotate(client, same, expires_at="2091-01-01T00:00:00Z")).json()

    ends = [key["expires_at"] for key in (old, same, longer)]
    assert ends == ["2089-12-31T23:00:00Z", "2089-12-31T23:00:00Z", "2091-01-01T00:00:00Z"]


async def test_a_key_ends_at_its_expiry_although_processes_remember_it(client: Api, servers: Servers) -> None:
    key = await create(client, expires_at=later(seconds=3))
    before = await statuses(servers, key["secret"])
    await asyncio.sleep(3.1)
    assert (before, await statuses(servers, key["secret"])) == ([200, 200], [401, 401])


@pytest.mark.parametrize("key_id", ["key_00000000000000000000000000", "key_x", "mem_00000000000000000000000000", "1"])
async def test_a_key_that_is_not_there_is_not_found(client: Api, key_id: str) -> None:
    answers = [
        await client.get(f"/api-keys/{key_id}"),
        await rotate(client, {"id": key_id}),
        await revoke(client, {"id": key_id}),
    ]
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(404, "not_found")] * 3


async def test_keys_of_another_program_are_not_there(server: str, client: Api, new_program: MakeProgram) -> None:
    key = await create(client)
    foreign = client.acting_as((await new_program()).admin)

    answers = [await foreign.get(f"/api-keys/{key['id']}"), await rotate(foreign, key), await revoke(foreign, key)]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert (await client.acting_as(key["secret"]).get("/program")).status_code == 200
    assert key["id"] not in (await foreign.get("/api-keys?limit=200")).text


async def test_a_till_can_neither_see_nor_make_keys(server: str, program: Program) -> None:
    async with Api(server, program.till) as till:
        answers = [await till.get("/api-keys"), await ask_for(till)]
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(403, "scope_missing")] * 2


async def test_keys_are_listed_newest_first_in_pages(client: Api) -> None:
    made = [(await create(client))["id"] for _ in range(3)]

    first = (await client.get("/api-keys?limit=2")).json()
    second = (await client.get(f"/api-keys?limit=200&cursor={first['next_cursor']}")).json()

    assert [item["id"] for item in first["items"]] == [made[2], made[1]]
    assert second["items"][0]["id"] == made[0]
    assert len(second["items"]) == 3


async def test_a_secret_is_in_no_table_and_no_log(client: Api, servers: Servers, program: Program) -> None:
    key = await create(client, *ADMIN)
    user = client.acting_as(key["secret"])
    rotated = (await rotate(client, key, overlap_seconds=600)).json()
    secrets = [key["secret"], rotated["secret"]]
    for secret in secrets:
        answers = [
            await user.acting_as(secret).get("/program"),
            await user.acting_as(secret).post_order(),
            await user.acting_as(secret + "x").get("/program"),
            await user.acting_as(secret).send("POST", "/api-keys", content=b"{"),
        ]
        assert [answer.status_code for answer in answers] == [200, 201, 401, 400]
    await revoke(client, key)

    rows = await dump(program)
    logs = "".join(process.log for process in servers.processes)

    for secret in secrets:
        random_part = secret.rpartition("_")[2]
        assert hashlib.sha256(secret.encode()).hexdigest() in rows
        assert [part in rows or part in logs for part in (secret, random_part, random_part[:16])] == [False] * 3
    assert "api_key_rotated" in logs


async def dump(program: Program) -> str:
    """Return every row of every table as text."""
    async with owner(program.database_url) as connection:
        names = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS t FROM pg_tables WHERE schemaname = 'loyalty'"
        )
        rows = [await connection.fetch(f"SELECT x::text AS row FROM {name['t']} x") for name in names]
    return "\n".join(row["row"] for table in rows for row in table)
