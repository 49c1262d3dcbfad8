"""The plans of the hot statements on a database that has grown: which index each table is reached by, and how many rows.

The functions switch sequential scans off, so a missing index would not show as a scan but as a walk through a whole
other index. Hence the index and the columns that it is probed with are compared, and the rows that were read.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from loyalty_engine.core.engine.decision import Take
from loyalty_engine.core.engine.fold import fold
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import parse_identity
from loyalty_engine.core.kernel.instants import parse_instant
from loyalty_engine.core.promotions.codes import CodeRow
from loyalty_engine.core.referrals.state import State
from loyalty_engine.core.rules.history import HistoryRange
from loyalty_engine.core.rules.order import ShopOrder
from loyalty_engine.persistence.asks import Ask, ReferralWish, Returned, Subject
from loyalty_engine.persistence.ledger import Entry, Question, gather, record
from loyalty_engine.persistence.reading.referrals import Wanted, list_referrals
from tests.persistence.grown import FRIEND, HOLDER, LOYAL_ORDERS, MEMBERS, MERGED, MERGED_ORDER, open_grown, order_id
from tests.persistence.writes import NOW, enrolled

PROGRAM: Final = 1
LOYAL: Final = UUID(int=1)
LOYAL_CLAIMS: Final = 333
EXPLAIN: Final = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
    "plan_cache_mode": "force_generic_plan",
}
MONTH: Final = re.compile(r"_(?:default|\d{4}_\d{2})(?=_|$)")

ORDINARY: Final = Ask(1, "", "fresh", identity=parse_identity("card:7"), natural_key="order||fresh")
EVERYTHING: Final = replace(
    ORDINARY,
    identities=(parse_identity("card:7"), parse_identity("card:8")),
    now=datetime.now(UTC),
    wants_lots=True,
    wants_profile=True,
    counters=("counter-1", "counter-2"),
    mark=("survey_answered", "mark-1"),
    codes=(FoldedCode("C0DE7"),),
    pools=("vouchers",),
)


@dataclass(frozen=True)
class Probe:
    """One visit of a plan to one table or partition."""

    table: str
    partition: str
    access: str
    rows: int


class Plans:
    """The plans of what ran on one connection, also inside functions."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self._messages: list[str] = []
        connection.add_log_listener(lambda _, message: self._messages.append(message.message))

    async def of_gather(self, ask: Ask) -> list[Probe]:
        await gather(self.connection, [Question(PROGRAM, (ask,))])  # the driver learns the types
        self._messages.clear()
        await gather(self.connection, [Question(PROGRAM, (ask,))])
        return self.taken()

    def taken(self) -> list[Probe]:
        """Return what was visited since the last call; never visited partitions are left out."""
        found = [probe for message in self._messages for node in nodes_of(message) for probe in probes_of(node)]
        self._messages.clear()
        return [probe for probe in found if not probe.table.startswith("pg_")]  # the driver looks up types there

    def of_tables(self) -> dict[str, set[str]]:
        """Return how what ran since the last call reached its tables, none of which it read more than a few rows of."""
        probes = self.taken()
        assert most_rows(probes) <= 3
        return accesses(probes)


def nodes_of(message: str) -> Iterator[dict[str, Any]]:
    _, brace, text = message.partition("plan:\n")
    waiting = [json.loads(text)["Plan"]] if brace else []
    while waiting:
        node = waiting.pop()
        yield node
        for child in node.get("Plans", []):
            if node["Node Type"].startswith("Bitmap"):
                child["Relation Name"] = node["Relation Name"]
            waiting.append(child)


def probes_of(node: dict[str, Any]) -> Iterator[Probe]:
    """Return the node as a visit: "index(columns it is probed with)", or its own name when it uses no index."""
    arbiters = node.get("Conflict Arbiter Indexes")
    if arbiters:
        yield Probe(node["Relation Name"], node["Relation Name"], f"{', '.join(arbiters)}(conflict)", 0)
    if "Index Name" in node and node["Actual Loops"]:
        relation = node["Relation Name"]
        columns = re.findall(r"\(+(?:\w+\.)?(\w+) (?:=|>=|<=|<|>) ", node.get("Index Cond", ""))
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        access = f"{MONTH.sub('', node['Index Name'])}({', '.join(dict.fromkeys(columns))})"
        yield Probe(MONTH.sub("", relation), relation, access, round(rows * node["Actual Loops"]))
    if node["Node Type"] == "Seq Scan":
        yield Probe(
            MONTH.sub("", node["Relation Name"]),
            node["Relation Name"],
            "Seq Scan",
            node["Actual Rows"] + node.get("Rows Removed by Filter", 0),
        )


