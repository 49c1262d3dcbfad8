import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, available, code_of, now, pointers_of
from tests.harness.programs import DOCUMENT, MakeProgram, Program, document, owner

Json = dict[str, Any]


async def put(api: Api, body: object, if_match: str | None = "*") -> httpx.Response:
    headers = {} if if_match is None else {"if-match": if_match}
    return await api.send("PUT", "/program", body=body, headers=headers)


async def put_text(api: Api, text: str | bytes, media_type: str) -> httpx.Response:
    content = text.encode() if isinstance(text, str) else text
    return await api.send("PUT", "/program", content=content, headers={"if-match": "*", "content-type": media_type})


async def roll_back(api: Api, revision: object, if_match: str | None = "*") -> httpx.Response:
    headers = {} if if_match is None else {"if-match": if_match}
    return await api.send("POST", "/program/rollback", body={"revision": revision}, headers=headers)


async def revision_of(api: Api) -> int:
    answer = await api.get("/program")
    assert answer.headers["etag"] == f'"{answer.json()["revision"]}"'
    number: int = answer.json()["revision"]
    return number


def plain(**program: object) -> Json:
    """The harness's document without what equals the defaults, which answers leave out."""
    body = document(**program)
    del body["wallets"][0]["redeem"]["step"]
    return body


def named(name: str) -> Json:
    return plain(name=name)


def without(key: str) -> Json:
    changed = document()
    changed["wallets"] = [wallet for wallet in changed["wallets"] if wallet["key"] != key]
    changed["earning_rules"] = [rule for rule in changed["earning_rules"] if rule["wallet"] != key]
    return changed


async def test_a_published_document_reads_back_and_can_be_published_again(client: Api) -> None:
    published = await put(client, named("Grocer Two"), '"1"')
    read = await client.get("/program")
    again = await put(client, read.json()["document"], read.headers["etag"])

    assert published.status_code == 200
    assert published.json() == {"revision": 2, "is_new": True, "warnings": []}
    assert published.headers["etag"] == '"2"'
    assert read.json()["document"] == named("Grocer Two")
    assert again.json() == {"revision": 2, "is_new": False, "warnings": []}


async def test_a_new_revision_decides_the_next_order_in_every_process(clients: Api) -> None:
    member = await clients.new_member()
    before = await clients.post_order(member, 1000)
    doubled = document()
    doubled["earning_rules"][0]["earn"]["points"] = 2

    await put(clients, doubled)
    after = [await clients.post_order(member, 1000, placed_at=now()) for _ in range(2)]

    assert available(before.json()) == 10
    assert [available(answer.json()) for answer in after] == [30, 50]
    assert [answer.json()["revision"] for answer in after] == [2, 2]


@pytest.mark.parametrize("if_match", ['"7"', '"0"', '"2", "7"', "1", "nonsense", "", '"01"', '"99999999999"'])
async def test_another_revision_than_the_current_one_is_never_overwritten(client: Api, if_match: str) -> None:
    answer = await put(client, named("Overwritten"), if_match)

    assert (answer.status_code, code_of(answer)) == (412, "revision_conflict")
    assert answer.json()["details"] == {"revision": 1}
    assert await revision_of(client) == 1


async def test_a_publication_needs_if_match(client: Api) -> None:
    answers = [await put(client, named("Careless"), None), await roll_back(client, 1, None)]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(428, "if_match_required")] * 2
    assert await revision_of(client) == 1


async def test_of_many_editors_at_once_one_wins(clients: Api) -> None:
    answers = await asyncio.gather(*(put(clients, named(f"Editor {n}"), '"1"') for n in range(8)))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [412] * 7
    winner = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    current = (await clients.get("/program")).json()
    assert (current["revision"], current["document"]) == (2, named(f"Editor {winner}"))


async def test_a_star_overwrites_whatever_is_current(clients: Api) -> None:
    answers = await asyncio.gather(*(put(clients, named(f"Bold {n}")) for n in range(4)))

    assert sorted(answer.json()["revision"] for answer in answers) == [2, 3, 4, 5]


async def test_a_rollback_publishes_an_old_revision_as_a_new_one(client: Api) -> None:
    await put(client, named("Mistake"), '"1"')

    answer = await roll_back(client, 1, '"2"')

    assert answer.json() == {"revision": 3, "is_new": True, "warnings": []}
    current = (await client.get("/program")).json()
    assert (current["document"], current["note"]) == (plain(), "Rollback to revision 1")
    assert (await client.get("/program/revisions/2")).json()["document"] == named("Mistake")


async def test_a_rollback_to_what_is_current_makes_no_revision(client: Api) -> None:
    assert (await roll_back(client, 1, '"1"')).json() == {"revision": 1, "is_new": False, "warnings": []}


@pytest.mark.parametrize(
    ("revision", "if_match", "code"),
    [
        (2, "*", "revision_not_found"),
        (1, '"5"', "revision_conflict"),
        (0, "*", "validation_failed"),
        (2**31, "*", "validation_failed"),
        (True, "*", "validation_failed"),
        ("1", "*", "validation_failed"),
    ],
)
async def test_a_rollback_is_refused(client: Api, revision: object, if_match: str, code: str) -> None:
    assert code_of(await roll_back(client, revision, if_match)) == code
    assert await revision_of(client) == 1


