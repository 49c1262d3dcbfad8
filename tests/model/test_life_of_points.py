"""The engine and a naive program of a few lists say the same about points, whatever is done with them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.harness.clocks import StagedClock
from tests.harness.crowds import IS_FULL, size
from tests.harness.servers import serve
from tests.model.machine import LifeOfPoints, playing
from tests.model.player import Stage
from tests.model.purchases import Back, Line, Rules
from tests.model.variants import VARIANTS

EXAMPLES = size(150, 2_000)
STEPS = size(40, 60)


@contextmanager
def staged(database_url: str, **environment: str) -> Iterator[Stage]:
    """Run one API process whose clock we move."""
    clock = StagedClock.make()
    module = "tests.harness.staged"
    try:
        with (
            serve(database_url, count=1, module=module, TEST_CLOCK=str(clock.path), **environment) as servers,
            httpx.Client(base_url=f"{servers[0].url}/v1", trust_env=False, timeout=30) as http,
        ):
            yield Stage(http, database_url, clock)
    finally:
        clock.remove()


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600 if IS_FULL else 900)
def test_the_engine_does_what_the_naive_program_does(database_url: str) -> None:
    """The same examples every time by default; others in each full run, whose seed a failure prints."""
    with staged(database_url) as stage, playing(stage) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not IS_FULL,
                print_blob=True,
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )


def earn_upon_a_debt(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="points", points=-40, owes=True)
    life.adjust(name="anna", wallet="points", points=60, owes=True)


def give_back_piece_by_piece(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="points", points=60, owes=False)
    life.buy(name="anna", lines=[Line("1", 1000, 3, "tea")], shipping=0, age=0, pay=15)
    for _ in range(3):
        life.give_back(pick=0, goods=Back({"1": 1}), has_number=False)


def ask_again_for_what_was_refused(life: LifeOfPoints) -> None:
    life.redeem(name="anna", wallet="points", share=100)
    life.adjust(name="anna", wallet="points", points=60, owes=False)
    life.repeat(pick=1)


def lose_what_came_back(life: LifeOfPoints) -> None:
    life.buy(name="anna", lines=[Line("1", 4000, 2, "tea")], shipping=0, age=0, pay=None)
    life.give_back(pick=0, goods=Back({"1": 1}), has_number=False)


def rise_twice(life: LifeOfPoints) -> None:
    for _ in range(2):
        life.buy(name="anna", lines=[Line("1", 5000, 1, "tea")], shipping=0, age=0, pay=None)


def lose_a_friend(life: LifeOfPoints) -> None:
    life.befriend(advocate="anna", lines=[Line("1", 4000, 2, "tea")])
    life.cancel(pick=0)


def renew_and_leave(life: LifeOfPoints) -> None:
    life.renew(name="anna", plan="club")
    life.leave_plan(name="anna", plan="club", at_once=False)
    life.wait_for_an_end(pick=0, is_over=True, hours=0)


PLAYS: Final[Mapping[str, Callable[[LifeOfPoints], None]]] = {
    "skipped debts": earn_upon_a_debt,
    "rounding each refund": give_back_piece_by_piece,
    "forgotten refusals": ask_again_for_what_was_refused,
    "kept tiers": lose_what_came_back,
    "forgotten tiers": rise_twice,
    "kept rewards": lose_a_friend,
    "forgotten plans": renew_and_leave,
    "grace for who left": renew_and_leave,
}


def expire_and_book(life: LifeOfPoints, name: str) -> None:
    life.wait(length=(45, 0))
    life.adjust(name=name, wallet="points", points=3, owes=False)


def take_back_what_expired_after_a_merge(life: LifeOfPoints) -> None:
    life.buy(name="anna", lines=[Line("1", 6288, 2, "tea")], shipping=0, age=0, pay=None)
    life.merge(name="cleo", absorbed="anna")
    expire_and_book(life, "cleo")
    life.edit(pick=0, lines=[Line("1", 4250, 2, "tea")], shipping=0)
    life.give_back(pick=0, goods=Back({"1": 1}), has_number=False)


def take_back_what_expired_after_two_merges(life: LifeOfPoints) -> None:
    life.buy(name="anna", lines=[Line("1", 6288, 2, "tea")], shipping=0, age=0, pay=None)
    life.transfer(name="anna", to="ben", wallet="points", share=30)
    life.merge(name="cleo", absorbed="anna")
    life.merge(name="ben", absorbed="cleo")
    expire_and_book(life, "ben")
    life.cancel(pick=0)


def reverse_what_expired_after_a_merge(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="miles", points=60, owes=False)
    life.adjust(name="cleo", wallet="points", points=60, owes=False)
    life.transfer(name="cleo", to="anna", wallet="points", share=60)
    life.merge(name="ben", absorbed="anna")
    expire_and_book(life, "ben")
    life.reverse(pick=2)
    life.reverse(pick=4)


def take_back_what_waited_after_a_merge(life: LifeOfPoints) -> None:
    life.buy(name="anna", lines=[Line("1", 4000, 2, "tea")], shipping=0, age=0, pay=None)
    life.merge(name="cleo", absorbed="anna")
    life.activate(pick=0, lines=None)
    life.give_back(pick=0, goods=Back({"1": 1}), has_number=False)


def give_again_what_a_return_took_of_others(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="points", points=48, owes=False)
    life.buy(name="anna", lines=[Line("1", 928, 1, "tea")], shipping=490, age=0, pay=48)
    life.adjust(name="anna", wallet="points", points=1, owes=False)
    life.redeem(name="anna", wallet="points", share=90)
    for goods in (Back(amount=100, shipping=7), Back(shipping=90), Back(shipping=90), Back(shipping=100)):
        life.give_back(pick=0, goods=goods, has_number=False)


def void_what_ran_out_and_was_booked(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="points", points=60, owes=False)
    life.hold(name="anna", wallet="points", share=60, hours=1)
    expire_and_book(life, "anna")
    life.void(pick=0)


def part_from_a_debtor(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="points", points=-5, owes=True)
    life.adjust(name="cleo", wallet="points", points=60, owes=False)
    life.merge(name="cleo", absorbed="anna")
    life.reverse(pick=0)


def outlive_what_slides(life: LifeOfPoints) -> None:
    life.adjust(name="anna", wallet="points", points=60, owes=False)
    life.change_lot(name="anna", pick=0, days=30, activates=False)
    life.wait(length=(20, 0))
    life.adjust(name="anna", wallet="miles", points=3, owes=False)


def wait_for_an_order_while_the_clock_goes_back(life: LifeOfPoints) -> None:
    tea = [Line("1", 1000, 1, "tea")]
    life.adjust(name="anna", wallet="points", points=60, owes=False)
    life.wait(length=(-2, 0))
    life.exchange(name="anna", lines=tea, pick=0, goods=Back(shipping=490), is_early=True, codes=())
    life.wait(length=(2, 0))
    life.arrive(pick=0, name="anna", lines=tea, shipping=490)


def drop_what_points_do_not_cover(life: LifeOfPoints) -> None:
    tea = [Line("1", 1000, 1, "tea")]
    life.adjust(name="anna", wallet="points", points=-300, owes=True)
    life.give_back_early(goods=Back({"1": 1}))
    life.arrive(pick=0, name="anna", lines=tea, shipping=0)


def part_from_whoever_paid_a_cart(life: LifeOfPoints) -> None:
    tea = [Line("1", 1000, 1, "tea")]
    for name in ("ben", "anna"):
        life.reserve(name=name, lines=tea, shipping=0, pay=None, seconds=600)
    life.merge(name="ben", absorbed="anna")
    life.confirm(pick=0, waits=False)
    life.reverse(pick=0)
    for name in ("anna", "ben"):
        life.buy(name=name, lines=tea, shipping=0, age=0, pay=None)


def part_from_whoever_let_a_cart_go(life: LifeOfPoints) -> None:
    tea = [Line("1", 1000, 1, "tea")]
    for name in ("ben", "anna"):
        life.reserve(name=name, lines=tea, shipping=0, pay=None, seconds=600)
    life.merge(name="ben", absorbed="anna")
    life.release(pick=0)
    life.reverse(pick=0)
    for name in ("anna", "ben"):
        life.buy(name=name, lines=tea, shipping=0, age=0, pay=None)


def raise_a_friends_order_of_long_ago(life: LifeOfPoints) -> None:
    life.befriend(advocate="anna", lines=[Line("1", 333, 1, "tea")])
    life.wait(length=(14, 0))
    life.edit(pick=0, lines=[Line("1", 4000, 2, "tea")], shipping=0)


def get_back_what_had_not_begun(life: LifeOfPoints) -> None:
    life.pay_plan(name="anna", plan="basic", age=-200, more=0, changes=False)
    life.refund_payment(pick=0, in_full=True)


def get_back_a_term_after_leaving(life: LifeOfPoints) -> None:
    life.renew(name="anna", plan="club")
    life.leave_plan(name="anna", plan="club", at_once=False)
    life.refund_payment(pick=0, in_full=True)
    life.wait_for_an_end(pick=0, is_over=True, hours=0)


def leave_while_the_clock_goes_back(life: LifeOfPoints) -> None:
    life.pay_plan(name="anna", plan="club", age=0, more=0, changes=False)
    life.wait(length=(1, 0))
    life.leave_plan(name="anna", plan="club", at_once=True)
    life.wait(length=(-2, 0))


def join_while_held_down(life: LifeOfPoints) -> None:
    life.grant_tier(name="anna", pick=1, rank=0, days=None)
    life.pay_plan(name="anna", plan="club", age=0, more=0, changes=False)
    life.end_grant(name="anna", pick=1)


FOUND: Final = (
    (VARIANTS[0], part_from_a_debtor),
    (VARIANTS[0], void_what_ran_out_and_was_booked),
    (VARIANTS[0], take_back_what_expired_after_a_merge),
    (VARIANTS[0], take_back_what_expired_after_two_merges),
    (VARIANTS[0], reverse_what_expired_after_a_merge),
    (VARIANTS[1], take_back_what_waited_after_a_merge),
    (VARIANTS[0], give_again_what_a_return_took_of_others),
    (VARIANTS[1], outlive_what_slides),
    (VARIANTS[2], drop_what_points_do_not_cover),
    (VARIANTS[0], part_from_whoever_paid_a_cart),
    (VARIANTS[0], part_from_whoever_let_a_cart_go),
    (VARIANTS[1], raise_a_friends_order_of_long_ago),
    (VARIANTS[2], join_while_held_down),
    (VARIANTS[2], get_back_what_had_not_begun),
    (VARIANTS[0], get_back_a_term_after_leaving),
    (VARIANTS[1], leave_while_the_clock_goes_back),
    (VARIANTS[2], wait_for_an_order_while_the_clock_goes_back),
)
"""Where both did not agree once, each in the fewest steps."""


@pytest.fixture(scope="module")
def stage(database_url: str) -> Iterator[Stage]:
    with staged(database_url) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "play"), FOUND, ids=[play.__name__ for _, play in FOUND])
def test_both_agree_where_they_once_did_not(stage: Stage, variant: Rules, play: Callable[[LifeOfPoints], None]) -> None:
    life = begin(stage, variant)
    play(life)
    life.teardown()


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLAYS)
def test_an_engine_with_a_fault_does_not(database_url: str, fault: str) -> None:
    with staged(database_url, TEST_FAULT=fault) as stage, pytest.raises(AssertionError):
        PLAYS[fault](begin(stage))


@pytest.mark.slow
def test_an_engine_without_that_fault_does(database_url: str) -> None:
    with staged(database_url) as stage:
        for play in PLAYS.values():
            life = begin(stage)
            play(life)
            life.teardown()


def begin(stage: Stage, variant: Rules = VARIANTS[0]) -> LifeOfPoints:
    """Start with a fresh program, for steps that are written down."""
    with playing(stage) as machine:
        life = machine()
    life.open(variant=variant)
    return life
