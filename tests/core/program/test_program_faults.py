"""Every fault code, provoked by one change to a sound program, with the place it points at."""

import copy
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.program.checks import check_program
from loyalty_engine.core.program.faults import Fault, FaultCode, json_pointer
from loyalty_engine.core.program.reading import parse_program

Json = dict[str, Any]

GONE: Final = object()
TOTAL: Final = {"fact": "order.total", "at_least": 2000}

SOUND: Final[Json] = {
    "version": 1,
    "program": {"name": "Corner Grocer", "currency": "EUR", "time_zone": "Europe/Berlin"},
    "attributes": {
        "member": {"vegan": {"type": "boolean"}, "birthday": {"type": "date"}},
        "order": {"weight": {"type": "decimal"}},
        "line": {"department": {"type": "text"}, "own_cup": {"type": "boolean"}},
    },
    "wallets": [
        {"key": "points", "unit": "points", "redeem": {"points": 100, "amount": 100, "min_points": 100, "step": 50}},
        {"key": "cashback", "unit": "money", "redeem": {"min_points": 1}},
    ],
    "earning_rules": [
        {"key": "base", "wallet": "points", "when": TOTAL, "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {"key": "back", "wallet": "cashback", "earn": {"kind": "percent", "rate": "2%", "of": {"sku": ["1"]}}},
    ],
}

WHEN: Final = "/earning_rules/0/when"


def nested(node: Json, levels: int) -> Json:
    for _ in range(levels):
        node = {"all": [node]}
    return node


def laughing(levels: int) -> list[Any]:
    """Return a list that YAML aliases write in a few lines and that holds 10 to the ``levels`` texts."""
    laughs: list[Any] = ["ha"]
    for _ in range(levels):
        laughs = [laughs] * 10
    return laughs


def change(pointer: str, value: object) -> Json:
    """Return the sound program with the value at ``pointer`` set, or removed when it is GONE."""
    document = copy.deepcopy(SOUND)
    *steps, last = pointer.removeprefix("/").split("/")
    place: Any = document
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    key = int(last) if isinstance(place, list) else last
    if value is GONE:
        del place[key]
    else:
        place[key] = value
    return document


def faults_of(document: object) -> list[Fault]:
    program = parse_program(document)
    if isinstance(program, list):
        return program
    return check_program(program, time_zones=frozenset({"Europe/Berlin"}), currencies={"EUR": 2})


def found(document: object) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code.value) for fault in faults_of(document)]


