"""Single mistakes in promotions and their groups: as in ``mistakes``."""

from typing import Any, Final

from tests.core.program.mistakes import GONE, SOUND, TOTAL

AUTUMN: Final = "/promotions/0"
EFFECT: Final = f"{AUTUMN}/effect"
STEPS: Final = "/promotions/1/effect/steps"
PARTS: Final = "/promotions/2/effect/parts"
LIMITS: Final = "/promotions/6/limits"
SIZE: Final = {"attributes": {"size": 1}}
ONCE: Final = [{"per": "member", "times": 1}]


def autumn(**more: object) -> dict[str, Any]:
    return {**SOUND["promotions"][0], **more}


def effect(kind: str, **more: object) -> dict[str, Any]:
    return {"kind": kind, **more}


EFFECTS: Final[list[tuple[str, object, str, str]]] = [
    (EFFECT, GONE, EFFECT, "required"),
    (EFFECT, {}, f"{EFFECT}/kind", "required"),
    (EFFECT, effect("magic"), f"{EFFECT}/kind", "unknown_choice"),
    (EFFECT, [], EFFECT, "wrong_type"),
    (EFFECT, effect("percent_off", percent="15"), f"{EFFECT}/percent", "malformed"),
    (EFFECT, effect("percent_off", percent="100.1%"), f"{EFFECT}/percent", "out_of_range"),
    (EFFECT, effect("percent_off", percent="0%"), f"{EFFECT}/percent", "out_of_range"),
    (EFFECT, effect("percent_off", percent=15), f"{EFFECT}/percent", "wrong_type"),
    (EFFECT, effect("percent_off", percent="5%", amount=5), f"{EFFECT}/amount", "unknown_field"),
    (EFFECT, effect("percent_off", percent="5%", of={"colour": ["red"]}), f"{EFFECT}/of/colour", "unknown_field"),
    (EFFECT, effect("percent_off", percent="5%", of=SIZE), f"{EFFECT}/of/attributes/size", "undeclared_attribute"),
    (EFFECT, effect("percent_off", percent="5%", of={"except": {}}), f"{EFFECT}/of/except", "never_holds"),
    (EFFECT, effect("percent_off", percent="5%", units={}), f"{EFFECT}/units", "not_exactly_one"),
    (EFFECT, effect("percent_off", percent="5%", units={"cheapest": 1, "every": 2}), f"{EFFECT}/units", "not_exactly_one"),
    (EFFECT, effect("percent_off", percent="5%", units={"dearest": 0}), f"{EFFECT}/units/dearest", "out_of_range"),
    (EFFECT, effect("percent_off", percent="5%", units={"every": 1}), f"{EFFECT}/units/every", "out_of_range"),
    (EFFECT, effect("amount_off", amount=0), f"{EFFECT}/amount", "out_of_range"),
    (EFFECT, effect("amount_off", amount=1.5), f"{EFFECT}/amount", "wrong_type"),
    (EFFECT, effect("amount_off", amount=True), f"{EFFECT}/amount", "wrong_type"),
    (EFFECT, effect("amount_off", amount=10**12 + 1), f"{EFFECT}/amount", "out_of_range"),
    (EFFECT, effect("amount_off", amount=5, each="cart"), f"{EFFECT}/each", "unknown_choice"),
    (EFFECT, effect("unit_price", price=-1), f"{EFFECT}/price", "out_of_range"),
    (EFFECT, effect("unit_price"), f"{EFFECT}/price", "required"),
    (EFFECT, effect("total_price", price="99.00"), f"{EFFECT}/price", "wrong_type"),
    (EFFECT, effect("total_price", price=5, of=SIZE), f"{EFFECT}/of/attributes/size", "undeclared_attribute"),
    (EFFECT, effect("shipping_off", percent="50%", amount=5), EFFECT, "not_exactly_one"),
    (EFFECT, effect("issue_code"), f"{EFFECT}/pool", "required"),
    (EFFECT, effect("issue_code", pool="Next Time"), f"{EFFECT}/pool", "malformed"),
    (EFFECT, effect("issue_code", pool="next", of={}), f"{EFFECT}/of", "unknown_field"),
    (EFFECT, effect("shipping_off", of={}), f"{EFFECT}/of", "unknown_field"),
    (STEPS, [], STEPS, "too_short"),
    (STEPS, [{"at_least": 5000 + n, "percent": "5%"} for n in range(51)], STEPS, "too_long"),
    (STEPS, [{"percent": "5%"}], f"{STEPS}/0/at_least", "required"),
    (STEPS, [{"at_least": 0, "percent": "5%"}], f"{STEPS}/0/at_least", "out_of_range"),
    (STEPS, [{"at_least": 5000}], f"{STEPS}/0", "not_exactly_one"),
    (STEPS, [{"at_least": 5000, "percent": "5%", "amount": 5}], f"{STEPS}/0", "not_exactly_one"),
    (f"{STEPS}/1/at_least", 5000, f"{STEPS}/1/at_least", "out_of_range"),
    (f"{STEPS}/1/at_least", 4999, f"{STEPS}/1/at_least", "out_of_range"),
    ("/promotions/1/effect/of", SIZE, "/promotions/1/effect/of/attributes/size", "undeclared_attribute"),
    (PARTS, [], PARTS, "too_short"),
    (PARTS, [{}] * 21, PARTS, "too_long"),
    (f"{PARTS}/1/quantity", 0, f"{PARTS}/1/quantity", "out_of_range"),
    (f"{PARTS}/1/quantity", 1_000_001, f"{PARTS}/1/quantity", "out_of_range"),
    (f"{PARTS}/1/of", SIZE, f"{PARTS}/1/of/attributes/size", "undeclared_attribute"),
    (f"{PARTS}/0/of", {"attributes": {"department": 1}}, f"{PARTS}/0/of/attributes/department", "wrong_type"),
    ("/promotions/2/effect/price", GONE, "/promotions/2/effect", "not_exactly_one"),
    ("/promotions/2/effect/percent", "5%", "/promotions/2/effect", "not_exactly_one"),
    ("/promotions/2/effect/repeat", 0, "/promotions/2/effect/repeat", "out_of_range"),
    ("/promotions/3/effect/buy", GONE, "/promotions/3/effect/buy", "required"),
    ("/promotions/3/effect/buy/quantity", 0, "/promotions/3/effect/buy/quantity", "out_of_range"),
    ("/promotions/3/effect/buy/of", SIZE, "/promotions/3/effect/buy/of/attributes/size", "undeclared_attribute"),
    ("/promotions/3/effect/get/of", SIZE, "/promotions/3/effect/get/of/attributes/size", "undeclared_attribute"),
    ("/promotions/3/effect/percent", "101%", "/promotions/3/effect/percent", "out_of_range"),
    ("/promotions/4/effect/sku", GONE, "/promotions/4/effect/sku", "required"),
    ("/promotions/4/effect/sku", "", "/promotions/4/effect/sku", "too_short"),
    ("/promotions/4/effect/quantity", 0, "/promotions/4/effect/quantity", "out_of_range"),
    ("/promotions/4/effect/most", 0, "/promotions/4/effect/most", "out_of_range"),
    ("/promotions/4/effect/per_amount", 0, "/promotions/4/effect/per_amount", "out_of_range"),
    ("/promotions/4/effect/per_quantity", "0.0", "/promotions/4/effect/per_quantity", "out_of_range"),
    ("/promotions/4/effect/per_quantity", "1kg", "/promotions/4/effect/per_quantity", "malformed"),
    ("/promotions/4/effect/of", SIZE, "/promotions/4/effect/of/attributes/size", "undeclared_attribute"),
    ("/promotions/5/effect/wallet", "stamps", "/promotions/5/effect/wallet", "unknown_wallet"),
    (EFFECT, effect("points_times", wallet="points"), f"{EFFECT}/factor", "required"),
    (EFFECT, effect("points_times", wallet="points", factor=1), f"{EFFECT}/factor", "out_of_range"),
    (EFFECT, effect("points_times", wallet="points", factor="100.000001"), f"{EFFECT}/factor", "out_of_range"),
    (EFFECT, effect("points_times", wallet="points", factor="double"), f"{EFFECT}/factor", "malformed"),
    (EFFECT, effect("points_times", wallet="points", factor=1.5), f"{EFFECT}/factor", "wrong_type"),
    (EFFECT, effect("points_times", wallet="gold", factor=2), f"{EFFECT}/wallet", "unknown_wallet"),
    (EFFECT, effect("points_times", wallet="points", factor=2, of=SIZE), f"{EFFECT}/of/attributes/size", "undeclared_attribute"),
    ("/promotions/5/effect/points", 0, "/promotions/5/effect/points", "out_of_range"),
]  # fmt: skip