def accesses(probes: Sequence[Probe]) -> dict[str, set[str]]:
    """Return how each table was reached."""
    found: dict[str, set[str]] = {}
    for probe in probes:
        found.setdefault(probe.table, set()).add(probe.access)
    return found


@pytest.fixture(scope="module")
def grown_url(database_url: str) -> Iterator[str]:
    with open_grown(database_url) as url:
        yield url


@pytest.fixture
async def plans(grown_url: str) -> AsyncIterator[Plans]:
    connection = await asyncpg.connect(grown_url)
    try:
        await connection.execute("LOAD 'auto_explain'")
    except asyncpg.PostgresError:
        pytest.skip("this server has no auto_explain")
    for name, value in EXPLAIN.items():
        await connection.execute(f"SET {name} = '{value}'")
    yield Plans(connection)
    await connection.close()


GATHER: Final = {
    "program": {"program_pkey(id)"},
    "api_client": {"api_client_pkey(program_id, id)"},
    "idempotency": {"idempotency_pkey(program_id, client_id, scope, key)"},
    "order_key": {"order_key_pkey(program_id, natural_key)"},
    "member_identity": {"member_identity_pkey(program_id, identity)"},
    "member": {"member_pkey(program_id, id)"},
    "balance": {"balance_pkey(program_id, member_id)"},
}
BY_MEMBER: Final = "operation_program_id_member_id_id_idx(program_id, member_id)"
"""Since when somebody is a member: looked up for who is one since before its row said so, until its next write."""
WITH_FAMILY: Final = {"member_pkey(program_id, id)", "member_program_id_merged_into_idx(program_id, merged_into)"}
"""Whom a member stands for: asked where it matters what those did before."""


async def test_gather_of_a_receipt_probes_each_table_by_its_key(plans: Plans) -> None:
    probes = await plans.of_gather(ORDINARY)

    assert accesses(probes) == {**GATHER, "operation": {BY_MEMBER}}
    assert most_rows(probes) <= 2


async def test_gather_of_a_receipt_that_reads_a_profile_probes_each_table_by_its_key(plans: Plans) -> None:
    probes = await plans.of_gather(replace(ORDINARY, wants_profile=True))

    assert accesses(probes) == {**GATHER, "operation": {BY_MEMBER}, "member_profile": {BY_PROFILE}}
    assert most_rows(probes) <= 2


async def test_gather_of_everything_about_a_member_probes_by_key(plans: Plans) -> None:
    # Leases run out by the minute, and it may be long ago that this file was read.
    probes = await plans.of_gather(replace(EVERYTHING, now=datetime.now(UTC)))

    assert accesses(probes) == {
        **GATHER,
        "member": WITH_FAMILY,
        "operation": {BY_MEMBER},
        "lot": {"lot_open_idx(program_id, member_id)"},
        "member_profile": {"member_profile_pkey(program_id, member_id)"},
        "counter": {"counter_pkey(program_id, key)"},
        "counter_lease": {"counter_lease_pkey(program_id, counter, until)"},
        "activity_mark": {"activity_mark_pkey(program_id, member_id, kind, mark)"},
        "promo_code": {"promo_code_pkey(program_id, code)", "promo_code_turn_idx(program_id, pool, turn)"},
        "code_pool": {"code_pool_pkey(program_id, key)"},
    }
    assert most_rows(probes) <= 16


