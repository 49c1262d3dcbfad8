"""Single mistakes in earning rules, their groups and the activities: as in ``mistakes``."""

from typing import Any, Final

from tests.core.program.mistakes import SOUND, WHEN

FIXED: Final = {"kind": "fixed", "points": 1}
WINDOW: Final = "/earning_rules/0/window"
SCHEDULE: Final = "/earning_rules/0/schedule"
LIMITS: Final = "/earning_rules/0/limits"


def history(window: object, **more: object) -> dict[str, Any]:
    return {"history": window, **more}


CONDITIONS: Final[list[tuple[str, object, str, str]]] = [
    (WHEN, history({"days": 7}), WHEN, "not_exactly_one"),
    (WHEN, history({}, orders={"is": 1}, spend={"is": 1}), WHEN, "not_exactly_one"),
    (WHEN, history({"days": 7, "calendar": "week"}, orders={"is": 1}), f"{WHEN}/history", "not_exactly_one"),
    (WHEN, history({"days": 0}, orders={"is": 1}), f"{WHEN}/history/days", "out_of_range"),
    (WHEN, history({"days": 3661}, orders={"is": 1}), f"{WHEN}/history/days", "out_of_range"),
    (WHEN, history({"calendar": "decade"}, orders={"is": 1}), f"{WHEN}/history/calendar", "unknown_choice"),
    (WHEN, history({}, orders={"is": "1.5"}), f"{WHEN}/orders/is", "wrong_type"),
    (WHEN, history({}, orders={"is": 1}, lines={"attributes": {"size": 1}}), f"{WHEN}/lines/attributes/size", "undeclared_attribute"),
    (WHEN, history({}, orders={"is": 1}, lines={"except": {}}), f"{WHEN}/lines/except", "never_holds"),
    (WHEN, {"birthday": {"calendar": "week", "days_after": 1}}, f"{WHEN}/birthday", "not_exactly_one"),
    (WHEN, {"birthday": {"days_before": 61}}, f"{WHEN}/birthday/days_before", "out_of_range"),
    (WHEN, {"birthday": {"calendar": "year"}}, f"{WHEN}/birthday/calendar", "unknown_choice"),
    (WHEN, {"lines": {}, "sum": {"attribute": "weight", "at_least": 1}}, f"{WHEN}/sum/attribute", "undeclared_attribute"),
    (WHEN, {"lines": {}, "sum": {"attribute": "department", "at_least": 1}}, f"{WHEN}/sum/attribute", "wrong_type"),
    (WHEN, {"lines": {}, "sum": {"at_least": 1}}, f"{WHEN}/sum/attribute", "required"),
    (WHEN, {"lines": {}, "sum": {"attribute": "weight"}}, f"{WHEN}/sum", "not_exactly_one"),
    (WHEN, {"lines": {"except": {"attributes": {"own_cup": 1}}}, "count": {"is": 0}}, f"{WHEN}/lines/except/attributes/own_cup", "wrong_type"),
    (WHEN, {"lines": {"except": {"except": {}}}, "count": {"is": 0}}, f"{WHEN}/lines/except/except", "unknown_field"),
    (WHEN, {"fact": "time.clock", "at_least": "24:00"}, f"{WHEN}/at_least", "wrong_type"),
    (WHEN, {"fact": "time.clock", "at_least": "9:30"}, f"{WHEN}/at_least", "wrong_type"),
    (WHEN, {"fact": "time.date", "is": "2026-02-29"}, f"{WHEN}/is", "wrong_type"),
    (WHEN, {"fact": "time.month", "in": [12, 13]}, f"{WHEN}/in/1", "out_of_range"),
    (WHEN, {"fact": "time.day", "at_least": 0}, f"{WHEN}/at_least", "out_of_range"),
    (WHEN, {"fact": "time.weekday", "in": ["sunday", "Monday"]}, f"{WHEN}/in/1", "unknown_option"),
    (WHEN, {"fact": "order.tenders", "is": "card"}, f"{WHEN}/is", "operator_not_allowed"),
    (WHEN, {"fact": "order.tenders", "exists": True}, f"{WHEN}/exists", "operator_not_allowed"),
    (WHEN, {"fact": "order.tenders", "includes": ["card", 1]}, f"{WHEN}/includes/1", "wrong_type"),
    (WHEN, {"fact": "order.channel", "includes": "web"}, f"{WHEN}/includes", "operator_not_allowed"),
    (WHEN, {"fact": "member.balances.gold", "at_least": 1}, f"{WHEN}/fact", "unknown_wallet"),
    (WHEN, {"fact": "activity.subject", "exists": True}, f"{WHEN}/fact", "fact_not_available"),
    (WHEN, {"fact": "activity.attributes.score", "is": 1}, f"{WHEN}/fact", "fact_not_available"),
    ("/earning_rules/2/when", {"fact": "order.total", "is": 1}, "/earning_rules/2/when/fact", "fact_not_available"),
    ("/earning_rules/2/when", {"fact": "order.attributes.weight", "is": 1}, "/earning_rules/2/when/fact", "fact_not_available"),
    ("/earning_rules/2/when", {"lines": {}, "count": {"is": 1}}, "/earning_rules/2/when/lines", "fact_not_available"),
    ("/earning_rules/2/when", {"fact": "activity.attributes.size", "is": 1}, "/earning_rules/2/when/fact", "undeclared_attribute"),
    ("/earning_rules/2/when", {"all": [{"fact": "activity.attributes.score", "is": 1}] * 2 + [{"fact": "activity.attributes.score", "is": 2}]}, "/earning_rules/2/when/all/2", "never_holds"),
]  # fmt: skip