READING: Final[list[tuple[str, object, str, str]]] = [
    ("/program/name", GONE, "/program/name", "required"),
    ("/program", GONE, "/program", "required"),
    ("/wallets/0/unit", GONE, "/wallets/0/unit", "required"),
    ("/wallets/0/redeem/points", GONE, "/wallets/0/redeem/points", "required"),
    ("/earning_rules/0/earn/kind", GONE, "/earning_rules/0/earn/kind", "required"),
    ("/earning_rules/0/earn/per", GONE, "/earning_rules/0/earn/per", "required"),
    ("/extra", 1, "/extra", "unknown_field"),
    ("/wallets/0/redeem/a~b", 1, "/wallets/0/redeem/a~0b", "unknown_field"),
    ("/wallets/1/redeem/amount", 1, "/wallets/1/redeem/amount", "unknown_field"),
    ("/earning_rules/0/earn/of", {"colour": ["red"]}, "/earning_rules/0/earn/of/colour", "unknown_field"),
    (WHEN, {**TOTAL, "lines": {}}, f"{WHEN}/lines", "unknown_field"),
    ("/version", 2, "/version", "unknown_choice"),
    ("/version", True, "/version", "unknown_choice"),
    ("/program/unknown_card", "ask", "/program/unknown_card", "unknown_choice"),
    ("/wallets/0/unit", "gold", "/wallets/0/unit", "unknown_choice"),
    ("/earning_rules/0/earn/kind", "magic", "/earning_rules/0/earn/kind", "unknown_choice"),
    ("/attributes/line/own_cup/type", "float", "/attributes/line/own_cup/type", "unknown_choice"),
    (WHEN, {"every": []}, WHEN, "unknown_condition"),
    (WHEN, [TOTAL], WHEN, "unknown_condition"),
    (WHEN, {"all": [TOTAL, "x"]}, f"{WHEN}/all/1", "unknown_condition"),
    (WHEN, {"not": {"all": [{"any": [{}]}]}}, f"{WHEN}/not/all/0/any/0", "unknown_condition"),
    (WHEN, {"fact": "order.total"}, WHEN, "not_exactly_one"),
    (WHEN, {"any": [{**TOTAL, "is": 3}]}, f"{WHEN}/any/0", "not_exactly_one"),
    (WHEN, {"lines": {}}, WHEN, "not_exactly_one"),
    (WHEN, {"lines": {}, "count": {}}, f"{WHEN}/count", "not_exactly_one"),
    (WHEN, {"lines": {}, "count": {"is": 1}, "amount": {"is": 1}}, WHEN, "not_exactly_one"),
    ("/program/name", 7, "/program/name", "wrong_type"),
    ("/program", [], "/program", "wrong_type"),
    ("/wallets", {}, "/wallets", "wrong_type"),
    ("/earning_rules/0/earn", "fixed", "/earning_rules/0/earn", "wrong_type"),
    ("/earning_rules/0/active", 1, "/earning_rules/0/active", "wrong_type"),
    ("/earning_rules/0/earn/points", True, "/earning_rules/0/earn/points", "wrong_type"),
    ("/earning_rules/0/earn/points", "1", "/earning_rules/0/earn/points", "wrong_type"),
    ("/earning_rules/0/earn/points", 1.0, "/earning_rules/0/earn/points", "wrong_type"),
    ("/earning_rules/0/earn/points", float("nan"), "/earning_rules/0/earn/points", "wrong_type"),
    ("/earning_rules/0/name", b"bytes", "/earning_rules/0/name", "wrong_type"),
    (WHEN, {"fact": "order.channel", "is": {}}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "order.channel", "in": "web"}, f"{WHEN}/in", "wrong_type"),
    (WHEN, {"fact": "order.channel", "in": ["web", None]}, f"{WHEN}/in/1", "wrong_type"),
    (WHEN, {"lines": {"attributes": {"own_cup": {}}}, "count": {"is": 1}}, f"{WHEN}/lines/attributes/own_cup", "wrong_type"),
    ("/wallets/0/key", "Points", "/wallets/0/key", "malformed"),
    ("/wallets/0/key", "p" * 64, "/wallets/0/key", "malformed"),
    ("/attributes/member/Vegan", {"type": "text"}, "/attributes/member/Vegan", "malformed"),
    ("/program/currency", "eur", "/program/currency", "malformed"),
    ("/wallets/0/redeem/max_share", "half", "/wallets/0/redeem/max_share", "malformed"),
    ("/earning_rules/1/earn/rate", "2.5", "/earning_rules/1/earn/rate", "malformed"),
    ("/program/name", "a\x00b", "/program/name", "malformed"),
    ("/program/name", "a\ud800b", "/program/name", "malformed"),
    ("/program", {1: 2}, "/program", "malformed"),
    (WHEN, {"lines": {}, "quantity": {"is": "1,5"}}, f"{WHEN}/quantity/is", "malformed"),
    ("/earning_rules/0/earn/points", 0, "/earning_rules/0/earn/points", "out_of_range"),
    ("/earning_rules/0/earn/per", 10**12 + 1, "/earning_rules/0/earn/per", "out_of_range"),
    ("/earning_rules/0/earn/per", 2**53, "/earning_rules/0/earn/per", "out_of_range"),
    ("/wallets/0/redeem/min_points", -(2**53), "/wallets/0/redeem/min_points", "out_of_range"),
    ("/wallets/0/redeem/max_share", "100.1%", "/wallets/0/redeem/max_share", "out_of_range"),
    ("/earning_rules/1/earn/rate", "0%", "/earning_rules/1/earn/rate", "out_of_range"),
    (WHEN, {"lines": {}, "count": {"at_least": -1}}, f"{WHEN}/count/at_least", "out_of_range"),
    (WHEN, {"lines": {}, "quantity": {"is": "1000000001"}}, f"{WHEN}/quantity/is", "out_of_range"),
    ("/program/name", "", "/program/name", "too_short"),
    (WHEN, {"all": []}, f"{WHEN}/all", "too_short"),
    (WHEN, {"any": []}, f"{WHEN}/any", "too_short"),
    (WHEN, {"fact": "order.channel", "in": []}, f"{WHEN}/in", "too_short"),
    ("/earning_rules/1/earn/of/sku", [], "/earning_rules/1/earn/of/sku", "too_short"),
    ("/program/name", "n" * 201, "/program/name", "too_long"),
    ("/program/name", "n" * 5_000_000, "/program/name", "too_long"),
    ("/earning_rules", [SOUND["earning_rules"][0]] * 5_001, "/earning_rules", "too_long"),
    ("/wallets/0/redeem", nested({}, 200), "/wallets/0/redeem" + "/all/0" * 18 + "/all", "too_deep"),
    (WHEN, laughing(12), "", "too_large"),
]  # fmt: skip

