"""Single mistakes in tier sets: as in ``mistakes``."""

from typing import Any, Final

from tests.core.program.mistakes import GONE, SOUND

STATUS: Final = "/tier_sets/0"
TIER: Final = f"{STATUS}/tiers/0"
GIVES: Final = f"{TIER}/privileges"
SILVER: Final = SOUND["tier_sets"][0]["tiers"][0]
MANY: Final = [{"key": f"t{n}", "at_least": n} for n in range(21)]


def tiers(*thresholds: int) -> list[dict[str, Any]]:
    return [{"key": f"t{n}", "at_least": least} for n, least in enumerate(thresholds)]


def gives(**privileges: object) -> dict[str, Any]:
    return {**SILVER, "privileges": privileges}


def counts(metric: dict[str, Any], window: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**SOUND["tier_sets"][0], "metric": metric, **({} if window is None else {"window": window})}


SURVEYS: Final = {"kind": "activities", "activity": "survey"}

TIERS: Final[list[tuple[str, object, str, str]]] = [
    (f"{STATUS}/metric", GONE, f"{STATUS}/metric", "required"),
    (f"{STATUS}/metric/kind", "visits", f"{STATUS}/metric/kind", "unknown_choice"),
    (f"{STATUS}/window/kind", "weekly", f"{STATUS}/window/kind", "unknown_choice"),
    (f"{STATUS}/downgrade", "two_levels", f"{STATUS}/downgrade", "unknown_choice"),
    (f"{STATUS}/lasts/more", 11, f"{STATUS}/lasts/more", "out_of_range"),
    (f"{STATUS}/window", {"kind": "rolling", "length": {"days": 0}}, f"{STATUS}/window/length/days", "out_of_range"),
    (f"{STATUS}/metric", {"kind": "points_earned"}, f"{STATUS}/metric/wallet", "required"),
    (f"{STATUS}/grace", {"days": 1, "weeks": 1}, f"{STATUS}/grace", "not_exactly_one"),
    (f"{STATUS}/tiers", [], f"{STATUS}/tiers", "too_short"),
    (f"{STATUS}/tiers", MANY, f"{STATUS}/tiers", "too_long"),
    (f"{TIER}/key", "Silver", f"{TIER}/key", "malformed"),
    (f"{TIER}/at_least", -1, f"{TIER}/at_least", "out_of_range"),
    (f"{TIER}/at_least", 1.5, f"{TIER}/at_least", "wrong_type"),
    (f"{TIER}/price", 5, f"{TIER}/price", "unknown_field"),
    (TIER, gives(discount={"percent": "101%"}), f"{GIVES}/discount/percent", "out_of_range"),
    (TIER, gives(multipliers=[{"wallet": "points", "factor": 1}]), f"{GIVES}/multipliers/0/factor", "out_of_range"),
    ("/tier_sets", [SOUND["tier_sets"][0]] * 2, "/tier_sets/1/key", "duplicate_key"),
    (f"{STATUS}/metric", {"kind": "points_earned", "wallet": "gold"}, f"{STATUS}/metric/wallet", "unknown_wallet"),
    (f"{STATUS}/tiers", [*tiers(1, 2), {"key": "t0"}], f"{STATUS}/tiers/2/key", "duplicate_key"),
    (f"{STATUS}/tiers", tiers(5, 5), f"{STATUS}/tiers/1/at_least", "out_of_range"),
    (f"{STATUS}/tiers", tiers(5, 4), f"{STATUS}/tiers/1/at_least", "out_of_range"),
    (f"{STATUS}/tiers", [*tiers(5), {"key": "by_hand"}, {"key": "low", "at_least": 5}], f"{STATUS}/tiers/2/at_least", "out_of_range"),
    (f"{STATUS}/tiers", [{"key": "by_hand"}], f"{STATUS}/tiers", "nobody_gets_it"),
    (f"{STATUS}/tiers", [*tiers(5), {"key": "gap"}, {"key": "top", "at_least": 9}], f"{STATUS}/tiers/1", "nobody_gets_it"),
    (f"{TIER}/when", {"fact": "order.totl", "is": 1}, f"{TIER}/when/fact", "unknown_fact"),
    (f"{TIER}/when", {"fact": "member.tiers.status", "is": "pink"}, f"{TIER}/when/is", "unknown_option"),
    (TIER, gives(multipliers=[{"wallet": "gold", "factor": 2}]), f"{GIVES}/multipliers/0/wallet", "unknown_wallet"),
    (TIER, gives(multipliers=[{"wallet": "points", "factor": 2}] * 2), f"{GIVES}/multipliers/1/wallet", "duplicate_key"),
    (TIER, gives(discount={"percent": "5%", "group": "gone"}), f"{GIVES}/discount/group", "unknown_group"),
    (TIER, gives(discount={"percent": "5%", "of": {"attributes": {"size": 1}}}), f"{GIVES}/discount/of/attributes/size", "undeclared_attribute"),
    (TIER, gives(entitlements=["lounge", "lounge"]), f"{GIVES}/entitlements/1", "duplicate_key"),
    (f"{STATUS}/window", {"kind": "lifetime"}, f"{STATUS}/lasts/kind", "no_end"),
    (f"{STATUS}/window", {"kind": "rolling", "length": {"months": 12}}, f"{STATUS}/lasts/kind", "no_end"),
    (f"{STATUS}/lasts", {"kind": "forever"}, f"{STATUS}/grace", "ignored"),
    ("/earning_rules/0/when", {"fact": "member.tiers.stars", "exists": True}, "/earning_rules/0/when/fact", "unknown_fact"),
    ("/earning_rules/0/when", {"fact": "member.tiers.status", "is": "pink"}, "/earning_rules/0/when/is", "unknown_option"),
    ("/earning_rules/0/when", {"fact": "member.levels.status", "at_least": 3}, "/earning_rules/0/when/at_least", "out_of_range"),
    ("/earning_rules/2/when", {"fact": "member.tiers.status", "is": "pink"}, "/earning_rules/2/when/is", "unknown_option"),
    ("/promotions/0/when", {"fact": "member.tiers.status", "at_least": "gold"}, "/promotions/0/when/at_least", "operator_not_allowed"),
    (f"{STATUS}/metric", {"kind": "activities"}, f"{STATUS}/metric/activity", "required"),
    (f"{STATUS}/metric", {"kind": "activities", "activity": "gone"}, f"{STATUS}/metric/activity", "unknown_activity"),
    (f"{STATUS}/metric", {**SURVEYS, "sum_of": "stars"}, f"{STATUS}/metric/sum_of", "undeclared_attribute"),
    (f"{STATUS}/metric", {**SURVEYS, "sum_of": "shop"}, f"{STATUS}/metric/sum_of", "wrong_type"),
    (STATUS, counts(SURVEYS, {"kind": "membership_year"}), f"{STATUS}/window/kind", "uncountable"),
    (f"{STATUS}/metric", {"kind": "quantity", "of": {"attributes": {"size": 1}}}, f"{STATUS}/metric/of/attributes/size", "undeclared_attribute"),
]  # fmt: skip
