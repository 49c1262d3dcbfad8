"""Plans: what they name of a change, what they leave out, and that they miss none."""

import copy
import json
from hashlib import sha256
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.parts import Part, split
from loyalty_engine.core.program.planning import FieldChange, PartChange, plan_changes
from loyalty_engine.core.program.reading import parse_program

Json = dict[str, Any]

DOCUMENT: Final[Json] = {
    "version": 1,
    "program": {"name": "Café", "currency": "EUR", "time_zone": "UTC"},
    "wallets": [{"key": "points", "unit": "points"}, {"key": "stamps", "unit": "points"}],
    "earning_rules": [
        {"key": "a", "name": "Rule A", "wallet": "points", "earn": {"kind": "fixed", "points": 1}},
        {"key": "b", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {"key": "c", "wallet": "stamps", "earn": {"kind": "fixed", "points": 3}},
    ],
}


def parts_of(document: Json) -> tuple[Part, ...]:
    program = parse_program(document)
    assert isinstance(program, Program), program
    return split(program)


def changed(*steps: str | int, to: object) -> Json:
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = to
    return document


def plan(before: Json, after: Json) -> tuple[PartChange, ...]:
    return plan_changes(parts_of(before), parts_of(after))


def with_rules(*keys: str) -> Json:
    rules = {rule["key"]: rule for rule in DOCUMENT["earning_rules"]}
    new = {"wallet": "points", "earn": {"kind": "fixed", "points": 9}}
    return {**DOCUMENT, "earning_rules": [rules.get(key, {"key": key, **new}) for key in keys]}


def part(key: str, body: object) -> Part:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Part(key, text, sha256(f"{key}\n{text}".encode()).hexdigest())


def fields(before: object, after: object) -> list[tuple[str, object, object]]:
    """The fields that differ between two bodies of a part whose kind nobody knows."""
    [change] = plan_changes([part("novelty/x", {"v": before})], [part("novelty/x", {"v": after})])
    assert (change.kind, change.omitted) == ("changed", 0)
    return [(field.pointer, field.before, field.after) for field in change.fields]


def test_the_same_document_changes_nothing() -> None:
    assert plan(DOCUMENT, DOCUMENT) == ()


def test_a_first_document_adds_all_its_parts_in_its_order() -> None:
    changes = plan_changes((), parts_of(DOCUMENT))
    assert [(change.kind, change.key, change.name, change.fields) for change in changes] == [
        ("added", "settings", None, ()),
        ("added", "attributes", None, ()),
        ("added", "wallet/points", None, ()),
        ("added", "wallet/stamps", None, ()),
        ("added", "earning_rule/a", "Rule A", ()),
        ("added", "earning_rule/b", None, ()),
        ("added", "earning_rule/c", None, ()),
    ]


def test_a_changed_part_names_each_value_that_differs() -> None:
    after = changed("earning_rules", 1, to={**DOCUMENT["earning_rules"][1], "name": "B", "rounding": "ceil"})
    after["earning_rules"][1]["earn"] = {"kind": "per_amount", "points": 2, "per": 100}
    assert plan(DOCUMENT, after) == (
        PartChange(
            "earning_rule/b",
            "B",
            "changed",
            (
                FieldChange("/earn/points", 1, 2),
                FieldChange("/name", None, "B"),
                FieldChange("/rounding", None, "ceil"),
            ),
        ),
    )


def test_added_changed_and_removed_promotions_are_told() -> None:
    def offering(*promotions: Json, **group: object) -> Json:
        groups = [{"key": "deals", "choose": "best", **group}]
        return {**DOCUMENT, "promotion_groups": groups, "promotions": list(promotions)}

    def off(key: str, percent: str) -> Json:
        return {"key": key, "name": key.title(), "effect": {"kind": "percent_off", "percent": percent}}

    before = offering(off("tea", "5%"), off("cake", "10%"))
    assert plan(before, offering(off("tea", "6%"), off("ham", "10%"), choose="first")) == (
        PartChange("promotion_group/deals", None, "changed", (FieldChange("/choose", "best", "first"),)),
        PartChange("promotion/tea", "Tea", "changed", (FieldChange("/effect/percent", "5%", "6%"),)),
        PartChange("promotion/ham", "Ham", "added"),
        PartChange("promotion/cake", "Cake", "removed"),
    )


def test_what_equals_a_default_is_no_change() -> None:
    assert plan(DOCUMENT, changed("earning_rules", 0, to={**DOCUMENT["earning_rules"][0], "active": True})) == ()


def test_settings_and_attributes_are_parts_too() -> None:
    after = changed("program", "name", to="Tea House") | {"attributes": {"member": {"vegan": {"type": "boolean"}}}}
    assert [(change.key, change.kind, change.fields) for change in plan(DOCUMENT, after)] == [
        ("settings", "changed", (FieldChange("/program/name", "Café", "Tea House"),)),
        ("attributes", "changed", (FieldChange("/member/vegan/type", None, "boolean"),)),
    ]


def test_removed_parts_come_last_with_their_names() -> None:
    assert plan(DOCUMENT, with_rules("b", "new", "c")) == (
        PartChange("earning_rule/new", None, "added"),
        PartChange("earning_rule/a", "Rule A", "removed"),
    )


def test_of_rules_in_another_order_as_few_as_possible_moved() -> None:
    assert plan(with_rules("a", "b", "c", "d", "e"), with_rules("b", "c", "d", "a", "e")) == (
        PartChange("earning_rule/a", "Rule A", "moved", follows="earning_rule/d"),
    )
    assert plan(with_rules("a", "b", "c"), with_rules("c", "a", "b")) == (
        PartChange("earning_rule/c", None, "moved", follows=None),
    )


def test_a_rule_in_place_of_a_removed_one_did_not_move() -> None:
    assert [change.kind for change in plan(with_rules("a", "b", "c"), with_rules("new", "b", "c"))] == [
        "added",
        "removed",
    ]


def test_a_rule_that_changed_and_moved_is_listed_for_both() -> None:
    after = with_rules("b", "c", "a")
    after["earning_rules"][2] = {**after["earning_rules"][2], "wallet": "stamps"}
    assert [(change.key, change.kind, change.follows) for change in plan(DOCUMENT, after)] == [
        ("earning_rule/a", "changed", None),
        ("earning_rule/a", "moved", "earning_rule/c"),
    ]


def test_one_new_entry_of_a_list_is_one_change() -> None:
    assert fields(["x", "y", "z"], ["x", "new", "y", "z"]) == [("/v/1", None, "new")]
    assert fields(["x", "y", "z"], ["x", "z"]) == [("/v/1", "y", None)]
    assert fields(["x", "y"], ["x", "other"]) == [("/v/1", "y", "other")]


def test_a_whole_branch_is_named_value_by_value() -> None:
    assert fields({}, {"all": [{"fact": "order.total", "at_least": 100}]}) == [
        ("/v/all/0/at_least", None, 100),
        ("/v/all/0/fact", None, "order.total"),
    ]
    assert fields([1], {"a": 2}) == [("/v/0", 1, None), ("/v/a", None, 2)]
    assert fields("x", {}) == [("/v", "x", {})]


def test_true_is_not_one() -> None:
    assert fields(True, 1) == [("/v", True, 1)]
    assert fields([True], [1]) == [("/v/0", True, 1)]


def test_names_are_escaped_in_pointers() -> None:
    assert fields({"a/b~c": 1}, {"a/b~c": 2}) == [("/v/a~1b~0c", 1, 2)]


def test_long_texts_are_cut() -> None:
    [(_, before, after)] = fields("x" * 200, "y" * 201)
    assert (before, after) == ("x" * 200, "y" * 199 + "…")


def test_of_many_values_fifty_are_shown_and_the_rest_counted() -> None:
    [change] = plan_changes([part("novelty/x", {"v": []})], [part("novelty/x", {"v": list(range(180))})])
    assert (len(change.fields), change.omitted) == (50, 130)
    assert change.fields[49] == FieldChange("/v/49", None, 49)


def test_of_many_parts_two_thousand_values_are_shown_and_all_parts_named() -> None:
    before = [part(f"novelty/{n}", {"v": [0, 0, 0]}) for n in range(1_000)]
    after = [part(f"novelty/{n}", {"v": [1, 1, 1]}) for n in range(1_000)]
    changes = plan_changes(before, after)
    assert [change.key for change in changes] == [f"novelty/{n}" for n in range(1_000)]
    assert sum(len(change.fields) for change in changes) == 2_000
    assert sum(change.omitted for change in changes) == 1_000


def test_of_a_key_used_twice_the_first_is_compared() -> None:
    twice = with_rules("a", "b", "c", "a")
    twice["earning_rules"][3] = {**twice["earning_rules"][3], "wallet": "stamps"}
    assert plan(DOCUMENT, twice) == ()


JSON: Final = st.recursive(
    st.sampled_from([True, False, 0, 1, "", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("a/"), inner, max_size=2),
    max_leaves=4,
)
PARTS: Final = st.permutations([f"{kind}/{n}" for kind in ("x", "y") for n in range(3)]).flatmap(
    lambda keys: st.lists(st.sampled_from([{}, {"v": 1}, {"v": True}]), max_size=len(keys)).map(
        lambda bodies: [part(key, body) for key, body in zip(keys, bodies, strict=False)]
    )
)


@given(before=JSON, after=JSON)
def test_values_that_differ_are_always_told(before: object, after: object) -> None:
    changes = plan_changes([part("x/1", {"v": before})], [part("x/1", {"v": after})])
    assert [bool(change.fields) for change in changes] == [True] * (
        json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True)
    )


@given(before=PARTS, after=PARTS)
def test_a_plan_is_empty_exactly_when_a_publication_would_make_no_revision(
    before: list[Part], after: list[Part]
) -> None:
    changes = plan_changes(before, after)
    assert (changes == ()) == ([part.content_hash for part in before] == [part.content_hash for part in after])


@given(before=PARTS, after=PARTS)
def test_parts_that_did_not_move_keep_their_order(before: list[Part], after: list[Part]) -> None:
    old, new = [found.key for found in before], [found.key for found in after]
    moved = {change.key for change in plan_changes(before, after) if change.kind == "moved"}
    assert [key for key in old if key in new and key not in moved] == [
        key for key in new if key in old and key not in moved
    ]
