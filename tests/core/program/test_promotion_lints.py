"""What a plan warns of in promotions: each is found where it is, and what only looks like it is not."""

import sys
from time import process_time
from typing import Any, Final

import pytest

from tests.core.program.mistakes import SOUND, faults_of, found

Json = dict[str, Any]
Found = list[tuple[str, str]]

TEA: Final[Json] = {"category": ["tea"]}
FIRST: Final[Json] = {"fact": "member.orders", "is": 0}
ONCE: Final[Json] = {"limits": [{"per": "member", "times": 1}]}
BUDGET: Final[Json] = {"limits": [{"per": "program", "amount": 100_000}]}
CODE: Final[Json] = {"opened_by": "code"}
DEALS: Final[Json] = {"group": "deals"}
VOUCHER: Final[Json] = {"kind": "issue_code", "pool": "next"}
DOUBLE: Final[Json] = {"kind": "points_times", "wallet": "points", "factor": 2}


def total(**compared: int) -> Json:
    return {"fact": "order.total", **compared}


def percent(share: str, **more: object) -> Json:
    return {"kind": "percent_off", "percent": share, **more}


def amount(minor: int, **more: object) -> Json:
    return {"kind": "amount_off", "amount": minor, **more}


def points(number: int) -> Json:
    return {"kind": "points", "wallet": "points", "points": number}


def offer(effect: Json, **more: object) -> Json:
    return {"effect": effect, **more}


def lint(*promotions: Json, groups: tuple[Json, ...] = (), choose: str = "all", **policy: str) -> Found:
    """The warnings of promotions that are called p0, p1 …"""
    document = {
        **SOUND,
        "promotion_groups": list(groups),
        "promotions": [{"key": f"p{n}", **promotion} for n, promotion in enumerate(promotions)],
        "policies": {"promotions": {"choose": choose, **policy}},
    }
    assert {fault.severity for fault in faults_of(document)} <= {"warning"}
    return found(document)


def alone(code: str, pointer: str = "") -> Found:
    return [(f"/promotions/0{pointer}", code)]


@pytest.mark.parametrize(
    ("promotion", "warned"),
    [
        (offer(amount(500)), alone("unbounded", "/effect")),
        (offer(amount(500, of=TEA)), alone("unbounded", "/effect")),
        (offer(amount(500), audience="members"), alone("unbounded", "/effect")),
        (offer(amount(500), when=FIRST), []),
        (offer(amount(500), at_most=300), []),
        (offer(amount(500), floor="50%"), []),
        (offer(amount(500), **ONCE), []),
        (offer(amount(500), active=False), []),
        (offer({"kind": "unit_price", "price": 199}), alone("unbounded", "/effect")),
        (offer({"kind": "unit_price", "price": 199, "of": TEA}), []),
        (offer({"kind": "unit_price", "price": 199, "units": {"cheapest": 1}}), []),
        (offer({"kind": "total_price", "price": 9900, "of": TEA}), alone("unbounded", "/effect")),
        (offer({"kind": "gift", "sku": "s1"}), alone("unbounded", "/effect")),
        (offer({"kind": "gift", "sku": "s1", "per_amount": 5000}), []),
        (offer({"kind": "bundle", "parts": [{"quantity": 2}], "price": 500}), alone("unbounded", "/effect")),
        (offer({"kind": "bundle", "parts": [{"of": TEA, "quantity": 2}], "price": 500}), []),
        (offer({"kind": "bundle", "parts": [{"quantity": 2}], "percent": "10%"}), []),
        (offer({"kind": "shipping_off"}), []),
        (offer(points(100)), []),
    ],
)
def test_what_can_be_the_whole_cart_without_an_end(promotion: Json, warned: Found) -> None:
    assert lint(promotion) == warned


