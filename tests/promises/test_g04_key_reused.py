"""G4: a key that comes back with another body is refused, and its first answer stays as it was."""

import copy
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.harness.api import Api, code_of, fresh
from tests.harness.bonds import document_of_bonds
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program
from tests.harness.writes import NAMES, WriteCall, prepare_write

Json = dict[str, Any]

OTHER_TILL: Final = ("/receipt/location", "/receipt/till")
"""Not a field of the same receipt but another till, whose keys are its own."""


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program(document_of_bonds())


def changed(value: object) -> object:
    """Return another value that the same field may well hold."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case "web" | "refuse" | "sale" | "approve" | "device":
            return {"web": "pos", "refuse": "debt", "sale": "sale", "approve": "reject", "device": "payment"}[value]
        case "EUR":
            return "USD"
        case str() if value.startswith(("mem_", "card:")):
            return f"card:{fresh('x')}"
        case str() if value[:4].isdecimal() and value[4:5] == "-":  # a day or an instant, not a number of hex digits
            return value.replace("15", "16").replace("21", "22").replace("31", "30").replace("28", "27")
        case str():
            return value + "x" if value != "1.5" else "2.5"
        case _:
            raise TypeError(value)


def variants(body: Json) -> Iterator[tuple[str, Json]]:
    """Return the body with each of its fields changed or left out in turn, and with one more."""
    for path in paths(body):
        for is_left_out in (False, True):
            other: Any = copy.deepcopy(body)
            inner = other
            for step in path[:-1]:
                inner = inner[step]
            if is_left_out:
                del inner[path[-1]]
            elif isinstance(inner[path[-1]], (dict, list)):
                continue
            else:
                inner[path[-1]] = changed(inner[path[-1]])
            yield "".join(f"/{step}" for step in path), other


def paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        yield (*path, step)
        yield from paths(below, (*path, step))


@pytest.mark.parametrize("name", NAMES)
async def test_a_changed_field_is_refused_and_the_first_answer_stays(clients: Api, ledger: Ledger, name: str) -> None:
    call = await prepare_write(name, clients)
    first = await call.send(clients)
    assert first.status_code in {200, 201}, first.text
    before = await ledger.counts()

    refused: dict[str, set[str]] = {}
    for place, body in variants(call.body):
        if place not in OTHER_TILL and body != call.body:
            refused.setdefault(place, set()).add(code_of(await call.send(clients, body=body)))

    assert {place for place, codes in refused.items() if "idempotency_key_reused" in codes} >= fields_of(call)
    assert {code for codes in refused.values() for code in codes} <= {"idempotency_key_reused", "validation_failed"}
    assert await ledger.counts() == before
    again = await call.send(clients)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert await ledger.faults() == []


def fields_of(call: WriteCall) -> set[str]:
    """Return every field that has another valid value; the type of receipts has but one so far."""
    leaves = {"".join(f"/{step}" for step in path) for path in paths(call.body)}
    holders = {place for place in leaves if any(other.startswith(f"{place}/") for other in leaves)}
    return leaves - holders - set(OTHER_TILL)


async def test_a_key_belongs_to_one_route(client: Api, ledger: Ledger) -> None:
    call = await prepare_write("redemption", client)
    await call.send(client)

    answer = await client.adjust(call.body["member"], 40, key=call.key)

    assert (answer.status_code, code_of(answer)) == (422, "idempotency_key_reused")
    assert await ledger.count("operation", "kind = 'adjustment'") == 1


@pytest.mark.parametrize(
    "name",
    [
        *("claim", "cancel", "member_change", "return", "order_cancel", "capture", "merge", "lot_change", "reversal"),
        *("tier_grant", "plan_payment", "plan_trial", "plan_cancel", "referral_verdict", "fingerprints", "code"),
    ],
)
async def test_a_key_belongs_to_what_the_path_names(client: Api, name: str) -> None:
    call, other = await prepare_write(name, client), await prepare_write(name, client)
    await call.send(client)

    answer = await call.send(client, path=other.path)

    assert (answer.status_code, code_of(answer)) == (422, "idempotency_key_reused")


async def test_spacing_and_order_of_names_make_no_other_request(client: Api) -> None:
    call = await prepare_write("redemption", client)
    first = await call.send(client)
    member = call.body["member"]

    content = f'{{ "points": 40,\n "wallet":"points", "member" : "{member}" }}'.encode()
    again = await client.send("POST", call.path, content=content, key=call.key)

    assert again.content == first.content


async def test_a_body_that_was_no_request_leaves_its_key_free(client: Api) -> None:
    call = await prepare_write("redemption", client)
    assert (await call.send(client, body={**call.body, "points": "40"})).status_code == 422

    assert (await call.send(client)).status_code == 201


async def test_a_refused_request_binds_its_key_to_itself(client: Api) -> None:
    call = await prepare_write("redemption", client)
    refused = await call.send(client, body={**call.body, "points": 4000})
    assert code_of(refused) == "insufficient_points"

    answer = await call.send(client)

    assert (answer.status_code, code_of(answer)) == (422, "idempotency_key_reused")


async def test_the_keys_of_two_clients_never_meet(client: Api, program: Program) -> None:
    call = await prepare_write("adjustment", client)
    first = await call.send(client)

    other = client.acting_as(await program.add_token())
    answer = await call.send(other, body={**call.body, "points": 26})

    assert (first.status_code, answer.status_code) == (201, 201)
