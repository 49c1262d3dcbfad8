"""Bad input: each is told with a code and a pointer to the fault, and nothing is written."""

import json
from typing import Any, Final

import pytest

from tests.harness.api import Api, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

Json = dict[str, Any]
BIG: Final = 10**12
LINE: Final[Json] = {"amount": 100}
MEMBER: Final = "mem_00000000000000000000000000"


FORM: Final[dict[str, tuple[Json, str]]] = {
    "no lines": ({"lines": []}, "/lines"),
    "too many lines": ({"lines": [LINE] * 1001}, "/lines"),
    "lines that are no list": ({"lines": LINE}, "/lines"),
    "negative amount": ({"lines": [{"amount": -1}]}, "/lines/0/amount"),
    "huge amount": ({"lines": [LINE, {"amount": BIG + 1}]}, "/lines/1/amount"),
    "amount beyond 64 bits": ({"lines": [{"amount": 10**30}]}, "/lines/0/amount"),
    "float for an amount": ({"lines": [{"amount": 1.5}]}, "/lines/0/amount"),
    "whole float for an amount": ({"lines": [{"amount": 100.0}]}, "/lines/0/amount"),
    "boolean for an amount": ({"lines": [{"amount": True}]}, "/lines/0/amount"),
    "text for an amount": ({"lines": [{"amount": "100"}]}, "/lines/0/amount"),
    "null for an amount": ({"lines": [{"amount": None}]}, "/lines/0/amount"),
    "negative tax": ({"lines": [{**LINE, "tax": -1}]}, "/lines/0/tax"),
    "more tax than amount": ({"lines": [LINE, {**LINE, "tax": 101}]}, "/lines/1/tax"),
    "float for a tax": ({"lines": [{**LINE, "tax": 7.0}]}, "/lines/0/tax"),
    "no amount": ({"lines": [{}]}, "/lines/0/amount"),
    "boolean for a quantity": ({"lines": [{**LINE, "quantity": True}]}, "/lines/0/quantity"),
    "negative quantity": ({"lines": [{**LINE, "quantity": -1}]}, "/lines/0/quantity"),
    "float for a quantity": ({"lines": [{**LINE, "quantity": 1.5}]}, "/lines/0/quantity"),
    "quantity with a comma": ({"lines": [{**LINE, "quantity": "1,5"}]}, "/lines/0/quantity"),
    "quantity with an exponent": ({"lines": [{**LINE, "quantity": "1e3"}]}, "/lines/0/quantity"),
    "quantity in other digits": ({"lines": [{**LINE, "quantity": "\N{ARABIC-INDIC DIGIT ONE}"}]}, "/lines/0/quantity"),
    "too fine a quantity": ({"lines": [{**LINE, "quantity": "0.0000001"}]}, "/lines/0/quantity"),
    "huge quantity": ({"lines": [{**LINE, "quantity": 10**10}]}, "/lines/0/quantity"),
    "duplicate line ids": ({"lines": [{"id": "a", **LINE}, {"id": "a", **LINE}]}, "/lines/1/id"),
    "a line id that is a position": ({"lines": [{"id": "2", **LINE}, LINE]}, "/lines/1/id"),
    "empty line id": ({"lines": [{"id": "", **LINE}]}, "/lines/0/id"),
    "unknown field": ({"colour": "red"}, "/colour"),
    "unknown field of a line": ({"lines": [{**LINE, "colour": "red"}]}, "/lines/0/colour"),
    "negative shipping": ({"shipping": -1}, "/shipping"),
    "currency in small letters": ({"currency": "eur"}, "/currency"),
    "currency with a line break": ({"currency": "EUR\n"}, "/currency"),
    "no currency": ({"currency": None}, "/currency"),
    "instant without offset": ({"placed_at": "2026-01-15T10:00:00"}, "/placed_at"),
    "instant that does not exist": ({"placed_at": "2026-02-30T10:00:00Z"}, "/placed_at"),
    "instant as a number": ({"placed_at": 1768467600}, "/placed_at"),
    "instant before the calendar": ({"placed_at": "0001-01-01T00:00:00+14:00"}, "/placed_at"),
    "member of no kind": ({"member": "2000012345"}, "/member"),
    "member of an unknown kind": ({"member": "tax:1"}, "/member"),
    "member id with a wrong letter": ({"member": "mem_0000000000000000000000000u"}, "/member"),
    "member as a number": ({"member": 2000012345}, "/member"),
    "phone without country": ({"member": "phone:0301234567"}, "/member"),
    "negative payment": ({"pay_with_points": {"wallet": "points", "points": -5}}, "/pay_with_points/points"),
    "payment of nothing": ({"pay_with_points": {"wallet": "points", "points": 0}}, "/pay_with_points/points"),
    "float payment": ({"pay_with_points": {"wallet": "points", "points": 10.0}}, "/pay_with_points/points"),
    "boolean payment": ({"pay_with_points": {"wallet": "points", "points": True}}, "/pay_with_points/points"),
    "payment without wallet": ({"pay_with_points": {"points": 10}}, "/pay_with_points/wallet"),
    "attributes as a list": ({"attributes": []}, "/attributes"),
    "attribute as an object": ({"attributes": {"gift_wrap": {}}}, "/attributes/gift_wrap"),
    "attribute as a float": ({"attributes": {"gift_wrap": 0.5}}, "/attributes/gift_wrap"),
    "attribute as null": ({"attributes": {"gift_wrap": None}}, "/attributes/gift_wrap"),
    "attribute beyond exact integers": ({"attributes": {"gift_wrap": 2**53}}, "/attributes/gift_wrap"),
    "attribute too long": ({"attributes": {"gift_wrap": "x" * 501}}, "/attributes/gift_wrap"),
    "channel too long": ({"channel": "x" * 65}, "/channel"),
    "lone surrogate": ({"channel": "a\ud800"}, "/channel"),
    "NUL": ({"channel": "a\x00b"}, "/channel"),
    "NUL in an attribute": ({"attributes": {"gift_wrap": "\x00"}}, "/attributes/gift_wrap"),
    "surrogate in a member": ({"member": "ext:\udfff"}, "/member"),
    "receipt of an unknown type": ({"order_id": None, "receipt": {**receipt(), "type": "gift"}}, "/receipt/type"),
    "receipt with a number for a number": (
        {"order_id": None, "receipt": {**receipt(), "number": 7}},
        "/receipt/number",
    ),
    "receipt of no day": ({"order_id": None, "receipt": receipt(day="2026-02-30")}, "/receipt/business_date"),
    "receipt with an empty till": ({"order_id": None, "receipt": receipt(till="")}, "/receipt/till"),
    "both order id and receipt": ({"receipt": receipt()}, ""),
    "neither order id nor receipt": ({"order_id": None}, ""),
}