@pytest.mark.parametrize(
    ("promotion", "warned"),
    [
        (offer(percent("100%"), when=FIRST), alone("free_of_charge", "/effect")),
        (offer(percent("100.0%"), when=FIRST, **ONCE), alone("free_of_charge", "/effect")),
        (offer(percent("99.9%"), when=FIRST), []),
        (offer(percent("100%"), when=FIRST, at_most=2000), []),
        (offer(percent("100%"), when=FIRST, floor="1%"), []),
        (offer(percent("100%"), when=FIRST, **BUDGET), []),
        (offer(percent("100%", of=TEA), when=FIRST), []),
        (offer(percent("100%", of={}), when=FIRST), alone("free_of_charge", "/effect")),
        (offer(percent("100%", units={"cheapest": 1})), []),
        (offer({"kind": "unit_price", "price": 0}), alone("free_of_charge", "/effect")),
        (offer({"kind": "total_price", "price": 0}, when=FIRST), alone("free_of_charge", "/effect")),
        (offer({"kind": "bundle", "parts": [{"of": TEA}], "price": 0}), alone("free_of_charge", "/effect")),
        (offer({"kind": "bundle", "parts": [{"of": TEA}], "percent": "100%"}), alone("free_of_charge", "/effect")),
        (offer({"kind": "stepped", "steps": [{"at_least": 5, "percent": "100%"}]}), alone("free_of_charge", "/effect")),
        (offer({"kind": "stepped", "steps": [{"at_least": 5, "percent": "100%"}], "of": TEA}), []),
        (offer({"kind": "buy_get", "buy": {"quantity": 2}, "get": {}, "percent": "100%"}), []),
        (offer({"kind": "shipping_off", "percent": "100%"}), []),
    ],
)
def test_goods_for_nothing(promotion: Json, warned: Found) -> None:
    assert lint(promotion) == warned


@pytest.mark.parametrize(
    ("promotion", "warned"),
    [
        (offer(amount(3000), when=total(at_least=3000)), alone("whole_cart", "/effect/amount")),
        (offer(amount(3000), when=total(more_than=2999)), alone("whole_cart", "/effect/amount")),
        (offer(amount(3000), when=total(**{"is": 1000})), alone("whole_cart", "/effect/amount")),
        (offer(amount(3000), when={"all": [FIRST, total(at_least=10)]}, **ONCE), alone("whole_cart", "/effect/amount")),
        (offer(amount(3000), when=total(at_least=3001)), []),
        (offer(amount(3000), when=total(more_than=3000)), []),
        (offer(amount(3000), when=total(at_most=2000)), []),
        (offer(amount(3000), when={"any": [FIRST, total(at_least=10)]}), []),
        (offer(amount(3000), when=total(at_least=3000), at_most=2999), []),
        (offer(amount(3000), when=total(at_least=3000), floor="10%"), []),
        (offer(amount(3000, each="unit"), when=total(at_least=3000)), []),
        (offer({"kind": "stepped", "steps": [{"at_least": 500, "amount": 500}]}), alone("whole_cart", "/effect/steps/0/amount")),
        (offer({"kind": "stepped", "steps": [{"at_least": 501, "amount": 500}]}), []),
        (offer({"kind": "stepped", "steps": [{"at_least": 500, "amount": 500}]}, at_most=400), []),
    ],
)  # fmt: skip
def test_as_much_as_the_cart_must_cost(promotion: Json, warned: Found) -> None:
    assert lint(promotion) == warned


@pytest.mark.parametrize(
    ("steps", "warned"),
    [
        ([{"at_least": 50, "percent": "20%"}, {"at_least": 100, "percent": "10%"}], True),
        ([{"at_least": 50, "percent": "10%"}, {"at_least": 100, "percent": "10%"}], False),
        ([{"at_least": 50, "amount": 20}, {"at_least": 100, "amount": 10}], True),
        ([{"at_least": 50, "percent": "20%"}, {"at_least": 100, "amount": 19}], True),
        ([{"at_least": 50, "percent": "20%"}, {"at_least": 100, "amount": 20}], False),
        ([{"at_least": 50, "amount": 10}, {"at_least": 100, "percent": "9%"}], True),
    ],
)
def test_a_higher_step_that_gives_less(steps: list[Json], warned: bool) -> None:
    expected = alone("less_for_more", "/effect/steps/1") if warned else []
    assert lint(offer({"kind": "stepped", "steps": steps})) == expected


