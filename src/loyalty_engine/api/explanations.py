"""Reasons in plain English: one sentence per rule, made from what was stored with the operation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from loyalty_engine.api.phrases import (
    show_birthday,
    show_budget,
    show_comparison,
    show_condition,
    show_fact,
    show_limit,
    show_past,
    show_tier,
    show_value,
)
from loyalty_engine.api.problems import PROBLEMS

Json = Mapping[str, Any]

_PLAIN: Final = {
    "inactive": "the rule is switched off",
    "not_open": "the rule was closed at that time",
    "nothing_to_earn": "there is nothing, or too little, to earn on",
    "wallet_gone": "the program does not have this wallet any more",
}
_PLAIN_FOR_PROMOTIONS: Final = {
    "inactive": "the promotion is switched off",
    "not_open": "the promotion was closed at that time",
    "code_needed": "it takes a promo code",
    "not_for_this_buyer": "it is for other buyers, channels or locations",
    "member_required": "it is limited per member, and nobody knows whose order this is",
    "nothing_to_discount": "there is nothing to take off",
}
_PLAIN_FOR_CODES: Final = {
    "unknown": "there is no such code, or it is of no use to whoever reads this",
    "paused": "it is switched off",
    "not_started": "it could not be used yet",
    "expired": "it could not be used any more",
    "wrong_member": "it belongs to somebody else",
    "opens_nothing": "it is a partner's voucher",
    "promotion_gone": "no promotion is opened by it",
    "member_required": "it counts by member, and nobody knows whose order this is",
    "guest_required": "it counts by guest, and nobody said who it was",
    "given_twice": "another code opened the same promotion",
}
_STATES: Final = {
    "registered": "registered, and waits for what counts",
    "in_review": "waits for somebody to look at it",
    "qualified": "counts, without a reward",
    "rewarded": "counts, and both sides are rewarded",
    "reversed": "counts no more, and gives back what it gave",
    "rejected": "does not count",
}
_WHY: Final = {
    "cycle": "the friend brought the advocate, or one before that",
    "too_many_a_day": "the advocate brought many friends on that day",
    "ordered_before": "an older order of the friend turned up",
    "same_member": "both are one member",
    "friend_blocked": "the friend is blocked",
    "advocate_blocked": "the advocate is blocked",
    "programme_gone": "the program does not have this programme any more",
    "not_in_time": "what counts did not happen in time",
    "came_back": "what it counted for came back",
    "by_review": "somebody decided so",
    "limit_reached": "the advocate was rewarded for as many friends as it can be",
    "no_code_left": "a pool had no code to give to the friend",
    "no_code_for_advocate": "a pool had no code to give to the advocate",
}
_SHARED: Final = {"identity": "identity", "payment": "means of payment", "device": "device", "address": "address"}
_WITH: Final = {"shared_with_advocate": "the advocate", "shared_with_member": "another member"}
_HISTORY: Final = "history."


def explain(reasons: Sequence[Json]) -> list[str]:
    """Return one sentence per reason, in the order of the program's rules."""
    return [f"{reason['rule']}: {_verdict(reason, _words_for_rules(reason))}" for reason in reasons]


def explain_promotions(reasons: Sequence[Json]) -> list[str]:
    """Return one sentence per reason, in the order of the program's promotions."""
    return [f"{reason['promotion']}: {_verdict(reason, _FOR_PROMOTIONS)}" for reason in reasons]


def explain_codes(codes: Sequence[Json]) -> list[str]:
    """Return one sentence per promo code, in the order in which they were typed."""
    return [f"{code['code']}: {_verdict_on_code(code)}" for code in codes]


def explain_tiers(moves: Sequence[Json]) -> list[str]:
    """Return one sentence per tier that the member got, lost or keeps for longer."""
    return [_show_move(move) for move in moves]


def _show_move(move: Json) -> str:
    until = None if move["until"] is None else datetime.fromisoformat(move["until"])
    return f"tiers: {show_tier(move['set'], move['from'], move['tier'], until)}"


def explain_referral(referral: Json) -> list[str]:
    """Return a sentence on a friend: where its referral is, or why it is none, and another for each reason. None: no sentence."""
    if not referral:
        return []
    if referral.get("refused"):
        problem = PROBLEMS[referral["refused"]]
        return [f"friend: not registered, {_lower(problem.title)}"]
    whose = referral.get("programme", "friend")
    why = [f"{whose}: {_show_why(reason)}" for reason in referral.get("reasons", ())]
    return [f"{whose}: {_STATES[referral['state']]}", *why]