@pytest.mark.parametrize("name", FORM)
async def test_an_order_of_wrong_form_is_told_where(quiet: Api, name: str) -> None:
    changes, pointer = FORM[name]
    body = {**order_body(None), **changes}
    content = json.dumps({field: value for field, value in body.items() if field != "order_id" or value}).encode()

    answer = await quiet.send("POST", "/orders", content=content, key=fresh("k"))

    assert (answer.status_code, code_of(answer)) == (422, "validation_failed"), answer.text
    assert pointer in pointers_of(answer)


async def test_all_faults_are_told_at_once(quiet: Api) -> None:
    answer = await quiet.post_order(None, lines=[{"amount": -1}, {"amount": 1.5}, {"sku": 1, "amount": 1}], shipping=-1)

    assert pointers_of(answer) == ["/lines/0/amount", "/lines/1/amount", "/lines/2/sku", "/shipping"]


async def test_a_fault_never_repeats_the_value(quiet: Api) -> None:
    answer = await quiet.post_order("card:geheim geheim", 100, channel=["geheim"])

    assert answer.status_code == 422
    assert "geheim" not in answer.text


MEANING: Final[dict[str, tuple[Json, int, str, str]]] = {
    "foreign currency": ({"currency": "USD"}, 422, "currency_mismatch", "/currency"),
    "far future": ({"placed_at": "2999-01-01T00:00:00Z"}, 422, "order_in_future", "/placed_at"),
    "unknown member": ({"member": MEMBER}, 404, "member_not_found", "/member"),
    "overflowing total": (
        {"lines": [{"amount": BIG}, {"amount": 1}]},
        422,
        "order_total_too_large",
        "/lines",
    ),
    "overflowing total with shipping": (
        {"lines": [{"amount": BIG}], "shipping": 1},
        422,
        "order_total_too_large",
        "/lines",
    ),
    "undeclared attribute": ({"attributes": {"colour": "red"}}, 422, "attribute_not_declared", "/attributes/colour"),
    "undeclared attribute of a line": (
        {"lines": [LINE, {**LINE, "attributes": {"a/b~c": 1}}]},
        422,
        "attribute_not_declared",
        "/lines/1/attributes/a~1b~0c",
    ),
    "mistyped attribute": ({"attributes": {"gift_wrap": 1}}, 422, "attribute_type_mismatch", "/attributes/gift_wrap"),
    "mistyped decimal": (
        {"lines": [{**LINE, "attributes": {"weight": 1}}]},
        422,
        "attribute_type_mismatch",
        "/lines/0/attributes/weight",
    ),
    "guest who pays with points": (
        {"pay_with_points": {"wallet": "points", "points": 10}},
        422,
        "member_required",
        "/pay_with_points",
    ),
}


@pytest.mark.parametrize("name", MEANING)
async def test_an_order_without_sense_is_refused_with_its_place(quiet: Api, name: str) -> None:
    changes, status, code, pointer = MEANING[name]

    answer = await quiet.post("/orders", {**order_body(None), **changes})

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (status, code, [pointer])


REDEEM: Final[Json] = {"member": MEMBER, "wallet": "points", "points": 50}
ADJUST: Final[Json] = {"member": MEMBER, "wallet": "points", "points": 50, "reason": "goodwill"}