@pytest.mark.parametrize(
    ("ask", "added", "opened"),
    [
        (
            Ask(1, "", "key-17"),
            {"operation_detail": {"operation_detail_pkey(program_id, id)"}},
            {"operation_detail_2026_06"},
        ),
        (Ask(1, "", "key-18"), {"refusal": {"refusal_pkey(program_id, id)"}}, {"refusal_2026_06"}),
        (
            Ask(1, "", None, natural_key="order||20000"),
            {
                "order": {"order_pkey(program_id, id)"},
                "operation_detail": {"operation_detail_pkey(program_id, id)"},
                "order_claim": {"order_claim_pkey(program_id, order_id)"},
                "order_parked": {"order_parked_pkey(program_id, order_id)"},
            },
            {"order_2026_10", "operation_detail_2026_10"},
        ),
        (
            Ask(1, "", None, member_id=UUID(int=MEMBERS + 1), subject=Subject(redemption_id=order_id(10_000))),
            {
                "operation": {"operation_pkey(program_id, id)"},
                "lot": {"lot_pkey(program_id, id)"},
                "lot_use": {"lot_use_pkey(program_id, operation_id)"},
                "reversal": {"reversal_pkey(program_id, reversed_id)"},
            },
            {"operation_2026_08"},
        ),
    ],
    ids=["repeated", "refused before", "known order", "known redemption"],
)
async def test_what_is_known_is_read_from_the_partition_of_its_month_alone(
    plans: Plans, ask: Ask, added: dict[str, set[str]], opened: set[str]
) -> None:
    probes = await plans.of_gather(ask)

    assert accesses(probes) == {**GATHER, **added}
    assert {probe.partition for probe in probes if probe.partition != probe.table} == opened
    assert most_rows(probes) <= 1


BY_FRIEND: Final = "referral_program_id_friend_id_key(program_id, friend_id)"
OPEN_LOTS: Final = "lot_open_idx(program_id, member_id)"
BY_PROFILE: Final = "member_profile_pkey(program_id, member_id)"
HOLDS: Final = {"hold_open_idx(program_id, member_id)", "hold_pkey(program_id, id)"}
BY_ID: Final = "operation_pkey(program_id, id)"
USES: Final = {"lot_use": {"lot_use_pkey(program_id, operation_id)"}, "lot": {OPEN_LOTS, "lot_pkey(program_id, id)"}}
DETAIL: Final = {"operation_detail": {"operation_detail_pkey(program_id, id)"}}
RARE: Final[dict[str, tuple[Ask, dict[str, set[str]]]]] = {
    "returned": (
        Ask(1, "", None).about(
            Subject(returned=(Returned(order_id(10_003)), Returned(ShopOrder("20003"), "order||20003")))
        ),
        {
            **USES,
            **DETAIL,
            "operation": {BY_MEMBER, BY_ID},
            "order": {"order_pkey(program_id, id)"},
            "order_change": {"order_change_pkey(program_id, order_id)"},
            "order_claim": {"order_claim_pkey(program_id, order_id)"},
            "order_parked": {"order_parked_pkey(program_id, order_id)"},
        },
    ),
    "merged order": (
        Ask(1, "", None).about(Subject(returned=(Returned(order_id(MERGED_ORDER)),))),
        {
            **USES,
            **DETAIL,
            "operation": {BY_MEMBER, BY_ID, "operation_program_id_other_member_id_id_idx(program_id, other_member_id)"},
            "order": {"order_pkey(program_id, id)"},
            "order_change": {"order_change_pkey(program_id, order_id)"},
            "order_claim": {"order_claim_pkey(program_id, order_id)"},
            "order_parked": {"order_parked_pkey(program_id, order_id)"},
            "posting": {"posting_pkey(program_id, member_id, id)"},
        },
    ),
    "number": (Ask(1, "", None).about(Subject(number="order||20003")), {**DETAIL, "lot": {OPEN_LOTS}}),
    "hold": (
        Ask(1, "", None).about(Subject(hold_id=order_id(10_003))),
        {**USES, "operation": {BY_MEMBER, BY_ID}, "hold": {"hold_pkey(program_id, id)"}},
    ),
    "reservation": (
        Ask(1, "", None).about(Subject(reservation_id=order_id(10_003))),
        {
            **USES,
            "operation": {BY_MEMBER, BY_ID},
            "hold": {"hold_pkey(program_id, id)"},
            "reservation": {"reservation_pkey(program_id, id)"},
            "reservation_end": {"reservation_end_pkey(program_id, reservation_id)"},
        },
    ),
    "codes": (
        Ask(1, "", None, codes=(FoldedCode("C0DE7"), FoldedCode("C0DE99999"), FoldedCode("GVN0"))),
        {
            "promo_code": {"promo_code_pkey(program_id, code)"},
            "code_pool": {"code_pool_pkey(program_id, key)"},
        },
    ),
    "pools": (
        Ask(1, "", None, pools=("made", "vouchers")),
        {
            "promo_code": {"promo_code_turn_idx(program_id, pool, turn)"},
            "code_pool": {"code_pool_pkey(program_id, key)"},
        },
    ),
    "lot": (
        Ask(1, "", None).about(Subject(lot_id=order_id(10_003))),
        {"operation": {BY_MEMBER}, "lot": USES["lot"]},
    ),
    "operation": (
        Ask(1, "", None).about(Subject(operation_id=order_id(10_003))),
        {
            **USES,
            **DETAIL,
            "operation": {BY_MEMBER, BY_ID},
            "posting": {"posting_pkey(program_id, member_id, id)"},
            "reversal": {"reversal_pkey(program_id, reversed_id)"},
        },
    ),
    "waiting": (
        Ask(1, "", None, natural_key="waited||20003"),
        {"return_waiting": {"return_waiting_pkey(program_id, natural_key)"}, "lot": {OPEN_LOTS}},
    ),
    "brought": (
        Ask(1, "", None, member_id=UUID(int=FRIEND), referral=ReferralWish()),
        {"operation": {BY_MEMBER}, "referral": {BY_FRIEND}, "member": WITH_FAMILY},
    ),
    "brought by nobody": (
        Ask(1, "", None, member_id=UUID(int=FRIEND - 1), referral=ReferralWish()),
        {"operation": {BY_MEMBER}, "referral": {BY_FRIEND}, "member": WITH_FAMILY},
    ),
    "ties": (
        Ask(1, "", None, member_id=UUID(int=FRIEND), referral=ReferralWish(wants_ties=True)),
        {
            "operation": {BY_MEMBER},
            "referral": {BY_FRIEND},
            "member": WITH_FAMILY,
            "member_fingerprint": {
                "member_fingerprint_pkey(program_id, kind, digest)",
                "member_fingerprint_pkey(program_id, kind, digest, member_id)",
                "member_fingerprint_program_id_member_id_idx(program_id, member_id)",
            },
        },
    ),
    "referral": (
        Ask(1, "", None).about(Subject(referral_id=UUID(int=FRIEND))),
        {"operation": {BY_MEMBER}, "referral": {"referral_pkey(program_id, id)"}, "lot": {OPEN_LOTS}},
    ),
    "code": (
        Ask(1, "", None).about(Subject(tail=f"000-{FRIEND:012x}")),
        {
            "operation": {BY_MEMBER},
            "member": {"member_pkey(program_id, id)", "member_referral_code_idx(program_id)"},
            "lot": {OPEN_LOTS},
        },
    ),
    "merged": (Ask(1, "", None, identity=parse_identity(f"card:{MERGED}")), {"operation": {BY_MEMBER}}),
    "merged with profile": (
        Ask(1, "", None, member_id=UUID(int=MERGED), wants_profile=True),
        {"operation": {BY_MEMBER}, "member_profile": {BY_PROFILE}},
    ),
    "holds": (
        Ask(1, "", None, identity=parse_identity(f"card:{HOLDER}"), wants_lots=True),
        {**USES, "operation": {BY_MEMBER}, "hold": HOLDS},
    ),
    "holds with profile": (
        Ask(1, "", None, member_id=UUID(int=HOLDER), wants_lots=True, wants_profile=True),
        {**USES, "operation": {BY_MEMBER}, "hold": HOLDS, "member_profile": {BY_PROFILE}},
    ),
}
"""What few requests are about, and how it is reached beside what every request reads."""


