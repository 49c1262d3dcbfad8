"""The JSON Schema of program documents: editors follow it, so it takes what we take and refuses typing errors."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

from loyalty_engine.core.program.schema import describe_program

EXAMPLES: Final = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
VALIDATOR: Final = jsonschema_rs.validator_for(describe_program())

Json = dict[str, Any]


def read(path: Path) -> Json:
    document: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(read(path))) == []


WRONG: Final[list[tuple[str, Callable[[Json], object], list[str | int]]]] = [
    ("a field nobody knows", lambda d: d["program"].update(colour="red"), ["program"]),
    ("a text for a number", lambda d: d["earning_rules"][0]["earn"].update(points="1"), ["earning_rules", 0, "earn"]),
    ("a number out of range", lambda d: d["wallets"][0]["redeem"].update(points=0), ["wallets", 0]),
    ("a percentage without its sign", lambda d: d["earning_rules"][4]["earn"].update(rate="2"), ["earning_rules", 4]),
    ("a missing field", lambda d: d["program"].pop("name"), ["program"]),
    ("a kind that does not exist", lambda d: d["earning_rules"][0]["earn"].update(kind="gift"), ["earning_rules", 0]),
    ("a condition of no kind", lambda d: d["earning_rules"][1].update(when={"moon": "full"}), ["earning_rules", 1]),
    ("another version", lambda d: d.update(version=2), ["version"]),
]


@pytest.mark.parametrize(("spoil", "place"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_document_with_a_typing_error_is_not_valid(spoil: Callable[[Json], object], place: list[str | int]) -> None:
    document = copy.deepcopy(read(EXAMPLES[0].with_name("corner_grocer.yaml")))
    spoil(document)
    [error] = VALIDATOR.iter_errors(document)
    assert list(error.instance_path)[: len(place)] == place


@pytest.mark.parametrize(
    ("effect", "is_valid"),
    [
        ({"kind": "percent_off", "percent": "15%", "units": {"cheapest": 1}}, True),
        ({"kind": "percent_off", "percent": "15"}, False),
        ({"kind": "percent_off", "percent": "15%", "price": 5}, False),
        ({"kind": "amount_off", "amount": 500, "each": "unit"}, True),
        ({"kind": "amount_off", "amount": "500"}, False),
        ({"kind": "unit_price", "price": 0}, True),
        ({"kind": "total_price", "price": -1}, False),
        ({"kind": "shipping_off"}, True),
        ({"kind": "stepped", "steps": [{"at_least": 5000, "percent": "10%"}]}, True),
        ({"kind": "stepped", "steps": []}, False),
        ({"kind": "buy_get", "buy": {"quantity": 2}, "get": {}}, True),
        ({"kind": "buy_get", "buy": {"quantity": 0}, "get": {}}, False),
        ({"kind": "bundle", "parts": [{"of": {"category": ["coffee"]}}, {}], "price": 500}, True),
        ({"kind": "gift", "sku": "s1", "per_quantity": "1.5"}, True),
        ({"kind": "gift"}, False),
        ({"kind": "points", "wallet": "points", "points": 5}, True),
        ({"kind": "surprise"}, False),
    ],
)
def test_effects_of_promotions_are_checked_by_their_kind(effect: Json, is_valid: bool) -> None:
    document = copy.deepcopy(read(EXAMPLES[0].with_name("corner_grocer.yaml")))
    document["promotions"] = [{"key": "autumn", "effect": effect}]
    assert VALIDATOR.is_valid(document) is is_valid


def test_the_schema_is_itself_valid_and_says_what_it_is() -> None:
    schema = describe_program()
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "https://loyalty-engine.example/schemas/program-1.json"
    assert schema["title"] == "Loyalty program document"


def test_every_field_tells_editors_what_it_means() -> None:
    described = describe_program()
    models = {"": described, **described["$defs"]}
    assert [
        f"{model}.{name}"
        for model, schema in models.items()
        for name, field in schema.get("properties", {}).items()
        if not field.get("description") or "examples" not in field
    ] == []
