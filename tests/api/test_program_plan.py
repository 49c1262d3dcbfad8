"""Plans over HTTP: what a document would change, without changing it; and publications upon a plan."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import yaml

from tests.harness.api import Api, available, code_of, now, pointers_of
from tests.harness.codes import make_pool, upload_vouchers
from tests.harness.ledger import Ledger
from tests.harness.programs import DOCUMENT, MakeProgram, Program, document, owner

Json = dict[str, Any]


async def plan(api: Api, body: object) -> httpx.Response:
    return await api.send("POST", "/program/plan", body=body)


async def put(api: Api, body: object, if_match: str, query: str = "") -> httpx.Response:
    return await api.send("PUT", f"/program{query}", body=body, headers={"if-match": if_match})


def doubled() -> Json:
    changed = document()
    changed["earning_rules"][0]["earn"]["points"] = 2
    return changed


DOUBLED: Json = {
    "part": "earning_rule/base",
    "name": None,
    "kind": "changed",
    "fields": [{"pointer": "/earn/points", "before": 1, "after": 2}],
    "omitted": 0,
    "follows": None,
}


async def test_a_plan_tells_what_a_publication_would_change(client: Api) -> None:
    answer = await plan(client, doubled())

    assert answer.status_code == 200
    assert answer.json() == {"revision": 1, "changes": [DOUBLED], "errors": [], "warnings": []}
    assert answer.headers["etag"] == '"1"'


async def test_the_current_document_changes_nothing(client: Api) -> None:
    current = (await client.get("/program")).json()["document"]
    assert [(await plan(client, body)).json()["changes"] for body in (document(), current)] == [[], []]


async def test_a_plan_writes_nothing(client: Api, ledger: Ledger) -> None:
    before = await ledger.fingerprint(), await ledger.counts()

    answers = await asyncio.gather(*(plan(client, body) for body in (doubled(), document(currency="CHF"), document())))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert (await ledger.fingerprint(), await ledger.counts()) == before
    revisions = (await client.get("/program/revisions")).json()["items"]
    assert [revision["revision"] for revision in revisions] == [1]


async def test_what_was_planned_is_what_is_published(clients: Api) -> None:
    planned = await plan(clients, doubled())
    published = await put(clients, doubled(), planned.headers["etag"])
    again = await plan(clients, doubled())

    assert published.json() == {"revision": 2, "is_new": True, "warnings": []}
    assert (again.json()["revision"], again.json()["changes"]) == (2, [])
    assert available((await clients.post_order(await clients.new_member(), 1000, placed_at=now())).json()) == 20


async def test_pools_that_can_give_no_code_are_told(client: Api) -> None:
    codes = [{"kind": "code", "pool": pool} for pool in ("letters", "tickets")]
    changed = {
        **document(),
        "promotions": [
            {"key": "thanks", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 100}},
            {
                "key": "again",
                "when": {"fact": "order.total", "at_least": 9},
                "effect": {"kind": "issue_code", "pool": "tikets"},
            },
        ],
        "referrals": [
            {
                "key": "friends",
                "qualifies": {"kind": "order", "settles_after": {"days": 14}},
                "friend": {"rewards": codes},
                "advocate": {
                    "ladder": [{"rewards": [{"kind": "code", "pool": "gone"}, *codes]}],
                    "limits": [{"friends": 9}],
                },
            }
        ],
    }
    assert (await put(client, {**changed, "referrals": []}, '"1"')).status_code == 200
    await make_pool(client, "letters", "thanks", kind="generated", pattern="THX-#####-#####", count=1)
    await upload_vouchers(client, "tickets", ["T1CK3T-0001"])

    planned = await plan(client, changed)
    published = await put(client, changed, planned.headers["etag"])

    told = {(one["pointer"], one["code"]) for one in planned.json()["warnings"] if one["pointer"].endswith("/pool")}
    assert told == {
        ("/promotions/1/effect/pool", "unknown_code_pool"),
        ("/referrals/0/friend/rewards/0/pool", "unsuited_code_pool"),
        ("/referrals/0/advocate/ladder/0/rewards/0/pool", "unknown_code_pool"),
        ("/referrals/0/advocate/ladder/0/rewards/1/pool", "unsuited_code_pool"),
    }
    assert published.json() == {"revision": 3, "is_new": True, "warnings": planned.json()["warnings"]}
    assert planned.json()["errors"] == []


async def test_of_two_editors_with_the_same_plan_one_publishes(clients: Api) -> None:
    plans = [await plan(clients, body) for body in (doubled(), document(name="Other"))]

    first = await put(clients, doubled(), plans[0].headers["etag"])
    second = await put(clients, document(name="Other"), plans[1].headers["etag"])
    merged = await plan(clients, document(name="Other"))

    assert first.status_code == 200
    assert (second.status_code, code_of(second)) == (412, "revision_conflict")
    assert second.json()["details"] == {"revision": 2}
    # the second editor sees what publishing now would undo
    assert [change["part"] for change in merged.json()["changes"]] == ["settings", "earning_rule/base"]


async def test_added_moved_and_removed_parts_are_told(client: Api) -> None:
    body = document()
    base, web = body["earning_rules"]
    thanks = {"key": "thanks", "name": "Thank you", "wallet": "stamps", "earn": {"kind": "fixed", "points": 1}}
    body["earning_rules"] = [web, thanks, base]
    body["wallets"] = [wallet for wallet in body["wallets"] if wallet["key"] != "cashback"]
    body["earning_rules"][0] = {**web, "wallet": "stamps", "earn": {"kind": "fixed", "points": 1}}

    changes = (await plan(client, body)).json()["changes"]

    assert [(change["part"], change["name"], change["kind"], change["follows"]) for change in changes] == [
        ("earning_rule/web", None, "changed", None),
        ("earning_rule/web", None, "moved", None),
        ("earning_rule/thanks", "Thank you", "added", None),
        ("wallet/cashback", None, "removed", None),
    ]
    assert changes[0]["fields"] == [
        {"pointer": "/earn/kind", "before": "percent", "after": "fixed"},
        {"pointer": "/earn/points", "before": None, "after": 1},
        {"pointer": "/earn/rate", "before": "2%", "after": None},
        {"pointer": "/wallet", "before": "cashback", "after": "stamps"},
    ]


async def test_promotions_are_planned_published_and_read_back(client: Api) -> None:
    off = {"kind": "percent_off", "percent": "15%", "of": {"category": ["tea"]}}
    body = document()
    body["promotion_groups"] = [{"key": "deals", "choose": "best"}]
    body["promotions"] = [{"key": "tea", "name": "Tea weeks", "group": "deals", "effect": off}]

    planned = await plan(client, body)
    published = await put(client, body, planned.headers["etag"])
    read = (await client.get("/program")).json()["document"]
    body["promotions"] = [{**body["promotions"][0], "effect": {"kind": "amount_off", "amount": 500}}]
    again = (await plan(client, body)).json()

    assert [(change["part"], change["name"], change["kind"]) for change in planned.json()["changes"]] == [
        ("promotion_group/deals", None, "added"),
        ("promotion/tea", "Tea weeks", "added"),
    ]
    assert published.json() == {"revision": 2, "is_new": True, "warnings": []}
    assert read["promotions"] == [{"key": "tea", "name": "Tea weeks", "group": "deals", "effect": off}]
    assert [(change["part"], change["kind"]) for change in again["changes"]] == [("promotion/tea", "changed")]
    assert [(warning["pointer"], warning["code"]) for warning in again["warnings"]] == [
        ("/promotions/0/effect", "unbounded")
    ]


async def test_a_document_that_could_not_be_published_is_planned_with_its_errors(client: Api) -> None:
    body = doubled()
    body["earning_rules"][1]["wallet"] = "gold"

    answer = await plan(client, body)

    assert answer.status_code == 200
    assert [change["part"] for change in answer.json()["changes"]] == ["earning_rule/base", "earning_rule/web"]
    assert answer.json()["errors"] == [
        {"pointer": "/earning_rules/1/wallet", "code": "unknown_wallet", "message": "is not the key of a wallet"}
    ]
    assert pointers_of(await put(client, body, "*")) == ["/earning_rules/1/wallet"]


async def test_a_plan_names_what_is_in_use(client: Api) -> None:
    await client.new_member(points=5)
    body = document(currency="USD")
    body["wallets"][0] = {"key": "points", "unit": "money"}

    errors = (await plan(client, body)).json()["errors"]

    assert [(error["code"], error["pointer"]) for error in errors] == [
        ("currency_in_use", "/program/currency"),
        ("wallet_in_use", "/wallets/0/unit"),
    ]


async def test_a_warning_is_planned_and_no_error(client: Api) -> None:
    body = document()
    body["wallets"][0]["redeem"] = {"points": 100, "amount": 100, "min_points": 10, "step": 100}

    answer = (await plan(client, body)).json()

    assert [warning["code"] for warning in answer["warnings"]] == ["minimum_not_in_step"]
    assert answer["errors"] == []


@pytest.mark.parametrize(
    ("text", "media_type", "status", "code"),
    [
        ("{", "application/json", 400, "malformed_json"),
        ('{"version": 1, "version": 1}', "application/json", 400, "duplicate_name"),
        ("a: [", "application/yaml", 400, "malformed_yaml"),
        ("{}", "text/plain", 415, "unsupported_media_type"),
        ("version: 1", "application/yaml", 422, "program_invalid"),
    ],
)
async def test_what_cannot_be_read_is_refused_as_when_published(
    client: Api, text: str, media_type: str, status: int, code: str
) -> None:
    answers = [
        await client.send(method, path, content=text.encode(), headers={"content-type": media_type, "if-match": "*"})
        for method, path in (("POST", "/program/plan"), ("PUT", "/program"))
    ]
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(status, code)] * 2
    assert answers[0].json() == answers[1].json()


async def test_yaml_is_planned_like_json(client: Api) -> None:
    text = yaml.safe_dump(doubled(), sort_keys=False)
    answer = await client.send(
        "POST", "/program/plan", content=text.encode(), headers={"content-type": "application/yaml"}
    )
    assert answer.json()["changes"] == [DOUBLED]


async def test_reading_suffices_for_a_plan_and_not_for_a_publication(server: str, program: Program) -> None:
    reader = await program.add_token(scopes=["program:read"])
    async with Api(server, reader) as api:
        planned, published = await plan(api, doubled()), await put(api, doubled(), '"1"')
        till = await plan(api.acting_as(program.till), doubled())

    assert planned.status_code == 200
    assert (published.status_code, code_of(published)) == (403, "scope_missing")
    assert (till.status_code, till.json()["details"]) == (403, {"scope": "program:read"})


async def test_programs_do_not_see_each_others_plans(server: str, new_program: MakeProgram) -> None:
    one, other = await new_program(), await new_program(document(name="Other"))
    async with Api(server, one.admin) as api:
        changes = [
            (await plan(api.acting_as(token), doubled())).json()["changes"] for token in (one.admin, other.admin)
        ]
    assert [[change["part"] for change in found] for found in changes] == [
        ["earning_rule/base"],
        ["settings", "earning_rule/base"],
    ]


async def test_before_the_first_revision_everything_is_new(server: str, new_program: MakeProgram) -> None:
    program = await new_program()
    async with owner(program.database_url) as connection:
        await connection.execute("DELETE FROM loyalty.program_revision WHERE program_id = $1", program.id)
        await connection.execute("UPDATE loyalty.program SET revision = 0 WHERE id = $1", program.id)
    async with Api(server, program.admin) as api:
        planned = await plan(api, dict(DOCUMENT))
        published = await put(api, dict(DOCUMENT), planned.headers["etag"])

    assert planned.json()["revision"] == 0
    assert {change["kind"] for change in planned.json()["changes"]} == {"added"}
    assert len(planned.json()["changes"]) == 9
    assert published.json()["revision"] == 1


async def test_the_largest_program_is_planned(client: Api) -> None:
    body = document()
    body["earning_rules"] += [
        {"key": f"rule_{n}", "wallet": "points", "earn": {"kind": "fixed", "points": 20}} for n in range(4_998)
    ]
    added = await plan(client, body)
    await put(client, body, "*")
    for rule in body["earning_rules"][2:]:
        rule |= {"name": "x" * 200, "earn": {"kind": "per_amount", "points": 3, "per": 200}}

    changed = (await plan(client, body)).json()["changes"]

    assert len(added.json()["changes"]) == 4_998
    assert len(changed) == 4_998
    assert sum(len(change["fields"]) for change in changed) == 2_000
    assert sum(change["omitted"] for change in changed) == 4_998 * 4 - 2_000


async def test_a_publication_keeps_its_note(client: Api) -> None:
    answer = await put(client, doubled(), '"1"', "?note=Frühling%0Aund mehr")

    assert answer.status_code == 200
    assert (await client.get("/program")).json()["note"] == "Frühling\nund mehr"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("?note=", "note"), (f"?note={'x' * 201}", "note"), ("?note=a%00b", "note"), ("?remark=x", "remark")],
)
async def test_a_note_that_cannot_be_kept_is_refused(client: Api, query: str, pointer: str) -> None:
    answer = await put(client, doubled(), "*", query)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])
    assert (await client.get("/program")).json()["revision"] == 1


async def test_a_document_of_many_faults_names_a_hundred(client: Api) -> None:
    body = document()
    body["earning_rules"] = [
        {"key": f"rule_{n}", "wallet": "gold", "earn": {"kind": "fixed", "points": 1}} for n in range(150)
    ]
    errors = (await plan(client, body)).json()["errors"]
    assert (len(errors), errors[-1]["code"]) == (101, "too_many_faults")
    assert json.dumps(errors).count("unknown_wallet") == 100