EARN: Final[list[tuple[str, object, str, str]]] = [
    ("/earning_rules/0/earn", {"kind": "per_unit", "points": 1, "per": "0.0"}, "/earning_rules/0/earn/per", "out_of_range"),
    ("/earning_rules/0/earn", {"kind": "per_unit", "points": 1, "per": 1.5}, "/earning_rules/0/earn/per", "wrong_type"),
    ("/earning_rules/0/earn", {"kind": "per_line", "points": 0}, "/earning_rules/0/earn/points", "out_of_range"),
    ("/earning_rules/0/earn", {"kind": "per_line", "points": 1, "full_units": True}, "/earning_rules/0/earn/full_units", "unknown_field"),
    ("/earning_rules/0/earn", {"kind": "per_value", "points": 1, "attribute": "score"}, "/earning_rules/0/earn/attribute", "undeclared_attribute"),
    ("/earning_rules/2/earn/attribute", "weight", "/earning_rules/2/earn/attribute", "undeclared_attribute"),
    ("/earning_rules/2/earn/attribute", "shop", "/earning_rules/2/earn/attribute", "wrong_type"),
    ("/earning_rules/1/earn/of", {"except": {}}, "/earning_rules/1/earn/of/except", "never_holds"),
    ("/earning_rules/1/earn/of", {"except": {"attributes": {"size": 1}}}, "/earning_rules/1/earn/of/except/attributes/size", "undeclared_attribute"),
    ("/earning_rules/1/activity", "survey", "/earning_rules/1/earn/kind", "order_required"),
    ("/earning_rules/2/earn", {"kind": "per_line", "points": 1}, "/earning_rules/2/earn/kind", "order_required"),
    ("/earning_rules/2/earn", {"kind": "multiply", "factor": 2, "of": {"sku": ["1"]}}, "/earning_rules/2/earn/kind", "order_required"),
    ("/earning_rules/3/earn/factor", 1, "/earning_rules/3/earn/factor", "out_of_range"),
    ("/earning_rules/3/earn/factor", "100.000001", "/earning_rules/3/earn/factor", "out_of_range"),
    ("/earning_rules/3/earn/factor", "double", "/earning_rules/3/earn/factor", "malformed"),
    ("/earning_rules/3/earn/factor", 1.5, "/earning_rules/3/earn/factor", "wrong_type"),
    ("/earning_rules/3/earn/rules", [], "/earning_rules/3/earn/rules", "too_short"),
    ("/earning_rules/3/earn/rules", ["base", "bass"], "/earning_rules/3/earn/rules/1", "unknown_rule"),
    ("/earning_rules/3/earn/rules", ["base", "double"], "/earning_rules/3/earn/rules/1", "never_holds"),
    ("/earning_rules/3/earn/rules", ["back"], "/earning_rules/3/earn/rules/0", "never_holds"),
    ("/earning_rules/3/earn/rules", ["survey"], "/earning_rules/3/earn/rules/0", "never_holds"),
]  # fmt: skip