OTHER_WRITES: Final[dict[str, tuple[str, Json, int, str, str]]] = {
    "redeem of an unknown member": ("/redemptions", REDEEM, 404, "member_not_found", "/member"),
    "redeem of nothing": ("/redemptions", {**REDEEM, "points": 0}, 422, "validation_failed", "/points"),
    "redeem of less": ("/redemptions", {**REDEEM, "points": -1}, 422, "validation_failed", "/points"),
    "redeem of too much": ("/redemptions", {**REDEEM, "points": BIG + 1}, 422, "validation_failed", "/points"),
    "redeem of a float": ("/redemptions", {**REDEEM, "points": 10.0}, 422, "validation_failed", "/points"),
    "redeem of a boolean": ("/redemptions", {**REDEEM, "points": True}, 422, "validation_failed", "/points"),
    "redeem below the minimum": ("/redemptions", {**REDEEM, "points": 9}, 422, "points_below_minimum", "/points"),
    "redeem of no wallet": ("/redemptions", {**REDEEM, "wallet": "gold"}, 422, "wallet_not_found", "/wallet"),
    "redeem of stamps": ("/redemptions", {**REDEEM, "wallet": "stamps"}, 422, "wallet_not_redeemable", "/wallet"),
    "adjust of an unknown member": ("/adjustments", ADJUST, 404, "member_not_found", "/member"),
    "adjust by nothing": ("/adjustments", {**ADJUST, "points": 0}, 422, "validation_failed", "/points"),
    "adjust by too much": ("/adjustments", {**ADJUST, "points": -BIG - 1}, 422, "validation_failed", "/points"),
    "adjust by a float": ("/adjustments", {**ADJUST, "points": 0.5}, 422, "validation_failed", "/points"),
    "adjust without a reason": (
        "/adjustments",
        {**ADJUST, "reason": "So what"},
        422,
        "validation_failed",
        "/reason",
    ),
    "adjust with NUL": ("/adjustments", {**ADJUST, "note": "\x00"}, 422, "validation_failed", "/note"),
    "adjust of no wallet": ("/adjustments", {**ADJUST, "wallet": "gold"}, 422, "wallet_not_found", "/wallet"),
    "enrol as nobody": ("/members", {"identities": []}, 422, "validation_failed", "/identities"),
    "enrol by a bad name": ("/members", {"identities": ["card:a b"]}, 422, "validation_failed", "/identities/0"),
    "enrol born on no day": (
        "/members",
        {"identities": ["card:1"], "birthday": "1990-02-30"},
        422,
        "validation_failed",
        "/birthday",
    ),
    "enrol with an undeclared attribute": (
        "/members",
        {"identities": ["card:1"], "attributes": {"shoe": 44}},
        422,
        "attribute_not_declared",
        "/attributes/shoe",
    ),
    "cancel of nothing": (
        "/redemptions/red_00000000000000000000000000/cancel",
        {"reason": "why"},
        404,
        "redemption_not_found",
        "",
    ),
    "claim of nothing": ("/orders/ord_00000000000000000000000000/claim", {"member": MEMBER}, 404, "", ""),
}


@pytest.mark.parametrize("name", OTHER_WRITES)
async def test_other_writes_without_sense_are_refused_with_their_place(quiet: Api, name: str) -> None:
    path, body, status, code, pointer = OTHER_WRITES[name]

    answer = await quiet.post(path, body)

    assert answer.status_code == status, answer.text
    assert code_of(answer) == code or not code
    assert pointer in {*pointers_of(answer), ""}


async def test_an_evaluation_of_bad_input_is_told_alike(quiet: Api) -> None:
    form = await quiet.evaluate(None, lines=[{"amount": 1.5}])
    meaning = await quiet.evaluate(None, currency="USD")

    assert (form.status_code, pointers_of(form)) == (422, ["/lines/0/amount"])
    assert (meaning.status_code, code_of(meaning)) == (422, "currency_mismatch")


async def test_amounts_at_their_bounds_are_taken_exactly(client: Api, ledger: Ledger) -> None:
    member = await client.new_member()

    answers = [
        await client.post_order(member, BIG),
        await client.post_order(member, 0),
        await client.adjust(member, BIG),
        await client.adjust(member, -BIG),
        await client.redeem(member, BIG // 100),
    ]

    assert [answer.status_code for answer in answers] == [201] * 5
    assert await ledger.nets() == {f"{member}/points": 0}
    assert await ledger.faults() == []


async def test_a_balance_too_large_for_json_is_refused(client: Api, program: Program, ledger: Ledger) -> None:
    member = await client.new_member(1)
    await ledger.connection.execute(
        "UPDATE lot SET amount = amount + 9007199254740000, remaining = remaining + 9007199254740000 WHERE program_id = $1",
        program.id,
    )
    await ledger.connection.execute(
        "UPDATE balance SET available = available + 9007199254740000 WHERE program_id = $1", program.id
    )
    before = await ledger.counts()

    answer = await client.adjust(member, BIG)
    within = await client.adjust(member, 900)

    assert (answer.status_code, code_of(answer)) == (422, "balance_too_large")
    assert answer.json()["details"] == {"wallet": "points", "largest": 9007199254740991}
    assert within.status_code == 201
    assert (await ledger.counts())["posting"] == before["posting"] + 1
