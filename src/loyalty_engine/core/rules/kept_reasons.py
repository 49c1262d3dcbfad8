"""Reasons as they are kept with an operation: a third of the size of what people are shown, and turned back on demand.

A kept reason is a list. ``[rule, wallet, amount]`` applied; ``[rule, wallet, amount, {"limit": …}]`` applied, but cut;
``[rule, wallet, code]`` did not apply, without more to say; ``[rule, wallet, {"limit": …}]`` and ``[rule, wallet,
{"outdone": …}]`` did not because of a limit or a group; ``[rule, wallet, miss]`` missed its condition. A miss is
``[fact, operator, needed, actual, missing, lines, personal, history, attribute]`` with trailing nothings left out,
``{"any": [misses]}`` or ``{"not": condition, "personal": …}``. A promotion's begins with an empty text, which is no rule's
key: ``["", promotion, amount or code, why]``.
"""

from typing import Any, Final, assert_never

from loyalty_engine.core.rules.reasons import (
    Capped,
    Excluded,
    Miss,
    NoneOf,
    Outdone,
    PromotionReason,
    Reason,
    Unmet,
    Why,
)

_SHORTEST_MISS: Final = 4
_LONGEST_MISS: Final = 9
_PROMOTION: Final = ""


def keep_reason(reason: Reason | PromotionReason) -> list[Any]:
    """Return the kept form of a reason."""
    if isinstance(reason, PromotionReason):
        return _keep_promotion(reason)
    if reason.applied:
        kept: list[Any] = [reason.rule, reason.wallet, reason.amount]
        return kept if reason.why is None else [*kept, _keep_why(reason.why)]
    return [reason.rule, reason.wallet, reason.code if reason.why is None else _keep_why(reason.why)]


def _keep_promotion(reason: PromotionReason) -> list[Any]:
    kept: list[Any] = [_PROMOTION, reason.promotion, reason.amount if reason.applied else reason.code]
    return kept if reason.why is None else [*kept, _keep_why(reason.why)]


def _show_promotion(promotion: str, verdict: int | str, why: Any = None) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    is_applied = isinstance(verdict, int)
    shown: dict[str, Any] = {
        "promotion": promotion,
        "applied": is_applied,
        "code": "applied" if is_applied else verdict,
        "amount": verdict if is_applied else 0,
    }
    if why is None:
        return shown
    is_named = isinstance(why, dict) and why.keys() & {"limit", "outdone"}
    return {**shown, **(why if is_named else {"miss": _show_miss(why)})}


def show_kept_reason(kept: list[Any]) -> dict[str, Any]:
    """Return a kept reason as :meth:`Reason.as_json` shows it."""
    rule, wallet, verdict, *rest = kept
    if rule == _PROMOTION:
        return _show_promotion(wallet, verdict, *rest)
    shown = {"rule": rule, "applied": False, "code": "condition_failed", "amount": 0, "wallet": wallet}
    match verdict:
        case int():
            return {**shown, "applied": True, "code": "applied", "amount": verdict, **(rest[0] if rest else {})}
        case str():
            return {**shown, "code": verdict}
        case {"limit": _}:
            return {**shown, "code": "limit_reached", **verdict}
        case {"outdone": _}:
            return {**shown, "code": "outdone", **verdict}
        case miss:
            return {**shown, "miss": _show_miss(miss)}


def _keep_why(why: Why) -> Any:  # noqa: ANN401 - any JSON value
    match why:
        case Capped():
            return {"limit": why.as_json()}
        case Outdone():
            return {"outdone": why.as_json()}
        case _:
            return _keep_miss(why)


def _keep_miss(miss: Miss) -> Any:  # noqa: ANN401 - any JSON value
    match miss:
        case Unmet():
            return _keep_unmet(miss)
        case NoneOf(misses):
            return {"any": [_keep_miss(inner) for inner in misses]}
        case Excluded(condition, personal):
            return {"not": condition, "personal": personal}
        case _:
            assert_never(miss)


def _keep_unmet(miss: Unmet) -> list[Any]:
    need = miss.need
    about = [need.lines, need.personal or None, need.history, need.attribute]
    kept = [need.fact, need.operator, need.needed, *miss.measured(), *about]
    while len(kept) > _SHORTEST_MISS and kept[-1] is None:
        kept.pop()
    return kept


def _show_miss(kept: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    if isinstance(kept, list):
        return _show_unmet(kept)
    if "any" in kept:
        return {"code": "none_of", "misses": [_show_miss(inner) for inner in kept["any"]]}
    shown = {"code": "excluded", "condition": kept["not"]}
    return {**shown, "personal": True} if kept["personal"] else shown


def _show_unmet(kept: list[Any]) -> dict[str, Any]:
    padded = kept + [None] * (_LONGEST_MISS - len(kept))
    fact, operator, needed, actual, missing, lines, personal, history, attribute = padded
    shown = {"code": "unmet", "fact": fact, "operator": operator, "needed": needed, "actual": actual}
    rest = {"missing": missing, "lines": lines, "personal": personal, "history": history, "attribute": attribute}
    return {**shown, **{name: value for name, value in rest.items() if value is not None}}
