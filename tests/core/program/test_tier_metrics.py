"""What tier sets cannot count over their window is refused where it stands."""

from typing import Any, Final

import pytest

from tests.core.program.mistakes import SOUND, faults_of

SURVEYS: Final = {"kind": "activities", "activity": "survey", "sum_of": "score"}
TEA: Final = {"kind": "quantity", "of": {"category": ["tea"]}}
BY_SIZE: Final = {"kind": "quantity", "of": {"attributes": {"size": "0.5"}}}
BUT_SIZE: Final = {"kind": "quantity", "of": {"except": {"attributes": {"size": "0.5"}}}}
YEAR: Final = {"kind": "calendar", "unit": "year"}
ROLLING: Final = {"kind": "rolling", "length": {"months": 12}}


def found(metric: dict[str, Any], window: dict[str, Any]) -> list[tuple[str, str]]:
    lines = {**SOUND["attributes"]["line"], "size": {"type": "decimal"}}
    counting = {"key": "status", "metric": metric, "window": window, "tiers": [{"key": "silver", "at_least": 5}]}
    sets = [
        {"key": "gold", "metric": {"kind": "spend"}, "window": YEAR, "tiers": [{"key": "g", "at_least": 1}]},
        counting,
    ]
    document = {**SOUND, "attributes": {**SOUND["attributes"], "line": lines}, "tier_sets": sets}
    faults = [fault for fault in faults_of(document) if fault.pointer.startswith("/tier_sets")]
    return [(fault.pointer.removeprefix("/tier_sets/1"), fault.code.value) for fault in faults]


@pytest.mark.parametrize(
    ("metric", "window", "expected"),
    [
        (SURVEYS, YEAR, []),
        (SURVEYS, {"kind": "lifetime"}, []),
        (SURVEYS, ROLLING, [("/window/kind", "uncountable")]),
        (SURVEYS, {"kind": "membership_year"}, [("/window/kind", "uncountable")]),
        (TEA, YEAR, []),
        (TEA, ROLLING, []),
        (TEA, {"kind": "membership_year"}, []),
        (TEA, {"kind": "lifetime"}, [("/window/kind", "uncountable")]),
        (BY_SIZE, YEAR, [("/metric/of/attributes/size", "uncountable")]),
        (BUT_SIZE, YEAR, [("/metric/of/except/attributes/size", "uncountable")]),
    ],
)
def test_what_a_window_cannot_count_is_refused(
    metric: dict[str, Any], window: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert found(metric, window) == expected
