"""Bad input: each is told with a code and a pointer to the fault, and nothing is written."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from tests.harness.api import NO_KEY, Api, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.ledger import Ledger
from tests.harness.programs import Program

Json = dict[str, Any]
BIG: Final = 10**12
LINE: Final[Json] = {"amount": 100}
MEMBER: Final = "mem_00000000000000000000000000"


@pytest.fixture
async def quiet(client: Api, ledger: Ledger) -> AsyncIterator[Api]:
    """A client whose test must leave no trace; refusals alone may be remembered, under their key."""
    before = await ledger.counts()
    yield client
    after = await ledger.counts()
    assert {name for name in after if after[name] != before[name]} <= {"idempotency", "refusal"}
    assert await ledger.faults() == []


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
    "no amount": ({"lines": [{}]}, "/lines/0/amount"),
    "boolean for a quantity": ({"lines": [{**LINE, "quantity": True}]}, "/lines/0/quantity"),
    "negative quantity": ({"lines": [{**LINE, "quantity": -1}]}, "/lines/0/quantity"),
    "float for a quantity": ({"lines": [{**LINE, "quantity": 1.5}]}, "/lines/0/quantity"),
    "quantity with a comma": ({"lines": [{**LINE, "quantity": "1,5"}]}, "/lines/0/quantity"),
    "quantity with an exponent": ({"lines": [{**LINE, "quantity": "1e3"}]}, "/lines/0/quantity"),
    "quantity in other digits": ({"lines": [{**LINE, "quantity": "١"}]}, "/lines/0/quantity"),
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
    "receipt with a number for a number": ({"order_id": None, "receipt": {**receipt(), "number": 7}}, "/receipt/number"),
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


BODIES: Final[dict[str, tuple[bytes, int, str]]] = {
    "nothing": (b"", 400, "malformed_json"),
    "half a document": (b'{"lines": [', 400, "malformed_json"),
    "two documents": (b"{}{}", 400, "malformed_json"),
    "NaN": (b'{"shipping": NaN}', 400, "malformed_json"),
    "infinity": (b'{"shipping": Infinity}', 400, "malformed_json"),
    "less than everything": (b'{"shipping": -Infinity}', 400, "malformed_json"),
    "a trailing comma": (b'{"shipping": 1,}', 400, "malformed_json"),
    "a surrogate in bytes": (b'{"channel": "\xed\xa0\x80"}', 400, "malformed_json"),
    "bytes that are no UTF-8": (b'{"channel": "\xff"}', 400, "malformed_json"),
    "UTF-16": ('{"channel": "a"}'.encode("utf-16"), 400, "malformed_json"),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400, "malformed_json"),
    "a bare control character": (b'{"channel": "a\x01"}', 400, "malformed_json"),
    "a leading zero": (b'{"shipping": 01}', 400, "malformed_json"),
    "a name twice": (b'{"shipping": 1, "shipping": 2}', 400, "duplicate_name"),
    "a name twice, deep inside": (b'{"lines": [{"amount": 1, "amount": 2}]}', 400, "duplicate_name"),
    "a name twice, once escaped": (b'{"shipping": 1, "shippin\\u0067": 2}', 400, "duplicate_name"),
    "a list": (b"[]", 422, "validation_failed"),
    "a text": (b'"order"', 422, "validation_failed"),
    "null": (b"null", 422, "validation_failed"),
    "a number with a thousand digits": (b'{"shipping": ' + b"9" * 1000 + b"}", 422, "validation_failed"),
    "a number with ten thousand digits": (b'{"shipping": ' + b"9" * 10_000 + b"}", 400, "malformed_json"),
    "a huge exponent": (b'{"shipping": 1e999}', 422, "validation_failed"),
    "depth 21": (b'{"attributes": ' + b"[" * 21 + b"]" * 21 + b"}", 422, "validation_failed"),
    "depth 100,000": (b"[" * 100_000 + b"]" * 100_000, 400, "malformed_json"),
    "objects 50,000 deep": (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, 400, "malformed_json"),
    "256 KB and a byte": (b" " * (256 * 1024 + 1), 413, "body_too_large"),
    "a megabyte": (b'{"channel": "' + b"x" * 2**20 + b'"}', 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_order_is_refused(quiet: Api, name: str) -> None:
    content, status, code = BODIES[name]

    answer = await quiet.send("POST", "/orders", content=content, key=fresh("k"))

    assert (answer.status_code, code_of(answer)) == (status, code), answer.text


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "application/jsonx"]
)
async def test_a_body_that_is_not_declared_as_json_is_refused(quiet: Api, content_type: str) -> None:
    content = json.dumps(order_body(None)).encode()

    answer = await quiet.send(
        "POST", "/orders", content=content, key=fresh("k"), headers={"content-type": content_type}
    )

    assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type")


async def test_json_may_name_its_charset(client: Api) -> None:
    content = json.dumps(order_body(None)).encode()
    headers = {"content-type": "Application/JSON; charset=utf-8"}

    answer = await client.send("POST", "/orders", content=content, key=fresh("k"), headers=headers)

    assert answer.status_code == 201


KEYED: Final = {
    "/orders": order_body(None),
    "/redemptions": REDEEM,
    "/adjustments": ADJUST,
    "/members": {"identities": ["card:1"]},
    "/orders/ord_00000000000000000000000000/claim": {"member": MEMBER},
    "/redemptions/red_00000000000000000000000000/cancel": {"reason": "why"},
}


@pytest.mark.parametrize("path", KEYED)
async def test_a_write_without_a_key_is_refused(quiet: Api, path: str) -> None:
    answer = await quiet.post(path, KEYED[path], key=NO_KEY)

    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_required")


@pytest.mark.parametrize("key", ["x" * 256, "a\tb", "schlüssel"])
async def test_an_odd_key_is_refused(quiet: Api, key: str) -> None:
    answer = await quiet.send("POST", "/orders", body=order_body(None), headers={"idempotency-key": key.encode()})

    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["1", "x" * 255, "!~#'\"; DROP TABLE member", "0f8b-…".encode("ascii", "ignore").decode()])
async def test_a_plain_key_is_accepted(client: Api, key: str) -> None:
    assert (await client.post_order(None, key=key)).status_code == 201


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic YTpi", "Bearer nonsense", "Bearer lk_test_1_short", "Bearer lk_test_999999999999_x"],
)
async def test_a_stranger_is_not_let_in(quiet: Api, authorization: str) -> None:
    answer = await quiet.send(
        "POST", "/orders", body=order_body(None), key=fresh("k"), headers={"authorization": authorization}
    )

    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_with_a_typing_error_is_not_let_in(quiet: Api, program: Program) -> None:
    typo = program.admin[:-9] + ("a" if program.admin[-9] != "a" else "b") + program.admin[-8:]

    answer = await quiet.acting_as(typo).post_order(None)

    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")


async def test_a_till_may_do_only_what_its_key_says(quiet: Api, program: Program) -> None:
    answer = await quiet.acting_as(program.till).adjust(MEMBER, 50)

    assert (answer.status_code, code_of(answer)) == (403, "scope_missing")
    assert answer.json()["details"] == {"scope": "adjustments:write"}


@pytest.mark.parametrize(
    ("place", "pointer"),
    [({"location": "store-2"}, "/receipt/location"), ({"till": "2"}, "/receipt/till")],
)
async def test_a_till_speaks_for_itself_only(
    quiet: Api, program: Program, place: dict[str, str], pointer: str
) -> None:
    answer = await quiet.acting_as(program.till).post_order(None, receipt=receipt(**place))

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (403, "till_mismatch", [pointer])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/orders/%00/claim", 405), ("DELETE", "/orders", 405), ("POST", "/orders/", 404)],
)
async def test_what_is_not_there_is_told_as_a_problem(quiet: Api, method: str, path: str, status: int) -> None:
    answer = await quiet.send(method, path)

    assert answer.status_code == status
    assert code_of(answer) in {"not_found", "method_not_allowed"}


@pytest.mark.parametrize("order", ["%00", "ord_%ff", "ord_0000", "..%2f", "ord_00000000000000000000000000%20", "W-1"])
async def test_an_odd_id_in_a_path_is_not_found(quiet: Api, order: str) -> None:
    answer = await quiet.claim(order, MEMBER)

    assert (answer.status_code, code_of(answer)) == (404, "not_found")


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