@pytest.mark.parametrize("name", RARE)
async def test_what_few_requests_are_about_is_reached_by_key(plans: Plans, name: str) -> None:
    ask, added = RARE[name]

    probes = await plans.of_gather(ask)

    assert accesses(probes) == {**GATHER, **added}
    assert most_rows(probes) <= 16


async def test_what_is_due_is_read_page_by_page(plans: Plans) -> None:
    page = "SELECT * FROM loyalty.list_due_v3(1, now() + interval '1 day', '-infinity', $1, 50)"
    await plans.connection.fetch(page, UUID(int=0))
    plans.taken()

    assert len(await plans.connection.fetch(page, UUID(int=0))) == 50

    probes = plans.taken()
    assert accesses(probes) == {"member": {"member_program_id_due_at_id_idx(program_id, due_at)"}}
    assert most_rows(probes) == 50


async def test_referrals_that_are_due_are_read_page_by_page(plans: Plans) -> None:
    page = "SELECT * FROM loyalty.list_due_referrals_v7(1, now() + interval '1 day', '-infinity', $1, 50)"
    await plans.connection.fetch(page, UUID(int=0))
    plans.taken()

    assert len(await plans.connection.fetch(page, UUID(int=0))) == 50

    probes = plans.taken()
    assert accesses(probes) == {"referral": {"referral_due_idx(program_id, due_at)"}}
    assert most_rows(probes) == 50


