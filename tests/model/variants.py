"""The programs that the model is compared with: as the engine's documents, and as the naive program's rules."""

from typing import Any, Final

from tests.model.calendar import Life
from tests.model.ladders import Ladder
from tests.model.purchases import Inviting, Rules
from tests.model.stays import Plan

VARIANTS: Final = (
    Rules(
        lives={
            "points": Life(last=20, ends="with the month"),
            "stamps": Life(wait=None, last=40),
            "miles": Life(wait=3, last=10, ends="slides"),
        },
        ladders=(
            Ladder("status", "spend", "month", (3000, 9000), more=1, plans=((1, "basic"), (2, "club"))),
            Ladder("often", "orders", 20, (1, 2, 3), days=25, falls="one_level", grace=3, plans=((2, "club"),)),
        ),
        plans=(
            Plan("club", 1000, grace=3, trial=4, refund="prorated"),
            Plan("basic", 300, days=6, ends_at_once=True, takes_more=True),
        ),
    ),
    Rules(
        lives={
            "points": Life(last=15, ends="slides"),
            "stamps": Life(wait=2, last=10),
            "miles": Life(wait=None),
        },
        worth=(5, 2),
        step=5,
        policy="proportional",
        clawback="clamp",
        grace_days=None,
        big_waits=True,
        mugs=2,
        codes_stay=True,
        friends=Inviting(least=2000, settles=5),
        ladders=(
            Ladder("status", "points", "month", (0, 20, 60), more=0, falls="never", plans=((2, "club"), (3, "basic"))),
            Ladder("card", "spend", "ever", (2000, 5000, 8000)),
        ),
        plans=(
            Plan("club", 777, days=10, grace=5, refund=2, trial=2),
            Plan("basic", 300, days=30, refund="prorated", ends_at_once=True),
        ),
    ),
    Rules(
        lives={
            "points": Life(last=9),
            "stamps": Life(wait=None, last=12, ends="slides"),
            "miles": Life(wait=1, last=30),
        },
        worth=(3, 4),
        step=3,
        least=3,
        share=50,
        clawback="refuse",
        grace_days=3,
        waiting_days=2,
        friends=Inviting(settles=2, most=1),
        ladders=(
            Ladder("status", "orders", "month", (1, 3), more=0, grace=2, keeps=True),
            Ladder("often", "points", 15, (10, 40), days=10, falls="one_level", plans=((1, "club"),)),
        ),
        plans=(
            Plan("club", 500, days=3, trial=10, refund="prorated", takes_more=True),
            Plan("basic", 900, days=14, grace=1, refund=3),
        ),
    ),
    Rules(
        lives={"points": Life(wait=4, last=6), "stamps": Life(), "miles": Life(last=25)},
        policy="none",
        friends=Inviting(least=0, settles=1, within=10),
        ladders=(
            Ladder("status", "spend", 30, (3000, 6000), days=30, grace=5, plans=((2, "club"),)),
            Ladder("card", "points", "ever", (15, 50), plans=((1, "club"), (2, "basic"))),
        ),
        plans=(
            Plan("club", 1234, months=2, grace=20, refund=30),
            Plan("basic", 300, days=5, is_sold=False),
        ),
    ),
)


def document_of(rules: Rules) -> dict[str, Any]:
    """Return the document of a naive program."""
    redeem = {
        "points": rules.worth[0],
        "amount": rules.worth[1],
        "min_points": rules.least,
        "step": rules.step,
        "max_share": f"{rules.share}%",
    }
    redeemable = {"points": {"redeem": redeem}, "miles": {"redeem": redeem}, "stamps": {}}
    big = {"activation": {"kind": "confirmed"}} if rules.big_waits else {}
    expired = "stay_expired" if rules.grace_days is None else "grace"
    return {
        "version": 1,
        "program": {"name": "Naive", "currency": "EUR", "time_zone": "Europe/Berlin"},
        "policies": {
            "returns": {
                "points": rules.policy,
                "clawback": rules.clawback,
                "expired": expired,
                **({} if rules.grace_days is None else {"grace_days": rules.grace_days}),
                "unmatched_days": rules.waiting_days,
            },
            "promotions": {"codes_after_return": "stays_used" if rules.codes_stay else "given_back"},
        },
        "wallets": [
            {"key": key, "unit": "points", **redeemable[key], **_life(life)} for key, life in rules.lives.items()
        ],
        "tier_sets": [_ladder(ladder) for ladder in rules.ladders],
        "plans": [_plan(plan) for plan in rules.plans],
        "referrals": [_referrals(rules.friends)],
        "promotions": [
            {
                "key": "mug",
                "effect": {"kind": "gift", "sku": "mug"},
                "limits": [{"per": "member", "times": rules.mugs}],
            },
            *({"key": key, "opened_by": "code", "effect": {"kind": "gift", "sku": key}} for key in limits_of(rules)),
        ],
        "earning_rules": [
            {"key": "base", "wallet": "points", "earn": {"kind": "per_amount", "points": 1, "per": 100}},
            {
                "key": "big",
                "wallet": "points",
                "when": {"fact": "order.total", "at_least": 3000},
                "earn": {"kind": "fixed", "points": 10},
                **big,
            },
            {
                "key": "club",
                "wallet": "points",
                "when": {"fact": "member.plans", "includes": "club"},
                "earn": {"kind": "fixed", "points": 4},
            },
            {
                "key": "beans",
                "wallet": "stamps",
                "earn": {"kind": "per_unit", "points": 1, "of": {"category": ["coffee"]}},
            },
            {"key": "miles", "wallet": "miles", "earn": {"kind": "per_amount", "points": 3, "per": 200}},
        ],
    }


