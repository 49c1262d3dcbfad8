"""The engine and a naive program of a few lists say the same about points, whatever is done with them."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.harness.clocks import StagedClock
from tests.harness.crowds import IS_FULL, size
from tests.harness.servers import serve
from tests.model.machine import playing
from tests.model.player import Stage

EXAMPLES = size(150, 2_000)
STEPS = size(40, 60)


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """One API process whose clock we move."""
    clock = StagedClock.make()
    try:
        with (
            serve(database_url, count=1, module="tests.harness.staged", TEST_CLOCK=str(clock.path)) as servers,
            httpx.Client(base_url=f"{servers[0].url}/v1", trust_env=False, timeout=30) as http,
        ):
            yield Stage(http, database_url, clock)
    finally:
        clock.remove()


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600 if IS_FULL else 900)
def test_the_engine_does_what_the_naive_program_does(stage: Stage) -> None:
    """The same examples every time by default; others in each full run, whose seed a failure prints."""
    with playing(stage) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not IS_FULL,
                print_blob=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