async def test_history_reads_no_more_orders_than_it_may_return(plans: Plans) -> None:
    until = HistoryRange(since=None, until=parse_instant("2027-01-01T00:00:00Z"), with_lines=True)

    probes = await plans.of_gather(Ask(1, "", None, member_id=LOYAL, history=until))

    by_member = "order_program_id_member_id_placed_at_idx(program_id, member_id, placed_at)"
    assert accesses(probes) == {
        **GATHER,
        "member": WITH_FAMILY,
        "operation": {BY_MEMBER},
        "order_change": {"order_change_pkey(program_id, order_id)"},
        "order": {by_member, "order_pkey(program_id, id)"},
        "order_claim": {"order_claim_program_id_member_id_idx(program_id, member_id)"},
    }
    assert 800 <= sum(probe.rows for probe in probes if probe.access == by_member) <= 1020
    assert LOYAL_ORDERS - LOYAL_CLAIMS > 1020
    assert sum(probe.rows for probe in probes if probe.access == "order_pkey(program_id, id)") <= LOYAL_CLAIMS


async def test_writing_one_member_updates_by_key(plans: Plans) -> None:
    writer = await enrolled(plans.connection, PROGRAM, 100)
    writes = [writer.buy(1000, pay=20), writer.redeem(10)]
    plans.taken()

    for write in writes:
        assert await record(plans.connection, [Entry(PROGRAM, write)]) == [True]

    assert plans.of_tables() == {
        "member": {"member_pkey(program_id, id)"},
        "balance": {"balance_pkey(conflict)"},
        "lot": {"lot_pkey(program_id, id)"},
    }


async def test_writing_a_batch_locks_and_updates_by_key(plans: Plans) -> None:
    writers = [await enrolled(plans.connection, PROGRAM, 100) for _ in range(3)]
    (part,) = writers[0].adjust(5).parts
    takes = (Take("counter-9", 1, 9), Take("first", 1, 9))
    writes = [fold([replace(part, takes=takes)]), writers[1].redeem(10), writers[2].report("nps")]
    plans.taken()

    assert await record(plans.connection, [Entry(PROGRAM, write) for write in writes]) == [True, True, True]

    assert plans.of_tables() == {
        "member": {"member_pkey(program_id, id)"},
        "balance": {"balance_pkey(conflict)"},
        "lot": {"lot_pkey(program_id, id)"},
        "counter": {"counter_pkey(conflict)", "counter_pkey(program_id, key)"},
        "counter_lease": {"counter_lease_pkey(program_id, counter, until)"},
    }


async def test_a_reservation_takes_and_gives_back_by_key(plans: Plans) -> None:
    (part,) = (await enrolled(plans.connection, PROGRAM, 100)).adjust(5).parts
    until = parse_instant("2030-01-01T00:00:00Z")
    writes = [
        fold([replace(part, member=None, entries=None, takes=(Take("counter-9", amount, 9, until),))])
        for amount in (1, -1)
    ]
    for key in ("held", "free"):
        write = writes.pop(0)
        call = replace(part.operation.call, key=key)
        moved = replace(write.parts[0], operation=replace(part.operation, id=uuid4(), call=call))
        plans.taken()
        assert await record(plans.connection, [Entry(PROGRAM, replace(write, parts=(moved,)))]) == [True]
        assert plans.of_tables() == {
            "balance": {"balance_pkey(conflict)"},
            "counter": {"counter_pkey(conflict)", "counter_pkey(program_id, key)"},
            "counter_lease": {"counter_lease_pkey(conflict)", "counter_lease_pkey(program_id, counter, until)"},
        }


async def test_a_voucher_is_given_out_by_key(plans: Plans) -> None:
    writer = await enrolled(plans.connection, PROGRAM, 100)
    write = writer.adjust(5)
    code = CodeRow(FoldedCode("C0DE3"), "C0DE3", "vouchers", writer.member, NOW, is_taken=True)
    plans.taken()

    taken = replace(write, parts=(replace(write.parts[0], codes=(code,)),))
    assert await record(plans.connection, [Entry(PROGRAM, taken)]) == [True]

    assert plans.of_tables()["promo_code"] == {"promo_code_pkey(program_id, code)"}