@pytest.mark.parametrize(
    ("promotion", "warned"),
    [
        (offer(percent("10%"), **CODE), []),
        (offer(amount(500), **CODE), []),
        (offer({"kind": "shipping_off"}, **CODE), []),
        (offer(percent("10%"), **CODE, **ONCE), []),
        (offer(percent("10%"), **CODE, **BUDGET), []),
        (offer(points(100), **CODE), []),
        (offer(DOUBLE, **CODE), []),
        (offer(VOUCHER, **CODE), []),
        (offer(VOUCHER), []),
        (offer(percent("10%"), **CODE, active=False), []),
        (offer(percent("10%")), alone("no_limit")),
        (offer(percent("10%"), **BUDGET), []),
        (offer(percent("10%"), audience="members"), []),
        (offer(percent("10%"), when=FIRST), []),
        (offer(percent("10%"), window={"ends_at": "2027-01-01"}), []),
        (offer(percent("10%"), schedule=[{"weekdays": ["friday"]}]), []),
        (offer(percent("10%"), channels=["web"]), []),
        (offer(percent("10%", of=TEA)), []),
        (offer(percent("10%", units={"cheapest": 1})), []),
    ],
)
def test_what_is_worth_money_and_has_no_end(promotion: Json, warned: Found) -> None:
    assert lint(promotion) == warned


HAPPY: Final[list[Json]] = [{"weekdays": ["friday"], "starts": "17:00", "ends": "19:00"}]
NIGHT: Final[list[Json]] = [{"weekdays": ["friday"], "starts": "22:00", "ends": "02:00"}]
ADVENT: Final[Json] = {"starts_at": "2026-12-01", "ends_at": "2026-12-25"}


