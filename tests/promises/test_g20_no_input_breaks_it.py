"""G20: no input gives a 5xx, whatever a machine can think of; and none breaks the ledger."""

import contextlib
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.harness.api import Api, fresh
from tests.harness.crowds import size
from tests.harness.ledger import Ledger
from tests.harness.postgres import run_apart
from tests.harness.programs import Program, make_program
from tests.harness.servers import Servers

CASES: Final = size(10, 500)
"""For each route and mode."""

AT_LEAST: Final = size(100, 10_000)
"""In each mode."""

CHECKS: Final = [not_a_server_error, status_code_conformance, content_type_conformance]

IN_BODIES: Final = {"member", "recipient", "wallet", "currency"}
"""What is worth naming in bodies; an order's own number there has to stay new."""

Known = Mapping[str, str]


async def make_prey(database_url: str, url: str) -> tuple[Program, Known]:
    """Return a program to try everything on, and names of what exists in it."""
    program = await make_program(database_url)
    async with Api(url, program.admin) as api:
        member = await api.new_member(100_000)
        redemption = (await api.hold(member, 50, ttl_seconds=86_400)).json()
        order = (await api.post_order(member, 1000)).json()
        returned = (await api.take_back(order["id"], amount=1)).json()
        activity = (await api.record_activity(member)).json()
        lots = (await api.get(f"/members/{member}/lots")).json()["items"]
        friend = await api.new_member()
    return program, {
        "member": member,
        "recipient": friend,
        "return_id": returned["id"],
        "lot_id": lots[-1]["id"],
        "wallet": "points",
        "currency": "EUR",
        "order_id": order["id"],
        "activity_id": activity["id"],
        "redemption_id": redemption["id"],
        "operation_id": redemption["operation_id"],
    }


@pytest.fixture(scope="module")
def prey(database_url: str, servers: Servers) -> tuple[Program, Known]:
    return run_apart(make_prey(database_url, servers[0].url))


def sharpen(case: Any, known: Known, choice: int) -> None:  # noqa: ANN401 - schemathesis' own
    """Name things that exist in some of the cases, so that they get past the first look."""
    if choice == 0:
        return
    if isinstance(case.path_parameters, dict):
        case.path_parameters.update({name: known[name] for name in known.keys() & case.path_parameters.keys()})
    if isinstance(case.body, dict):
        case.body.update({name: known[name] for name in IN_BODIES & case.body.keys()})


@st.composite
def generated(draw: st.DrawFn, operation: Any, mode: GenerationMode, given_up: list[str]) -> Any:  # noqa: ANN401 - schemathesis' own
    """Draw a request. Of conditions within conditions it now and then makes an array that it cannot fill itself."""
    try:
        return draw(operation.as_strategy(mode))
    except InvalidSchema:
        given_up.append(operation.label)
        reject()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_no_generated_request_breaks_the_service(
    servers: Servers, prey: tuple[Program, Known], mode: GenerationMode
) -> None:
    program, known = prey
    schema = schemathesis.openapi.from_url(f"{servers[0].url}/openapi.json")
    answers, given_up = Counter[int](), list[str]()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=CASES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        @given(case=generated(operation, mode, given_up), choice=st.integers(0, 3))
        def attempt(case: Any, choice: int) -> None:  # noqa: ANN401 - schemathesis' own
            sharpen(case, known, choice)
            headers = {"authorization": f"Bearer {program.admin}"}
            if mode is GenerationMode.POSITIVE:
                headers["idempotency-key"] = fresh("k")
            answers[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

        with contextlib.suppress(Unsatisfiable):  # a route that takes nothing cannot be asked wrongly
            attempt()
    tried = answers.total()
    sys.stdout.write(f"{mode.value}: {tried} answers, {dict(sorted(answers.items()))}, {len(given_up)} given up\n")
    assert tried >= AT_LEAST
    assert len(given_up) <= tried // 100, given_up


async def test_the_ledger_adds_up_after_all_that(prey: tuple[Program, Known]) -> None:
    async with Ledger.open(prey[0]) as ledger:
        assert await ledger.faults() == []