TERMS: Final[list[tuple[str, object, str, str]]] = [
    (f"{AUTUMN}/key", GONE, f"{AUTUMN}/key", "required"),
    (f"{AUTUMN}/key", "Autumn", f"{AUTUMN}/key", "malformed"),
    (f"{AUTUMN}/name", "", f"{AUTUMN}/name", "too_short"),
    (f"{AUTUMN}/stackable", True, f"{AUTUMN}/stackable", "unknown_field"),
    (f"{AUTUMN}/active", 1, f"{AUTUMN}/active", "wrong_type"),
    (f"{AUTUMN}/opened_by", "coupon", f"{AUTUMN}/opened_by", "unknown_choice"),
    (f"{AUTUMN}/audience", "everybody", f"{AUTUMN}/audience", "unknown_choice"),
    (f"{AUTUMN}/channels", [], f"{AUTUMN}/channels", "too_short"),
    (f"{AUTUMN}/channels", ["web"] * 5_001, f"{AUTUMN}/channels", "too_long"),
    (f"{AUTUMN}/locations", "berlin-1", f"{AUTUMN}/locations", "wrong_type"),
    (f"{AUTUMN}/at_most", 0, f"{AUTUMN}/at_most", "out_of_range"),
    (f"{AUTUMN}/floor", "0%", f"{AUTUMN}/floor", "out_of_range"),
    (f"{AUTUMN}/rounding", "up", f"{AUTUMN}/rounding", "unknown_choice"),
    (f"{AUTUMN}/priority", -1001, f"{AUTUMN}/priority", "out_of_range"),
    (f"{AUTUMN}/metadata", ["x"], f"{AUTUMN}/metadata", "wrong_type"),
    (f"{AUTUMN}/metadata", {"Banner": "x"}, f"{AUTUMN}/metadata/Banner", "malformed"),
    (f"{AUTUMN}/metadata", {"banner": 1}, f"{AUTUMN}/metadata/banner", "wrong_type"),
    (f"{AUTUMN}/metadata", {"banner": "x" * 1_001}, f"{AUTUMN}/metadata/banner", "too_long"),
    (f"{AUTUMN}/metadata", {f"k{n}": "x" for n in range(51)}, f"{AUTUMN}/metadata", "too_long"),
    (f"{AUTUMN}/when", {"fact": "order.totl", "is": 1}, f"{AUTUMN}/when/fact", "unknown_fact"),
    (f"{AUTUMN}/when", {"fact": "activity.subject", "exists": True}, f"{AUTUMN}/when/fact", "fact_not_available"),
    (f"{AUTUMN}/when", {"any": [TOTAL, {"fact": "order.paid_with_points", "is": 0}]}, f"{AUTUMN}/when/any/1/fact", "fact_not_available"),
    (f"{AUTUMN}/when", {"fact": "member.balances.gold", "at_least": 1}, f"{AUTUMN}/when/fact", "unknown_wallet"),
    (f"{AUTUMN}/when", {"fact": "order.attributes.size", "is": 1}, f"{AUTUMN}/when/fact", "undeclared_attribute"),
    (f"{AUTUMN}/when", {"fact": "order.total", "is": "1"}, f"{AUTUMN}/when/is", "wrong_type"),
    (f"{AUTUMN}/when", {"lines": SIZE, "count": {"is": 1}}, f"{AUTUMN}/when/lines/attributes/size", "undeclared_attribute"),
    (f"{AUTUMN}/when", {"any": [TOTAL] * 200}, f"{AUTUMN}/when", "too_many_nodes"),
    (f"{AUTUMN}/when", {"all": [TOTAL, {"fact": "order.total", "at_most": 1999}]}, f"{AUTUMN}/when/all/1", "never_holds"),
    (f"{AUTUMN}/window", {}, f"{AUTUMN}/window", "required"),
    (f"{AUTUMN}/window", {"starts_at": "2026-12-24", "ends_at": "2026-12-24"}, f"{AUTUMN}/window", "empty_window"),
    (f"{AUTUMN}/window", {"ends_at": "2026-06-01"}, f"{AUTUMN}/window/ends_at", "window_passed"),
    (f"{AUTUMN}/schedule", [], f"{AUTUMN}/schedule", "too_short"),
    (f"{AUTUMN}/schedule", [{}] * 51, f"{AUTUMN}/schedule", "too_long"),
    (AUTUMN, autumn(window={"starts_at": "2026-12-24", "ends_at": "2026-12-25"}, schedule=[{"weekdays": ["friday"]}]), f"{AUTUMN}/schedule", "never_open"),
    (LIMITS, [{"times": 1}], f"{LIMITS}/0/per", "required"),
    (LIMITS, [{"per": "order", "times": 1}], f"{LIMITS}/0/per", "unknown_choice"),
    (LIMITS, [{"per": "member"}], f"{LIMITS}/0", "not_exactly_one"),
    (LIMITS, [{"per": "member", "times": 1, "amount": 1}], f"{LIMITS}/0", "not_exactly_one"),
    (LIMITS, [{"per": "member", "times": 1, "partial": True}], f"{LIMITS}/0", "out_of_range"),
    (LIMITS, [{"per": "program", "amount": 0}], f"{LIMITS}/0/amount", "out_of_range"),
    (LIMITS, [{"per": "location", "times": 1, "period": "hour"}], f"{LIMITS}/0/period", "unknown_choice"),
    (LIMITS, ONCE * 11, LIMITS, "too_long"),
    ("/promotions/6", {"key": "welcome", "effect": effect("amount_off", amount=500)}, "/promotions/6/effect", "unbounded"),
    ("/promotions/6", {"key": "welcome", "effect": effect("unit_price", price=1)}, "/promotions/6/effect", "unbounded"),
]  # fmt: skip