def limits_of(rules: Rules) -> dict[str, dict[str, Any]]:
    """Return how often each code can be used; it is called like its promotion."""
    return {"tote": {"per": "member", "times": 1}, "pins": {"per": "code", "times": rules.pins}}


def _life(life: Life) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if life.wait is None:
        found["activation"] = {"kind": "confirmed"}
    elif life.wait:
        found["activation"] = {"kind": "after", "length": {"days": life.wait}}
    if life.ends == "slides":
        found["expiry"] = {"kind": "sliding", "length": {"days": life.last}}
    elif life.last:
        month = {"to_end_of": "month"} if life.ends == "with the month" else {}
        found["expiry"] = {"kind": "after", "length": {"days": life.last}, **month}
    return found


def _ladder(ladder: Ladder) -> dict[str, Any]:
    metric = {"kind": "points_earned", "wallet": "points"} if ladder.metric == "points" else {"kind": ladder.metric}
    lasts: dict[str, Any] = {"kind": "forever"}
    plans = dict(ladder.plans)
    if ladder.days is not None:
        lasts = {"kind": "length", "length": {"days": ladder.days}}
    elif ladder.more is not None:
        lasts = {"kind": "window", "more": ladder.more}
    return {
        "key": ladder.key,
        "metric": metric,
        "window": _window(ladder),
        "tiers": [
            {"key": key, "at_least": least, **({"plan": plans[rank]} if rank in plans else {})}
            for rank, (key, least) in enumerate(zip(ladder.keys, ladder.least, strict=True), start=1)
        ],
        "lasts": lasts,
        "downgrade": ladder.falls,
        "returns": "keep" if ladder.keeps else "lower",
        **({"grace": {"days": ladder.grace}} if ladder.grace else {}),
    }


def _window(ladder: Ladder) -> dict[str, Any]:
    match ladder.window:
        case "ever":
            return {"kind": "lifetime"}
        case "month":
            return {"kind": "calendar", "unit": "month"}
        case days:
            return {"kind": "rolling", "length": {"days": days}}


def _plan(plan: Plan) -> dict[str, Any]:
    refund: dict[str, Any] = {"kind": plan.refund}
    if isinstance(plan.refund, int):
        refund = {"kind": "full", "within": {"days": plan.refund}}
    more = {"grace": plan.grace, "trial": plan.trial}
    return {
        "key": plan.key,
        "price": plan.price,
        "term": {"months": plan.months} if plan.days is None else {"days": plan.days},
        **{key: {"days": days} for key, days in more.items() if days},
        "refund": refund,
        "cancels": "at_once" if plan.ends_at_once else "at_end",
        "overpaid": "accept" if plan.takes_more else "refuse",
        "sold": plan.is_sold,
        "privileges": {"entitlements": [plan.key]},
    }


def _referrals(terms: Inviting) -> dict[str, Any]:
    def give(points: int) -> list[dict[str, Any]]:
        return [{"kind": "points", "wallet": "points", "points": points}]

    return {
        "key": "friends",
        "qualifies": {
            "kind": "order",
            "at_least": terms.least,
            "within": {"days": terms.within},
            **({"settles_after": {"days": terms.settles}} if terms.settles else {}),
        },
        "friend": {"rewards": give(terms.points)},
        "advocate": {
            "ladder": [{"from_friends": number, "rewards": give(points)} for number, points in terms.rungs],
            "limits": [{"friends": terms.most}],
        },
    }
