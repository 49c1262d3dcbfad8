"""What is generated and committed is fresh, complete and says what the code does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from loyalty_engine.api.catalogue import render_catalogue
from loyalty_engine.api.openapi import TAGS, describe_api, write_api
from loyalty_engine.api.problems import PROBLEMS
from loyalty_engine.bootstrap import build_application
from loyalty_engine.core.kernel.refusals import RefusalCode
from loyalty_engine.core.program.faults import FaultCode
from loyalty_engine.settings import Settings

ROOT: Final = Path(__file__).parents[2]
HEALTH: Final = {"/healthz", "/readyz", "/metrics"}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    return describe_api(build_application(Settings(_env_file=None)))


def operations(document: Json) -> list[tuple[str, Json]]:
    return [
        (f"{method} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_openapi_file_is_fresh(document: Json) -> None:
    found = (ROOT / "openapi/openapi.json").read_text(encoding="utf-8")
    assert found == write_api(document), "run `make openapi`"


def test_openapi_file_is_the_same_every_time(document: Json) -> None:
    again = describe_api(build_application(Settings(_env_file=None)))
    assert write_api(again) == write_api(document)


def test_error_catalogue_is_fresh() -> None:
    assert (ROOT / "docs/errors.md").read_text(encoding="utf-8") == render_catalogue(), "run `make openapi`"


def test_error_catalogue_names_every_code() -> None:
    page = render_catalogue()
    assert [code for code in (*PROBLEMS, *FaultCode) if f"| `{code}` |" not in page] == []


def test_every_refusal_is_a_problem() -> None:
    assert set(RefusalCode) - set(PROBLEMS) == set()


def test_every_operation_says_what_it_is(document: Json) -> None:
    wanted = ("operationId", "summary", "description", "tags", "security")
    assert [
        f"{where}: {name}" for where, operation in operations(document) for name in wanted if name not in operation
    ] == []


def test_operation_ids_are_unique(document: Json) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert sorted(set(ids)) == sorted(ids)


def test_every_operation_lists_its_problems_by_code(document: Json) -> None:
    for where, operation in operations(document):
        if where.split()[1] in HEALTH:
            continue
        listed = {
            code
            for status, response in operation["responses"].items()
            for code in response["description"].split("`")[1::2]
            if status >= "400" and PROBLEMS[code].status == int(status)
        }
        assert {"unauthenticated", "scope_missing", "internal_error", "unavailable"} <= listed, where


def test_only_health_needs_no_key(document: Json) -> None:
    assert {where.split()[1] for where, operation in operations(document) if operation["security"] == []} == HEALTH


def test_every_tag_is_described_and_used(document: Json) -> None:
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert used == set(TAGS)


def test_every_reference_leads_somewhere(document: Json) -> None:
    references = {node["$ref"] for _, node in walk(document) if isinstance(node.get("$ref"), str)}
    names = {reference.removeprefix("#/components/schemas/") for reference in references}
    assert names - set(document["components"]["schemas"]) == set()


def test_every_schema_and_field_has_a_description_and_every_field_an_example(document: Json) -> None:
    faults = []
    for name, schema in document["components"]["schemas"].items():
        if not schema.get("description"):
            faults.append(name)
        for field, described in schema.get("properties", {}).items():
            if not (described.get("description") or "$ref" in described):
                faults.append(f"{name}.{field}: description")
            if not (described.get("examples") or "example" in described or "const" in described):
                faults.append(f"{name}.{field}: example")
    assert faults == []


def test_every_parameter_has_a_description_and_an_example(document: Json) -> None:
    assert [
        f"{where} {parameter['name']}: {name}"
        for where, operation in operations(document)
        for parameter in operation.get("parameters", ())
        for name, given in (
            ("description", parameter.get("description")),
            ("example", "example" in parameter or parameter.get("schema", {}).get("examples")),
        )
        if not given
    ] == []


def walk(node: Any, path: str = "") -> Iterator[tuple[str, Json]]:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        yield path, node
        for name, inner in node.items():
            yield from walk(inner, f"{path}/{name}")
    elif isinstance(node, list):
        for position, inner in enumerate(node):
            yield from walk(inner, f"{path}/{position}")


def test_openapi_file_ends_with_a_line_and_is_sorted() -> None:
    text = (ROOT / "openapi/openapi.json").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["components", "info", "openapi", "paths", "tags"]