@pytest.mark.parametrize(
    ("terms", "when", "place"),
    [
        ({"channels": ["web", "app"]}, {"fact": "order.channel", "is": "shop"}, ""),
        ({"channels": ["web", "app"]}, {"fact": "order.channel", "in": ["shop", "app"]}, None),
        ({"channels": ["web"]}, {"fact": "order.channel", "exists": False}, ""),
        ({"channels": ["web"]}, {"any": [{"fact": "order.channel", "is": "x"}, {"fact": "order.channel", "is": "y"}]}, ""),
        ({"channels": ["web"]}, {"any": [{"fact": "order.channel", "is": "x"}, FIRST]}, None),
        ({"channels": ["web"]}, {"not": {"fact": "order.channel", "is": "x"}}, None),
        ({"locations": ["a"]}, {"all": [FIRST, {"fact": "order.location", "is_not": "a"}]}, "/all/1"),
        ({"locations": ["a", "b"]}, {"all": [FIRST, {"fact": "order.location", "is_not": "a"}]}, None),
        ({"audience": "members"}, {"fact": "member.exists", "is": False}, ""),
        ({"audience": "members"}, {"fact": "member.exists", "is": True}, None),
        ({"audience": "guests"}, {"fact": "member.exists", "is": True}, ""),
        ({"audience": "guests"}, {"fact": "member.exists", "is": False}, None),
        ({"audience": "guests"}, FIRST, ""),
        ({"audience": "guests"}, {"fact": "member.orders", "is_not": 0}, None),
        ({"audience": "guests"}, {"all": [{"all": [{"fact": "member.age", "at_least": 18}]}]}, "/all/0/all/0"),
        ({"audience": "guests"}, {"birthday": {}}, ""),
        ({"audience": "anyone"}, {"birthday": {}}, None),
        ({"audience": "guests"}, {"history": {}, "orders": {"at_least": 1}}, ""),
        ({"audience": "guests"}, {"not": {"birthday": {}}}, None),
        ({"window": ADVENT}, {"fact": "time.date", "at_least": "2026-12-25"}, ""),
        ({"window": ADVENT}, {"fact": "time.date", "at_least": "2026-12-24"}, None),
        ({"window": {"starts_at": "2026-12-01"}}, {"fact": "time.date", "less_than": "2026-12-01"}, ""),
        ({"window": {"starts_at": "2026-12-01"}}, {"fact": "time.month", "is": 7}, None),
        ({"window": ADVENT}, {"fact": "time.month", "is": 7}, ""),
        ({"window": ADVENT}, {"fact": "time.day", "at_least": 25}, ""),
        ({"window": ADVENT}, {"fact": "time.weekday", "is": "sunday"}, None),
        ({"window": {"starts_at": "2026-12-24", "ends_at": "2026-12-26"}}, {"fact": "time.weekday", "is": "sunday"}, ""),
        ({"window": {"starts_at": "2026-12-24T18:00", "ends_at": "2026-12-24T20:00"}}, {"fact": "time.clock", "less_than": "18:00"}, ""),
        ({"window": {"starts_at": "2026-12-24T18:00", "ends_at": "2026-12-24T20:00"}}, {"fact": "time.clock", "at_least": "19:59"}, None),
        ({"window": {"starts_at": "2026-12-24T18:00", "ends_at": "2026-12-24T20:00"}}, {"fact": "time.clock", "at_least": "20:00"}, ""),
        ({"schedule": HAPPY}, {"fact": "time.weekday", "is": "monday"}, ""),
        ({"schedule": HAPPY}, {"fact": "time.clock", "at_least": "19:00"}, ""),
        ({"schedule": HAPPY}, {"fact": "time.clock", "at_least": "18:59"}, None),
        ({"schedule": [*HAPPY, {"weekdays": ["monday"]}]}, {"fact": "time.clock", "at_least": "19:00"}, None),
        ({"schedule": NIGHT}, {"fact": "time.weekday", "is": "saturday"}, None),
        ({"schedule": NIGHT}, {"fact": "time.weekday", "is": "sunday"}, ""),
        ({"schedule": NIGHT}, {"all": [{"fact": "time.weekday", "is": "saturday"}, {"fact": "time.clock", "at_least": "02:00"}]}, "/all/0"),
        ({"schedule": NIGHT}, {"all": [{"fact": "time.weekday", "is": "saturday"}, {"fact": "time.clock", "at_least": "01:59"}]}, None),
    ],
)  # fmt: skip
def test_conditions_that_contradict_the_other_terms(terms: Json, when: Json, place: str | None) -> None:
    expected = [] if place is None else alone("never_holds", f"/when{place}")
    assert lint(offer(percent("10%"), when=when, **terms)) == expected


def test_a_condition_that_contradicts_itself_is_told_once() -> None:
    never = {"all": [{"fact": "order.channel", "is": "a"}, {"fact": "order.channel", "is": "b"}]}
    assert lint(offer(percent("10%"), when=never, channels=["web"])) == alone("never_holds", "/when/all/1")


def test_guests_have_no_limit_of_their_own() -> None:
    assert lint(offer(amount(500), audience="guests", **ONCE)) == alone("nobody_gets_it", "/limits/0/per")
    assert lint(offer(amount(500), audience="anyone", **ONCE)) == []
    assert lint(offer(amount(500), audience="guests", **BUDGET)) == []


def test_guests_get_no_codes() -> None:
    assert lint(offer(VOUCHER, audience="guests")) == alone("nobody_gets_it", "/effect")
    assert lint(offer(VOUCHER, audience="anyone")) == []


