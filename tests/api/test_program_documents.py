import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import yaml

from tests.harness.api import Api, code_of, pointers_of
from tests.harness.programs import DOCUMENT, document

Json = dict[str, Any]


async def put(api: Api, body: object, if_match: str | None = "*") -> httpx.Response:
    headers = {} if if_match is None else {"if-match": if_match}
    return await api.send("PUT", "/program", body=body, headers=headers)


async def put_text(api: Api, text: str | bytes, media_type: str) -> httpx.Response:
    content = text.encode() if isinstance(text, str) else text
    return await api.send("PUT", "/program", content=content, headers={"if-match": "*", "content-type": media_type})


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


def set_at(*steps: str | int, to: object) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        place: Any = body
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = to

    return change


INVALID: list[tuple[str, Callable[[Json], None], str]] = [
    ("currency nobody uses", set_at("program", "currency", to="XAU"), "/program/currency"),
    ("currency in small letters", set_at("program", "currency", to="eur"), "/program/currency"),
    ("unknown time zone", set_at("program", "time_zone", to="Europe/Atlantis"), "/program/time_zone"),
    ("machine's own zone", set_at("program", "time_zone", to="localtime"), "/program/time_zone"),
    ("unknown field", set_at("colour", to="red"), "/colour"),
    ("version of tomorrow", set_at("version", to=2), "/version"),
    ("true for 1", set_at("version", to=True), "/version"),
    ("missing name", lambda body: body["program"].pop("name"), "/program/name"),
    ("float", set_at("earning_rules", 0, "earn", "points", to=1.5), "/earning_rules/0/earn/points"),
    ("negative points", set_at("earning_rules", 0, "earn", "points", to=-1), "/earning_rules/0/earn/points"),
    ("huge points", set_at("earning_rules", 0, "earn", "points", to=10**30), "/earning_rules/0/earn/points"),
    ("unknown wallet", set_at("earning_rules", 0, "wallet", to="gold"), "/earning_rules/0/wallet"),
    ("wallet twice", lambda body: body["wallets"].append({"key": "points", "unit": "points"}), "/wallets/3/key"),
    ("percent into points", set_at("earning_rules", 1, "wallet", to="points"), "/earning_rules/1/earn/kind"),
    (
        "unknown fact",
        set_at("earning_rules", 1, "when", to={"fact": "moon", "is": "full"}),
        "/earning_rules/1/when/fact",
    ),
    (
        "wrong type",
        set_at("earning_rules", 1, "when", to={"fact": "order.total", "is": "x"}),
        "/earning_rules/1/when/is",
    ),
    ("NUL", set_at("program", "name", to="a\x00b"), "/program/name"),
    ("half a character", set_at("program", "name", to="a\ud800b"), "/program/name"),
]


@pytest.mark.parametrize(("change", "pointer"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
async def test_a_document_with_a_fault_is_not_published(
    client: Api, change: Callable[[Json], None], pointer: str
) -> None:
    body = copy.deepcopy(dict(DOCUMENT))
    change(body)

    answer = await put_text(client, json.dumps(body), "application/json")

    assert (answer.status_code, code_of(answer)) == (422, "program_invalid")
    assert pointers_of(answer) == [pointer]
    assert await revision_of(client) == 1


def deep(levels: int) -> Json:
    condition: Json = {"fact": "order.channel", "is": "web"}
    for _ in range(levels):
        condition = {"not": condition}
    changed = document()
    changed["earning_rules"][1]["when"] = condition
    return changed


async def test_a_condition_without_end_is_refused(client: Api) -> None:
    answer = await put(client, deep(300))
    assert (answer.status_code, code_of(answer)) == (422, "program_invalid")


@pytest.mark.parametrize(
    ("text", "media_type", "status", "code"),
    [
        ("", "application/json", 400, "malformed_json"),
        ("{", "application/json", 400, "malformed_json"),
        ("[" * 100_000, "application/json", 400, "malformed_json"),
        ('{"version": NaN}', "application/json", 400, "malformed_json"),
        (b"\xff\xfe{", "application/json", 400, "malformed_json"),
        ('{"version": 1, "version": 1}', "application/json", 400, "duplicate_name"),
        ("null", "application/json", 422, "program_invalid"),
        ("[]", "application/json", 422, "program_invalid"),
        ("{}", "text/plain", 415, "unsupported_media_type"),
        ("version: 1\nversion: 1", "application/yaml", 400, "duplicate_name"),
        ("a: &a [x]\nb: *a", "application/yaml", 400, "malformed_yaml"),
        ("a: !!python/object/apply:os.getpid []", "application/yaml", 400, "malformed_yaml"),
        ("<<: {version: 1}", "application/yaml", 400, "malformed_yaml"),
        ("a: [", "application/yaml", 400, "malformed_yaml"),
        ("- " * 100_000, "application/yaml", 400, "malformed_yaml"),
        ("? " * 100_000, "application/yaml", 400, "malformed_yaml"),
        ("--- {}\n--- {}", "application/yaml", 400, "malformed_yaml"),
        (b"\xff", "application/yaml", 400, "malformed_yaml"),
        ("", "application/yaml", 422, "program_invalid"),
    ],
)
async def test_what_is_no_document_is_refused(
    client: Api, text: str | bytes, media_type: str, status: int, code: str
) -> None:
    answer = await put_text(client, text, media_type)
    assert (answer.status_code, code_of(answer)) == (status, code)


async def test_yaml_says_the_same_as_json(client: Api) -> None:
    text = yaml.safe_dump(named("From YAML"), sort_keys=False)

    answer = await put_text(client, text, "application/yaml; charset=utf-8")

    assert answer.json()["revision"] == 2
    assert (await client.get("/program")).json()["document"] == named("From YAML")


async def test_yaml_takes_nothing_but_json_values_out_of_plain_words(client: Api) -> None:
    """What YAML 1.1 takes for false, 630, 83 and a date stays text; a decimal is refused where it stands."""
    text = yaml.safe_dump(dict(DOCUMENT), sort_keys=False)
    rule = """\
- key: traps
  wallet: points
  when: {lines: {sku: [no, 10:30, 00123, 2026-05-31]}, amount: {at_least: 1}}
  earn: {kind: fixed, points: 5}
"""
    good = await put_text(client, text + rule, "application/yaml")
    bad = await put_text(client, text + rule.replace("points: 5}", "points: 5.0}"), "application/yaml")

    assert good.status_code == 200
    rules = (await client.get("/program")).json()["document"]["earning_rules"]
    assert rules[2]["when"]["lines"]["sku"] == ["no", "10:30", "00123", "2026-05-31"]
    assert pointers_of(bad) == ["/earning_rules/2/earn/points"]


async def test_a_body_over_eight_megabytes_is_refused(client: Api) -> None:
    answer = await put_text(client, b" " * (8 * 1024 * 1024 + 1), "application/json")
    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")
    assert answer.json()["details"] == {"max_bytes": 8_388_608}
