"""A sound program, and single mistakes in it: what is changed, where, and the fault that must be found."""

import copy
from datetime import datetime
from typing import Any, Final

from loyalty_engine.core.program.checks import check_program
from loyalty_engine.core.program.faults import Fault
from loyalty_engine.core.program.reading import parse_program

Json = dict[str, Any]

GONE: Final = object()
TOTAL: Final = {"fact": "order.total", "at_least": 2000}

CODE: Final = {"kind": "code", "pool": "welcome"}

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
    "activities": [
        {"key": "survey", "attributes": {"score": {"type": "integer"}, "shop": {"type": "text"}}},
        {"key": "club_paid", "once_per": "subject", "attributes": {"amount": {"type": "integer"}}},
    ],
    "earning_groups": [
        {"key": "offers", "choose": "best"},
        {"key": "boosts", "choose": "all", "group": "offers"},
    ],
    "earning_rules": [
        {"key": "base", "wallet": "points", "when": TOTAL, "earn": {"kind": "per_amount", "points": 1, "per": 100}},
        {"key": "back", "wallet": "cashback", "earn": {"kind": "percent", "rate": "2%", "of": {"sku": ["1"]}}},
        {
            "key": "survey",
            "wallet": "points",
            "activity": "survey",
            "earn": {"kind": "per_value", "attribute": "score", "points": 5},
        },
        {
            "key": "double",
            "wallet": "points",
            "earn": {"kind": "multiply", "factor": 2, "rules": ["thanks"]},
            "group": "boosts",
        },
        {"key": "thanks", "wallet": "points", "earn": {"kind": "fixed", "points": 3}},
    ],
    "promotion_groups": [
        {"key": "deals", "choose": "best"},
        {"key": "season", "choose": "all", "group": "deals"},
    ],
    "promotions": [
        {"key": "autumn", "when": TOTAL, "group": "deals", "effect": {"kind": "percent_off", "percent": "10%"}},
        {
            "key": "steps",
            "effect": {
                "kind": "stepped",
                "steps": [{"at_least": 5000, "percent": "10%"}, {"at_least": 9000, "amount": 2000}],
            },
        },
        {
            "key": "breakfast",
            "effect": {
                "kind": "bundle",
                "parts": [{"of": {"category": ["tea"]}}, {"of": {"sku": ["1"]}}],
                "price": 500,
            },
        },
        {
            "key": "third",
            "effect": {"kind": "buy_get", "buy": {"of": {"category": ["tea"]}, "quantity": 2}, "get": {}},
        },
        {"key": "sample", "effect": {"kind": "gift", "sku": "s1", "per_amount": 5000, "most": 3}, "at_most": 900},
        {"key": "thank", "effect": {"kind": "points", "wallet": "points", "points": 5}},
        {
            "key": "welcome",
            "when": {"fact": "member.orders", "is": 0},
            "effect": {"kind": "amount_off", "amount": 500},
            "limits": [{"per": "member", "times": 1}],
        },
        {"key": "tea", "when": TOTAL, "group": "season", "effect": {"kind": "percent_off", "percent": "5%"}},
        {"key": "cup", "when": TOTAL, "group": "season", "effect": {"kind": "unit_price", "price": 100}},
    ],
    "tier_sets": [
        {
            "key": "status",
            "metric": {"kind": "spend"},
            "window": {"kind": "calendar", "unit": "year"},
            "tiers": [
                {"key": "silver", "at_least": 20_000},
                {"key": "gold", "at_least": 50_000, "when": {"fact": "member.levels.status", "is": 1}},
            ],
            "lasts": {"kind": "window", "more": 1},
            "grace": {"days": 30},
        }
    ],
    "plans": [
        {
            "key": "club",
            "price": 4900,
            "term": {"months": 12},
            "grace": {"days": 14},
            "trial": {"days": 30},
            "privileges": {"entitlements": ["free_delivery"]},
            "refund": {"kind": "full", "within": {"days": 14}},
        },
        {"key": "plus", "price": 900, "term": {"months": 1}},
    ],
    "policies": {"earning": {"choose": "all"}},
    "referrals": [
        {
            "key": "friends",
            "link": "https://shop.example/r/{code}",
            "qualifies": {"kind": "order", "at_least": 3000, "within": {"days": 60}, "settles_after": {"days": 14}},
            "friend": {
                "enrolled_within": {"days": 30},
                "rewards": [{"kind": "points", "wallet": "points", "points": 300}],
            },
            "advocate": {
                "when": {"fact": "member.orders", "at_least": 1},
                "ladder": [
                    {"rewards": [{"kind": "points", "wallet": "points", "points": 500}]},
                    {"from_friends": 5, "rewards": [{"kind": "code", "pool": "vip"}]},
                ],
                "limits": [{"friends": 10, "period": "month"}],
            },
            "guards": {"with_advocate": {"address": "allow"}, "per_day": 5},
        },
        {"key": "profile", "qualifies": {"kind": "activity", "activity": "survey"}, "friend": {"rewards": [CODE]}},
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
    now = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - the wall clock of the program
    return check_program(program, time_zones=frozenset({"Europe/Berlin"}), currencies={"EUR": 2}, now=now)


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
    ("/wallets/0/expiry", {"kind": "after", "length": {"days": 0}}, "/wallets/0/expiry/length/days", "out_of_range"),
    ("/wallets/1/activation", {"kind": "after", "length": {"days": 0}}, "/wallets/1/activation/length/days", "out_of_range"),
    ("/earning_rules/0/activation", {"kind": "after", "length": {}}, "/earning_rules/0/activation/length", "not_exactly_one"),
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
    (WHEN, nested(TOTAL, 200), WHEN + "/all/0" * 18 + "/all", "too_deep"),
    (WHEN, nested(TOTAL, 10), WHEN + "/all/0" * 10, "too_deep"),
    (WHEN, {"any": [TOTAL] * 200}, WHEN, "too_many_nodes"),
    (WHEN, {"all": [TOTAL, {"fact": "order.total", "less_than": 2000}]}, f"{WHEN}/all/1", "never_holds"),
]  # fmt: skip
