"""What jobs do, on real rows."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from structlog.testing import capture_logs

from loyalty_engine.api.import_forms import ImportForms
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.publish_program import publish_as_operator
from loyalty_engine.application.rulesets import Rulesets
from loyalty_engine.core.kernel.ids import read_id
from loyalty_engine.core.program.document import Program
from loyalty_engine.persistence.jobs import EVERYBODY, list_jobs
from loyalty_engine.persistence.pruning import forget_files
from loyalty_engine.worker.handlers import Handlers
from loyalty_engine.worker.schedule import plan_runs
from tests.harness.api import Api
from tests.harness.friends import document_of_friends, open_shop
from tests.harness.programs import document, make_program, owner
from tests.harness.servers import serve
from tests.worker.conftest import Shop

CSV = {"content-type": "text/csv"}
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
STATUS = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "calendar", "unit": "year"},
    "lasts": {"kind": "window", "more": 1},
    "tiers": [{"key": "silver", "at_least": 5000}, {"key": "gold", "at_least": 10000}],
}
TERMS = {"activation": {"kind": "after", "length": {"days": 14}}, "expiry": {"kind": "after", "length": {"months": 6}}}


def hire(shop: Shop) -> None:
    rulesets = Rulesets(shop.sessions)
    clocks = Clocks(shop.sessions, lambda: shop.now)
    shop.hire(Handlers(shop.url, shop.sessions, rulesets, clocks, lambda: shop.now, ImportForms()).by_kind())


async def run_all(shop: Shop, program_id: int) -> list[tuple[str, str, object]]:
    """Let one worker do what is due, and return what there is to tell of it."""
    await plan_runs(shop.sessions, shop.now)
    hire(shop)
    unended = "SELECT count(*) FROM loyalty.job WHERE status IN ('waiting', 'running')"
    for _ in range(1_000):
        if [tuple(row) for row in await shop.rows(unended)] == [(0,)]:
            break
        await asyncio.sleep(0.01)
    found = []
    for whose in (EVERYBODY, program_id):
        async with shop.sessions.open(whose) as connection:
            jobs = await list_jobs(connection, whose, status=None, kind=None, before=UUID(LAST_ID), limit=50)
            found += [(job.kind, job.status, job.result) for job in jobs if job.kind != "prune"]
    return sorted(found, key=lambda job: job[0])


async def test_friends_whose_orders_have_stood_are_rewarded(shop: Shop) -> None:
    program = await make_program(shop.url, document_of_friends())
    async with open_shop(program) as friends:
        await friends.enrol("anna", "ben")
        await friends.register("ben", by="anna")
        await friends.buy("ben")
        shop.now = friends.now + timedelta(days=15)

    [done] = [job for job in await run_all(shop, program.id) if job[0] == "reward_referrals"]

    assert done == ("reward_referrals", "done", {"referrals": 1, "unrewarded": 0, "unrewarded_referrals": []})
    assert await plan_runs(shop.sessions, shop.now + timedelta(seconds=59)) == 0


async def test_ladders_that_were_published_lead_everybody_and_end_with_the_year(shop: Shop) -> None:
    """As the application's role, which may do no more than its workers need."""
    program = await make_program(shop.url, document(time_zone="UTC"))
    shop.now = datetime.now(UTC)
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, program.admin) as api:
            for amount in (4000, 6000, 12000):
                await api.post_order(await api.new_member(), amount, placed_at=shop.now.isoformat())
    written = Program.model_validate({**document(time_zone="UTC"), "tier_sets": [STATUS]})
    async with owner(shop.url) as connection:
        await publish_as_operator(connection, program.id, written, expected=None, note=None)

    shop.now = datetime.now(UTC) + timedelta(minutes=10)
    led = await run_all(shop, program.id)
    shop.now = datetime(shop.now.year + 2, 1, 1, tzinfo=UTC)
    reviewed = await run_all(shop, program.id)

    nobody = {"unsettled": 0, "unsettled_members": []}
    assert led[0] == ("adopt_ladders", "done", {"members": 3, "moved": 2, **nobody})
    assert reviewed[-1] == ("settle", "done", {"members": 2, **nobody})
    moves = await shop.rows("SELECT tier, version FROM loyalty.tier_move ORDER BY version, tier")
    assert [tuple(move) for move in moves] == [("gold", 3), ("silver", 3), (None, 4), (None, 4)]


