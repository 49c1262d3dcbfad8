"""Parts: what they are called, what changes their hash, and that they put the same program together again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import Part, join, split
from loyalty_engine.core.program.reading import parse_program

EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "corner_grocer.yaml"
Json = dict[str, Any]


def read(document: Json) -> Program:
    program = parse_program(document)
    assert isinstance(program, Program)
    return program


def document(*rules: Json) -> Json:
    return {
        "version": 1,
        "program": {"name": "Café", "currency": "EUR", "time_zone": "UTC"},
        "wallets": [{"key": "points", "unit": "points"}],
        "earning_rules": list(rules),
    }


def fixed(key: str, points: int = 1, **fields: object) -> Json:
    return {"key": key, "wallet": "points", "earn": {"kind": "fixed", "points": points}, **fields}


def hashes(program: Program) -> dict[str, str]:
    return {part.key: part.content_hash for part in split(program)}


def test_parts_are_named_by_kind_and_key_in_document_order() -> None:
    parts = split(read(document(fixed("zebra"), fixed("ant"))))
    assert [part.key for part in parts] == [
        "settings",
        "attributes",
        "wallet/points",
        "earning_rule/zebra",
        "earning_rule/ant",
    ]


def test_promotions_and_their_groups_are_parts_and_survive_split_and_join() -> None:
    off = {"kind": "percent_off", "percent": "10%", "of": {"category": ["tea"], "except": {"sku": ["1"]}}}
    limits = [{"per": "member", "times": 1, "period": "month"}]
    program = read(
        document(fixed("a"))
        | {
            "promotion_groups": [{"key": "deals", "choose": "best"}],
            "promotions": [{"key": "tea", "group": "deals", "effect": off, "limits": limits, "metadata": {"b": "x"}}],
            "policies": {"promotions": {"percent_of": "list"}},
        }
    )
    parts = split(program)
    assert [part.key for part in parts[3:]] == ["earning_rule/a", "promotion_group/deals", "promotion/tea"]
    assert parts[5].body == (
        '{"effect":{"kind":"percent_off","of":{"category":["tea"],"except":{"sku":["1"]}},"percent":"10%"},'
        '"group":"deals","key":"tea","limits":[{"per":"member","period":"month","times":1}],"metadata":{"b":"x"}}'
    )
    assert join(parts) == program


def test_tier_sets_are_parts_behind_all_others_and_survive_split_and_join() -> None:
    ladder = {
        "key": "status",
        "metric": {"kind": "points_earned", "wallet": "points"},
        "window": {"kind": "rolling", "length": {"months": 12}},
        "tiers": [{"key": "silver", "at_least": 5, "when": {"fact": "order.channel", "is": "web"}}, {"key": "gold"}],
        "lasts": {"kind": "length", "length": {"years": 1}},
    }
    program = read(document(fixed("a")) | {"tier_sets": [ladder]})
    assert [part.key for part in split(program)][-2:] == ["earning_rule/a", "tier_set/status"]
    assert join(split(program)) == program


def test_a_body_is_canonical_json_without_defaults() -> None:
    settings, attributes, wallet, rule = split(
        read(document(fixed("a", when={"fact": "order.channel", "in": ["web", "ärö"]}, active=True, rounding=None)))
    )
    assert settings.body == '{"program":{"currency":"EUR","name":"Café","time_zone":"UTC"},"version":1}'
    assert attributes.body == "{}"
    assert wallet.body == '{"key":"points","unit":"points"}'
    assert rule.body == (
        '{"earn":{"kind":"fixed","points":1},"key":"a","wallet":"points",'
        '"when":{"fact":"order.channel","in":["web","ärö"]}}'
    )


def test_a_hash_is_that_of_key_and_body() -> None:
    """Parts are stored by their hash: one of another kind with the same body must not take its place."""
    wallet = split(read(document()))[2]
    assert (wallet.key, wallet.body) == ("wallet/points", '{"key":"points","unit":"points"}')
    assert wallet.content_hash == "360a550561c0d1eb3ee88f1b06560abe1486527f2c929a07e3ae9fb5b077f1c1"


def test_writing_out_a_default_changes_no_hash() -> None:
    spelled_out = document(fixed("a", active=True)) | {"policies": {"earning": {"rounding": "floor"}}, "attributes": {}}
    assert hashes(read(spelled_out)) == hashes(read(document(fixed("a"))))


def test_changing_one_rule_changes_one_part() -> None:
    before = hashes(read(document(fixed("a"), fixed("b"), fixed("c"))))
    after = hashes(read(document(fixed("a"), fixed("b", points=2), fixed("c"))))
    assert {key for key in before if before[key] != after[key]} == {"earning_rule/b"}


def test_moving_a_rule_changes_the_order_of_parts_and_no_hash() -> None:
    before = split(read(document(fixed("a"), fixed("b"))))
    after = split(read(document(fixed("b"), fixed("a"))))
    assert before != after
    assert set(before) == set(after)


def test_the_example_survives_split_and_join() -> None:
    program = read(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))
    assert join(split(program)) == program


def test_parts_survive_a_store_that_writes_json_its_own_way() -> None:
    program = read(document(fixed("a"), fixed("b")))
    stored = [replace(part, body=json.dumps(json.loads(part.body), indent=2)) for part in split(program)]
    assert join(stored) == program


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [Part("wallet/points", '{"key":"points","unit":"points"}', "")],
        [Part("reward/cup", "{}", "")],
        [Part("settings", "{}", "")],
        [Part("settings", "{", "")],
    ],
)
def test_what_is_no_program_does_not_join(parts: list[Part]) -> None:
    with pytest.raises(ValueError, match=r".*"):
        join(parts)


CONDITIONS: Final = st.recursive(
    st.sampled_from(
        [
            {"fact": "order.total", "is": 0},
            {"fact": "order.channel", "exists": False},
            {"fact": "order.channel", "not_in": ["web", "", "app"]},
            {"lines": {}, "count": {"is": 0}},
            {"lines": {"sku": ["1"], "attributes": {"cup": False, "size": [1, "l"]}}, "quantity": {"is": "0.5"}},
        ]
    ),
    lambda children: (
        st.lists(children, min_size=1, max_size=3).map(lambda nodes: {"all": nodes})
        | st.lists(children, min_size=1, max_size=3).map(lambda nodes: {"any": nodes})
        | children.map(lambda node: {"not": node})
    ),
    max_leaves=6,
)


FIELDS: Final = st.fixed_dictionaries(
    {},
    optional={
        "when": CONDITIONS,
        "active": st.booleans(),
        "name": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5),
        "rounding": st.sampled_from(["floor", "nearest", "ceil"]),
    },
)


@settings(max_examples=40)
@given(st.lists(FIELDS, max_size=3))
def test_join_undoes_split(fields: list[Json]) -> None:
    program = read(document(*(fixed(f"r{n}", **extra) for n, extra in enumerate(fields))))
    assert join(split(program)) == program
    assert split(join(split(program))) == split(program)
