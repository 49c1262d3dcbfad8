"""Returns over HTTP: what comes back, what is paid back for it, which points go and which come."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.api import Api, available, code_of, fresh, pointers_of, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document

Json = dict[str, Any]

TWO_LINES: list[Json] = [{"id": "shirt", "amount": 3000, "quantity": 3}, {"id": "socks", "amount": 999}]


async def place(api: Api, member: str | None = None, **fields: Any) -> str:  # noqa: ANN401 - fields of an order
    """Place an order of three shirts and socks, worth 39 points, and return its id."""
    answer = await api.post_order(member, **{"lines": TWO_LINES, **fields})
    assert answer.status_code == 201, answer.text
    order: str = answer.json()["id"]
    return order


async def test_a_returned_line_answers_with_a_full_quote(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(500)
    order = await place(client, member, shipping=490, pay_with_points={"wallet": "points", "points": 100})

    answer = await client.take_back(order, lines=[{"id": "shirt", "quantity": 2}], reason="too_small")

    assert answer.status_code == 201, answer.text
    quote = answer.json()
    assert quote.pop("id").removeprefix("ret_") == quote.pop("operation_id").removeprefix("op_")
    assert quote.pop("effective_at") <= quote.pop("booked_at")
    assert quote == {
        "member_id": member,
        "revision": 1,
        "order_id": order,
        "status": "applied",
        "lines": [
            {
                "id": "shirt",
                "quantity": "2",
                "amount": 2000,
                "refund": 1956,
                "points_restored": 44,
                "taken": [{"wallet": "points", "points": 20}],
            }
        ],
        "amount": 0,
        "shipping": 0,
        "value": 2000,
        "refund": 1956,
        "collect": 0,
        "restored": {"wallet": "points", "points": 44, "amount": 44},
        "repaid": None,
        "taken": [{"wallet": "points", "points": 20, "owed": 0, "forgiven": 0}],
        "left": 2489,
        "waits_until": None,
        "balances": [{"wallet": "points", "available": 463, "pending": 0, "held": 0, "debt": 0}],
        "reason": "too_small",
    }
    assert await ledger.faults() == []


async def test_returns_in_parts_end_where_one_would(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    one, parts = await place(client, member), await place(client, member)

    whole = (await client.take_back(one, "shirt", "socks")).json()
    first = (await client.take_back(parts, lines=[{"id": "shirt", "quantity": 1}])).json()
    second = (await client.take_back(parts, "shirt")).json()
    third = (await client.take_back(parts, "socks")).json()

    assert (whole["refund"], whole["left"]) == (3999, 0)
    assert [quote["refund"] for quote in (first, second, third)] == [1000, 2000, 999]
    assert (available(third), third["left"]) == (0, 0)
    assert await ledger.faults() == []


async def test_goods_come_back_by_amount_and_shipping(client: Api) -> None:
    order = await place(client, await client.new_member(), shipping=490)

    quote = (await client.take_back(order, amount=1999, shipping=490)).json()

    assert (quote["lines"], quote["amount"], quote["shipping"], quote["refund"]) == ([], 1999, 490, 2489)
    assert (available(quote), quote["left"]) == (20, 2000)


async def test_a_guests_goods_come_back_without_points(client: Api) -> None:
    order = await place(client)

    quote = (await client.take_back(order, "socks")).json()

    assert (quote["member_id"], quote["refund"], quote["taken"], quote["balances"]) == (None, 999, [], [])


async def test_a_clawback_beyond_the_balance_is_owed(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    order = await place(client, member)
    await client.redeem(member, 30)

    quote = (await client.take_back(order, "shirt")).json()

    assert quote["taken"] == [{"wallet": "points", "points": 30, "owed": 21, "forgiven": 0}]
    assert quote["balances"] == [{"wallet": "points", "available": 0, "pending": 0, "held": 0, "debt": 21}]
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"lines": [{"id": "shirt", "quantity": 4}]}, 409, "return_exceeds_order", "/lines/0/quantity"),
        ({"lines": [{"id": "shirt", "quantity": "3.000001"}]}, 409, "return_exceeds_order", "/lines/0/quantity"),
        ({"lines": [{"id": "socks"}, {"id": "hat"}]}, 422, "order_line_not_found", "/lines/1/id"),
        ({"lines": [{"id": "shirt", "quantity": 0}]}, 422, "return_empty", "/lines/0/quantity"),
        ({"amount": 4000}, 409, "return_exceeds_order", "/amount"),
        ({"shipping": 1}, 409, "return_exceeds_order", "/shipping"),
        ({"amount": 1, "returned_at": "2999-01-01T00:00:00Z"}, 422, "return_in_future", "/returned_at"),
    ],
)
async def test_more_than_was_bought_never_comes_back(
    client: Api, ledger: Ledger, body: Json, *, status: int, code: str, pointer: str
) -> None:
    member = await client.new_member()
    order = await place(client, member)
    before = await ledger.fingerprint()

    answer = await client.take_back(order, **body)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (status, code, [pointer]), answer.text
    assert await ledger.fingerprint() == before


async def test_what_came_back_cannot_come_back_again_under_another_key(client: Api, ledger: Ledger) -> None:
    order = await place(client, await client.new_member())
    first = await client.take_back(order, "socks")
    before = await ledger.fingerprint()

    again = await client.take_back(order, "socks")

    assert (first.status_code, again.status_code, code_of(again)) == (201, 409, "return_exceeds_order")
    assert again.json()["details"] == {"line": "socks", "bought": "1", "returned": "1", "wanted": "0"}
    assert await ledger.fingerprint() == before


async def test_a_return_with_a_number_is_accepted_once_under_any_key(client: Api, ledger: Ledger) -> None:
    order = await place(client, await client.new_member())
    number = fresh("r")

    first = await client.take_back(order, lines=[{"id": "shirt", "quantity": 1}], return_id=number)
    again = await client.take_back(order, lines=[{"id": "shirt", "quantity": 1}], return_id=number)
    other = await client.take_back(order, lines=[{"id": "shirt", "quantity": 2}], return_id=number)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, code_of(other), pointers_of(other)) == (409, "return_exists", ["/return_id"])
    assert other.json()["details"] == {"return_id": first.json()["id"]}
    assert await ledger.count("operation", "kind = 'return'") == 1


async def test_an_order_and_a_return_may_have_the_same_number(client: Api) -> None:
    number = fresh("n")
    order = await place(client, order_id=number)

    assert (await client.take_back(order, "socks", return_id=number)).status_code == 201


async def test_an_order_of_another_program_cannot_be_returned(client: Api, new_program: MakeProgram) -> None:
    order = await place(client, await client.new_member())
    other = client.acting_as((await new_program()).admin)

    foreign = await other.take_back(order, "socks")
    unknown = await client.take_back("ord_00000000000000000000000000", "socks")
    nonsense = await client.take_back("x", "socks")

    assert [code_of(answer) for answer in (foreign, unknown, nonsense)] == ["order_not_found"] * 2 + ["not_found"]


async def test_goods_come_back_at_any_store(client: Api, program: Program, ledger: Ledger) -> None:
    member = await client.new_member()
    till = client.acting_as(program.till)
    sold = receipt("000117", location="store-9", till="4")
    order = await place(client, member, receipt=sold)

    taken = await till.post(
        "/returns", {"order": {"receipt": sold}, "receipt": receipt("000207"), "lines": [{"id": "socks"}]}
    )

    assert (taken.status_code, taken.json()["order_id"], taken.json()["refund"]) == (201, order, 999), taken.text
    [found] = (await client.get(f"/returns?order={order}")).json()["items"]
    assert (found["id"], found["status"], found["location"]) == (taken.json()["id"], "applied", "store-1")
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("number", "pointer"),
    [
        ({"receipt": receipt(location="store-2")}, "/receipt/location"),
        ({"receipt": receipt(till="2")}, "/receipt/till"),
        ({"location": "store-2"}, "/location"),
    ],
)
async def test_a_till_takes_goods_back_at_its_own_place_only(
    client: Api, program: Program, number: Json, pointer: str
) -> None:
    order = await place(client)

    answer = await client.acting_as(program.till).take_back(order, "socks", **number)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (403, "till_mismatch", [pointer])


async def test_a_return_waits_for_its_order_and_is_applied_with_it(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    number = fresh("w")
    early = await client.post("/returns", {"order": {"order_id": number}, "lines": [{"id": "socks"}], "reason": "torn"})
    waiting = early.json()
    listed = (await client.get("/returns?status=waiting")).json()["items"]

    placed = (await client.post_order(member, lines=TWO_LINES, order_id=number)).json()

    assert (early.status_code, waiting["status"], waiting["order_id"], waiting["refund"]) == (201, "waiting", None, 0)
    left = datetime.fromisoformat(waiting["waits_until"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30, hours=1)
    assert [(item["id"], item["status"], item["waits_for"]) for item in listed] == [
        (waiting["id"], "waiting", {"order_id": number})
    ]
    [applied] = placed["returns"]
    assert (applied["status"], applied["order_id"], applied["refund"]) == ("applied", placed["id"], 999)
    assert available(placed) == 30
    assert (await client.get("/returns?status=waiting")).json()["items"] == []
    found = (await client.get(f"/returns/{waiting['id']}")).json()
    assert (found["status"], found["order_id"], found["applied_by"]) == ("applied", placed["id"], applied["id"])
    assert found["answer"]["refund"] == 999
    assert (await client.get("/returns?status=applied")).json()["items"] == [found]
    assert await ledger.faults() == []


async def test_a_return_whose_order_never_comes_is_dropped(client: Api, program: Program, ledger: Ledger) -> None:
    number = fresh("w")
    waiting = (await client.post("/returns", {"order": {"order_id": number}, "amount": 500})).json()
    await ledger.connection.execute(
        "UPDATE return_waiting SET waits_until = now() - interval '1 second' WHERE program_id = $1", program.id
    )

    placed = (await client.post_order(await client.new_member(), lines=TWO_LINES, order_id=number)).json()

    assert "returns" not in placed
    assert available(placed) == 39
    dropped = (await client.get("/returns?status=dropped")).json()["items"]
    assert [(item["id"], item["status"]) for item in dropped] == [(waiting["id"], "dropped")]


async def test_a_return_that_its_order_does_not_have_is_dropped_when_that_comes(client: Api, ledger: Ledger) -> None:
    number = fresh("w")
    vain = (await client.post("/returns", {"order": {"order_id": number}, "lines": [{"id": "hat"}]})).json()
    good = (await client.post("/returns", {"order": {"order_id": number}, "lines": [{"id": "socks"}]})).json()

    placed = await client.post_order(await client.new_member(), lines=TWO_LINES, order_id=number)

    assert placed.status_code == 201, placed.text
    assert [applied["refund"] for applied in placed.json()["returns"]] == [999]
    found = {item["id"]: item["status"] for item in (await client.get("/returns?status=dropped")).json()["items"]}
    assert found == {vain["id"]: "dropped"}
    assert (await client.get(f"/returns/{good['id']}")).json()["status"] == "applied"
    assert await ledger.faults() == []


async def test_an_order_comes_though_all_its_early_returns_are_of_other_goods(client: Api, ledger: Ledger) -> None:
    number = fresh("w")
    await client.post("/returns", {"order": {"order_id": number}, "lines": [{"id": "hat"}]})

    placed = await client.post_order(await client.new_member(), lines=TWO_LINES, order_id=number)

    assert (placed.status_code, "returns" in placed.json()) == (201, False), placed.text
    assert available(placed.json()) == 39
    assert await ledger.faults() == []


async def test_an_exchange_receipt_takes_back_and_sells(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()
    order = await place(client, member)

    answer = await client.post_order(
        member, 5000, returns=[{"order": {"id": order}, "lines": [{"id": "shirt", "quantity": 1}]}]
    )

    sold = answer.json()
    [back] = sold["returns"]
    assert (answer.status_code, back["order_id"], back["refund"], back["status"]) == (201, order, 1000, "applied")
    assert (sold["due"], available(sold)) == (5000, 79)
    assert (await client.get(f"/returns/{back['id']}")).json()["order_id"] == order
    assert await ledger.faults() == []


@pytest.mark.parametrize(
    ("returns", "code", "pointer"),
    [
        ([{"lines": [{"id": "hat"}]}], "order_line_not_found", "/returns/0/lines/0/id"),
        (
            [{"amount": 1}, {"lines": [{"id": "socks", "quantity": 2}]}],
            "return_exceeds_order",
            "/returns/1/lines/0/quantity",
        ),
        ([{"lines": [{"id": "socks"}, {"id": "socks"}]}], "validation_failed", "/returns/0/lines/1/id"),
        ([{}], "validation_failed", "/returns/0"),
        ([], "validation_failed", "/returns"),
    ],
)
async def test_an_exchange_that_cannot_be_sells_nothing(
    client: Api, ledger: Ledger, returns: list[Json], code: str, pointer: str
) -> None:
    member = await client.new_member()
    order = await place(client, member)
    before = await ledger.fingerprint()

    answer = await client.post_order(member, 5000, returns=[{"order": {"id": order}, **back} for back in returns])

    assert (code_of(answer), pointers_of(answer)) == (code, [pointer]), answer.text
    assert await ledger.fingerprint() == before


async def test_an_exchange_of_somebody_elses_order_is_refused(client: Api, ledger: Ledger) -> None:
    order, buyer = await place(client, await client.new_member()), await client.new_member()
    before = await ledger.fingerprint()

    answer = await client.post_order(buyer, returns=[{"order": {"id": order}, "amount": 1}])

    assert (answer.status_code, code_of(answer)) == (409, "return_of_foreign_order"), answer.text
    assert await ledger.fingerprint() == before


async def test_an_evaluation_takes_nothing_back(client: Api) -> None:
    answer = await client.evaluate(None, returns=[{"order": {"order_id": "W-1"}, "amount": 1}])

    assert (code_of(answer), pointers_of(answer)) == ("validation_failed", ["/returns"])


async def test_a_cancelled_order_keeps_nothing(client: Api, ledger: Ledger) -> None:
    member = await client.new_member(100)
    order = await place(client, member, shipping=490, pay_with_points={"wallet": "points", "points": 100})
    await client.take_back(order, "socks")

    answer = await client.cancel_order(order)

    void = answer.json()
    assert (answer.status_code, void["status"], void["order_id"], void["left"]) == (200, "cancelled", order, 0)
    assert (void["shipping"], void["reason"], available(void)) == (490, "not_paid", 100)
    assert "id" not in void
    read = (await client.get(f"/orders/{order}")).json()
    assert (read["status"], read["returned"]["refunded"], read["returned"]["points_restored"]) == (
        "cancelled",
        4389,
        100,
    )
    assert (await client.get(f"/members/{member}")).json()["orders"] == 0
    again = await client.cancel_order(order)
    assert (again.status_code, code_of(again)) == (409, "order_already_cancelled")
    assert await ledger.faults() == []


async def test_an_order_shows_what_became_of_it(client: Api) -> None:
    member = await client.new_member()
    order = await place(client, member, shipping=490)
    await client.take_back(order, lines=[{"id": "shirt", "quantity": "0.5"}], shipping=90)

    partly = (await client.get(f"/orders/{order}")).json()
    await client.take_back(order, "shirt", "socks")
    wholly = (await client.get(f"/orders/{order}")).json()

    assert partly["status"] == "partly_returned"
    assert [(line["id"], line["quantity"], line["returned"]) for line in partly["lines"]] == [
        ("shirt", "3", "0.5"),
        ("socks", "1", None),
    ]
    assert partly["returned"] == {"amount": 0, "shipping": 90, "refunded": 590, "points_restored": 0}
    assert partly["points"] == [{"rule": "base", "earned": 39, "kept": 34}]
    assert (wholly["status"], wholly["points"]) == ("returned", [{"rule": "base", "earned": 39, "kept": 0}])


async def test_returns_are_listed_newest_first_and_page_by_page(client: Api) -> None:
    order = await place(client, await client.new_member())
    made = [(await client.take_back(order, amount=1)).json()["id"] for _ in range(3)]

    first = (await client.get(f"/returns?order={order}&limit=2")).json()
    last = (await client.get(f"/returns?order={order}&limit=2&cursor={first['next_cursor']}")).json()

    assert [item["id"] for item in first["items"] + last["items"]] == made[::-1]
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "place_of_fault"),
    [("?order=W-1", "order"), ("?status=gone", "status"), ("?status=waiting&order=ord_" + "0" * 26, "")],
)
async def test_returns_are_not_listed_by_nonsense(client: Api, query: str, place_of_fault: str) -> None:
    answer = await client.get(f"/returns{query}")

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [place_of_fault])


async def test_an_unknown_or_foreign_return_is_not_found(client: Api, new_program: MakeProgram) -> None:
    order = await place(client)
    found = (await client.take_back(order, "socks")).json()["id"]
    other = client.acting_as((await new_program()).admin)

    assert (await client.get(f"/returns/{found}")).status_code == 200
    assert code_of(await other.get(f"/returns/{found}")) == "return_not_found"
    assert code_of(await client.get("/returns/ret_00000000000000000000000000")) == "return_not_found"
    assert (await other.get(f"/returns?order={order}")).json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": []}, ""),
        ({"lines": [{"id": "socks"}, {"id": "socks", "quantity": 1}]}, "/lines/1/id"),
        ({"lines": [{"id": "socks", "quantity": -1}]}, "/lines/0/quantity"),
        ({"lines": [{"id": "socks", "quantity": 1.0}]}, "/lines/0/quantity"),
        ({"lines": [{"quantity": 1}]}, "/lines/0/id"),
        ({"lines": [{"id": "socks", "amount": 1}]}, "/lines/0/amount"),
        ({"lines": [], "amount": -1}, "/amount"),
        ({"shipping": True}, "/shipping"),
        ({"reason": "Too small"}, "/reason"),
        ({"returned_at": "2026-01-15"}, "/returned_at"),
        ({"return_id": "R-1", "receipt": receipt()}, ""),
        ({"receipt": {**receipt(), "type": "sale"}}, "/receipt/type"),
        ({"receipt": receipt(), "location": "elsewhere"}, "/location"),
        ({"order": {"order_id": "W-1"}}, "/order"),
        ({"hat": 1}, "/hat"),
    ],
)
async def test_a_return_of_wrong_form_is_told_where(quiet: Api, changes: Json, pointer: str) -> None:
    body = {"lines": [{"id": "socks"}], **changes}

    answer = await quiet.post("/orders/ord_00000000000000000000000000/returns", body)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        ({}, "/order"),
        ({"id": "ord_00000000000000000000000000", "order_id": "W-1"}, "/order"),
        ({"id": "W-1"}, "/order/id"),
        ({"receipt": {**receipt(), "type": "return"}}, "/order/receipt/type"),
        (None, "/order"),
    ],
)
async def test_a_return_names_its_order_in_one_way(quiet: Api, order: Json | None, pointer: str) -> None:
    body = {"amount": 1, **({} if order is None else {"order": order})}

    answer = await quiet.post("/returns", body)

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (422, "validation_failed", [pointer])


async def test_a_key_without_the_scope_takes_nothing_back(client: Api, program: Program) -> None:
    order = await place(client)
    token = client.acting_as(await program.add_token(scopes=["orders:read", "redemptions:write"]))

    answers = [
        await token.take_back(order, "socks"),
        await token.post("/returns", {"order": {"id": order}, "amount": 1}),
        await token.cancel_order(order),
        await token.post(f"/orders/{order}/edits", {"lines": [{"amount": 1}], "reason": "why"}),
        await token.post(f"/orders/{order}/activations", {}),
    ]

    assert [(code_of(answer), answer.json()["details"]) for answer in answers] == [
        ("scope_missing", {"scope": "orders:write"})
    ] * 5
    assert (await client.get(f"/orders/{order}")).json()["status"] == "guest"


async def test_the_program_says_what_becomes_of_points(client: Api, new_program: MakeProgram) -> None:
    changed = document()
    changed["policies"] = {"returns": {"points": "none", "clawback": "refuse"}}
    kind = client.acting_as((await new_program(changed)).admin)
    order = await place(kind, await kind.new_member())

    kept = (await kind.take_back(order, "shirt")).json()

    assert (kept["taken"], available(kept), kept["refund"]) == ([], 39, 3000)


async def test_a_return_that_the_balance_does_not_cover_is_refused(client: Api, new_program: MakeProgram) -> None:
    changed = document()
    changed["policies"] = {"returns": {"clawback": "refuse"}}
    strict = client.acting_as((await new_program(changed)).admin)
    member = await strict.new_member()
    order = await place(strict, member)
    await strict.redeem(member, 20)

    refused = await strict.take_back(order, "shirt")

    assert (refused.status_code, code_of(refused)) == (409, "return_not_covered")
    assert refused.json()["details"] == {"wallet": "points", "needed": 30, "available": 19}
    assert (await strict.get(f"/orders/{order}")).json()["status"] == "credited"


async def test_a_repeated_return_gets_the_same_bytes(clients: Api) -> None:
    order = await place(clients, await clients.new_member())
    body = {"lines": [{"id": "socks"}]}

    answers = [await clients.post(f"/orders/{order}/returns", body, key="k-1") for _ in range(3)]

    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.status_code for answer in answers] == [201] * 3