def _show_why(reason: Json) -> str:
    if "fingerprint" in reason:
        return f"the friend shares its {_SHARED[reason['fingerprint']]} with {_WITH[reason['reason']]}"
    return _WHY[reason["reason"]]


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


def _verdict_on_code(code: Json) -> str:
    match code:
        case {"reason": "used", "promotion": promotion}:
            return f"used for {promotion}"
        case {"reason": "promotion_failed", "promotion": promotion, "why": why}:
            return f"not used, {promotion} was {_verdict(why, _FOR_PROMOTIONS)}"
        case {"limit": limit}:
            return f"not used, {show_budget(limit)} is reached"
        case {"reason": reason}:
            return f"not used, {_PLAIN_FOR_CODES[reason]}"
        case _:
            raise AssertionError(code)


@dataclass(frozen=True, slots=True)
class _Words:
    """How reasons of one kind are told; ``gives`` and ``give`` have a place for the amount."""

    noun: str
    gives: str
    give: str
    show_limit: Callable[[Json], str]
    plain: Mapping[str, str]


_FOR_PROMOTIONS: Final = _Words("promotion", "takes {} off", "take {} off", show_budget, _PLAIN_FOR_PROMOTIONS)


def _words_for_rules(reason: Json) -> _Words:
    wallet = reason["wallet"] or "points"
    return _Words("rule", f"gives {{}} {wallet}", f"give {{}} {wallet}", partial(show_limit, wallet=wallet), _PLAIN)


def _verdict(reason: Json, words: _Words) -> str:
    gives = words.gives.format(reason["amount"])
    match reason:
        case {"code": "applied", "limit": {"limit": limit, "used": used, "wanted": wanted}}:
            return f"applied, {gives}, cut from {wanted} by {words.show_limit(limit)} ({used} used)"
        case {"code": "applied"}:
            return f"applied, {gives}"
        case {"limit": {"limit": limit, "used": used, "wanted": wanted}}:
            would = words.give.format(wanted)
            return f"not applied, {words.show_limit(limit)} is reached ({used} used); would {would}"
        case {"outdone": {"group": group, "wanted": wanted}}:
            chosen = f"another {words.noun}" if group is None else f"another {words.noun} of the group {group}"
            return f"not applied, {chosen} was chosen; would {words.give.format(wanted)}"
        case {"miss": dict(miss)}:
            return f"not applied, {_show_miss(miss)}"
        case {"code": code}:
            return f"not applied, {words.plain[code]}" if code in words.plain else f"not applied ({code})"
        case _:
            raise AssertionError(reason)


def _show_miss(miss: Json) -> str:
    match miss["code"]:
        case "unmet" if miss["fact"] == "member.birthday":
            return f"needs {_show_need(miss)}, and when that is is personal"
        case "unmet":
            return f"needs {_show_need(miss)}, {_show_actual(miss)}"
        case "none_of":
            return "needs one of these: " + "; or ".join(_show_miss(inner) for inner in miss["misses"])
        case "excluded" if miss.get("personal"):
            return "excluded by a condition on what is personal"
        case "excluded":
            return f"excluded because {show_condition(miss['condition'])}"
        case code:
            return str(code)


def _show_need(miss: Json) -> str:
    fact, operator, needed, lines = miss["fact"], miss["operator"], miss["needed"], miss.get("lines")
    match miss:
        case {"history": dict(window)}:
            return show_past(fact.removeprefix(_HISTORY), operator, needed, window=window, lines=lines)
        case {"fact": "member.birthday", "needed": dict(window)}:
            return show_birthday(window)
        case _:
            return f"{show_fact(fact, lines, miss.get('attribute'))} {show_comparison(operator, needed)}"


def _show_actual(miss: Json) -> str:
    is_past = "history" in miss
    if miss.get("personal"):
        return "what it was is personal"
    if miss["actual"] is None:
        return "none is known" if is_past else "was absent"
    missing = f" ({show_value(miss['missing'])} missing)" if "missing" in miss else ""
    return f"{'found' if is_past else 'was'} {show_value(miss['actual'])}{missing}"
