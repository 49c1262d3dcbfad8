"""Why promotions gave something or did not, as callers and explanations see it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loyalty_engine.core.earning.index import FactDoor, Seen
from loyalty_engine.core.promotions.evaluation import Applied, Promoted, Refused
from loyalty_engine.core.promotions.offers import Promotion
from loyalty_engine.core.promotions.promotions import Promotions
from loyalty_engine.core.rules.reasons import Capped, Outdone, PromotionReason, Why, WhyNotPromoted


def reasons_of(promoted: Promoted) -> tuple[PromotionReason, ...]:
    """Return a reason for every promotion that was looked at, in the order of the document."""
    reasons = [(one.promotion.position, _of_applied(one)) for one in promoted.applied]
    reasons += [(one.promotion.position, _of_refused(one)) for one in promoted.refused]
    return tuple([reason for _, reason in sorted(reasons, key=lambda pair: pair[0])])


def explain_promotions(
    promotions: Promotions, shown: Iterable[Mapping[str, Any]], seen: Seen
) -> Sequence[Mapping[str, Any]]:
    """Return a reason as JSON for every promotion: those ``shown``, and why nobody had to look at the others."""
    given = {reason["promotion"]: reason for reason in shown}
    return [given.get(one.key) or explain_unseen(one, seen).as_json() for one in promotions.promotions]


def _of_applied(applied: Applied) -> PromotionReason:
    why = None if applied.cut is None else Capped(applied.cut.written, applied.used, applied.wanted)
    return PromotionReason(applied.promotion.key, applied=True, code="applied", amount=applied.value, why=why)


def _of_refused(refused: Refused) -> PromotionReason:
    return PromotionReason(refused.promotion.key, applied=False, code=refused.code, amount=0, why=_why(refused))


def _why(refused: Refused) -> Why | None:
    if refused.cap is not None:
        return Capped(refused.cap.written, refused.used, refused.wanted)
    if refused.code == "outdone":
        return Outdone(refused.group, refused.wanted)
    return refused.miss


def explain_unseen(promotion: Promotion, seen: Seen) -> PromotionReason:
    """Return why a promotion was not even looked at."""
    if not promotion.is_active:
        return PromotionReason(promotion.key, applied=False, code="inactive", amount=0, why=None)
    miss = promotion.door.miss(seen) if isinstance(promotion.door, FactDoor) else getattr(promotion.door, "miss", None)
    code: WhyNotPromoted = "nothing_to_discount" if miss is None else "condition_failed"
    return PromotionReason(promotion.key, applied=False, code=code, amount=0, why=miss)