async def test_the_slow_lane_locks_by_key(plans: Plans) -> None:
    plans.taken()
    await plans.connection.execute("SELECT loyalty.lock_v2(1, $1, $2)", [UUID(int=7), LOYAL], ["counter-7", "new"])

    assert plans.of_tables() == {
        "member": {"member_pkey(program_id, id)"},
        "counter": {"counter_pkey(conflict)", "counter_pkey(program_id, key)"},
    }


@pytest.mark.parametrize("state", ["in_review", "qualified", "rewarded", "reversed", "rejected"])
async def test_referrals_in_a_rare_state_are_listed_without_the_others(plans: Plans, state: State) -> None:
    newest = UUID(int=2**128 - 1)
    plans.taken()
    found = await list_referrals(plans.connection, PROGRAM, Wanted(state), now=NOW, before=newest, limit=50)

    in_time = set() if state != "rejected" else {"referral_unproven_idx(program_id, id)"}
    assert found == []
    assert plans.of_tables()["referral"] == {"referral_state_idx(program_id, state, id)", *in_time}


PLAIN: Final = replace(ORDINARY, natural_key="order||20000", wants_lots=True)


@pytest.mark.parametrize(
    "drop",
    [
        "DROP INDEX loyalty.lot_open_idx",
        "ALTER TABLE loyalty.member_identity DROP CONSTRAINT member_identity_pkey",
        "ALTER TABLE loyalty.member DROP CONSTRAINT member_pkey",
        "ALTER TABLE loyalty.balance DROP CONSTRAINT balance_pkey",
        "ALTER TABLE loyalty.order_key DROP CONSTRAINT order_key_pkey",
        "ALTER TABLE loyalty.idempotency DROP CONSTRAINT idempotency_pkey",
        "ALTER TABLE loyalty.api_client DROP CONSTRAINT api_client_pkey",
    ],
)
async def test_an_index_that_a_plain_ask_misses_would_be_seen(plans: Plans, drop: str) -> None:
    before = await plans.of_gather(PLAIN)
    transaction = plans.connection.transaction()
    await transaction.start()
    try:
        await plans.connection.execute(drop)
        after = await plans.of_gather(PLAIN)
    finally:
        await transaction.rollback()

    assert accesses(after) != accesses(before)
    assert most_rows(after) >= 1000


@pytest.mark.parametrize(
    "drop",
    [
        "DROP INDEX loyalty.lot_open_idx",
        "ALTER TABLE loyalty.activity_mark DROP CONSTRAINT activity_mark_pkey",
        "ALTER TABLE loyalty.member_identity DROP CONSTRAINT member_identity_pkey",
        "ALTER TABLE loyalty.member_profile DROP CONSTRAINT member_profile_pkey",
        "ALTER TABLE loyalty.counter DROP CONSTRAINT counter_pkey",
        "ALTER TABLE loyalty.counter_lease DROP CONSTRAINT counter_lease_pkey",
        "ALTER TABLE loyalty.promo_code DROP CONSTRAINT promo_code_pkey",
        "DROP INDEX loyalty.promo_code_turn_idx",
    ],
)
async def test_a_missing_index_would_be_seen(plans: Plans, drop: str) -> None:
    before = await plans.of_gather(EVERYTHING)
    transaction = plans.connection.transaction()
    await transaction.start()
    try:
        await plans.connection.execute(drop)
        after = await plans.of_gather(EVERYTHING)
    finally:
        await transaction.rollback()

    assert accesses(after) != accesses(before)
    assert most_rows(after) >= 1000


async def test_a_wider_history_would_be_seen(plans: Plans) -> None:
    connection = plans.connection
    body = await connection.fetchval("SELECT pg_get_functiondef('loyalty.read_history_v3'::regproc)")
    until = HistoryRange(since=None, until=parse_instant("2027-01-01T00:00:00Z"), with_lines=True)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(body.replace("LIMIT 1000", "LIMIT 9000"))
        probes = await plans.of_gather(Ask(1, "", None, member_id=LOYAL, history=until))
    finally:
        await transaction.rollback()

    assert sum(probe.rows for probe in probes if "placed_at" in probe.access) > 1020


def most_rows(probes: Sequence[Probe]) -> int:
    return max(probe.rows for probe in probes)
