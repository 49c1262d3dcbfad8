"""The document's models: what the example says, what JSON Schema shows, what the defaults are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from loyalty_engine.core.program.checks import check_program
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.earning import PerAmount
from loyalty_engine.core.program.reading import parse_program

EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "corner_grocer.yaml"


def test_the_example_is_a_program_without_faults_and_warnings() -> None:
    program = parse_program(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))
    assert isinstance(program, Program)
    assert [rule.key for rule in program.earning_rules] == [
        *("base", "coffee", "own_cup", "organic", "loose_goods", "web_order"),
        *("basket_150", "basket_250", "quiet_hours", "back2", "bottles", "survey"),
    ]
    assert check_program(program, time_zones=frozenset({"Europe/Berlin"}), currencies={"EUR": 2}) == []


def test_the_smallest_program_has_the_documented_defaults() -> None:
    program = parse_program({"version": 1, "program": {"name": "A", "currency": "EUR", "time_zone": "UTC"}})
    assert isinstance(program, Program)
    assert program.program.unknown_card == "enrol"
    assert program.policies.earning.base == "net_of_points"
    assert program.policies.earning.rounding == "floor"
    assert program.wallets == ()
    assert program.earning_rules == ()


def test_an_earning_rule_is_active_and_unconditional_by_default() -> None:
    program = parse_program(
        {
            "version": 1,
            "program": {"name": "A", "currency": "EUR", "time_zone": "UTC"},
            "wallets": [{"key": "points", "unit": "points"}],
            "earning_rules": [
                {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 3, "per": 200}}
            ],
        }
    )
    assert isinstance(program, Program)
    [rule] = program.earning_rules
    assert (rule.active, rule.when, rule.rounding, rule.name) == (True, None, None, None)
    assert isinstance(rule.earn, PerAmount)
    assert (rule.earn.points, rule.earn.per, rule.earn.of) == (3, 200, None)


def test_points_are_worth_their_ratio_in_lowest_terms_and_money_is_worth_itself() -> None:
    program = parse_program(
        {
            "version": 1,
            "program": {"name": "A", "currency": "EUR", "time_zone": "UTC"},
            "wallets": [
                {"key": "points", "unit": "points", "redeem": {"points": 150, "amount": 100, "step": 3}},
                {"key": "cashback", "unit": "money", "redeem": {}},
            ],
        }
    )
    assert isinstance(program, Program)
    points, cashback = (wallet.redeem for wallet in program.wallets)
    assert points is not None
    assert cashback is not None
    assert (points.worth.numerator, points.worth.denominator) == (2, 3)
    assert (cashback.worth.numerator, cashback.worth.denominator) == (1, 1)
    assert (cashback.min_points, cashback.step, cashback.max_share) == (1, 1, "100%")


def test_every_field_has_a_description_and_an_example() -> None:
    schema = Program.model_json_schema()
    fields = list(_fields(schema))
    assert len(fields) > 60
    assert [name for name, field in fields if not field.get("description") or not field.get("examples")] == []


def test_every_model_is_closed_and_described() -> None:
    schema = Program.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    assert [model["title"] for model in models if model.get("additionalProperties") is not False] == []
    assert [model["title"] for model in models if not model.get("description")] == []


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for model in (schema, *schema["$defs"].values()):
        for name, field in model["properties"].items():
            yield f"{model['title']}.{name}", field
