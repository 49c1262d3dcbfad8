"""Requests that are none: bodies that are no JSON, odd headers, strangers, places that do not exist."""

import json
from typing import Any, Final

import pytest

from tests.harness.api import NO_KEY, Api, code_of, fresh, order_body, pointers_of, receipt
from tests.harness.programs import Program

Json = dict[str, Any]
MEMBER: Final = "mem_00000000000000000000000000"
REDEEM: Final[Json] = {"member": MEMBER, "wallet": "points", "points": 50}
ADJUST: Final[Json] = {"member": MEMBER, "wallet": "points", "points": 50, "reason": "goodwill"}

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
    answer = await quiet.send("POST", "/orders", body=order_body(None), headers={"idempotency-key": key})

    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    "key", ["1", "x" * 255, "!~#'\"; DROP TABLE member", "0f8b-…".encode("ascii", "ignore").decode()]
)
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
async def test_a_till_speaks_for_itself_only(quiet: Api, program: Program, place: dict[str, str], pointer: str) -> None:
    answer = await quiet.acting_as(program.till).post_order(None, receipt=receipt(**place))

    assert (answer.status_code, code_of(answer), pointers_of(answer)) == (403, "till_mismatch", [pointer])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/orders/%00/claim", 405),
        ("DELETE", "/orders", 405),
        ("POST", "/orders/", 404),
    ],
)
async def test_what_is_not_there_is_told_as_a_problem(quiet: Api, method: str, path: str, status: int) -> None:
    answer = await quiet.send(method, path)

    assert answer.status_code == status
    assert code_of(answer) in {"not_found", "method_not_allowed"}


@pytest.mark.parametrize("order", ["%00", "ord_%ff", "ord_0000", "..%2f", "ord_00000000000000000000000000%20", "W-1"])
async def test_an_odd_id_in_a_path_is_not_found(quiet: Api, order: str) -> None:
    answer = await quiet.claim(order, MEMBER)

    assert (answer.status_code, code_of(answer)) == (404, "not_found")