async def test_points_that_became_due_are_booked_for_everybody(shop: Shop) -> None:
    rules = document(time_zone="UTC")
    rules["wallets"][0] |= TERMS
    program = await make_program(shop.url, rules)
    shop.now = datetime.now(UTC)
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, program.admin) as api:
            for _ in range(3):
                await api.post_order(await api.new_member(), 5000, placed_at=shop.now.isoformat())
    shop.now += timedelta(days=15)

    done = await run_all(shop, program.id)

    assert done[-1] == ("settle", "done", {"members": 3, "unsettled": 0, "unsettled_members": []})
    [[available, pending]] = await shop.rows("SELECT sum(available), sum(pending) FROM loyalty.balance")
    assert (available, pending) == (150, 0)


async def test_a_day_that_is_over_is_summed_up_once(shop: Shop) -> None:
    program = await make_program(shop.url)
    shop.now = datetime.now(UTC)
    today = shop.now.date()
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, program.admin) as api:
            member = await api.new_member(100)
            await api.new_member(20)
            await api.redeem(member, 30)
            shop.now += timedelta(days=2)
            for _ in range(2):
                await run_all(shop, program.id)
                shop.now += timedelta(days=1)

            answer = await api.get(f"/ledger/days?from={today}&to={today + timedelta(days=5)}")

    [*moved] = answer.json()["items"]
    assert [(row["day"], row["source"], row["destination"], row["postings"], row["points"]) for row in moved] == [
        (str(today), "adjusted", "available", 2, 120),
        (str(today), "available", "redeemed", 1, 30),
    ]


async def test_old_refusals_are_forgotten_with_their_keys_and_nothing_else(shop: Shop) -> None:
    program = await make_program(shop.url)
    shop.now = datetime.now(UTC)
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, program.admin) as api:
            member = await api.new_member(100)
            spent = await api.redeem(member, 30, key="spent")
            refused = await api.redeem(member, 500, key="refused")
            await run_all(shop, program.id)
            shop.now += timedelta(days=89)
            await run_all(shop, program.id)
            kept = await api.redeem(member, 500, key="refused")
            shop.now += timedelta(days=2)
            await run_all(shop, program.id)

            assert kept.content == refused.content
            assert kept.headers["idempotent-replayed"] == "true"
            assert (await api.redeem(member, 30, key="spent")).content == spent.content
            assert (await api.redeem(member, 20, key="refused")).status_code == 201
            assert (await api.get("/ledger/check")).json()["is_sound"]
    assert await shop.rows("SELECT FROM loyalty.refusal") == []
    [[runs]] = await shop.rows("SELECT count(*) FROM loyalty.job WHERE kind = 'prune'")
    assert runs == 2


async def test_low_pools_of_vouchers_are_told_in_the_log_without_their_codes(shop: Shop) -> None:
    program = await make_program(shop.url)
    shop.now = datetime.now(UTC)
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, program.admin) as api:
            body = {"pool": "cinema", "codes": ["CINE-1111", "CINE-2222"], "low_at": 2}
            assert (await api.send("POST", "/voucher-pools", body=body)).status_code == 201

    with capture_logs() as lines:
        await run_all(shop, program.id)

    assert [line for line in lines if line["event"] == "code_pool_low"] == [
        {"event": "code_pool_low", "log_level": "warning", "program": program.id, "pool": "cinema", "left": 2}
    ]


async def test_uploaded_files_that_nobody_will_import_are_forgotten(shop: Shop) -> None:
    program = await make_program(shop.url)
    with serve(shop.url, count=1) as servers:
        async with Api(servers.urls, program.admin) as api:
            uploads = [
                await api.send("POST", "/imports?kind=members", content=b"identities\n", headers=CSV) for _ in "abc"
            ]
    broken_off, cancelled, waiting = (read_id("job", upload.json()["id"]) for upload in uploads)
    now = datetime.now(UTC)
    await shop.rows("DELETE FROM loyalty.job WHERE id = $1", broken_off)
    await shop.rows("UPDATE loyalty.job SET status = 'cancelled', ended_at = $2 WHERE id = $1", cancelled, now)

    kept = []
    async with owner(shop.url) as connection:
        for days in (0.5, 2, 29, 31):
            later = now + timedelta(days=days)
            await forget_files(connection, later, later - timedelta(days=30))
            kept.append({row["job_id"] for row in await shop.rows("SELECT job_id FROM loyalty.job_file")})

    assert kept == [{broken_off, cancelled, waiting}, {cancelled, waiting}, {cancelled, waiting}, {waiting}]


async def test_partitions_are_there_ahead_of_the_months(shop: Shop) -> None:
    shop.now = datetime(2031, 5, 6, tzinfo=UTC)

    [made, _] = await run_all(shop, 1)

    assert made[:2] == ("partitions", "done")
    names = [row[0] for row in await shop.rows("SELECT relname FROM pg_class WHERE relname LIKE 'posting_2031%'")]
    assert sorted(name for name in names if "key" not in name) == [f"posting_2031_0{n}" for n in (5, 6, 7, 8)]