@pytest.mark.parametrize(
    ("promotion", "warned"),
    [
        (offer({"kind": "gift", "sku": "s1", "of": TEA}, when=FIRST), alone("ignored", "/effect/of")),
        (offer({"kind": "gift", "sku": "s1", "of": TEA, "per_quantity": 1}, when=FIRST), []),
        (offer(points(5), floor="50%"), alone("ignored", "/floor")),
        (offer(DOUBLE, floor="50%"), alone("ignored", "/floor")),
        (offer(DOUBLE, **BUDGET), alone("ignored", "/limits/0/amount")),
        (offer({"kind": "shipping_off"}, floor="50%"), alone("ignored", "/floor")),
        (offer(points(5), at_most=50), alone("ignored", "/at_most")),
        (offer(VOUCHER, at_most=50), alone("ignored", "/at_most")),
        (offer(VOUCHER, floor="50%"), alone("ignored", "/floor")),
        (offer(VOUCHER, **BUDGET), alone("ignored", "/limits/0/amount")),
        (offer(VOUCHER, **ONCE), []),
        (offer(points(5), **BUDGET), alone("ignored", "/limits/0/amount")),
        (offer(points(5), **ONCE), []),
        (offer({"kind": "shipping_off"}, at_most=50), []),
    ],
)
def test_fields_that_say_nothing_about_the_effect(promotion: Json, warned: Found) -> None:
    assert lint(promotion) == warned


WEB: Final[Json] = {"fact": "order.channel", "is": "web"}
SALE: Final[Json] = offer(percent("10%"), window=ADVENT)
LOST: Final[Found] = [("/promotions/1", "never_first")]


@pytest.mark.parametrize(
    ("winner", "loser", "warned"),
    [
        (SALE, SALE, True),
        (SALE, {**SALE, "when": WEB}, True),
        ({**SALE, "when": WEB}, SALE, False),
        ({**SALE, "when": WEB}, {**SALE, "when": {"all": [FIRST, WEB]}}, True),
        ({**SALE, "when": total(at_least=5000)}, offer(percent("20%"), window=ADVENT, when=total(at_least=10_000)), True),
        ({**SALE, "when": total(at_least=5000)}, offer(percent("20%"), window=ADVENT, when=total(more_than=4999)), False),
        ({**SALE, "when": {"any": [FIRST, WEB]}}, {**SALE, "when": WEB}, True),
        ({**SALE, "limits": ONCE["limits"]}, SALE, False),
        ({**SALE, **CODE, **ONCE}, SALE, False),
        ({**SALE, "active": False}, SALE, False),
        (SALE, {**SALE, "active": False}, False),
        (SALE, {**SALE, **CODE, **ONCE}, True),
        (SALE, {**SALE, "window": {"starts_at": "2026-12-01", "ends_at": "2026-12-24"}}, True),
        (SALE, {**SALE, "window": {"starts_at": "2026-12-01", "ends_at": "2026-12-26"}}, False),
        (SALE, offer(percent("10%"), when=WEB), False),
        ({**SALE, "channels": ["web", "app"]}, {**SALE, "channels": ["app"]}, True),
        ({**SALE, "channels": ["app"]}, {**SALE, "channels": ["web", "app"]}, False),
        ({**SALE, "locations": ["a"]}, SALE, False),
        ({**SALE, "audience": "members"}, {**SALE, "audience": "members"}, True),
        ({**SALE, "audience": "members"}, SALE, False),
        ({**SALE, "schedule": HAPPY}, {**SALE, "schedule": HAPPY}, True),
        ({**SALE, "schedule": HAPPY}, {**SALE, "schedule": NIGHT}, False),
        ({**SALE, "effect": percent("10%", of=TEA)}, SALE, False),
        ({**SALE, "effect": percent("10%", of=TEA)}, {**SALE, "effect": percent("10%", of={**TEA, "brand": ["Acme"]})}, True),
        ({**SALE, "effect": percent("10%", of={**TEA, "except": {"sku": ["1"]}})}, {**SALE, "effect": percent("10%", of=TEA)}, False),
        ({**SALE, "effect": percent("10%", units={"every": 2})}, SALE, False),
        ({**SALE, "effect": {"kind": "shipping_off"}}, SALE, False),
        (SALE, {**SALE, "effect": {"kind": "shipping_off"}}, True),
        (SALE, {**SALE, "effect": points(5)}, True),
        ({**SALE, "effect": points(5)}, {**SALE, "audience": "members"}, True),
        ({**SALE, "effect": points(5)}, SALE, False),
        ({**SALE, "effect": DOUBLE}, {**SALE, "audience": "members"}, True),
        ({**SALE, "effect": VOUCHER}, {**SALE, "audience": "members"}, True),
        ({**SALE, "effect": VOUCHER}, SALE, False),
        ({**SALE, "effect": {**DOUBLE, "of": TEA}}, {**SALE, "audience": "members"}, False),
        ({**SALE, "effect": {"kind": "gift", "sku": "s1"}, "at_most": 5}, SALE, True),
        ({**SALE, "effect": {"kind": "gift", "sku": "s1", "per_amount": 5}}, SALE, False),
    ],
)  # fmt: skip
def test_the_second_never_comes_first(winner: Json, loser: Json, warned: bool) -> None:
    expected = LOST if warned else []
    group = {"key": "deals", "choose": "first"}
    assert lint(winner, loser, choose="first") == expected
    assert lint({**winner, **DEALS}, {**loser, **DEALS}, groups=(group,)) == expected
    assert lint({**winner, **DEALS}, {**loser, **DEALS}, groups=({**group, "choose": "all"},)) == []
    assert lint({**winner, **DEALS}, loser, groups=(group,)) == []


