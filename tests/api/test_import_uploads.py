"""Uploads of files to import: kept in whole or not at all, and refused at once when their beginning is wrong."""

import httpx
import pytest

from tests.harness.api import Api
from tests.harness.ledger import Ledger
from tests.harness.programs import Program


async def upload(api: Api, query: str, body: bytes, media_type: str = "text/csv") -> httpx.Response:
    return await api.send("POST", f"/imports?{query}", content=body, headers={"content-type": media_type})


async def test_a_file_is_kept_in_pieces_until_the_worker_takes_it(client: Api, ledger: Ledger) -> None:
    body = b"identities\n" + b"".join(b"card:%d\n" % n for n in range(150_000))

    answer = await upload(client, "kind=members&on_conflict=update&separator=;", body, "text/csv; charset=utf-8")
    started = answer.json()

    assert (answer.status_code, started["status"], started["bytes"], started["rows"]) == (202, "waiting", len(body), 0)
    sizes = await ledger.connection.fetch(
        "SELECT length(body) AS size FROM job_file WHERE program_id = $1 ORDER BY number", ledger.program_id
    )
    assert [row["size"] for row in sizes] == [1 << 20, len(body) - (1 << 20)]
    assert (await client.get(f"/imports/{started['id']}")).json() == started
    assert (await client.get(f"/imports/{started['id']}/faults")).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("query", "body", "media_type", "status", "code"),
    [
        ("kind=members", b"identities,shoe\n", "text/csv", 422, "import_file_refused"),
        ("kind=members", b"", "text/csv", 422, "import_file_refused"),
        ("kind=members", b"\xff\xfe{\x00", "application/x-ndjson", 422, "import_file_refused"),
        ("kind=orders", b"identities\ncard:1\n", "text/csv", 422, "import_file_refused"),
        ("kind=members", b"x" * 300_000, "text/csv", 422, "import_file_refused"),
        ("kind=members", b"{}", "application/json", 415, "unsupported_media_type"),
        ("kind=codes", b"code\n", "text/csv", 422, "validation_failed"),
        ("kind=members&pool=p1", b"identities\n", "text/csv", 422, "validation_failed"),
        ("kind=codes&pool=p1", b"code\n", "text/csv", 404, "code_pool_not_found"),
        ("kind=shoes", b"identities\n", "text/csv", 422, "validation_failed"),
        ("kind=members&speed=fast", b"identities\n", "text/csv", 422, "validation_failed"),
    ],
)
async def test_a_file_that_cannot_be_one_is_refused_at_once(
    client: Api, ledger: Ledger, query: str, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = await upload(client, query, body, media_type)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await ledger.count("job"), await ledger.count("job_file")) == (0, 0)


async def test_codes_are_uploaded_to_pools_that_take_them(client: Api, ledger: Ledger) -> None:
    await client.send("POST", "/voucher-pools", body={"pool": "cinema"})
    await ledger.connection.execute(
        "INSERT INTO code_pool (program_id, key, kind, created_at) VALUES ($1, 'own', 'personal', now())",
        ledger.program_id,
    )

    refused = await upload(client, "kind=codes&pool=own", b"code\nABCD\n")
    wrong = await upload(client, "kind=codes&pool=cinema", b"name\nABCD\n")
    taken = await upload(client, "kind=codes&pool=cinema", b"code\nABCD\n")

    assert [(answer.status_code, answer.json().get("code")) for answer in (refused, wrong)] == [
        (409, "code_pool_takes_none"),
        (422, "import_file_refused"),
    ]
    assert (taken.status_code, taken.json()["kind"], taken.json()["pool"]) == (202, "codes", "cinema")
    assert await ledger.count("job") == 1


async def test_who_may_not_import_uploads_nothing_and_sees_nothing(
    client: Api, server: str, program: Program, ledger: Ledger
) -> None:
    started = (await upload(client, "kind=members", b"identities\n")).json()
    async with Api(server, program.till) as till:
        answers = [
            await upload(till, "kind=members", b"identities\n"),
            await till.get(f"/imports/{started['id']}"),
            await till.get(f"/imports/{started['id']}/faults"),
        ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert await ledger.count("job") == 1


async def test_what_is_no_import_is_not_there(client: Api, server: str) -> None:
    job = (await client.post("/jobs", {"kind": "settle"})).json()["id"]

    for path in (f"/imports/{job}", f"/imports/{job}/faults", "/imports/job_01m8054496erxvcc6weqy7k3j5"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
