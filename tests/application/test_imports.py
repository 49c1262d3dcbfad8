"""Imports: rows of files are judged like requests, once, and what is wrong is listed by its line."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loyalty_engine.api.import_forms import ImportForms
from loyalty_engine.application.clocks import Clocks
from loyalty_engine.application.import_file import ImportOptions, import_file
from loyalty_engine.application.imports import running
from loyalty_engine.application.imports.reading import Format
from loyalty_engine.application.imports.rows import Fault, Kind
from loyalty_engine.application.imports.running import Counts
from loyalty_engine.core.kernel.ids import show_id
from loyalty_engine.persistence.connections import create_pool
from loyalty_engine.persistence.ledger_check import check_rows
from loyalty_engine.persistence.sessions import Sessions
from tests.application.conftest import Engine
from tests.harness.api import Api
from tests.harness.friends import DAY, document_of_friends, open_shop
from tests.harness.ledger import Ledger
from tests.harness.programs import Program, document, owner

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

Result = tuple[Counts, list[tuple[int, str, str]]]
Import = Callable[..., Awaitable[Result]]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of seven rows, so that there are many."""
    monkeypatch.setattr(running, "_PAGE", 7)


@pytest.fixture
def take(engine: Engine, program: Program, tmp_path: Path) -> Import:
    """Imports a text as a file of that kind; returns the counts, and line, code and pointer of each fault."""

    async def take(
        text: str | bytes,
        kind: Kind = "members",
        file_format: Format = "csv",
        **options: Any,  # noqa: ANN401 - fields of ImportOptions
    ) -> Result:
        path = tmp_path / "file"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        found: list[Fault] = []

        async def tell(_: int, faults: Sequence[Fault]) -> None:
            found.extend(faults)

        url = program.database_url
        async with create_pool(url, size=1) as pool, owner(url) as one, owner(url) as other:
            counts = await import_file(
                (one, other),
                engine.rulesets,
                program.id,
                path,
                options=ImportOptions(kind, file_format, **options),
                clocks=Clocks(Sessions(pool), lambda: NOW),
                forms=ImportForms(),
                tell=tell,
            )
        return counts, [(fault.line, fault.code, fault.pointer) for fault in found]

    return take


