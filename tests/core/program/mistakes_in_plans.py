"""Single mistakes in plans: as in ``mistakes``."""

from typing import Any, Final

from tests.core.program.mistakes import GONE, SOUND

CLUB: Final = "/plans/0"
GIVES: Final = f"{CLUB}/privileges"
PLUS: Final = SOUND["plans"][1]
WHEN: Final = "/earning_rules/0/when"


def plus(**fields: object) -> dict[str, Any]:
    return {**PLUS, **fields}


PLANS: Final[list[tuple[str, object, str, str]]] = [
    (f"{CLUB}/price", GONE, f"{CLUB}/price", "required"),
    (f"{CLUB}/price", -1, f"{CLUB}/price", "out_of_range"),
    (f"{CLUB}/price", "49", f"{CLUB}/price", "wrong_type"),
    (f"{CLUB}/price", 49.5, f"{CLUB}/price", "wrong_type"),
    ("/plans/1/price", 0, "/plans/1/price", "no_price"),
    (f"{CLUB}/term", GONE, f"{CLUB}/term", "required"),
    (f"{CLUB}/term", {"months": 0}, f"{CLUB}/term/months", "out_of_range"),
    (f"{CLUB}/trial", {"days": 1, "weeks": 1}, f"{CLUB}/trial", "not_exactly_one"),
    (f"{CLUB}/key", "Club", f"{CLUB}/key", "malformed"),
    (f"{CLUB}/refund/kind", "half", f"{CLUB}/refund/kind", "unknown_choice"),
    (f"{CLUB}/refund", {"kind": "full"}, f"{CLUB}/refund/within", "required"),
    (f"{CLUB}/cancels", "never", f"{CLUB}/cancels", "unknown_choice"),
    (f"{CLUB}/overpaid", "keep", f"{CLUB}/overpaid", "unknown_choice"),
    (f"{CLUB}/lasts", {"days": 1}, f"{CLUB}/lasts", "unknown_field"),
    (f"{GIVES}/discount", {"percent": "101%"}, f"{GIVES}/discount/percent", "out_of_range"),
    (f"{GIVES}/multipliers", [{"wallet": "gold", "factor": 2}], f"{GIVES}/multipliers/0/wallet", "unknown_wallet"),
    (f"{GIVES}/entitlements", ["lounge", "lounge"], f"{GIVES}/entitlements/1", "duplicate_key"),
    ("/plans", [PLUS] * 51, "/plans", "too_long"),
    ("/plans/1/key", "club", "/plans/1/key", "duplicate_key"),
    (f"{CLUB}/activity", "visit", f"{CLUB}/activity", "unknown_activity"),
    (f"{CLUB}/activity", "survey", f"{CLUB}/activity", "not_a_payment"),
    (
        "/plans",
        [plus(activity="club_paid"), plus(key="club", activity="club_paid")],
        "/plans/1/activity",
        "duplicate_key",
    ),
    ("/plans/1", plus(price=0, trial={"days": 7}, grace={"days": 1}), "/plans/1/grace", "ignored"),
    ("/plans/1", plus(cancels="at_once"), "/plans/1/cancels", "nothing_given_back"),
    ("/tier_sets/0/tiers/1/plan", "vip", "/tier_sets/0/tiers/1/plan", "unknown_plan"),
    (WHEN, {"fact": "member.plans", "includes": "vip"}, f"{WHEN}/includes", "unknown_option"),
    (WHEN, {"fact": "member.plans", "is": "club"}, f"{WHEN}/is", "operator_not_allowed"),
    (
        "/earning_rules/2/when",
        {"fact": "member.plans", "includes": "vip"},
        "/earning_rules/2/when/includes",
        "unknown_option",
    ),
    (
        "/referrals/0/advocate/when",
        {"fact": "member.plans", "includes": "vip"},
        "/referrals/0/advocate/when/includes",
        "unknown_option",
    ),
]