TIMES: Final[list[tuple[str, object, str, str]]] = [
    (WINDOW, {}, WINDOW, "required"),
    (WINDOW, {"starts_at": "2026-12-1"}, f"{WINDOW}/starts_at", "malformed"),
    (WINDOW, {"starts_at": "2026-12-01T09:30:00Z"}, f"{WINDOW}/starts_at", "malformed"),
    (WINDOW, {"ends_at": "2026-12-24T24:00"}, f"{WINDOW}/ends_at", "malformed"),
    (WINDOW, {"ends_at": "2026-02-29"}, f"{WINDOW}/ends_at", "out_of_range"),
    (WINDOW, {"ends_at": "9999-01-01"}, f"{WINDOW}/ends_at", "out_of_range"),
    (WINDOW, {"starts_at": "2026-12-24", "ends_at": "2026-12-24"}, WINDOW, "empty_window"),
    (WINDOW, {"starts_at": "2026-12-24T18:00", "ends_at": "2026-12-24"}, WINDOW, "empty_window"),
    (WINDOW, {"ends_at": "2026-06-01"}, f"{WINDOW}/ends_at", "window_passed"),
    (WINDOW, {"ends_at": "2026-06-01T12:00"}, f"{WINDOW}/ends_at", "window_passed"),
    (SCHEDULE, [], SCHEDULE, "too_short"),
    (SCHEDULE, [{}] * 51, SCHEDULE, "too_long"),
    (SCHEDULE, [{"weekdays": []}], f"{SCHEDULE}/0/weekdays", "too_short"),
    (SCHEDULE, [{}, {"weekdays": ["Friday"]}], f"{SCHEDULE}/1/weekdays/0", "unknown_choice"),
    (SCHEDULE, [{"starts": "24:00"}], f"{SCHEDULE}/0/starts", "malformed"),
    (SCHEDULE, [{"ends": "24:01"}], f"{SCHEDULE}/0/ends", "malformed"),
    ("/earning_rules/0", {**SOUND["earning_rules"][0], "window": {"starts_at": "2026-12-24", "ends_at": "2026-12-25"}, "schedule": [{"weekdays": ["monday"]}, {"weekdays": ["friday"]}]}, SCHEDULE, "never_open"),
]  # fmt: skip

COMPETING: Final[list[tuple[str, object, str, str]]] = [
    (LIMITS, [{"per": "member"}], f"{LIMITS}/0", "not_exactly_one"),
    (LIMITS, [{"per": "member", "points": 1, "times": 1}], f"{LIMITS}/0", "not_exactly_one"),
    (LIMITS, [{"per": "member", "points": 0}], f"{LIMITS}/0/points", "out_of_range"),
    (LIMITS, [{"per": "member", "times": -1}], f"{LIMITS}/0/times", "out_of_range"),
    (LIMITS, [{"per": "order", "times": 1}], f"{LIMITS}/0", "out_of_range"),
    (LIMITS, [{"per": "order", "points": 1, "period": "day"}], f"{LIMITS}/0", "out_of_range"),
    (LIMITS, [{"per": "member", "times": 1, "period": "hour"}], f"{LIMITS}/0/period", "unknown_choice"),
    (LIMITS, [{"per": "till", "times": 1}], f"{LIMITS}/0/per", "unknown_choice"),
    (LIMITS, [{"per": "order", "points": 1}] * 11, LIMITS, "too_long"),
    ("/earning_rules", [{"key": f"r{n}", "wallet": "points", "earn": FIXED, "limits": [{"per": "member", "times": 1}]} for n in range(203)], "/earning_rules/200/limits", "too_many_limits"),
    ("/earning_rules/0/priority", 1001, "/earning_rules/0/priority", "out_of_range"),
    ("/earning_rules/0/group", "offer", "/earning_rules/0/group", "unknown_group"),
    ("/earning_rules/0/group", "boosts", "/earning_rules/3/group", "mixed_group"),
    ("/earning_rules/0/group", "offers", "/earning_rules/3/group", "mixed_group"),
    ("/earning_groups/1/group", "offer", "/earning_groups/1/group", "unknown_group"),
    ("/earning_groups/1/group", "boosts", "/earning_groups/1/group", "cyclic_groups"),
    ("/earning_groups/1/choose", "worst", "/earning_groups/1/choose", "unknown_choice"),
    ("/earning_groups", [*SOUND["earning_groups"], SOUND["earning_groups"][0]], "/earning_groups/2/key", "duplicate_key"),
    ("/earning_groups", [{"key": f"g{n}", "choose": "all"} for n in range(201)], "/earning_groups", "too_long"),
    ("/activities", SOUND["activities"][:1] * 2, "/activities/1/key", "duplicate_key"),
    ("/activities/0/once_per", "hour", "/activities/0/once_per", "unknown_choice"),
    ("/activities/0/attributes/score/type", "float", "/activities/0/attributes/score/type", "unknown_choice"),
    ("/earning_rules/2/activity", "poll", "/earning_rules/2/activity", "unknown_activity"),
    ("/policies/earning", {"choose": "some"}, "/policies/earning/choose", "unknown_choice"),
    ("/policies/earning", {"tax": True}, "/policies/earning/tax", "unknown_choice"),
    ("/policies/earning", {"unearning_tenders": [""]}, "/policies/earning/unearning_tenders/0", "too_short"),
    ("/policies/earning", {"excluded": {"attributes": {"size": 1}}}, "/policies/earning/excluded/attributes/size", "undeclared_attribute"),
]  # fmt: skip

RULES: Final = [*CONDITIONS, *EARN, *TIMES, *COMPETING]