COMPETING: Final[list[tuple[str, object, str, str]]] = [
    ("/promotions", {}, "/promotions", "wrong_type"),
    ("/promotions/1/key", "autumn", "/promotions/1/key", "duplicate_key"),
    ("/promotions", [SOUND["promotions"][0]] * 5_001, "/promotions", "too_long"),
    ("/promotions", [autumn(key=f"p{n}", limits=ONCE) for n in range(203)], "/promotions/200/limits", "too_many_limits"),
    (f"{AUTUMN}/group", "deal", f"{AUTUMN}/group", "unknown_group"),
    (f"{AUTUMN}/group", "offers", f"{AUTUMN}/group", "unknown_group"),
    ("/promotion_groups", [*SOUND["promotion_groups"], SOUND["promotion_groups"][0]], "/promotion_groups/2/key", "duplicate_key"),
    ("/promotion_groups", [{"key": f"g{n}", "choose": "all"} for n in range(201)], "/promotion_groups", "too_long"),
    ("/promotion_groups/1/choose", "worst", "/promotion_groups/1/choose", "unknown_choice"),
    ("/promotion_groups/1/group", "deal", "/promotion_groups/1/group", "unknown_group"),
    ("/promotion_groups/1/group", "season", "/promotion_groups/1/group", "cyclic_groups"),
    ("/promotion_groups/1/priority", 1001, "/promotion_groups/1/priority", "out_of_range"),
    ("/promotion_groups/1/limit", 1, "/promotion_groups/1/limit", "unknown_field"),
    ("/policies/promotions", {"choose": "some"}, "/policies/promotions/choose", "unknown_choice"),
    ("/policies/promotions", {"percent_of": "total"}, "/policies/promotions/percent_of", "unknown_choice"),
    ("/policies/promotions", {"stacking": "all"}, "/policies/promotions/stacking", "unknown_field"),
]  # fmt: skip

WELCOME: Final = SOUND["promotions"][6]

LINTS: Final[list[tuple[str, object, str, str]]] = [
    ("/promotions/6/effect", effect("percent_off", percent="100%"), "/promotions/6/effect", "free_of_charge"),
    ("/promotions/6/when", {"fact": "order.total", "at_least": 500}, "/promotions/6/effect/amount", "whole_cart"),
    (f"{STEPS}/1/amount", 400, f"{STEPS}/1", "less_for_more"),
    ("/promotions/6", {"key": "all", "effect": effect("percent_off", percent="5%")}, "/promotions/6", "no_limit"),
    ("/promotions/5/at_most", 5, "/promotions/5/at_most", "ignored"),
    ("/promotions/6", {**WELCOME, "audience": "guests", "when": TOTAL}, f"{LIMITS}/0/per", "nobody_gets_it"),
    ("/promotions/1", autumn(key="late", limits=ONCE), "/promotions/1", "never_best"),
    ("/promotion_groups/1/choose", "first", "/promotions/8", "never_first"),
]
"""What is only warned of; ``test_promotion_lints`` tells each from what looks like it."""

PROMOTIONS: Final = [*EFFECTS, *TERMS, *COMPETING, *LINTS]
