"""Jobs over HTTP: seen, started, cancelled, tried again. No worker runs beside these tests; see ``tests/worker``."""

from tests.harness.api import Api, code_of, pointers_of
from tests.harness.programs import MakeProgram

UNKNOWN = "job_01m8054496erxvcc6weqy7k3j5"


async def test_a_job_is_started_and_waits_for_the_worker(client: Api) -> None:
    started = await client.post("/jobs", {"kind": "settle"})
    job = started.json()

    assert started.status_code == 201
    assert (job["kind"], job["status"], job["done"], job["total"], job["attempts"]) == ("settle", "waiting", 0, None, 0)
    assert (await client.get(f"/jobs/{job['id']}")).json() == job
    assert (await client.get("/jobs")).json() == {"items": [job], "next_cursor": None}


async def test_jobs_are_listed_newest_first_and_by_status(client: Api) -> None:
    ids = [(await client.post("/jobs", {"kind": "settle"})).json()["id"] for _ in range(3)]
    await client.post(f"/jobs/{ids[0]}/cancel", {})

    async def listed(query: str) -> list[str]:
        return [job["id"] for job in (await client.get(f"/jobs?{query}")).json()["items"]]

    first = (await client.get("/jobs?limit=2")).json()
    assert [job["id"] for job in first["items"]] == [ids[2], ids[1]]
    assert await listed(f"limit=2&cursor={first['next_cursor']}") == [ids[0]]
    assert await listed("status=cancelled") == [ids[0]]
    assert await listed("status=waiting&kind=settle") == [ids[2], ids[1]]
    assert await listed("kind=import") == []


async def test_a_job_is_cancelled_once_and_can_be_tried_again(client: Api) -> None:
    job = (await client.post("/jobs", {"kind": "settle"})).json()["id"]

    early = await client.post(f"/jobs/{job}/retry", {})
    cancelled = await client.post(f"/jobs/{job}/cancel", {})
    again = await client.post(f"/jobs/{job}/cancel", {})
    retried = await client.post(f"/jobs/{job}/retry", {})

    assert (early.status_code, code_of(early)) == (409, "job_not_ended")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["ended_at"] is not None
    assert (again.status_code, code_of(again)) == (409, "job_ended")
    assert (retried.status_code, retried.json()["status"], retried.json()["ended_at"]) == (200, "waiting", None)


async def test_only_what_programs_may_start_can_be_started(client: Api) -> None:
    refused = await client.post("/jobs", {"kind": "partitions"})

    assert (refused.status_code, code_of(refused), pointers_of(refused)) == (422, "validation_failed", ["/kind"])
    assert (await client.get("/jobs")).json()["items"] == []


async def test_jobs_of_others_and_of_everybody_are_not_there(client: Api, new_program: MakeProgram) -> None:
    stranger = client.acting_as((await new_program()).admin)
    foreign = (await stranger.post("/jobs", {"kind": "settle"})).json()["id"]

    for job in (foreign, UNKNOWN):
        for answer in (
            await client.get(f"/jobs/{job}"),
            await client.post(f"/jobs/{job}/cancel", {}),
            await client.post(f"/jobs/{job}/retry", {}),
        ):
            assert (answer.status_code, code_of(answer)) == (404, "job_not_found")
    assert (await client.get("/jobs")).json()["items"] == []
    assert (await stranger.get(f"/jobs/{foreign}")).json()["status"] == "waiting"


async def test_a_moved_clock_tells_the_job_that_books_what_it_did(client: Api, new_program: MakeProgram) -> None:
    sandbox = client.acting_as((await new_program(is_sandbox=True)).admin)

    moved = (await sandbox.post("/program/clock", {"forward": {"days": 1}})).json()

    job = (await sandbox.get(f"/jobs/{moved['job_id']}")).json()
    assert (job["kind"], job["status"]) == ("settle", "waiting")


async def test_days_are_asked_for_by_their_bounds(client: Api) -> None:
    fine = await client.get("/ledger/days?from=2026-11-01&to=2026-12-01")
    wrong = [
        await client.get(f"/ledger/days?{query}")
        for query in (
            "from=2026-11-02&to=2026-11-01",
            "from=2024-01-01&to=2026-01-01",
            "from=x&to=y",
            "from=2199-11-02",
        )
    ]

    assert (fine.status_code, fine.json()) == (200, {"items": []})
    assert {(answer.status_code, code_of(answer)) for answer in wrong} == {(422, "validation_failed")}