async def test_revisions_are_listed_newest_first_in_pages(client: Api) -> None:
    for number in range(2, 6):
        await put(client, named(f"Revision {number}"))

    first = (await client.get("/program/revisions?limit=3")).json()
    second = (await client.get(f"/program/revisions?limit=3&cursor={first['next_cursor']}")).json()

    assert [item["revision"] for item in first["items"]] == [5, 4, 3]
    assert [item["revision"] for item in second["items"]] == [2, 1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/program/revisions/2", 404),
        ("/program/revisions/0", 422),
        ("/program/revisions/2147483648", 422),
        ("/program/revisions/x", 422),
        ("/program/revisions?limit=0", 422),
        ("/program/revisions?cursor=zz", 422),
    ],
)
async def test_a_revision_that_is_not_there_is_a_problem(client: Api, path: str, status: int) -> None:
    answer = await client.get(path)
    assert (answer.status_code, bool(code_of(answer))) == (status, True)


async def test_an_unpublished_program_says_so_and_takes_its_first_document(
    new_program: MakeProgram, server: str
) -> None:
    program = await new_program()
    await _unpublish(program)
    async with Api(server, program.admin) as api:
        read, order = await api.get("/program"), await api.post_order()
        first = await put(api, dict(DOCUMENT), '"0"')

        assert [(a.status_code, code_of(a)) for a in (read, order)] == [(409, "program_not_published")] * 2
        assert first.json()["revision"] == 1
        assert (await api.post_order()).status_code == 201


async def _unpublish(program: Program) -> None:
    async with owner(program.database_url) as connection:
        await connection.execute("DELETE FROM loyalty.program_revision WHERE program_id = $1", program.id)
        await connection.execute("UPDATE loyalty.program SET revision = 0 WHERE id = $1", program.id)


async def test_a_warning_is_shown_and_does_not_stop_the_publication(client: Api) -> None:
    body = document()
    body["wallets"][0]["redeem"] = {"points": 100, "amount": 100, "min_points": 10, "step": 100}

    answer = await put(client, body)

    assert answer.json()["is_new"] is True
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["minimum_not_in_step"]


@pytest.mark.parametrize("media_type", ["application/json", "application/yaml"])
async def test_the_largest_program_is_published(client: Api, media_type: str) -> None:
    body = document()
    body["earning_rules"] += [
        {
            "key": f"rule_{n}",
            "wallet": "points",
            "when": {"lines": {"category": [f"category-{n}"]}, "amount": {"at_least": 500}},
            "earn": {"kind": "fixed", "points": 20},
        }
        for n in range(4_998)
    ]

    answer = await put_text(client, json.dumps(body), media_type)  # JSON is YAML too

    assert answer.status_code == 200
    order = await client.post_order(
        lines=[{"amount": 500, "category": "category-4997"}], member=await client.new_member(), placed_at=now()
    )
    assert available(order.json()) == 25


async def test_the_currency_stays_once_there_are_members(client: Api) -> None:
    before = await put(client, document(currency="CHF"))
    await client.enrol()

    after = await put(client, document(currency="USD"))

    assert before.status_code == 200
    assert (code_of(after), pointers_of(after)) == ("program_invalid", ["/program/currency"])
    assert (await client.get("/program")).json()["document"]["program"]["currency"] == "CHF"


async def test_the_currency_stays_once_there_is_a_guest_order(client: Api) -> None:
    await client.post_order()
    assert pointers_of(await put(client, document(currency="USD"))) == ["/program/currency"]


async def test_a_wallet_with_balances_can_be_neither_removed_nor_recast(client: Api) -> None:
    await client.new_member(points=5)
    recast = document()
    recast["wallets"][0] = {"key": "points", "unit": "money"}

    removed_used, recast_used = await put(client, without("points")), await put(client, recast)
    removed_unused = await put(client, without("stamps"))

    assert [(code_of(a), pointers_of(a)) for a in (removed_used, recast_used)] == [
        ("program_invalid", ["/wallets"]),
        ("program_invalid", ["/wallets/0/unit"]),
    ]
    assert removed_unused.json()["revision"] == 2


async def test_a_wallet_that_is_empty_again_can_be_removed(client: Api) -> None:
    member = await client.new_member(points=5)
    await client.adjust(member, -5)
    assert (await put(client, without("points"))).status_code == 200


async def test_a_rollback_cannot_take_a_wallet_with_balances_away(client: Api) -> None:
    body = document()
    body["wallets"].append({"key": "late", "unit": "points"})
    await put(client, body)
    await client.adjust(await client.new_member(), 5, wallet="late")

    answer = await roll_back(client, 1)

    assert (code_of(answer), pointers_of(answer)) == ("program_invalid", ["/wallets"])
    assert await revision_of(client) == 2


async def test_the_schema_is_one_of_the_document(client: Api) -> None:
    schema = (await client.get("/program/schema")).json()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["required"]) == {"version", "program"}


async def test_a_till_can_neither_read_nor_publish(server: str, program: Program) -> None:
    async with Api(server, program.till) as till:
        answers = [
            await till.get("/program"),
            await till.get("/program/schema"),
            await till.get("/program/revisions"),
            await till.get("/program/revisions/1"),
            await till.send("POST", "/program/plan", body=named("Till")),
            await put(till, named("Till")),
            await roll_back(till, 1),
        ]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, "scope_missing")}


async def test_programs_do_not_see_each_other(server: str, new_program: MakeProgram) -> None:
    one, other = await new_program(), await new_program()
    async with Api(server, one.admin) as api:
        await put(api, named("One"))
        await put(api, named("One again"))
        foreign = api.acting_as(other.admin)

        assert (await foreign.get("/program")).json()["document"] == plain()
        assert (await foreign.get("/program/revisions/2")).status_code == 404
