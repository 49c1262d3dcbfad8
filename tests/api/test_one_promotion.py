"""One promotion is read, added, changed and paused without the whole document."""

from typing import Any

import httpx
import pytest

from tests.harness.api import Api, code_of, fresh, now, pointers_of
from tests.harness.crowds import together
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

AUTUMN: Json = {
    "key": "autumn",
    "effect": {"kind": "percent_off", "percent": "10%"},
    "limits": [{"per": "member", "times": 1}],
}


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(), "promotions": [AUTUMN]})


async def put(api: Api, promotion: Json, *, key: str | None = None, if_match: str | None = "*") -> httpx.Response:
    headers = {} if if_match is None else {"if-match": if_match}
    return await api.send("PUT", f"/promotions/{key or promotion['key']}", body=promotion, headers=headers)


async def test_a_promotion_is_read_changed_and_paused(client: Api) -> None:
    read = await client.get("/promotions/autumn")
    dearer = {**AUTUMN, "effect": {"kind": "percent_off", "percent": "20%"}}

    changed = await put(client, dearer, if_match=read.headers["etag"])
    after = await client.evaluate(await client.new_member(), 1000, placed_at=now())
    paused = await put(client, {**dearer, "active": False})

    assert read.json() == {"revision": 1, "promotion": AUTUMN}
    assert changed.json() == {"revision": 2, "is_new": True, "warnings": []}
    assert after.json()["total"] == 800
    assert paused.json()["revision"] == 3
    assert (await client.evaluate(await client.new_member(), 1000, placed_at=now())).json()["total"] == 1000
    assert (await put(client, {**dearer, "active": False})).json() == {"revision": 3, "is_new": False, "warnings": []}


async def test_a_new_promotion_comes_behind_the_others(client: Api) -> None:
    await put(client, {**AUTUMN, "key": "later"})

    promotions = (await client.get("/program")).json()["document"]["promotions"]

    assert [promotion["key"] for promotion in promotions] == ["autumn", "later"]


async def test_editors_of_different_promotions_do_not_overwrite_each_other(clients: Api) -> None:
    keys = [fresh("p").replace("-", "_") for _ in range(12)]

    answers = await together(put(clients, {**AUTUMN, "key": key}) for key in keys)

    assert {answer.status_code for answer in answers} == {200}
    found = (await clients.get("/program")).json()["document"]["promotions"]
    assert {promotion["key"] for promotion in found} == {"autumn", *keys}


async def test_an_editor_of_an_old_revision_is_told_so(client: Api) -> None:
    await put(client, {**AUTUMN, "key": "later"})

    old, none = await put(client, AUTUMN, if_match='"1"'), await put(client, AUTUMN, if_match=None)

    assert (old.status_code, code_of(old), old.json()["details"]) == (412, "revision_conflict", {"revision": 2})
    assert code_of(none) == "if_match_required"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"effect": {"kind": "percent_off", "percent": "x"}}, "/effect/percent"),
        ({"effect": {"kind": "percent_off"}}, "/effect/percent"),
        ({"effect": {"kind": "shoes"}}, "/effect/kind"),
        ({"group": "nobody"}, "/group"),
        ({"when": {"fact": "order.shoes", "is": 1}}, "/when/fact"),
        ({"shoes": 1}, "/shoes"),
    ],
)
async def test_faults_point_into_the_promotion(client: Api, change: Json, pointer: str) -> None:
    answer = await put(client, {**AUTUMN, **change})

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "program_invalid", [pointer])
    assert (await client.get("/program")).json()["revision"] == 1


async def test_what_is_not_there_or_misnamed_is_refused(client: Api) -> None:
    missing = await client.get("/promotions/nobody")
    misnamed = await put(client, AUTUMN, key="spring")

    assert (missing.status_code, code_of(missing)) == (404, "promotion_not_found")
    assert (misnamed.status_code, pointers_of(misnamed)) == (422, ["/key"])