def test_a_higher_priority_goes_first_wherever_it_stands() -> None:
    assert lint(SALE, {**SALE, "priority": 1}, choose="first") == [("/promotions/0", "never_first")]


def test_groups_compete_with_each_other() -> None:
    groups = ({"key": "a", "choose": "best"}, {"key": "b", "choose": "all"})
    first, second = {**SALE, "group": "a"}, {**SALE, "group": "b"}
    assert lint(first, second, groups=groups, choose="first") == LOST
    assert lint(first, second, groups=groups) == []
    later = ({**groups[0], "priority": -1}, groups[1])
    assert lint(first, second, groups=later, choose="first") == [("/promotions/0", "never_first")]
    # a group stands where the earliest of its promotions stands, for the sake of which it may go first
    assert lint({**second, "when": WEB}, first, second, groups=groups, choose="first") == []
    assert lint({**second, "active": False}, first, second, groups=groups, choose="first") == []


@pytest.mark.parametrize(
    ("winner", "loser", "warned"),
    [
        (percent("10%"), percent("10%"), True),
        (percent("10%"), percent("5%"), True),
        (percent("10%"), percent("10.5%"), False),
        (percent("10%", of=TEA), percent("5%", of=TEA), True),
        (percent("10%", of=TEA), percent("5%"), False),
        (percent("10%"), percent("5%", of=TEA), True),
        (percent("10%"), percent("5%", units={"dearest": 1}), True),
        (percent("10%", units={"dearest": 2}), percent("5%", units={"dearest": 2}), True),
        (percent("10%", units={"dearest": 1}), percent("5%", units={"dearest": 2}), False),
        (amount(500), amount(400), True),
        (amount(500, each="unit"), amount(400), False),
        (amount(500), percent("1%"), False),
        ({"kind": "unit_price", "price": 100}, {"kind": "unit_price", "price": 150}, True),
        ({"kind": "unit_price", "price": 200, "of": TEA}, {"kind": "unit_price", "price": 150, "of": TEA}, False),
        ({"kind": "total_price", "price": 100}, {"kind": "total_price", "price": 150}, True),
        ({"kind": "total_price", "price": 100, "of": TEA}, {"kind": "total_price", "price": 150}, False),
        ({"kind": "shipping_off"}, {"kind": "shipping_off", "amount": 300}, True),
        ({"kind": "shipping_off"}, {"kind": "shipping_off", "percent": "50%"}, True),
        ({"kind": "shipping_off", "amount": 300}, {"kind": "shipping_off", "percent": "50%"}, False),
        ({"kind": "shipping_off", "amount": 300}, {"kind": "shipping_off", "amount": 200}, True),
        (percent("1%"), points(500), True),
        (percent("1%"), DOUBLE, True),
        (percent("1%", of=TEA), points(500), False),
        (points(500), points(100), False),
    ],
)
def test_the_second_never_saves_more(winner: Json, loser: Json, warned: bool) -> None:
    expected = [("/promotions/1", "never_best")] if warned else []
    group = {"key": "deals", "choose": "best"}
    best, other = offer(winner, when=WEB), offer(loser, when=WEB, **ONCE)
    assert lint(best, other, choose="best") == expected
    assert lint({**best, **DEALS}, {**other, **DEALS}, groups=(group,)) == expected
    assert lint({**best, "limits": ONCE["limits"]}, other, choose="best") == []
    assert lint(best, {**other, "when": FIRST}, choose="best") == []
    assert lint(best, other) == []


