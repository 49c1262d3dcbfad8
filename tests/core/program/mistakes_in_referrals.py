"""Single mistakes in referral programmes: as in ``mistakes``."""

from typing import Any, Final

from tests.core.program.mistakes import GONE, SOUND

FRIENDS: Final = "/referrals/0"
QUALIFIES: Final = f"{FRIENDS}/qualifies"
FRIEND: Final = f"{FRIENDS}/friend"
ADVOCATE: Final = f"{FRIENDS}/advocate"
LADDER: Final = f"{ADVOCATE}/ladder"
GUARDS: Final = f"{FRIENDS}/guards"


def points(**more: object) -> dict[str, Any]:
    return {"kind": "points", "wallet": "points", "points": 5, **more}


def rung(friends: int) -> dict[str, Any]:
    return {"from_friends": friends, "rewards": [points()]}


TERMS: Final[list[tuple[str, object, str, str]]] = [
    (f"{FRIENDS}/key", GONE, f"{FRIENDS}/key", "required"),
    (f"{FRIENDS}/key", "Friends", f"{FRIENDS}/key", "malformed"),
    ("/referrals/1/key", "friends", "/referrals/1/key", "duplicate_key"),
    (f"{FRIENDS}/qualifies", GONE, QUALIFIES, "required"),
    (f"{FRIENDS}/bonus", 5, f"{FRIENDS}/bonus", "unknown_field"),
    (f"{FRIENDS}/link", "https://shop.example/r/", f"{FRIENDS}/link", "malformed"),
    (f"{FRIENDS}/link", "https://shop.example/{code}/{code}", f"{FRIENDS}/link", "malformed"),
    (f"{FRIENDS}/link", "https://shop.example/{member}/{code}", f"{FRIENDS}/link", "malformed"),
    (f"{FRIENDS}/link", "https://shop.example/ {code}", f"{FRIENDS}/link", "malformed"),
    (f"{FRIENDS}/link", "javascript:{code}", f"{FRIENDS}/link", "malformed"),
    (QUALIFIES, {}, f"{QUALIFIES}/kind", "required"),
    (QUALIFIES, {"kind": "visit"}, f"{QUALIFIES}/kind", "unknown_choice"),
    (f"{QUALIFIES}/at_least", -1, f"{QUALIFIES}/at_least", "out_of_range"),
    (f"{QUALIFIES}/activity", "survey", f"{QUALIFIES}/activity", "unknown_field"),
    (f"{QUALIFIES}/within", {"days": 0}, f"{QUALIFIES}/within/days", "out_of_range"),
    (f"{QUALIFIES}/settles_after", {}, f"{QUALIFIES}/settles_after", "not_exactly_one"),
    ("/referrals/1/qualifies/activity", "visit", "/referrals/1/qualifies/activity", "unknown_activity"),
    (f"{FRIEND}/rewards/0", {}, f"{FRIEND}/rewards/0/kind", "required"),
    (f"{FRIEND}/rewards/0/points", 0, f"{FRIEND}/rewards/0/points", "out_of_range"),
    (f"{FRIEND}/rewards/0/wallet", "gold", f"{FRIEND}/rewards/0/wallet", "unknown_wallet"),
    (f"{FRIEND}/rewards", [points()] * 11, f"{FRIEND}/rewards", "too_long"),
    (f"{FRIEND}/enrolled_within", {"days": 1, "weeks": 1}, f"{FRIEND}/enrolled_within", "not_exactly_one"),
    (f"{LADDER}/0/rewards/0/wallet", "gold", f"{LADDER}/0/rewards/0/wallet", "unknown_wallet"),
    (f"{LADDER}/1/rewards", [], f"{LADDER}/1/rewards", "too_short"),
    (f"{LADDER}/1/rewards/0", {"kind": "code"}, f"{LADDER}/1/rewards/0/pool", "required"),
    (f"{LADDER}/1/from_friends", 1, f"{LADDER}/1/from_friends", "out_of_range"),
    (f"{LADDER}/1/from_friends", 0, f"{LADDER}/1/from_friends", "out_of_range"),
    (LADDER, [rung(n) for n in range(1, 22)], LADDER, "too_long"),
    (f"{ADVOCATE}/limits/0/friends", 0, f"{ADVOCATE}/limits/0/friends", "out_of_range"),
    (f"{ADVOCATE}/limits/0/period", "hour", f"{ADVOCATE}/limits/0/period", "unknown_choice"),
    (f"{ADVOCATE}/when", {"fact": "order.total", "at_least": 1}, f"{ADVOCATE}/when/fact", "unknown_fact"),
    (f"{ADVOCATE}/when", {"fact": "member.orders", "is": "1"}, f"{ADVOCATE}/when/is", "wrong_type"),
    (
        f"{ADVOCATE}/when",
        {"lines": {"sku": ["1"]}, "count": {"at_least": 1}},
        f"{ADVOCATE}/when/lines",
        "fact_not_available",
    ),
    (
        f"{ADVOCATE}/when",
        {"not": {"history": {"days": 30}, "orders": {"at_least": 1}}},
        f"{ADVOCATE}/when/not/history",
        "fact_not_available",
    ),
    (f"{GUARDS}/per_day", 0, f"{GUARDS}/per_day", "out_of_range"),
    (f"{GUARDS}/with_advocate/device", "block", f"{GUARDS}/with_advocate/device", "unknown_choice"),
    (f"{GUARDS}/with_members", {"ip": "review"}, f"{GUARDS}/with_members/ip", "unknown_field"),
    ("/referrals", [SOUND["referrals"][0]] * 11, "/referrals", "too_long"),
]

LINTS: Final[list[tuple[str, object, str, str]]] = [
    (f"{QUALIFIES}/settles_after", GONE, QUALIFIES, "rewarded_too_early"),
    (f"{QUALIFIES}/at_least", 300, QUALIFIES, "free_of_charge"),
    (f"{ADVOCATE}/limits", [], ADVOCATE, "no_limit"),
    ("/referrals/1/friend", GONE, "/referrals/1", "nobody_gets_it"),
]

REFERRALS: Final = [*TERMS, *LINTS]
