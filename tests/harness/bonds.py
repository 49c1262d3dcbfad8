"""Writes that bind members over months, and the program in which they are possible: tiers, memberships, friends, codes."""

from typing import Any, Final

from tests.harness.api import Api, fresh
from tests.harness.codes import upload_vouchers
from tests.harness.programs import Json, document
from tests.harness.referrals import FRIENDS, code_of_member, registered

NAMES: Final = (
    "tier_grant",
    "tier_grant_end",
    "plan_payment",
    "plan_trial",
    "plan_cancel",
    "plan_refund",
    "referral",
    "referral_verdict",
    "fingerprints",
    "code",
)
"""The kinds of such writes."""

_STATUS: Final[Json] = {
    "key": "status",
    "metric": {"kind": "spend"},
    "window": {"kind": "lifetime"},
    "tiers": [{"key": "gold", "at_least": 1_000_000}],
}
_CLUB: Final[Json] = {
    "key": "club",
    "price": 3000,
    "term": {"months": 120},
    "trial": {"days": 7},
    "refund": {"kind": "prorated"},
}


def document_of_bonds() -> Json:
    """Return rules with a tier set, two plans and a referral programme beside all else."""
    plans = [_CLUB, {**_CLUB, "key": "plus"}]
    return {**document(), "tier_sets": [_STATUS], "plans": plans, "referrals": [FRIENDS]}


async def prepare_bond(name: str, api: Api, member: str) -> tuple[str, Json]:
    """Return path and body of a write that will be accepted; what it needs is made first."""
    match name:
        case "tier_grant" | "tier_grant_end":
            path = f"/members/{member}/tiers/status/grants"
            body: Json = {"tier": "gold", "until": "2098-01-15T10:00:00Z", "reason": "goodwill"}
            if name == "tier_grant":
                return path, body
            await _made(api, path, body)
            return f"{path}/end", {"reason": "mistake"}
        case "referral" | "referral_verdict" | "fingerprints":
            return await _prepare_friend(name, api, member)
        case "code":
            pool = fresh("p").replace("-", "_").lower()
            await upload_vouchers(api, pool, [fresh("v").upper() for _ in range(9)])
            return f"/members/{member}/codes", {"pool": pool}
        case _:
            return await _prepare_plan(name, api, member)


async def _prepare_plan(name: str, api: Api, member: str) -> tuple[str, Json]:
    path = f"/members/{member}/plans/club"
    if name == "plan_trial":
        return f"{path}/trial", {}
    payment: Json = {"payment": fresh("pay"), "amount": 3000, "currency": "EUR", "paid_at": "2026-01-15T10:00:00Z"}
    if name == "plan_payment":
        await _made(api, f"/members/{member}/plans/plus/payments", {**payment, "payment": fresh("pay")})
        return f"{path}/payments", {**payment, "replaces": "plus"}
    await _made(api, f"{path}/payments", payment)
    if name == "plan_cancel":
        return f"{path}/cancel", {"reason": "moved_away", "at_once": True}
    return f"{path}/refunds", {"payment": payment["payment"], "reason": "complaint", "in_full": True}


async def _prepare_friend(name: str, api: Api, member: str) -> tuple[str, Json]:
    seen = {"fingerprints": [{"kind": "device", "digest": fresh("d")}]}
    if name == "fingerprints":
        return f"/members/{member}/fingerprints", seen
    friend = await api.new_member()
    if name == "referral":
        code = (await code_of_member(api, member)).replace("-", "")
        return "/referrals", {"member": friend, "code": code, "programme": "friends", **seen}
    await _made(api, f"/members/{member}/fingerprints", seen)
    waiting = await registered(api, friend, member, **seen)
    return f"/referrals/{waiting}/review", {"verdict": "approve", "reason": "same_household"}


async def _made(api: Api, path: str, body: dict[str, Any]) -> None:
    answer = await api.post(path, body)
    assert answer.status_code == 201, answer.text
