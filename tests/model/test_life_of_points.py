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
from tests.model.purchases import Back, Line
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


PLAYS: Final[Mapping[str, Callable[[LifeOfPoints], None]]] = {
    "skipped debts": earn_upon_a_debt,
    "rounding each refund": give_back_piece_by_piece,
    "forgotten refusals": ask_again_for_what_was_refused,
}


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


def begin(stage: Stage) -> LifeOfPoints:
    """Start with a fresh program, for steps that are written down."""
    with playing(stage) as machine:
        life = machine()
    life.open(variant=VARIANTS[0])
    return life