@pytest.mark.parametrize(
    ("more", "other", "warned"),
    [
        ({"at_most": 500}, {}, False),
        ({"at_most": 500}, {"at_most": 500}, True),
        ({"at_most": 500}, {"at_most": 501}, False),
        ({}, {"at_most": 500}, True),
        ({"floor": "10%"}, {}, False),
        ({}, {"floor": "10%"}, True),
        ({"rounding": "floor"}, {"rounding": "ceil"}, False),
        ({"rounding": "nearest"}, {}, True),
    ],
)
def test_what_a_promotion_may_take_counts_too(more: Json, other: Json, warned: bool) -> None:
    best, loser = offer(percent("10%"), when=WEB, **more), offer(percent("5%"), when=WEB, **other)
    assert lint(best, loser, choose="best") == ([("/promotions/1", "never_best")] if warned else [])


def test_of_two_that_save_the_same_the_second_is_told() -> None:
    both = offer(percent("10%"), when=WEB)
    assert lint(both, both, choose="best") == [("/promotions/1", "never_best")]
    assert lint(both, {**both, "priority": 1}, choose="best") == [("/promotions/0", "never_best")]
    # what is better goes on being told of, wherever it stands
    assert lint(offer(percent("5%"), when=WEB), both, choose="best") == [("/promotions/0", "never_best")]


def test_the_best_of_a_best_group_competes_above_it() -> None:
    best, other = offer(percent("10%"), when=WEB, group="a"), offer(percent("5%"), when=WEB, group="b")
    groups = ({"key": "a", "choose": "best"}, {"key": "b", "choose": "best"})
    assert lint(best, other, groups=groups, choose="best") == [("/promotions/1", "never_best")]
    stacked = ({"key": "a", "choose": "best"}, {"key": "b", "choose": "all"})
    assert lint(best, other, groups=stacked, choose="best") == []


def test_shares_of_the_list_price_are_compared_of_the_same_goods_only() -> None:
    best, other = offer(percent("10%"), when=WEB), offer(percent("5%", of=TEA), when=WEB)
    assert lint(best, other, choose="best", percent_of="rest") == [("/promotions/1", "never_best")]
    assert lint(best, other, choose="best", percent_of="list") == []


def test_a_warning_says_in_one_sentence_what_is_the_matter() -> None:
    document = {**SOUND, "promotion_groups": [], "policies": {"promotions": {"choose": "first"}}}
    document["promotions"] = [{"key": "a", **SALE}, {"key": "b", **SALE}]
    [fault] = faults_of(document)
    assert fault.message == "never gets its turn: /promotions/0 is open whenever this is, and goes first"


@pytest.mark.slow
@pytest.mark.parametrize("choose", ["first", "best"])
def test_five_thousand_rivals_are_compared_in_time(choose: str) -> None:
    rivals = [
        {"key": f"p{n}", "effect": percent("5%"), "when": {"fact": "order.channel", "is": f"c{n}"}}
        for n in range(5_000)
    ]
    document = {**SOUND, "promotions": rivals, "policies": {"promotions": {"choose": choose}}}
    started = process_time()
    assert found(document) == []
    sys.stdout.write(f"{choose}: checked in {process_time() - started:.1f} s\n")
