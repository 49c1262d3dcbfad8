"""G12 with promo codes: used exactly so often as their limits say, however many try at once; undoing gives back exactly one."""

import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, fresh
from tests.harness.codes import share_code
from tests.harness.crowds import in_crowd, shuffled, size, together
from tests.harness.ledger import Ledger
from tests.harness.programs import MakeProgram, Program, document
from tests.harness.servers import serve

Json = dict[str, Any]

TIMES = size(10, 100)
TRIES = size(80, 3_000)
ROUNDS = size(1, 20)
RIVALS = size(30, 100)

PROMOTIONS: list[Json] = [
    {"key": "welcome", "opened_by": "code", "effect": {"kind": "amount_off", "amount": 100}},
]


@pytest.fixture
async def program(new_program: MakeProgram) -> Program:
    return await new_program({**document(), "promotions": PROMOTIONS})


@pytest.fixture(autouse=True)
async def codes(client: Api) -> None:
    """Codes with one limit each."""
    await share_code(client, "WELCOME", "welcome", limits=[{"per": "code", "times": TIMES}])
    await share_code(client, "ONLYONE", "welcome", limits=[{"per": "code", "times": 1}])
    await share_code(client, "TWICEEACH", "welcome", limits=[{"per": "member", "times": 2}])
    await share_code(client, "GUESTS", "welcome", limits=[{"per": "guest", "times": 1}])


def used(answer: httpx.Response) -> str:
    """Return what became of an order's code, also where that refused it."""
    body = answer.json()
    [code] = body["codes"] if answer.status_code == 201 else body["details"]["codes"]
    reason: str = code["reason"]
    return reason


async def try_to_use(clients: Api, member: str | None, code: str, **fields: Any) -> list[httpx.Response]:  # noqa: ANN401 - fields of an order
    """Buy with a code; every third time the order is sent twice at once under its key, and answered once."""
    act: Callable[[], Awaitable[httpx.Response]] = partial(
        clients.post_order, member, key=fresh("k"), order_id=fresh("w"), codes=[code], **fields
    )
    answers = await together(act() for _ in range(1 + (random.random() < 0.34)))
    assert len({answer.content for answer in answers}) == 1
    return answers[:1]


async def use_and_undo(clients: Api, member: str | None, code: str, dice: random.Random) -> tuple[int, int]:
    """Buy with a code and now and then cancel, three at a time; return how often it was used, and given back."""
    undoes, skips = dice.random() < 0.2, dice.random() < 0.2
    [answer] = await try_to_use(clients, member, code, **({"unusable_codes": "skip"} if skips else {}))
    if skips:
        assert answer.status_code == 201, answer.text
        assert answer.json()["total"] == (900 if used(answer) == "used" else 1000)
    if answer.status_code != 201 or used(answer) != "used":
        assert used(answer) == "used_up"
        return 0, 0
    if not undoes:
        return 1, 0
    order = answer.json()["id"]
    cancelled = await together(clients.cancel_order(order) for _ in range(3))
    assert sorted(one.status_code for one in cancelled) == [200, 409, 409]
    return 1, 1


async def count_uses(clients: Api, members: Sequence[str | None], code: str, *, seed: int) -> tuple[int, int]:
    """Let all of them try, many at a time; return how often the code was used, and given back."""
    acts = [
        partial(use_and_undo, clients, member, code, random.Random(f"{seed} {number}"))
        for number, member in enumerate(members)
    ]
    done = await in_crowd(acts, people=32)
    return sum(uses for uses, _ in done), sum(undone for _, undone in done)


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_a_shared_code_is_used_exactly_so_often(clients: Api, ledger: Ledger, round_: int) -> None:
    members: list[str | None] = [await clients.new_member() for _ in range(19)]
    everybody = shuffled([*members, None] * (TRIES // 20), seed=round_)

    uses, undone = await count_uses(clients, everybody, "WELCOME", seed=round_)
    assert TIMES // 2 < uses - undone <= TIMES

    # What came back while nobody tried any more is there for those who try now, and not once more.
    answers = [one for _ in range(TIMES) for one in await try_to_use(clients, None, "WELCOME")]
    more = [used(answer) for answer in answers]
    assert uses - undone + more.count("used") == TIMES
    assert set(more) <= {"used", "used_up"}
    assert await ledger.count("counter", "key = 'code/WE1C0ME/times/lifetime/' AND used = $2", TIMES) == 1
    assert await ledger.faults() == []


async def test_a_code_for_one_use_is_used_by_one_of_all_who_try_at_once(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(RIVALS)]

    answers = await together(clients.post_order(member, codes=["only-one"]) for member in members)

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * (RIVALS - 1)]
    reasons = sorted(used(answer) for answer in answers)
    assert reasons == ["used", *["used_up"] * (RIVALS - 1)]
    assert await ledger.faults() == []


async def test_its_use_comes_back_once_and_is_had_by_one(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(RIVALS)]
    order = (await clients.post_order(members[0], codes=["only-one"])).json()["id"]

    cancelled = await together(clients.cancel_order(order) for _ in range(10))
    answers = await together(clients.post_order(member, codes=["only-one"]) for member in members)

    assert sorted(one.status_code for one in cancelled) == [200, *[409] * 9]
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * (RIVALS - 1)]
    assert await ledger.faults() == []


async def test_each_member_uses_a_code_as_often_as_each_may(clients: Api, ledger: Ledger) -> None:
    members = [await clients.new_member() for _ in range(10)]

    answers = await together(
        clients.post_order(member, codes=["twice each"]) for member in shuffled(members * 5, seed=1)
    )

    got = [answer.json()["member_id"] for answer in answers if answer.status_code == 201]
    assert sorted(got) == sorted(members * 2)
    assert {used(answer) for answer in answers} == {"used", "member_limit"}
    assert await ledger.faults() == []


async def test_each_guest_uses_a_code_as_often_as_each_may(clients: Api, ledger: Ledger) -> None:
    guests = [f"email:guest{number}@example.com" for number in range(5)]

    answers = await together(
        clients.post_order(guest=guest, codes=["guests"]) for guest in shuffled(guests * 6, seed=2)
    )

    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 25
    assert {used(answer) for answer in answers} == {"used", "guest_limit"}
    assert await ledger.faults() == []


async def overruns(clients: Api, members: Sequence[str]) -> bool:
    """Tell whether a code for one use is used more often, of some that many want at once."""
    for number in range(20):
        code = f"RUSH-{number:04}"
        await share_code(clients, code, "welcome", limits=[{"per": "code", "times": 1}])
        answers = await together(clients.post_order(member, codes=[code]) for member in members)
        if [answer.status_code for answer in answers].count(201) > 1:
            return True
    return False


@pytest.mark.slow
async def test_a_limit_that_nobody_looks_at_again_is_overrun(database_url: str, program: Program) -> None:
    with serve(database_url, module="tests.harness.staged", TEST_FAULT="forgotten caps") as servers:
        async with Api(servers.urls, program.admin) as clients:
            assert await overruns(clients, [await clients.new_member() for _ in range(RIVALS)])