CHECKS: Final[list[tuple[str, object, str, str]]] = [
    ("/program/currency", "XYZ", "/program/currency", "unknown_currency"),
    ("/program/time_zone", "Europe/Bonn", "/program/time_zone", "unknown_time_zone"),
    ("/wallets", [*SOUND["wallets"], {"key": "points", "unit": "points"}], "/wallets/2/key", "duplicate_key"),
    ("/earning_rules/1/key", "base", "/earning_rules/1/key", "duplicate_key"),
    ("/earning_rules/0/wallet", "stamps", "/earning_rules/0/wallet", "unknown_wallet"),
    ("/earning_rules/1/wallet", "points", "/earning_rules/1/earn/kind", "money_wallet_required"),
    ("/wallets/0/redeem/points", 300, "/wallets/0/redeem/step", "inexact_redeem"),
    ("/wallets/0/redeem/min_points", 120, "/wallets/0/redeem/min_points", "minimum_not_in_step"),
    (WHEN, {"fact": "order.totl", "is": 1}, f"{WHEN}/fact", "unknown_fact"),
    (WHEN, {"not": {"fact": "line.sku", "is": "1"}}, f"{WHEN}/not/fact", "unknown_fact"),
    (WHEN, {"fact": "member.attributes.size", "is": 1}, f"{WHEN}/fact", "undeclared_attribute"),
    (WHEN, {"fact": "order.attributes.vegan", "is": 1}, f"{WHEN}/fact", "undeclared_attribute"),
    (WHEN, {"lines": {"attributes": {"size": 1}}, "count": {"is": 1}}, f"{WHEN}/lines/attributes/size", "undeclared_attribute"),
    ("/earning_rules/0/earn/of", {"attributes": {"size": 1}}, "/earning_rules/0/earn/of/attributes/size", "undeclared_attribute"),
    (WHEN, {"fact": "member.status", "in": ["active", "gone"]}, f"{WHEN}/in/1", "unknown_option"),
    (WHEN, {"fact": "order.channel", "at_least": "web"}, f"{WHEN}/at_least", "operator_not_allowed"),
    (WHEN, {"fact": "member.exists", "in": [True]}, f"{WHEN}/in", "operator_not_allowed"),
    (WHEN, {"fact": "order.total", "at_least": "2000"}, f"{WHEN}/at_least", "wrong_type"),
    (WHEN, {"fact": "order.total", "is": True}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "order.channel", "in": ["web", 3]}, f"{WHEN}/in/1", "wrong_type"),
    (WHEN, {"fact": "member.attributes.vegan", "is": 1}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "order.attributes.weight", "is": "1.5kg"}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "order.attributes.weight", "is": -1}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "member.attributes.birthday", "is": "2026-02-30"}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "member.attributes.birthday", "is": "2026-W01-1"}, f"{WHEN}/is", "wrong_type"),
    ("/earning_rules/1/earn/of", {"attributes": {"department": ["a", 1]}}, "/earning_rules/1/earn/of/attributes/department/1", "wrong_type"),
    (WHEN, nested(TOTAL, 10), WHEN + "/all/0" * 10, "too_deep"),
    (WHEN, {"any": [TOTAL] * 200}, WHEN, "too_many_nodes"),
    (WHEN, {"all": [TOTAL, {"fact": "order.total", "less_than": 2000}]}, f"{WHEN}/all/1", "never_holds"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "pointer", "code"), [*READING, *CHECKS])
