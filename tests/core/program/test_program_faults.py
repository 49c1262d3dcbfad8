"""Every fault code, provoked by one change to a sound program, with the place it points at."""

import sys
from time import process_time
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.core.engine.ruleset import compile_ruleset
from loyalty_engine.core.program.document import Program
from loyalty_engine.core.program.faults import FaultCode, json_pointer
from loyalty_engine.core.program.parts import split
from loyalty_engine.core.program.reading import parse_program
from tests.core.program.mistakes import CHECKS, READING, SOUND, TOTAL, WHEN, Json, change, faults_of, found
from tests.core.program.mistakes_in_plans import PLANS
from tests.core.program.mistakes_in_promotions import LINTS, PROMOTIONS
from tests.core.program.mistakes_in_referrals import LINTS as LINTS_OF_REFERRALS
from tests.core.program.mistakes_in_referrals import REFERRALS
from tests.core.program.mistakes_in_rules import RULES
from tests.core.program.mistakes_in_tiers import TIERS

ACCEPTED: Final = [*CHECKS, *RULES, *PROMOTIONS, *TIERS, *PLANS, *REFERRALS]
ALL: Final = [*READING, *ACCEPTED]


@pytest.mark.parametrize(("place", "value", "pointer", "code"), ALL)
def test_one_mistake_is_one_fault_where_it_is(place: str, value: object, pointer: str, code: str) -> None:
    assert found(change(place, value)) == [(pointer, code)]


def test_every_code_is_provoked_above() -> None:
    in_use = {"currency_in_use", "wallet_in_use", "plan_in_use"}
    elsewhere = {"too_many_faults", "unknown_code_pool", "unsuited_code_pool", *in_use}
    assert {code for *_, code in ALL} == {code.value for code in FaultCode} - elsewhere


def test_the_sound_program_has_no_fault() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize("raw", [None, 1, 1.5, "version: 1", [], [SOUND], object(), {}])
def test_anything_but_a_program_is_refused(raw: object) -> None:
    assert faults_of(raw) != []


def test_only_warnings_leave_a_program_publishable() -> None:
    warnings = {
        "never_holds",
        "minimum_not_in_step",
        "window_passed",
        "never_open",
        *(code for *_, code in (*LINTS, *LINTS_OF_REFERRALS)),
    }
    warnings |= {"unbounded", "nothing_given_back"}
    refused = {code for *_, code in READING} - {code for *_, code in CHECKS}
    severities: dict[str, set[str]] = {}
    for place, value, _, code in ACCEPTED:
        severities.setdefault(code, set()).update(fault.severity for fault in faults_of(change(place, value)))
    assert {code for code, found in severities.items() if found == {"warning"}} == warnings
    assert {code for code, found in severities.items() if found == {"error"}} == set(severities) - warnings
    assert refused.isdisjoint(warnings)


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


@pytest.mark.slow
def test_five_thousand_rules_are_a_program() -> None:
    when = {
        "all": [TOTAL, {"history": {"days": 30}, "orders": {"at_least": 1}}, {"lines": {}, "count": {"more_than": 1}}]
    }
    rules = [{**SOUND["earning_rules"][1], "key": f"r{n}", "when": when, "group": "offers"} for n in range(5_000)]
    document = change("/earning_rules", rules)
    started = process_time()
    assert found(document) == []
    checked = process_time()
    program = parse_program(document)
    assert isinstance(program, Program)
    assert len(compile_ruleset(split(program), 1, find_zone=ZoneInfo).order_rules.rules) == 5_000
    sys.stdout.write(f"checked in {checked - started:.1f} s, compiled in {process_time() - checked:.1f} s\n")


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


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "hours", "is_open"),
    [
        ("2026-12-24", "2026-12-25", {"weekdays": ["thursday"]}, True),
        ("2026-12-24", "2026-12-25", {"weekdays": ["wednesday"]}, False),
        ("2026-12-24", "2026-12-25", {"weekdays": ["wednesday"], "starts": "20:00", "ends": "04:00"}, True),
        ("2026-12-24", "2026-12-25", {"weekdays": ["wednesday"], "starts": "20:00", "ends": "00:00"}, False),
        ("2026-12-24T04:00", "2026-12-25", {"weekdays": ["wednesday"], "starts": "20:00", "ends": "04:00"}, False),
        ("2026-12-24T18:00", "2026-12-24T20:00", {"starts": "08:00", "ends": "18:00"}, False),
        ("2026-12-24T18:00", "2026-12-24T20:00", {"starts": "19:59", "ends": "20:30"}, True),
        ("2026-12-24", "2026-12-30", {"weekdays": ["wednesday"], "starts": "12:00"}, False),
        ("2026-12-24", "2026-12-30T12:01", {"weekdays": ["wednesday"], "starts": "12:00"}, True),
        ("2026-12-24T12:00", "2026-12-31T12:00", {"weekdays": ["thursday"], "starts": "11:00", "ends": "12:00"}, True),
        ("2026-12-24", None, {"weekdays": ["monday"]}, True),
    ],
)
def test_hours_without_a_minute_inside_their_window_are_warned_of(
    starts_at: str, ends_at: str | None, hours: Json, is_open: bool
) -> None:
    window = {"starts_at": starts_at} if ends_at is None else {"starts_at": starts_at, "ends_at": ends_at}
    rule = {**SOUND["earning_rules"][0], "window": window, "schedule": [hours]}
    warned = [] if is_open else [("/earning_rules/0/schedule", "never_open")]
    assert found(change("/earning_rules/0", rule)) == warned


@pytest.mark.parametrize("count", [2, 99, 200])
def test_every_group_of_a_cycle_is_told(count: int) -> None:
    groups = [{"key": f"g{n}", "choose": "best", "group": f"g{(n + 1) % count}"} for n in range(count)]
    rules = [{"key": "base", "wallet": "points", "group": "g0", "earn": {"kind": "fixed", "points": 1}}]
    document = {**SOUND, "earning_groups": groups, "earning_rules": rules}
    told = [(f"/earning_groups/{n}/group", "cyclic_groups") for n in range(min(count, 100))]
    assert found(document) == told + ([("", "too_many_faults")] if count > 100 else [])


def test_a_group_that_leads_into_a_cycle_is_not_blamed_for_it() -> None:
    groups = [
        {"key": "outside", "choose": "best", "group": "a"},
        {"key": "a", "choose": "best", "group": "b"},
        {"key": "b", "choose": "best", "group": "a"},
    ]
    document = {**SOUND, "earning_groups": groups, "earning_rules": []}
    assert found(document) == [
        ("/earning_groups/1/group", "cyclic_groups"),
        ("/earning_groups/2/group", "cyclic_groups"),
    ]
