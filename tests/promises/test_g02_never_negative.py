"""G2: no member action makes an available balance negative, however many act at once."""

import httpx

from tests.harness.api import Api, available, code_of
from tests.harness.crowds import size, together
from tests.harness.ledger import Ledger

MEMBERS = size(5, 200)
PARALLEL = size(20, 50)


def split(answers: list[httpx.Response]) -> tuple[list[httpx.Response], list[httpx.Response]]:
    """Return the accepted answers and the refused ones."""
    return [a for a in answers if a.status_code == 201], [a for a in answers if a.status_code != 201]


async def test_parallel_redemptions_spend_exactly_what_there_is(clients: Api, ledger: Ledger) -> None:
    for _ in range(MEMBERS):
        member = await clients.new_member(100)

        accepted, refused = split(await together(clients.redeem(member, 30) for _ in range(PARALLEL)))

        assert len(accepted) == 3
        assert {code_of(answer) for answer in refused} == {"insufficient_points"}
        assert {answer.json()["details"]["needed"] for answer in refused} == {30}
        assert sorted(available(answer.json()) for answer in accepted) == [10, 40, 70]
    assert await ledger.faults() == []


async def test_parallel_orders_pay_with_points_exactly_what_there_is(clients: Api, ledger: Ledger) -> None:
    for _ in range(MEMBERS):
        member = await clients.new_member(100)
        payment = {"wallet": "points", "points": 30}

        accepted, refused = split(
            await together(clients.post_order(member, 90, pay_with_points=payment) for _ in range(PARALLEL))
        )

        assert len(accepted) == 3
        assert {code_of(answer) for answer in refused} == {"insufficient_points"}
        assert sum(answer.json()["paid_with_points"]["amount"] for answer in accepted) == 90
    assert await ledger.faults() == []


async def test_parallel_holds_and_gifts_take_exactly_what_there_is(clients: Api, ledger: Ledger) -> None:
    other = await clients.new_member()
    for _ in range(MEMBERS):
        member = await clients.new_member(100)
        acts = [clients.hold(member, 30) if n % 2 else clients.transfer(member, other, 30) for n in range(PARALLEL)]

        accepted, refused = split(await together(acts))

        assert len(accepted) == 3
        assert {code_of(answer) for answer in refused} == {"insufficient_points"}
        assert sorted(available(answer.json()) for answer in accepted) == [10, 40, 70]
    assert await ledger.faults() == []


async def test_a_redemption_taken_back_by_many_comes_back_once(clients: Api, ledger: Ledger) -> None:
    for _ in range(MEMBERS):
        member = await clients.new_member(100)
        redemption = (await clients.redeem(member, 60)).json()["id"]

        answers = await together(clients.cancel_redemption(redemption) for _ in range(PARALLEL))

        accepted = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert [available(answer.json()) for answer in accepted] == [100]
        assert {code_of(answer) for answer in refused} == {"redemption_already_cancelled"}
    assert await ledger.faults() == []


async def test_parallel_debits_never_go_below_zero(clients: Api, ledger: Ledger) -> None:
    member = await clients.new_member(100)

    accepted, refused = split(await together(clients.adjust(member, -40) for _ in range(PARALLEL)))

    assert len(accepted) == 2
    assert {code_of(answer) for answer in refused} == {"insufficient_points"}
    assert await ledger.faults() == []
    assert await ledger.misfits() == []