def test_one_mistake_is_one_fault_where_it_is(place: str, value: object, pointer: str, code: str) -> None:
    assert found(change(place, value)) == [(pointer, code)]


def test_every_code_is_provoked_above() -> None:
    elsewhere = {"too_many_faults", "currency_in_use", "wallet_in_use"}
    assert {code for *_, code in (*READING, *CHECKS)} == {code.value for code in FaultCode} - elsewhere


def test_the_sound_program_has_no_fault() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize("raw", [None, 1, 1.5, "version: 1", [], [SOUND], object(), {}])
def test_anything_but_a_program_is_refused(raw: object) -> None:
    assert faults_of(raw) != []


def test_only_warnings_leave_a_program_publishable() -> None:
    warnings = {"never_holds", "minimum_not_in_step"}
    severities = {code: {f.severity for f in faults_of(change(place, value))} for place, value, _, code in CHECKS}
    assert {code for code, found in severities.items() if found == {"warning"}} == warnings
    assert {code for code, found in severities.items() if found == {"error"}} == set(severities) - warnings


def test_a_typo_gets_a_suggestion() -> None:
    [fault] = faults_of(change(WHEN, {"fact": "order.totl", "is": 1}))
    assert fault.message == "is not a fact; did you mean order.total?"


def test_an_inexact_step_names_the_smallest_that_works() -> None:
    [fault] = faults_of(change("/wallets/0/redeem/points", 300))
    assert fault.message == "must be a multiple of 3, so that every step is worth whole minor units"


@pytest.mark.parametrize(
    ("place", "code"), [("/earning_rules/0/earn/kind", "unknown_choice"), ("/program/name", "too_long")]
)
def test_a_message_does_not_repeat_the_document(place: str, code: str) -> None:
    [fault] = faults_of(change(place, "s3cret" * 100))
    assert fault.code.value == code
    assert "s3cret" not in fault.message


def test_faults_come_in_document_order_and_stop_at_a_hundred() -> None:
    document = change(
        "/earning_rules", [{"key": f"r{n}", "wallet": "no", "earn": {"kind": "fixed", "points": 1}} for n in range(150)]
    )
    faults = found(document)
    assert faults[:2] == [("/earning_rules/0/wallet", "unknown_wallet"), ("/earning_rules/1/wallet", "unknown_wallet")]
    assert faults[99:] == [("/earning_rules/99/wallet", "unknown_wallet"), ("", "too_many_faults")]


def test_any_number_of_warnings_leaves_a_program_publishable() -> None:
    never = {"all": [TOTAL, {"fact": "order.total", "less_than": 1}]}
    rules = [
        {"key": f"r{n}", "wallet": "points", "when": never, "earn": {"kind": "fixed", "points": 1}} for n in range(150)
    ]
    faults = faults_of(change("/earning_rules", rules))
    assert len(faults) == 101
    assert {fault.severity for fault in faults} == {"warning"}


def test_warnings_never_hide_an_error() -> None:
    never = {"all": [TOTAL, {"fact": "order.total", "less_than": 1}]}
    rules = [
        {"key": f"r{n}", "wallet": "points", "when": never, "earn": {"kind": "fixed", "points": 1}} for n in range(150)
    ]
    rules[-1]["wallet"] = "stamps"
    assert ("/earning_rules/149/wallet", "unknown_wallet") in found(change("/earning_rules", rules))