def lines_of(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


async def sound(ledger: Ledger) -> bool:
    report = await check_rows(ledger.connection, ledger.program_id)
    assert [finding for finding in report.findings if finding.offences] == []
    assert await ledger.faults() == []
    return True


async def test_members_come_with_identities_attributes_and_lots(take: Import, client: Api, ledger: Ledger) -> None:
    row = {
        "identities": ["card:1", "email:a@example.com"],
        "name": "Ada",
        "birthday": "1990-05-31",
        "attributes": {"vegan": True},
        "enrolled_at": "2019-05-31T10:00:00Z",
        "lots": [
            {
                "wallet": "points",
                "points": 120,
                "earned_at": "2026-01-15T09:00:00Z",
                "expires_at": "2099-01-01T00:00:00Z",
            },
            {"wallet": "points", "points": 5, "cost_micros": 7, "funder": "partner-7"},
        ],
    }

    assert await take(lines_of(row), file_format="ndjson") == (Counts(stored=1), [])

    member = (await client.get("/members/email:a@example.com")).json()
    assert (member["identities"], member["name"], member["birthday"], member["attributes"], member["enrolled_at"]) == (
        ["card:1", "email:a@example.com"],
        "Ada",
        "1990-05-31",
        {"vegan": True},
        "2019-05-31T10:00:00Z",
    )
    lots = (await client.get("/members/card:1/lots")).json()["items"]
    assert [(lot["remaining"], lot["earned_at"], lot["expires_at"], lot["funder"]) for lot in lots] == [
        (5, "2026-06-01T12:00:00Z", None, "partner-7"),
        (120, "2026-01-15T09:00:00Z", "2099-01-01T00:00:00Z", "program"),
    ]
    assert await ledger.count("lot", "cost_micros = 7") == 1
    assert await sound(ledger)


async def test_a_table_says_the_same(take: Import, client: Api) -> None:
    table = (
        "\ufeffidentities;name;birthday;attributes.vegan;enrolled_at;lot.wallet;lot.points;lot.expires_at\r\n"
        'card:1 email:a@example.com;"Ada ""the first""; Byron";1990-05-31;true;2019-05-31T10:00:00Z;points;120;\r\n'
        "card:2;=1+1;;false;;;;\r\n"
        "\r\n"
    )

    assert await take(table, separator=";") == (Counts(stored=2), [])

    member = (await client.get("/members/email:a@example.com")).json()
    assert (member["name"], member["attributes"]) == ('Ada "the first"; Byron', {"vegan": True})
    assert (await client.get("/members/card:2")).json()["name"] == "=1+1"
    [balance] = (await client.get("/members/card:1/balances")).json()["balances"]
    assert (balance["wallet"], balance["available"]) == ("points", 120)


async def test_the_same_file_again_changes_nothing(take: Import, ledger: Ledger) -> None:
    rows = [{"identities": [f"card:{n}"], "lots": [{"wallet": "points", "points": n}]} for n in range(1, 30)]
    first = await take(lines_of(*rows), file_format="ndjson")
    before = await ledger.fingerprint()

    second = await take(lines_of(*rows), file_format="ndjson")

    assert (first, second) == ((Counts(stored=29), []), (Counts(unchanged=29), []))
    assert await ledger.fingerprint() == before
    assert await sound(ledger)


async def test_wrong_rows_are_listed_and_hold_up_nobody(take: Import, ledger: Ledger) -> None:
    table = (
        b"identities,birthday,attributes.vegan,lot.wallet,lot.points,lot.earned_at,lot.expires_at\n"
        b"card:1,,,,,,\n"
        b"card,,,,,,\n"
        b"card:2,31.05.1990,,,,,\n"
        b"card:3,,yes,,,,\n"
        b"card:4,,,miles,5,,\n"
        b"card:5,,,points,-5,,\n"
        b"card:6,,,points,5,,2026-06-01T12:00:00Z\n"
        b"card:7,,,points,5,2026-06-01T12:00:01Z,\n"
        b'card:8,"1990-05-31,,,,,\n'
        b"card:9,,\n"
        b"card:\xff,,,,,,\n"
        b"card:10\x00,,,,,,\n"
        b"card:" + b"x" * 300_000 + b",,,,,,\n"
        b"card:1 card:11,,,,,,\n"
        b"card:12,,,,,,"
    )

    counts, faults = await take(table)

    assert counts == Counts(stored=2, faulty=13)
    assert faults == [
        (3, "identity", "/identities/0"),
        (4, "day", "/birthday"),
        (5, "attribute_type_mismatch", "/attributes/vegan"),
        (6, "wallet_not_found", "/lots/0/wallet"),
        (7, "greater_than_equal", "/lots/0/points"),
        (8, "expiry_in_past", "/lots/0/expires_at"),
        (9, "earned_in_future", "/lots/0/earned_at"),
        (10, "quotes_unbalanced", ""),
        (11, "cells_mismatch", ""),
        (12, "encoding_wrong", ""),
        (13, "unstorable_text", ""),
        (14, "line_too_long", ""),
        (15, "identity_taken", "/identities/0"),
    ]
    assert await ledger.count("member") == 2
    assert await sound(ledger)


async def test_a_wrong_line_of_json_is_listed(take: Import) -> None:
    text = (
        '{"identities": ["card:1"]}\n'
        '{"identities": ["card:2"]\n'
        "[]\n"
        '{"identities": ["card:3"], "identities": ["card:4"]}\n'
        '{"identities": ["card:5"], "colour": "red"}\n'
        '{"identities": ["card:6"], "name": "\\u0000"}\n'
        '{"identities": []}\n'
    )

    counts, faults = await take(text, file_format="ndjson")

    assert counts == Counts(stored=1, faulty=6)
    assert [(line, code) for line, code, _ in faults] == [
        (2, "malformed_json"),
        (3, "model_type"),
        (4, "duplicate_name"),
        (5, "extra_forbidden"),
        (6, "unstorable_text"),
        (7, "too_short"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", (1, "file_empty", "")),
        (b"name\nAda\n", (1, "column_missing", "identities")),
        (b"identities,shoe_size\ncard:1,42\n", (1, "column_unknown", "shoe_size")),
        (b"identities,attributes.pets\ncard:1,1\n", (1, "column_unknown", "attributes.pets")),
        (b"identities,name,name\ncard:1,a,b\n", (1, "column_doubled", "name")),
        (b"identities;name\ncard:1;a\n", (1, "column_unknown", "identities;name")),
        (b'identities,"name\ncard:1,a\n', (1, "quotes_unbalanced", "")),
        (b"identities,n\xe4me\ncard:1,a\n", (1, "encoding_wrong", "")),
        ("identities\ncard:1\n".encode("utf-16"), (1, "encoding_wrong", "")),
        (b"member,wallet,points,reference\ncard:1,points,5,a\n", (1, "column_unknown", "member")),
    ],
)
async def test_a_file_that_cannot_be_one_is_refused_before_its_first_row(
    take: Import, ledger: Ledger, text: bytes, fault: tuple[int, str, str]
) -> None:
    assert await take(text) == (Counts(faulty=1), [fault])
    assert await ledger.count("member") == 0


async def test_a_header_alone_is_a_file_without_rows(take: Import) -> None:
    assert await take("identities,name\n") == (Counts(), [])


async def test_a_dry_run_finds_the_same_and_writes_nothing(take: Import, ledger: Ledger) -> None:
    rows = [{"identities": [f"card:{n}"], "lots": [{"wallet": "points", "points": n}]} for n in range(20)]
    before = await ledger.fingerprint()

    dry = await take(lines_of(*rows), file_format="ndjson", is_dry=True)
    unwritten = await ledger.fingerprint()
    real = await take(lines_of(*rows), file_format="ndjson")

    assert dry == real == (Counts(stored=19, faulty=1), [(1, "greater_than_equal", "/lots/0/points")])
    assert unwritten == before
    assert await ledger.count("member") == 19


async def test_a_member_that_differs_is_refused_or_updated(take: Import, client: Api, ledger: Ledger) -> None:
    await take("identities,name\ncard:1,Ada\ncard:2,Bob\n")
    changed = "identities,name,attributes.vegan\ncard:1 email:a@example.com,Ada L.,true\ncard:2,,\ncard:3 card:2,,\n"

    refused = await take(changed)
    updated = await take(changed, updates=True)
    again = await take(changed, updates=True)

    taken = (4, "identity_taken", "/identities/1")
    assert refused == (Counts(unchanged=1, faulty=2), [(2, "identity_taken", "/identities/0"), taken])
    assert updated == (Counts(changed=1, unchanged=1, faulty=1), [taken])
    assert again == (Counts(unchanged=2, faulty=1), [taken])
    member = (await client.get("/members/email:a@example.com")).json()
    assert (member["name"], member["attributes"], member["identities"]) == (
        "Ada L.",
        {"vegan": True},
        ["card:1", "email:a@example.com"],
    )
    assert await sound(ledger)


async def test_other_lots_of_a_member_whose_lots_were_taken_are_refused(take: Import, ledger: Ledger) -> None:
    await take("identities,lot.wallet,lot.points\ncard:1,points,5\n")

    counts = await take("identities,lot.wallet,lot.points\ncard:1,points,6\n", updates=True)

    assert counts == (Counts(faulty=1), [(2, "row_differs", "")])
    assert await ledger.count("lot") == 1


async def test_lots_of_one_member_are_taken_over_once_each(take: Import, client: Api, ledger: Ledger) -> None:
    await take("identities\ncard:1 ext:7\ncard:2\n")
    table = "member,wallet,points,reference\n" + "".join(f"card:1,points,1,r{n}\n" for n in range(40))
    table += "ext:7,points,100,other\ncard:1,cashback,3,r1\ncard:9,points,5,r1\ncard:2,points,5,\ncard:2,points,5,r1\n"

    first = await take(table, kind="lots")
    second = await take(table, kind="lots")
    other = await take("member,wallet,points,reference\ncard:1,points,2,r1\n", kind="lots")

    faults = [(44, "member_not_found", "/member"), (45, "missing", "/reference")]
    assert first == (Counts(stored=43, faulty=2), faults)
    assert second == (Counts(unchanged=43, faulty=2), faults)
    assert other == (Counts(faulty=1), [(2, "row_differs", "")])
    balances = (await client.get("/members/ext:7/balances")).json()["balances"]
    assert {row["wallet"]: row["available"] for row in balances} == {"points": 140, "cashback": 3}
    assert await sound(ledger)


def order(number: int, member: str = "card:1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an order
    return {
        "order_id": f"W-{number}",
        "member": member,
        "placed_at": f"2026-05-{1 + number % 28:02}T10:00:00Z",
        "currency": "EUR",
        "lines": [{"amount": 1000}],
        **fields,
    }


async def test_past_orders_have_no_promo_codes(take: Import) -> None:
    rows = [order(0, codes=["XMAS"]), order(1, guest="email:guest@example.com")]

    done = await take(lines_of(*rows), kind="orders", file_format="ndjson")

    assert done == (Counts(faulty=2), [(1, "past_order", ""), (2, "past_order", "")])


async def test_past_orders_earn_as_they_would_have(take: Import, client: Api, ledger: Ledger) -> None:
    rows = [order(n) for n in range(30)]
    rows += [order(30, currency="USD"), order(31, pay_with_points={"wallet": "points", "points": 5}), order(0)]

    first = await take(lines_of(*rows), kind="orders", file_format="ndjson")
    second = await take(lines_of(*rows), kind="orders", file_format="ndjson")

    faults = [(31, "currency_mismatch", "/currency"), (32, "past_order", "")]
    assert first == (Counts(stored=30, unchanged=1, faulty=2), faults)
    assert second == (Counts(unchanged=31, faulty=2), faults)
    member = (await client.get("/members/card:1")).json()
    assert (member["orders"], member["spend"], member["first_order_at"]) == (30, 30_000, "2026-05-01T10:00:00Z")
    [balance] = (await client.get("/members/card:1/balances")).json()["balances"]
    assert balance["available"] == 300
    assert await sound(ledger)


async def test_past_orders_of_friends_reward_what_was_due(take: Import, program: Program, ledger: Ledger) -> None:
    await program.publish(document_of_friends())
    friends = ["ben", "carl", "dora"]
    async with open_shop(program) as shop:
        shop.now = NOW - 20 * DAY
        await shop.enrol("anna", *friends)
        for friend in friends:
            await shop.register(friend, by="anna")
            await shop.buy(friend)
        rows = [order(n, show_id("mem", shop.names[name])) for n, name in enumerate([*friends, "anna", *friends])]

        counts, faults = await take(lines_of(*rows), kind="orders", file_format="ndjson")

        assert (counts, faults) == (Counts(stored=7), [])
        assert (await ledger.balances(shop.names["anna"]))["points"] == (500 + 500 + 800, 0, 0, 0)
        assert [(await ledger.balances(shop.names[friend]))["points"][0] for friend in friends] == [300, 300, 300]
    assert await sound(ledger)


async def test_an_order_that_came_over_http_is_known(take: Import, client: Api, ledger: Ledger) -> None:
    sent = order(1)
    answer = await client.post("/orders", sent, key="k-1")
    before = await ledger.count("operation")

    counts = await take(lines_of(sent, {**sent, "shipping": 1}), kind="orders", file_format="ndjson")

    assert answer.status_code == 201
    assert counts == (Counts(unchanged=1, faulty=1), [(2, "order_exists", "/order_id")])
    assert await ledger.count("operation") == before


async def test_lines_of_goods_under_one_number_are_one_order(take: Import, client: Api, ledger: Ledger) -> None:
    table = (
        "receipt.location,receipt.till,receipt.business_date,receipt.number,member,placed_at,currency,"
        "line.sku,line.amount,line.quantity,line.attributes.own_cup\n"
        "s,1,2026-05-01,1,card:1,2026-05-01T10:00:00Z,EUR,ham,1000,,\n"
        "s,1,2026-05-01,1,card:1,2026-05-01T10:00:00Z,EUR,tea,500,1.5,true\n"
        "s,1,2026-05-01,2,card:2,2026-05-01T10:00:00Z,EUR,ham,100,,\n"
        "s,1,2026-05-01,3,card:2,2026-05-01T10:00:00Z,EUR,ham,100,,\n"
        "s,1,2026-05-01,3,card:3,2026-05-01T10:00:00Z,EUR,tea,100,,\n"
        "s,1,2026-05-01,4,card:2,2026-05-01T10:00:00Z,EUR,ham,100,,\n"
        's,1,2026-05-01,4,card:2,2026-05-01T10:00:00Z,EUR,"ham,100,,\n'
        "s,1,2026-05-01,5,card:2,2026-05-01T10:00:00Z,EUR,ham,100,,\n"
        "s,1,2026-05-01,6,card:2,2026-05-01T10:00:00Z,EUR,ham,100,,\n"
    )

    first = await take(table, kind="orders")
    second = await take(table, kind="orders")

    faults = {(5, "order_rows_differ"), (7, "order_torn"), (8, "quotes_unbalanced"), (9, "order_torn")}
    assert first[0] == Counts(stored=3, faulty=4)
    assert {(line, code) for line, code, _ in first[1]} == faults
    assert second[0] == Counts(unchanged=3, faulty=4)
    assert (await client.get("/members/card:1")).json()["spend"] == 1500
    assert await sound(ledger)


async def test_a_wait_for_confirmation_does_not_hold_up_what_was_brought(
    take: Import, client: Api, program: Program
) -> None:
    rules = document()
    rules["wallets"][0]["activation"] = {"kind": "confirmed"}
    await program.publish(rules)

    await take("identities,lot.wallet,lot.points\ncard:1,points,5\n")

    [balance] = (await client.get("/members/card:1/balances")).json()["balances"]
    assert (balance["available"], balance["pending"]) == (5, 0)


async def test_past_orders_go_by_the_rules_of_their_time(take: Import, client: Api, program: Program) -> None:
    """So does all that was before the first revision: its rules are the oldest there are."""
    rules = document()
    rules["earning_rules"][0]["earn"]["points"] = 7
    await program.publish(rules, since=NOW)

    assert await take(lines_of(order(1)), kind="orders", file_format="ndjson") == (Counts(stored=1), [])

    [balance] = (await client.get("/members/card:1/balances")).json()["balances"]
    assert balance["available"] == 10


async def test_past_orders_may_be_of_any_age_but_not_of_the_future(take: Import, program: Program) -> None:
    rules = document()
    rules["policies"] = {"orders": {"max_age_days": 3, "late": "review", "ahead": "review"}}
    await program.publish(rules)
    old, coming = order(1, placed_at="2024-05-01T10:00:00Z"), order(2, placed_at="2026-06-02T10:00:00Z")

    counts = await take(lines_of(old, coming), kind="orders", file_format="ndjson")

    assert counts == (Counts(stored=1, faulty=1), [(2, "order_in_future", "/placed_at")])


async def test_a_member_whose_rows_contradict_each_other_holds_up_nobody(
    take: Import, client: Api, ledger: Ledger
) -> None:
    """Its balance says more than its lots, and a debt cannot be paid out of what is not there."""
    await take("identities,lot.wallet,lot.points\ncard:1,points,5\ncard:2,points,5\n")
    await ledger.connection.execute("UPDATE lot SET remaining = 1 WHERE program_id = $1", ledger.program_id)
    await ledger.connection.execute(
        "UPDATE balance SET debt = 9 WHERE program_id = $1 AND member_id ="
        " (SELECT member_id FROM member_identity WHERE program_id = $1 AND identity = 'card:1')",
        ledger.program_id,
    )

    counts = await take("member,wallet,points,reference\ncard:1,points,1,a\ncard:2,points,1,a\n", kind="lots")

    assert counts == (Counts(stored=1, faulty=1), [(2, "contradiction", "")])
