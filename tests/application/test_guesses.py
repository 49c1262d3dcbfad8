"""Guesses: who tries too many unknown codes has to wait; codes that are known, and trusted callers, are not counted."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from loyalty_engine.application.executor import Caller, Outcome
from loyalty_engine.application.guesses import Guesses, TooManyGuessesError
from loyalty_engine.core.engine.referral_requests import RegisterReferral
from loyalty_engine.core.engine.requests import Actor, EvaluateOrder
from loyalty_engine.core.kernel.codes import FoldedCode
from loyalty_engine.core.kernel.identities import Identity
from loyalty_engine.core.promotions.codes import Codes
from loyalty_engine.core.referrals.bringing import Bringing
from tests.core.engine_cases import call, order

SHOP: Final = Caller(1, 7, 0)
START: Final = datetime(2026, 5, 1, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guesses:
    """Three tries for each buyer, five for each client."""
    return Guesses(clock, per_buyer=3, per_client=5)


def cart(*codes: str, by: str | None = "card:1", is_trusted: bool = False, **fields: Any) -> EvaluateOrder:  # noqa: ANN401 - fields of codes or an order
    guest = fields.pop("guest", None)
    typed = Codes(tuple(FoldedCode(code) for code in codes), guest=guest, is_trusted=is_trusted)
    return EvaluateOrder(Actor(7), Identity(by) if by else None, order(**fields), codes=typed)


def told(*unknown: str, good: Sequence[str] = ("GOOD", "FINE"), refused: bool = False, **more: Any) -> Outcome:  # noqa: ANN401 - fields of an outcome
    codes = [{"code": code, "reason": "unknown"} for code in unknown] + [
        {"code": code, "reason": "used"} for code in good
    ]
    body = {"details": {"codes": codes}} if refused else {"codes": codes}
    return Outcome(json.dumps(body), "promo_code_refused" if refused else None, **more)


async def ask(guesses: Guesses, asked: EvaluateOrder, outcome: Outcome, caller: Caller = SHOP) -> Outcome:
    async def answer() -> Outcome:
        return outcome

    return await guesses.watch(caller, (asked,), answer)


async def wait_of(guesses: Guesses, asked: EvaluateOrder, caller: Caller = SHOP) -> int:
    """Return for how many seconds a buyer has to wait, 0: a code can be tried."""
    try:
        await ask(guesses, asked, told(good=asked.codes.typed), caller)
    except TooManyGuessesError as error:
        return error.retry_after_seconds
    return 0


@pytest.mark.parametrize("refused", [True, False])
async def test_after_so_many_unknown_codes_a_buyer_waits(guesses: Guesses, clock: Clock, *, refused: bool) -> None:
    for code in ("A", "B", "C"):
        assert await wait_of(guesses, cart(code)) == 0
        await ask(guesses, cart(code), told(code, refused=refused))
    assert await wait_of(guesses, cart("D")) == 200
    assert await wait_of(guesses, cart("D", by="card:2")) == 0
    clock.time += timedelta(seconds=200)
    assert await wait_of(guesses, cart("D")) == 0
    await ask(guesses, cart("D"), told("D"))
    assert await wait_of(guesses, cart("E")) == 200


async def test_tries_come_back_in_ten_minutes(guesses: Guesses, clock: Clock) -> None:
    await ask(guesses, cart("A", "B", "C"), told("A", "B", "C"))
    clock.time += timedelta(minutes=10)
    await ask(guesses, cart("A", "B", "C"), told("A", "B", "C"))
    assert await wait_of(guesses, cart("D")) == 200


async def test_only_unknown_codes_count(guesses: Guesses) -> None:
    for _ in range(10):
        await ask(guesses, cart("GOOD", "FINE"), told())
        await ask(guesses, cart("A"), told("A", is_replayed=True))
    assert await wait_of(guesses, cart("GOOD")) == 0


async def test_codes_that_an_answer_does_not_tell_count(guesses: Guesses, clock: Clock) -> None:
    untold = Outcome(json.dumps({"details": {"most": 500}}), "points_above_share")
    await ask(guesses, cart("A", "B", "C"), untold)
    assert await wait_of(guesses, cart("D")) == 200
    clock.time += timedelta(minutes=10)
    await ask(guesses, cart("A", "B", "C"), Outcome(untold.answer, untold.refusal_code, is_replayed=True))
    assert await wait_of(guesses, cart("D")) == 0


async def test_good_codes_beside_those_that_refuse_an_order_do_not_count(guesses: Guesses) -> None:
    await ask(guesses, cart("A", "SO", "ALSO", "TOO"), told("A", refused=True))
    assert await wait_of(guesses, cart("D")) == 0


async def test_of_orders_of_one_write_each_counts_its_own(guesses: Guesses) -> None:
    async def answer() -> list[Outcome]:
        return [told("A"), Outcome("{}", "member_blocked"), told(good=["C"])]

    await guesses.watch(SHOP, (cart("A"), cart("B"), cart("C")), answer)
    assert await wait_of(guesses, cart("D")) == 0
    await ask(guesses, cart("D"), told("D"))
    assert await wait_of(guesses, cart("E")) == 200


async def test_buyers_at_one_place_do_not_wait_for_each_other(guesses: Guesses) -> None:
    await ask(guesses, cart("A", "B", "C", by=None, location="store-1"), told("A", "B", "C"))
    assert await wait_of(guesses, cart("D", by=None, location="store-1")) == 0


async def test_who_may_know_all_codes_is_never_stopped(guesses: Guesses) -> None:
    for _ in range(10):
        await ask(guesses, cart("A", is_trusted=True), told("A"))
    assert await wait_of(guesses, cart("A")) == 0


async def test_carts_without_codes_are_never_stopped(guesses: Guesses) -> None:
    await ask(guesses, cart("A", "B", "C"), told("A", "B", "C"))
    assert await wait_of(guesses, cart()) == 0


@pytest.mark.parametrize(
    "who",
    [{"by": "card:1"}, {"by": None, "guest": "77"}],
    ids=["member", "guest"],
)
async def test_buyers_are_told_apart_as_far_as_known(guesses: Guesses, who: dict[str, Any]) -> None:
    await ask(guesses, cart("A", "B", "C", **who), told("A", "B", "C"))
    assert await wait_of(guesses, cart("D", **who)) == 200
    assert await wait_of(guesses, cart("D", by=None)) == 0


async def test_many_buyers_of_one_client_wait_together(guesses: Guesses) -> None:
    for n in range(5):
        await ask(guesses, cart("A", by=f"card:{n}"), told("A"))
    assert await wait_of(guesses, cart("A", by="card:9")) == 120
    assert await wait_of(guesses, cart("A", by=None)) == 120
    assert await wait_of(guesses, cart("A", by="card:9"), Caller(1, 8, 0)) == 0
    assert await wait_of(guesses, cart("A", by="card:9"), Caller(2, 7, 0)) == 0


async def test_who_asks_for_many_at_once_waits_longer_but_not_for_ever(guesses: Guesses, clock: Clock) -> None:
    gate = asyncio.Event()

    async def answer() -> Outcome:
        await gate.wait()
        return told("A")

    tries = [asyncio.create_task(guesses.watch(SHOP, (cart("A"),), answer)) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tries)
    assert await wait_of(guesses, cart("B")) == 600 + 200
    assert await wait_of(guesses, cart("B", by="card:2")) == 600 + 120
    clock.time += timedelta(minutes=20)
    await ask(guesses, cart("A", "B", "C"), told("A", "B", "C"))
    assert await wait_of(guesses, cart("D")) == 200


async def test_many_who_use_codes_at_once_are_not_held_up(guesses: Guesses) -> None:
    gate = asyncio.Event()

    async def answer() -> Outcome:
        await gate.wait()
        return told()

    carts = [cart("GOOD", by=None, location="store-1") for _ in range(20)]
    tries = [asyncio.create_task(guesses.watch(SHOP, (one,), answer)) for one in carts]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tries)


async def test_what_nobody_answered_does_not_count(guesses: Guesses) -> None:
    async def fail() -> Outcome:
        raise ConnectionError

    for _ in range(10):
        with pytest.raises(ConnectionError):
            await guesses.watch(SHOP, (cart("A"),), fail)
    assert await wait_of(guesses, cart("A")) == 0


async def test_orders_of_one_write_count_each(guesses: Guesses) -> None:
    async def answer() -> list[Outcome]:
        return [told("A"), told("B"), told("C")]

    carts = [cart(code) for code in ("A", "B", "C")]
    await guesses.watch(SHOP, carts, answer)
    assert await wait_of(guesses, cart("D")) == 200


def bringing(code: str = "A", *, is_trusted: bool = False) -> EvaluateOrder:
    """Return a cart with which a friend comes along."""
    brought = Bringing(FoldedCode(code), is_trusted=is_trusted)
    return EvaluateOrder(Actor(7), Identity("card:1"), order(), brought=brought)


def told_of_friend(refused: str | None) -> Outcome:
    return Outcome(json.dumps({"referral": {"state": None, "refused": refused}, "codes": []}))


async def test_unknown_codes_of_advocates_count_like_promo_codes(guesses: Guesses) -> None:
    unknown = told_of_friend("referral_code_not_found")
    for _ in range(2):
        await ask(guesses, bringing(), unknown)
    await ask(guesses, cart("B"), told("B"))
    with pytest.raises(TooManyGuessesError):
        await ask(guesses, bringing(), unknown)


async def test_a_registration_counts_where_its_code_is_unknown(guesses: Guesses) -> None:
    async def refuse(code: str, *, is_trusted: bool = False) -> None:
        async def answer() -> Outcome:
            return Outcome("{}", code)

        asked = RegisterReferral(call(), Identity("card:1"), FoldedCode("A"), is_trusted=is_trusted)
        await guesses.watch(SHOP, (asked,), answer)

    for _ in range(10):
        await refuse("friend_not_new")
        await refuse("referral_code_not_found", is_trusted=True)
    for _ in range(3):
        await refuse("referral_code_not_found")
    with pytest.raises(TooManyGuessesError):
        await refuse("friend_not_new")
    await refuse("friend_not_new", is_trusted=True)


async def test_friends_who_are_none_for_another_reason_do_not_count(guesses: Guesses) -> None:
    for _ in range(10):
        await ask(guesses, bringing(), told_of_friend("friend_not_new"))
        await ask(guesses, bringing(), Outcome(json.dumps({"details": {}}), "points_above_share"))
        await ask(guesses, bringing(is_trusted=True), told_of_friend("referral_code_not_found"))
    assert await wait_of(guesses, cart("GOOD")) == 0