def test_a_document_that_contains_itself_is_refused() -> None:
    endless: Json = {}
    endless["not"] = endless
    assert found(change(WHEN, endless)) == [(WHEN + "/not" * 37, "too_deep")]


def test_five_thousand_rules_are_a_program() -> None:
    rules = [{**SOUND["earning_rules"][1], "key": f"r{n}"} for n in range(5_000)]
    assert found(change("/earning_rules", rules)) == []


JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "fact", "lines", "is", "in", "count", "kind", "<all>", "[key]", ""]),
            children,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(
    JSON_VALUES,
    st.sampled_from(["/program", "/wallets", "/wallets/0", "/earning_rules/0", "/earning_rules/0/earn", WHEN]),
)
def test_no_document_crashes_the_reader_and_faults_point_into_it(value: object, place: str) -> None:
    document = change(place, value)
    for fault in faults_of(document):
        assert exists_up_to_its_last_step(document, fault.pointer)


def exists_up_to_its_last_step(document: Any, pointer: str) -> bool:  # noqa: ANN401  any JSON value
    *steps, _ = pointer.split("/")
    for step in steps[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return True


@pytest.mark.parametrize(
    ("comparisons", "unreachable"),
    [
        ([("order.total", "at_least", 100), ("order.total", "at_most", 100)], False),
        ([("order.total", "more_than", 100), ("order.total", "less_than", 101)], True),
        ([("order.total", "is", 5), ("order.total", "more_than", 5)], True),
        ([("order.total", "is", 5), ("order.lines", "more_than", 5)], False),
        ([("order.total", "in", [1, 2]), ("order.total", "in", [2, 3])], False),
        ([("order.total", "in", [1, 2]), ("order.total", "in", [3])], True),
        ([("order.total", "in", [1, 2]), ("order.total", "not_in", [1, 2])], True),
        ([("order.channel", "is", "web"), ("order.channel", "is_not", "web")], True),
        ([("order.channel", "is", "web"), ("order.channel", "exists", False)], True),
        ([("order.channel", "is_not", "web"), ("order.channel", "exists", False)], False),
        ([("order.channel", "exists", True), ("order.channel", "exists", False)], True),
        ([("member.exists", "is_not", True), ("member.exists", "is_not", False)], False),
        ([("member.exists", "is", True), ("member.exists", "is_not", True)], True),
        ([("order.attributes.weight", "more_than", "1.5"), ("order.attributes.weight", "less_than", "1.500001")], True),
        ([("order.attributes.weight", "more_than", 1), ("order.attributes.weight", "less_than", "1.1")], False),
        ([("member.attributes.birthday", "at_least", "2000-03-01"), ("member.attributes.birthday", "less_than", "2000-03-01")], True),
        ([("member.attributes.birthday", "is", "2000-03-01"), ("member.attributes.birthday", "at_most", "2000-03-01")], False),
    ],
)  # fmt: skip
def test_bounds_that_exclude_each_other_are_warned_of(
    comparisons: list[tuple[str, str, object]], unreachable: bool
) -> None:
    first, second = ({"fact": fact, operator: value} for fact, operator, value in comparisons)
    warned = [(f"{WHEN}/all/1", "never_holds")] if unreachable else []
    assert found(change(WHEN, {"all": [first, second]})) == warned
    assert found(change(WHEN, {"any": [first, second]})) == []


def test_an_all_inside_an_all_belongs_to_it_and_is_warned_of_once() -> None:
    inner = {"all": [{"fact": "order.total", "less_than": 5}, {"fact": "order.total", "less_than": 4}]}
    assert found(change(WHEN, {"all": [TOTAL, inner]})) == [(f"{WHEN}/all/1/all/0", "never_holds")]
    assert found(change(WHEN, {"all": [{"all": [TOTAL, inner]}]})) == [(f"{WHEN}/all/0/all/1/all/0", "never_holds")]


def test_a_pointer_escapes_tildes_and_slashes() -> None:
    assert json_pointer(["a/b", "~", 3]) == "/a~1b/~0/3"
